"""Convert schemas in the words of the API's older pages: `OBJECT`, `nullable`.

`map_schemas` knows the places where a schema may have further schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
# Keywords whose value is a schema, a list of schemas (`items` also one), or a map of schemas.
SUBSCHEMA_KEYS = (
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
    "additionalItems",
)
SUBSCHEMA_LIST_KEYS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
SUBSCHEMA_MAP_KEYS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")


def to_json_schema(schema: Any) -> Any:
    """Replace the words of older pages of the API: `OBJECT`, `nullable`."""
    return map_schemas(schema, convert_old_words)


def map_schemas(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Copy a schema, and change each schema in it, the innermost ones first.

    Values such as `default` stay unchanged.
    """
    if not isinstance(schema, dict):
        return schema
    copy = dict(schema)
    for key, value in schema.items():
        if key in SUBSCHEMA_MAP_KEYS and isinstance(value, dict):
            copy[key] = {name: map_schemas(part, change) for name, part in value.items()}
        elif key in SUBSCHEMA_LIST_KEYS and isinstance(value, list):
            copy[key] = [map_schemas(part, change) for part in value]
        elif key in SUBSCHEMA_KEYS or key == "items":
            copy[key] = map_schemas(value, change)
    return change(copy)


def find_patterns(schema: Any) -> Iterator[str]:
    """Yield the regular expressions in a schema."""
    found: list[str] = []

    def collect(part: dict[str, Any]) -> dict[str, Any]:
        properties = part.get("patternProperties")
        found.extend(properties if isinstance(properties, dict) else ())
        found.extend([part["pattern"]] if isinstance(part.get("pattern"), str) else ())
        return part

    map_schemas(schema, collect)
    yield from found


def _lower_types(schema: dict[str, Any]) -> dict[str, Any]:
    """`OBJECT` as the older pages of the API have it (enum Type of protocol buffers)."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return {**schema, "type": _lower(kind)}
    return {**schema, "type": [_lower(each) for each in kind]} if isinstance(kind, list) else schema


def _lower(kind: Any) -> Any:
    return kind.lower() if isinstance(kind, str) and kind.isupper() and kind.lower() in TYPES else kind


def convert_old_words(schema: dict[str, Any]) -> dict[str, Any]:
    """Convert one schema, not the schemas in it."""
    schema = _lower_types(schema)
    if not isinstance(schema.get("nullable"), bool):
        return schema
    schema = _with_null(schema) if schema["nullable"] else dict(schema)
    del schema["nullable"]
    return schema


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    null = {"type": "null"}
    schema = dict(schema)
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, *(["null"] if "null" not in kinds else [])]
    if "const" in schema and "enum" not in schema:
        schema["enum"] = [schema.pop("const")]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if "$ref" in schema:
        schema["anyOf"] = [{"$ref": schema.pop("$ref")}, *schema.get("anyOf", ())]
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list):
            schema[keyword] = [*schema[keyword], null]
    return schema
