"""A sample value for a JSON Schema, always the same one.

Types may be in upper case, as in the older API. Keywords that the API ignores (api/README.md 2.11) are obeyed where
that is simple, for clients that validate them.
"""

import math
from typing import Any

Schema = dict[str, Any]

# Below OPTIONAL_DEPTH only required properties are filled in, which ends recursive schemas.
OPTIONAL_DEPTH = 6
MAX_DEPTH = 40

FORMAT_SAMPLES = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "emulator@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uri-reference": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
SAMPLE_WORD = "emulator"


def sample_value(schema: Any, root: Schema | None = None, depth: int = 0) -> Any:
    """A value for the schema, which may be true or {}."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return SAMPLE_WORD
    root = schema if root is None else root
    schema = {name: value for name, value in schema.items() if value is not None or name == "const"}
    for name, pick in (("const", schema.get("const")), ("enum", (schema.get("enum") or [None])[0])):
        if name in schema:
            return pick
    if "$ref" in schema:
        return sample_value({**_resolved(str(schema["$ref"]), root), **_without(schema, "$ref")}, root, depth + 1)
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return sample_value({**_without(schema, name), **_best(schema[name])}, root, depth + 1)
    if schema.get("allOf"):
        return sample_value(_merged(schema, root), root, depth + 1)
    return _of_type(_type(schema), schema, root, depth)


def _without(schema: Schema, name: str) -> Schema:
    return {key: value for key, value in schema.items() if key != name}


def _best(choices: list[Any]) -> Schema:
    """The first choice that is not null."""
    objects = [each for each in choices if isinstance(each, dict)]
    return next((each for each in objects if str(each.get("type", "")).lower() != "null"), (objects or [{}])[0])


def _resolved(reference: str, root: Schema) -> Schema:
    target: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        name = name.replace("~1", "/").replace("~0", "~")
        target = target.get(name, {}) if name and isinstance(target, dict) else target
    return target if isinstance(target, dict) else {}


def _merged(schema: Schema, root: Schema) -> Schema:
    merged = _without(schema, "allOf")
    for each in filter(_is_object, schema["allOf"]):
        part = _resolved(str(each["$ref"]), root) if "$ref" in each else each
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged = {**merged, **part, "properties": properties, "required": required}
    return merged


def _is_object(schema: Any) -> bool:
    return isinstance(schema, dict)


def _type(schema: Schema) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = next((each for each in named if each != "null"), "null")
    if named:
        return str(named).lower()
    hints = {"object": ("properties", "required"), "array": ("items", "prefixItems", "minItems")}
    return next((name for name, keys in hints.items() if any(key in schema for key in keys)), "string")


def _of_type(name: str, schema: Schema, root: Schema, depth: int) -> Any:
    match name:
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, root, depth)
        case "integer" | "number":
            return _number(schema, name == "integer")
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema)


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = list(schema.get("required") or [])
    wanted = [name for name in properties if name in required or depth < OPTIONAL_DEPTH]
    wanted += [name for name in required if name not in properties]
    order = schema.get("propertyOrdering") or []
    wanted.sort(key=lambda name: order.index(name) if name in order else len(order))
    return {name: sample_value(properties.get(name, {}), root, depth + 1) for name in wanted}


def _array(schema: Schema, root: Schema, depth: int) -> list[Any]:
    first = [sample_value(each, root, depth + 1) for each in schema.get("prefixItems") or []]
    least = int(schema.get("minItems", 0 if depth >= OPTIONAL_DEPTH or schema.get("maxItems") == 0 else 1))
    more = [sample_value(schema.get("items", {}), root, depth + 1) for _ in range(max(0, least - len(first)))]
    return _distinct(first + more) if schema.get("uniqueItems") else first + more


def _distinct(items: list[Any]) -> list[Any]:
    """Make equal strings and numbers different."""
    return [
        f"{each} {index + 1}" if isinstance(each, str) else each + index if type(each) in (int, float) else each
        for index, each in enumerate(items)
    ]


def _number(schema: Schema, whole: bool) -> int | float:
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    low, high = schema.get("minimum"), schema.get("maximum")
    above, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    value: float = 1 if step == 1 or not whole else step
    if high is not None:
        value = min(value, math.floor(high / step) * step)
    if under is not None and value >= under:
        value = (math.ceil(under / step) - 1) * step
    if low is not None:
        value = max(value, math.ceil(low / step) * step)
    if above is not None and value <= above:
        value = (math.floor(above / step) + 1) * step
    if "multipleOf" in schema:
        value = math.ceil(value / step) * step
    return int(value) if whole else value


def _string(schema: Schema) -> str:
    sample = FORMAT_SAMPLES.get(str(schema.get("format", "")), SAMPLE_WORD)
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    sample = sample + "." * (least - len(sample))
    return sample if most is None else sample[: int(most)]
