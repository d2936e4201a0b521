"""Checks of the JSON Schemas that a sample is made for (api/README.md 2.11)."""

from typing import Any

from .validation import Check, anything, by_type, integer, invalid_input, list_of, map_of, number, text

# Larger numbers overflow, and more items or characters would fill the memory.
NUMBER_LIMIT = 1e100
COUNT_LIMIT = 10_000


def check_json_schema(value: Any, path: str) -> None:
    """Raise ErrorResponse for a keyword of a wrong type.

    Null means the same as a missing keyword (api/README.md 1.10).
    """
    if isinstance(value, bool):
        return
    if not isinstance(value, dict):
        raise invalid_input(path)
    for name, each in value.items():
        if name in KEYWORDS and each is not None:
            KEYWORDS[name](each, f"{path}.{name}")


def _bound(value: Any, path: str) -> None:
    number(value, path)
    if not abs(value) <= NUMBER_LIMIT:  # also for NaN
        raise invalid_input(path)


def _divisor(value: Any, path: str) -> None:
    _bound(value, path)
    if value < 1 / NUMBER_LIMIT:
        raise invalid_input(path)


def _count(value: Any, path: str) -> None:
    integer(value, path)
    if not 0 <= value <= COUNT_LIMIT:
        raise invalid_input(path)


def _maximum(value: Any, path: str) -> None:
    integer(value, path)
    if value < 0:
        raise invalid_input(path)


KEYWORDS: dict[str, Check] = {
    "type": by_type(str=anything, list=list_of(text)),
    "enum": by_type(list=anything),
    "$ref": text,
    **dict.fromkeys(("$defs", "definitions", "properties"), map_of(check_json_schema)),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), list_of(check_json_schema)),
    "items": by_type(dict=check_json_schema, bool=anything, list=anything),
    **dict.fromkeys(("required", "propertyOrdering"), list_of(text)),
    **dict.fromkeys(("minItems", "minLength"), _count),
    **dict.fromkeys(("maxItems", "maxLength"), _maximum),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _bound),
    "multipleOf": _divisor,
}
