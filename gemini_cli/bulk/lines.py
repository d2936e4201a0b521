"""Split input into lines, without holding more than one in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gemini_cli.errors import InputError

LINE_LIMIT = 32 * 1024 * 1024  # bytes; -j of them may be in memory at a time, each several times over


class Line(NamedTuple):
    """A line of input.

    `data` has no newline; it is None if the line is longer than the limit. `end` counts the bytes of input up to the
    line's end.
    """

    number: int
    data: bytes | None
    size: int
    end: int

    @property
    def too_long(self) -> str:
        """The fault of a line without `data`."""
        return f"too large for a row: {self.size} bytes, the limit is {LINE_LIMIT}"


def split_lines(pieces: Iterable[bytes], limit: int = LINE_LIMIT) -> Iterator[Line]:
    """Split bytes into lines that end with LF or CRLF.

    The last line may end with the input. A BOM before the first is dropped.
    """
    number, size, end, bom = 0, 0, 0, b"\xef\xbb\xbf"
    parts: list[bytes] = []
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for end_part in ended:
            number, size = number + 1, size + len(end_part)
            end += size + 1
            data = b"".join([*parts, end_part]).removeprefix(bom).removesuffix(b"\r") if size <= limit else None
            yield Line(number, data, size, end)
            parts, size, bom = [], 0, b""
        size += len(rest)
        parts = [*parts, rest] if size <= limit else []
    if size:
        data = b"".join(parts).removeprefix(bom) if size <= limit else None
        yield Line(number + 1, data, size, end + size)


def carriage_return_error() -> InputError:
    return InputError(
        "the lines end with CR alone",
        hint="tr '\\r' '\\n' <FILE, and iconv -f MACINTOSH -t UTF-8 if it is an old Mac's file",
    )
