"""JSON as it comes and goes: strict where a lenient reader could claim an answer that nobody gave.

Python's json accepts NaN, Infinity, numbers that overflow to infinity and repeated keys (the last one wins). A body
with one of these has no one meaning, so it is refused (RFC 8259, sections 4 and 6).
"""

from __future__ import annotations

import json
import math
from typing import Any


def parse(text: str) -> Any:
    """The value; ValueError for everything that is not JSON, too deep nesting and huge integers included."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump(value: Any, *, indent: int | None = None) -> str:
    """One line, or an indented text; non-ASCII characters as they are.

    Half a surrogate pair, which UTF-8 cannot say, stays the escape that it must have come as.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


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


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
