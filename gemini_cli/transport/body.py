"""Request bodies that are streamed instead of held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.errors import InputError
from gemini_cli.formats import strict_json
from gemini_cli.formats.strict_json import Streamed


class Pieces(NamedTuple):
    """A body of `size` bytes that is not held in memory.

    Each attempt makes it anew, and may read only a part.
    """

    size: int
    make: Callable[[], Iterator[bytes]]


Content = bytes | Pieces


def whole(body: Content) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"".join(body.make())


def encoded(body: Body) -> Content:
    """Encode a body, in pieces if it has attachments.

    InputError with the size if it is too large for the API.
    """
    parts = _parts(body)
    size = _length(parts)
    if size > REQUEST_LIMIT:
        raise InputError(f"the request is too large: {size} bytes, the API takes {REQUEST_LIMIT}")
    first = parts[0]
    return first if isinstance(first, bytes) and len(parts) == 1 else Pieces(size, lambda: _pieces(parts))


def length(body: Body) -> int:
    """The size of the encoded body in bytes."""
    return _length(_parts(body))


Parts = list[bytes | Streamed]


def _parts(body: Body) -> Parts:
    return [part if isinstance(part, Streamed) else part.encode() for part in strict_json.parts(body)]


def _length(parts: Parts) -> int:
    return sum(part.size if isinstance(part, Streamed) else len(part) for part in parts)


def _pieces(parts: Parts) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, Streamed):
            yield from part.make()
        else:
            yield part
