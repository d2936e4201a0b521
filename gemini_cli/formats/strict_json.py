"""Strict JSON: NaN, Infinity and repeated keys are errors (RFC 8259, 4 and 6).

Python's json accepts them, and numbers that overflow to infinity, although readers do not agree on their meaning.

Numbers keep their digits from reading to writing; Python's json writes 1.10 as 1.1 and 1e5 as 100000.0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

MAX_VALUES = 4_000_000  # in one text: Python takes 60 to 250 bytes for each, and a text of them 2
MAX_DEPTH = 256  # of nested objects or nested lists; twice as many if they alternate


class ExactFloat(float):
    """A float that Python would write with other digits than `text`, as it was read."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> ExactFloat:
        number = super().__new__(cls, text)
        number.text = text
        return number


class StreamedString:
    """A long string of a value that is not held in memory.

    It is ASCII that needs no escapes. `size` is its length; `make` returns a new iterator over its pieces.
    """

    def __init__(self, size: int, make: Callable[[], Iterator[bytes]]) -> None:
        self.size = size
        self.make = make


def loads(text: str) -> Any:
    """Parse JSON.

    ValueError also for too deep nesting, too many values and huge integers.
    """
    if len(text) > MAX_VALUES and sum(map(text.count, _MARKS)) > MAX_VALUES:
        _check_count(text)
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(text)
    start = len(text) - len(text.lstrip(_BLANKS))  # faster than `decode`, which uses a pattern twice
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if rest := text[end:].lstrip(_BLANKS):
        raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Encode a value on one line, or indented, without escaping non-ASCII characters.

    Half a surrogate pair is escaped, because UTF-8 cannot encode it.
    """
    if _has_exact_float(value):
        return "".join(part if isinstance(part, str) else _whole(part) for part in encode_parts(value, indent=indent))
    return _utf8(_LINE.encode(value) if indent is None else json.dumps(value, indent=indent, **_AS_IT_IS))


def encode_parts(value: Any, *, indent: int | None = None) -> list[str | StreamedString]:
    """Encode a value as `dumps` does, but leave its streamed strings out of the text.

    The quotes around a streamed string are in the text before and after it.
    """
    askable = _with_digits(value) if _has_exact_float(value) else value
    mark = "streamed"
    around, cut_out = _cut_open(askable, mark, indent)
    while len(around) != len(cut_out) + 1:
        mark += "."  # the value contains the mark itself
        around, cut_out = _cut_open(askable, mark, indent)
    found: list[str | StreamedString] = []
    text = [around[0]]
    for each, after in zip(cut_out, around[1:], strict=True):
        if isinstance(each, _Digits):
            text += (each.text, after)
        else:
            found += ("".join([*text, '"']), each)
            text = ['"', after]
    return [*found, "".join(text)]


class _Digits:
    """Stands for an ExactFloat, so that Python's encoder calls `default` for it."""

    __slots__ = ("text",)

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
    """Encode a value with `mark` for each unknown object, and split it at the marks.

    Returns the texts around the objects, and the objects in order.
    """
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
    """Encode as UTF-16, in whose units some servers count and cut text.

    Both halves of a surrogate pair give the same bytes as the whole character.
    """
    return text.encode("utf-16-le", "surrogatepass")


def utf16_length(text: str) -> int:
    """The bytes of the text in UTF-16."""
    return 2 * len(text) if text.isascii() else len(to_utf16(text))


def from_utf16(units: bytes) -> str:
    return units.decode("utf-16-le", "surrogatepass")


def join_surrogates(text: str) -> str:
    """Join the adjacent halves of surrogate pairs to characters."""
    return text if text.isascii() else from_utf16(to_utf16(text))


def has_lone_surrogate(text: str) -> bool:
    """Whether the text holds half a surrogate pair, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.search(join_surrogates(text)) is not None
    return False


def replace_lone_surrogates(value: Any) -> Any:
    """Replace each half of a surrogate pair in a value by U+FFFD."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", join_surrogates(value)) if has_lone_surrogate(value) else value
    if isinstance(value, list):
        return [replace_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {replace_lone_surrogates(key): replace_lone_surrogates(item) for key, item in value.items()}
    return value


def _check_count(text: str) -> None:
    """Raise ValueError for more than MAX_VALUES values and keys, without parsing them.

    A value begins behind each mark that is not in a string.
    """
    count = 0
    for found in re.finditer(r'"[^"]*"?|[^"]+', _without_escapes(text)):
        part = found[0]
        count += 1 if part.startswith('"') else sum(map(part.count, _MARKS))
        if count > MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES} values")


def _check_depth(text: str) -> None:
    """Raise ValueError for nesting so deep that encoding or comparing could fail.

    Each pass over the brackets removes the innermost ones. Brackets that no pass can remove are not JSON.
    """
    brackets = re.sub(r'"[^"]*"?|[^"\[\]{}]+', "", _without_escapes(text))
    for _ in range(MAX_DEPTH):
        rest = brackets.replace("[]", "").replace("{}", "")
        if len(rest) == len(brackets):
            return
        brackets = rest
    if brackets:
        raise ValueError("nested too deeply")


def _without_escapes(text: str) -> str:
    """The text without the escapes that hide the end of a string."""
    return text.replace("\\\\", "").replace('\\"', "")


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
_MARKS = ("[", "{", ",", ":")
_BLANKS = " \t\n\r"
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
_AS_IT_IS: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": _whole}
_LINE = json.JSONEncoder(separators=(",", ":"), **_AS_IT_IS)  # made once: it takes longer than encoding a short line
