"""Encode the JSON body of a request, with large attachments in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.errors import InputError
from gemini_cli.formats import strict_json
from gemini_cli.formats.strict_json import StreamedString
from gemini_cli.transport.body import RequestContent, StreamedBody

EncodedParts = list[bytes | StreamedString]


def encode_body(body: Body) -> RequestContent:
    """Encode a body, in pieces if it has attachments.

    InputError with the size if it is too large for the API.
    """
    parts = _parts(body)
    size = _length(parts)
    if size > REQUEST_LIMIT:
        raise InputError(f"the request is too large: {size} bytes, the API takes {REQUEST_LIMIT}")
    first = parts[0]
    return first if isinstance(first, bytes) and len(parts) == 1 else _streamed(size, parts)


def _streamed(size: int, parts: EncodedParts) -> StreamedBody:
    text = b"".join(part for part in parts if isinstance(part, bytes))
    return StreamedBody(size, lambda: _pieces(parts), text)


def encoded_length(body: Body) -> int:
    """The size of the encoded body in bytes."""
    return _length(_parts(body))


def _parts(body: Body) -> EncodedParts:
    return [part if isinstance(part, StreamedString) else part.encode() for part in strict_json.encode_parts(body)]


def _length(parts: EncodedParts) -> int:
    return sum(part.size if isinstance(part, StreamedString) else len(part) for part in parts)


def _pieces(parts: EncodedParts) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, StreamedString):
            yield from part.make()
        else:
            yield part
