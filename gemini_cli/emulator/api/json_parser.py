"""The JSON parser of the older API (api/README.md 1.10, 11.5).

It accepts both spellings of a field name, one object for a list of one, numbers in strings, enum values as names in
either case or as numbers, and base64 in either alphabet. Unknown names are errors. A schema is a dict for a message
with these fields, a list of one schema for repeated values, a type for a plain value, MapOf, EnumOf, BYTES, or
ANY_JSON for a value that is not parsed (JSON Schemas, arguments, results).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ErrorResponse
from ..model.conversation import is_base64

ANY_JSON = object()
BYTES = object()
MessageSchema = Any
PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
TYPE_NAMES = {str: "TYPE_STRING", int: "TYPE_INT32", float: "TYPE_FLOAT", bool: "TYPE_BOOL"}


class MapOf(NamedTuple):
    """A map from strings to values with one schema."""

    values: MessageSchema


class EnumOf(NamedTuple):
    """An enum: its name in the API's package, and the numbers of its values."""

    name: str
    values: Mapping[str, int]


def to_camel_case(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def to_snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


def parse_message(value: Any, schema: MessageSchema, path: str = "") -> Any:
    """The value with all names in camelCase, enum values as names, and without nulls."""
    if schema is ANY_JSON:
        return value
    if isinstance(schema, list):
        items = value if isinstance(value, list) else [value]
        return [parse_message(item, schema[0], f"{path}[{index}]") for index, item in enumerate(items)]
    if isinstance(value, list):
        raise _cannot_start_list(path)
    if isinstance(schema, dict):
        return _message(value, schema, path)
    if isinstance(schema, MapOf):
        return _map(value, schema, path)
    if isinstance(schema, EnumOf):
        return _enum(value, schema, path)
    if schema is BYTES:
        return _bytes(value, path)
    return _plain(value, schema, path)


def _message(value: Any, schema: dict[str, MessageSchema], path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid_value(value, path, "")
    parsed = {}
    for name, each in value.items():
        known = to_camel_case(name)
        if known not in schema:
            raise _unknown_name(name, path, "Cannot find field.")
        if each is not None:
            snake = to_snake_case(known)
            parsed[known] = parse_message(each, schema[known], f"{path}.{snake}" if path else snake)
    return parsed


def _map(value: Any, schema: MapOf, path: str) -> dict[str, Any]:
    """The parsed values of a map, which the service numbers in its messages."""
    if not isinstance(value, dict):
        raise _invalid_value(value, path, "")
    return {
        name: parse_message(each, schema.values, f"{path}[{index}].value")
        for index, (name, each) in enumerate(value.items())
    }


def _enum(value: Any, schema: EnumOf, path: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        # An unknown number is a value of a newer version.
        return next((name for name, number in schema.values.items() if number == value), str(value))
    if isinstance(value, str) and value.upper() in schema.values:
        return value.upper()
    raise _invalid_value(value, path, PACKAGE + schema.name)


def _bytes(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _invalid_value(value, path, "TYPE_BYTES")
    if not is_base64(value):
        message = f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {json.dumps(value[:80])}"
        raise _violation(message, path)
    return value


def _plain(value: Any, kind: type, path: str) -> Any:
    if kind in (int, float) and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise _invalid_value(value, path, TYPE_NAMES[kind]) from None
        if kind is float:
            return number if isinstance(value, str) else value
        if number.is_integer():
            return value if isinstance(value, int) else int(number)
    elif kind not in (int, float) and isinstance(value, kind):
        return value
    raise _invalid_value(value, path, TYPE_NAMES[kind])


def _unknown_name(name: str, path: str, reason: str) -> ErrorResponse:
    location = f" at '{path}'" if path else ""
    return _violation(f'Invalid JSON payload received. Unknown name "{name}"{location}: {reason}', path)


def _cannot_start_list(path: str) -> ErrorResponse:
    parent, _, name = path.rpartition(".")
    return _unknown_name(name, parent, "Proto field is not repeating, cannot start list.")


def _invalid_value(value: Any, path: str, type_name: str) -> ErrorResponse:
    text = json.dumps(value, ensure_ascii=False)[:80]
    kind = f" ({type_name})" if type_name else ""
    return _violation(f"Invalid value at '{path}'{kind}, {text}", path)


def _violation(message: str, field: str) -> ErrorResponse:
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": message}],
    }
    return ErrorResponse(400, message, details=[detail])
