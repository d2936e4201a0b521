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

_MARKS = ("[", "{", ",", ":")  # before each value and key
_BLANKS = " \t\n\r"


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
        return "".join(
            part if isinstance(part, str) else _streamed_text(part) for part in encode_parts(value, indent=indent)
        )
    return _escape_surrogates(
        _LINE_ENCODER.encode(value) if indent is None else json.dumps(value, indent=indent, **_ENCODER_OPTIONS)
    )


def encode_parts(value: Any, *, indent: int | None = None) -> list[str | StreamedString]:
    """Encode a value as `dumps` does, but leave its streamed strings out of the text.

    The quotes around a streamed string are in the text before and after it.
    """
    encodable = _with_digits(value) if _has_exact_float(value) else value
    mark = "streamed"
    texts, objects = _split_at_objects(encodable, mark, indent)
    while len(texts) != len(objects) + 1:
        mark += "."  # the value contains the mark itself
        texts, objects = _split_at_objects(encodable, mark, indent)
    found: list[str | StreamedString] = []
    text = [texts[0]]
    for each, after in zip(objects, texts[1:], strict=True):
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


def _split_at_objects(value: Any, mark: str, indent: int | None) -> tuple[list[str], list[StreamedString | _Digits]]:
    """Encode a value with `mark` for each unknown object, and split it at the marks.

    Returns the texts around the objects, and the objects in order.
    """
    objects: list[StreamedString | _Digits] = []

    def replace(each: Any) -> str:
        objects.append(each if isinstance(each, _Digits) else _require_streamed(each))
        return mark

    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, separators=separators, **{**_ENCODER_OPTIONS, "default": replace})
    return _escape_surrogates(text).split(f'"{mark}"'), objects


def _require_streamed(value: Any) -> StreamedString:
    if isinstance(value, StreamedString):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")


def _streamed_text(value: Any) -> str:
    return b"".join(_require_streamed(value).make()).decode("ascii")


def _escape_surrogates(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


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
        raise ValueError(f"repeated key {dumps(_first_repeated(pairs))[:40]}")
    return found


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            break
        seen.add(key)
    return key


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
_ENCODER_OPTIONS: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": _streamed_text}
# Made once, because making it takes longer than encoding a short line.
_LINE_ENCODER = json.JSONEncoder(separators=(",", ":"), **_ENCODER_OPTIONS)
