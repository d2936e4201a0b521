"""Convert the arguments of a call to the types of its declaration.

A JSON number has no type: a model writes `5.0` where `parameters` say integer, and JSON Schema accepts that. A command
expects `5`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_REFERENCES = 32  # followed from one schema to the next
LARGEST_EXACT = 2**53  # of the integers that a floating-point number holds exactly


def with_integers(value: Any, parameters: Mapping[str, Any]) -> Any:
    """The value with `5.0` as `5` wherever the schema says integer."""
    return _converted(value, list(_applicable(parameters, parameters, MAX_REFERENCES)), parameters)


def _converted(value: Any, schemas: list[Mapping[str, Any]], root: Mapping[str, Any]) -> Any:
    if isinstance(value, float):
        types = {kind for schema in schemas for kind in _types(schema)}
        whole = value.is_integer() and abs(value) <= LARGEST_EXACT
        return int(value) if whole and "integer" in types and "number" not in types else value
    if isinstance(value, dict):
        return {key: _converted(part, _below(schemas, root, key), root) for key, part in value.items()}
    if isinstance(value, list):
        return [_converted(part, _below(schemas, root, index), root) for index, part in enumerate(value)]
    return value


def _below(schemas: list[Mapping[str, Any]], root: Mapping[str, Any], step: str | int) -> list[Mapping[str, Any]]:
    """The schemas of a member of an object or a list."""
    return [each for schema in schemas for each in _applicable(_member(schema, step), root, MAX_REFERENCES)]


def _member(schema: Mapping[str, Any], step: str | int) -> Any:
    if isinstance(step, str):
        properties = schema.get("properties")
        declared = properties.get(step) if isinstance(properties, dict) else None
        return schema.get("additionalProperties") if declared is None else declared
    first = schema.get("prefixItems")
    return first[step] if isinstance(first, list) and step < len(first) else schema.get("items")


def _applicable(schema: Any, root: Mapping[str, Any], left: int) -> Iterator[Mapping[str, Any]]:
    """A schema, and those that it refers to or is composed of."""
    if not isinstance(schema, dict) or not left:
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        yield from _applicable(_referenced(reference, root), root, left - 1)
    for word in ("anyOf", "oneOf", "allOf"):
        parts = schema.get(word)
        for part in parts if isinstance(parts, list) else ():
            yield from _applicable(part, root, left - 1)


def _referenced(reference: str, root: Mapping[str, Any]) -> Any:
    value: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        value = value.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value


def _types(schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("type")
    return [str(kind).lower() for kind in (declared if isinstance(declared, list) else [declared])]
