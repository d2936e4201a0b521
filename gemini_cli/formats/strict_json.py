"""JSON as it comes and goes: strict where a lenient reader could claim an answer that nobody gave.

Python's json accepts NaN, Infinity, numbers that overflow to infinity and repeated keys (the last one wins). A body
with one of these has no one meaning, so it is refused (RFC 8259, sections 4 and 6).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any


class StreamedString:
    """A long string that stands in a value without being held in memory: ASCII, with nothing to escape.

    `size` is its length; `make` gives it in pieces, anew for each reader.
    """

    def __init__(self, size: int, make: Callable[[], Iterator[bytes]]) -> None:
        self.size = size
        self.make = make


def loads(text: str) -> Any:
    """The value; ValueError for everything that is not JSON, too deep nesting and huge integers included."""
    start = len(text) - len(text.lstrip(_BLANKS))  # `decode` would look for blanks twice, with a pattern
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if rest := text[end:].lstrip(_BLANKS):
        raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """One line, or an indented text; non-ASCII characters as they are.

    Half a surrogate pair, which UTF-8 cannot say, stays the escape that it must have come as.
    """
    return _utf8(_LINE.encode(value) if indent is None else json.dumps(value, indent=indent, **_AS_IT_IS))


def encode_parts(value: Any) -> list[str | StreamedString]:
    """What `dump` gives as one line, cut open where a string is streamed; the quotes around it are there."""
    mark = "streamed"
    around, streamed = _cut_open(value, mark)
    while len(around) != len(streamed) + 1:
        mark += "."  # the value has our word in it
        around, streamed = _cut_open(value, mark)
    found: list[str | StreamedString] = [around[0]]
    for each, after in zip(streamed, around[1:], strict=True):
        found[-1:] = [f'{found[-1]}"', each, f'"{after}']
    return found


def _cut_open(value: Any, mark: str) -> tuple[list[str], list[StreamedString]]:
    """The text around the places where `mark` stands for what is streamed, which is asked for in order."""
    streamed: list[StreamedString] = []

    def stand_in(each: Any) -> str:
        streamed.append(_streamed(each))
        return mark

    text = json.dumps(value, separators=(",", ":"), **{**_AS_IT_IS, "default": stand_in})
    return _utf8(text).split(f'"{mark}"'), streamed


def _streamed(value: Any) -> StreamedString:
    if isinstance(value, StreamedString):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")


def _whole(value: Any) -> str:
    return b"".join(_streamed(value).make()).decode("ascii")


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def to_utf16(text: str) -> bytes:
    """The units that some servers count in, and cut between: a surrogate pair that came apart is the same."""
    return text.encode("utf-16-le", "surrogatepass")


def from_utf16(units: bytes) -> str:
    return units.decode("utf-16-le", "surrogatepass")


def join_surrogates(text: str) -> str:
    """Halves of surrogate pairs that came apart and were put side by side, as the characters that they are."""
    return text if text.isascii() else from_utf16(to_utf16(text))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number out of range: {text[:40]}")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


_BLANKS = " \t\n\r"
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
_AS_IT_IS: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": _whole}
_LINE = json.JSONEncoder(separators=(",", ":"), **_AS_IT_IS)  # to make one takes longer than a short line
