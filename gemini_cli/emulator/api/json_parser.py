"""The JSON parser of the older API (api/README.md 11.5).

It accepts both spellings of a field name and one object for a list of one, and refuses unknown names. A schema is a
dict for an object with these fields, a list of one schema for repeated values, a type for a plain value, and ANY_JSON
for a value that is not parsed (JSON Schemas, arguments, results).
"""

import re
from typing import Any

from ..errors import ErrorResponse

ANY_JSON = object()
MessageSchema = Any


def to_camel_case(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def parse_message(value: Any, schema: MessageSchema, path: str = "") -> Any:
    """The value with all names in camelCase and without nulls (api/README.md 1.10)."""
    if schema is ANY_JSON:
        return value
    if isinstance(schema, dict):
        return _object(value, schema, path)
    if isinstance(schema, list):
        items = value if isinstance(value, list) else [value]
        return [parse_message(item, schema[0], f"{path}[{index}]") for index, item in enumerate(items)]
    return _plain(value, schema, path)


def _object(value: Any, schema: dict[str, MessageSchema], path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(value, path)
    found = {}
    for name, each in value.items():
        known = to_camel_case(name)
        if known not in schema:
            place = f" at '{path}'" if path else ""
            message = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
            raise _violation(message, path, message)
        if each is not None:
            found[known] = parse_message(each, schema[known], f"{path}.{known}" if path else known)
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


def _mistyped(value: Any, path: str) -> ErrorResponse:
    message = f"Invalid value at '{path}', {str(value)[:80]!r}"
    return _violation(message, path, message)


def _violation(message: str, field: str, description: str) -> ErrorResponse:
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": description}],
    }
    return ErrorResponse(400, message, details=[detail])
