"""JSON as it comes and goes: strict where a lenient reader could claim an answer that nobody gave.

Python's json accepts NaN, Infinity, numbers that overflow to infinity and repeated keys (the last one wins). A body
with one of these has no one meaning, so it is refused (RFC 8259, sections 4 and 6).

Numbers are written with the digits that they were read with; Python's json writes 1.10 as 1.1 and 1e5 as 100000.0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

MAX_DEPTH = 256  # of objects or of lists inside of each other; twice as many if they alternate


class ExactFloat(float):
    """A float read from JSON that Python would write with other digits; `text` has its own."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> ExactFloat:
        number = super().__new__(cls, text)
        number.text = text
        return number


class StreamedString:
    """A long string that stands in a value without being held in memory: ASCII, with nothing to escape.

    `size` is its length; `make` gives it in pieces, anew for each reader.
    """

    def __init__(self, size: int, make: Callable[[], Iterator[bytes]]) -> None:
        self.size = size
        self.make = make


def loads(text: str) -> Any:
    """The value; ValueError for everything that is not JSON, too deep nesting and huge integers included."""
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(text)
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
    if _has_exact_float(value):
        return "".join(part if isinstance(part, str) else _whole(part) for part in encode_parts(value, indent=indent))
    return _utf8(_LINE.encode(value) if indent is None else json.dumps(value, indent=indent, **_AS_IT_IS))


def encode_parts(value: Any, *, indent: int | None = None) -> list[str | StreamedString]:
    """The text of `dumps`, cut open where a string is streamed; the quotes around it are there."""
    askable = _with_digits(value) if _has_exact_float(value) else value
    mark = "streamed"
    around, cut_out = _cut_open(askable, mark, indent)
    while len(around) != len(cut_out) + 1:
        mark += "."  # the value has our word in it
        around, cut_out = _cut_open(askable, mark, indent)
    found: list[str | StreamedString] = [around[0]]
    for each, after in zip(cut_out, around[1:], strict=True):
        if isinstance(each, _Digits):
            found[-1] = f"{found[-1]}{each.text}{after}"
        else:
            found[-1:] = [f'{found[-1]}"', each, f'"{after}']
    return found


class _Digits:
    """An ExactFloat for Python's encoder, which writes floats itself, and asks for what it does not know."""

    def __init__(self, text: str) -> None:
        self.text = text


def _has_exact_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_exact_float, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_exact_float, value))
    return isinstance(value, ExactFloat)


def _with_digits(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_digits(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_digits(item) for item in value]
    return _Digits(value.text) if isinstance(value, ExactFloat) else value


def _cut_open(value: Any, mark: str, indent: int | None) -> tuple[list[str], list[StreamedString | _Digits]]:
    """The text around the places where `mark` stands for what the encoder asked for, in order."""
    cut_out: list[StreamedString | _Digits] = []

    def stand_in(each: Any) -> str:
        cut_out.append(each if isinstance(each, _Digits) else _streamed(each))
        return mark

    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, separators=separators, **{**_AS_IT_IS, "default": stand_in})
    return _utf8(text).split(f'"{mark}"'), cut_out


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


def has_lone_surrogate(text: str) -> bool:
    """Whether the text holds half a surrogate pair, which JSON can say, and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.search(join_surrogates(text)) is not None
    return False


def replace_lone_surrogates(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", join_surrogates(value)) if has_lone_surrogate(value) else value
    if isinstance(value, list):
        return [replace_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {replace_lone_surrogates(key): replace_lone_surrogates(item) for key, item in value.items()}
    return value


def _check_depth(text: str) -> None:
    """Refuse a deep value: if read just before the stack's end, it could not be written or compared any more.

    Each pass over the brackets removes the innermost ones. What no pass can remove is not JSON.
    """
    outside_strings = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    brackets = re.sub(r"[^\[\]{}]+", "", outside_strings)
    for _ in range(MAX_DEPTH):
        rest = brackets.replace("[]", "").replace("{}", "")
        if len(rest) == len(brackets):
            return
        brackets = rest
    if brackets:
        raise ValueError("nested too deeply")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"number out of range: {text[:40]}")
    return number if repr(number) == text else ExactFloat(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = " \t\n\r"
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
_AS_IT_IS: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": _whole}
_LINE = json.JSONEncoder(separators=(",", ":"), **_AS_IT_IS)  # to make one takes longer than a short line
