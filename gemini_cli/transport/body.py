"""Request bodies that are streamed instead of held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.errors import InputError
from gemini_cli.formats import strict_json
from gemini_cli.formats.strict_json import StreamedString


class StreamedBody(NamedTuple):
    """A body of `size` bytes that is not held in memory.

    Each attempt opens the chunks again, and may read only some of them.
    """

    size: int
    open_chunks: Callable[[], Iterator[bytes]]
    text: bytes = b""  # without the attachments, which are base64


RequestContent = bytes | StreamedBody


def read_whole_body(body: RequestContent) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"".join(body.open_chunks())


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


def holds(body: RequestContent, secret: bytes) -> bool:
    """True if the secret stands in the body in clear."""
    return secret in (body if isinstance(body, bytes) else body.text)


def encoded_length(body: Body) -> int:
    """The size of the encoded body in bytes."""
    return _length(_parts(body))


EncodedParts = list[bytes | StreamedString]


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
