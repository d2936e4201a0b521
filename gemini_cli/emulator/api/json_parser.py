"""JSON of the older family as its parser takes it: either spelling of every name, one object for a list of one,
and a refusal for names it does not know (reference.md 11.2).

A shape says what to expect: a dict for an object with those fields, a list of one shape for repeated values, a
type for a plain value, and ANY for what is passed on as it is (schemas, arguments, results).
"""

import re
from typing import Any

from ..errors import Problem

ANY = object()
Shape = Any


def camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def normal(value: Any, shape: Shape, path: str = "") -> Any:
    """The value with every known name in camelCase; null is dropped, as proto3 does."""
    if shape is ANY:
        return value
    if isinstance(shape, dict):
        return _object(value, shape, path)
    if isinstance(shape, list):
        items = value if isinstance(value, list) else [value]
        return [normal(item, shape[0], f"{path}[{index}]") for index, item in enumerate(items)]
    return _plain(value, shape, path)


def _object(value: Any, shape: dict[str, Shape], path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(value, path)
    found = {}
    for name, each in value.items():
        known = camel(name)
        if known not in shape:
            where = f" at '{path}'" if path else ""
            message = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
            raise _violation(message, path, message)
        if each is not None:
            found[known] = normal(each, shape[known], f"{path}.{known}" if path else known)
    return found


def _plain(value: Any, kind: type, path: str) -> Any:
    if kind is int:
        # Numbers come as 3, 3.0 or "3".
        try:
            return int(float(value))
        except (TypeError, ValueError) as error:
            raise _mistyped(value, path) from error
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise _mistyped(value, path)
    return value


def _mistyped(value: Any, path: str) -> Problem:
    message = f"Invalid value at '{path}', {str(value)[:80]!r}"
    return _violation(message, path, message)


def _violation(message: str, field: str, description: str) -> Problem:
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": description}],
    }
    return Problem(400, message, details=[detail])
