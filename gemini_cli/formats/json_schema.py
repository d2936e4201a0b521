"""Read JSON Schemas, and validate values with the library jsonschema.

Nothing is fetched: a reference to another document is an error. The schemas of the API's older pages are read, too:
types in upper case, and `nullable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError
from jsonschema.validators import validator_for
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from gemini_cli.errors import InputError, SchemaMismatch
from gemini_cli.formats import ecma_regex, strict_json
from gemini_cli.formats.documents import Document, KeyPath

MESSAGE_LIMIT = 400  # characters; a message of jsonschema's holds the value that does not fit

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
# Keywords whose value is a schema, a list of schemas (or one), or a map of schemas.
_ONE = (
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
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
KEYWORDS = {*_ONE, *_LISTS, *_MAPS} | set(
    "$schema $id id $ref $anchor $dynamicRef $dynamicAnchor $recursiveRef $recursiveAnchor $vocabulary $comment "
    "type enum const default title description examples example deprecated readOnly writeOnly format nullable "
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern contentEncoding "
    "contentMediaType minItems maxItems uniqueItems minContains maxContains required minProperties maxProperties "
    "dependentRequired propertyOrdering discriminator divisibleBy extends disallow".split()
)
_WRAPPER = {"name", "schema", "strict", "description", "type", "mime_type"}


def read_schema(document: Document, notice: Callable[[str], None]) -> Document:
    """Read the schema of a file, without another API's wrapper around it.

    Types are converted to lower case, and `nullable` to JSON Schema. InputError if it is not a JSON Schema. `notice` is
    called for patterns that only the server can check.
    """
    while (inner := _wrapped(document.value)) is not None:
        document = _part(document, inner)
    check_schema(document)
    notice_unchecked_patterns(document.value, notice)
    return document._replace(value=to_json_schema(document.value))


def to_json_schema(schema: Any) -> Any:
    """Replace the words of older pages of the API: `OBJECT`, `nullable`."""
    return _map_schemas(schema, _without_nullable)


def check_schema(document: Document, path: KeyPath = ()) -> None:
    """InputError if the part of the document at `path` is not a JSON Schema."""
    schema: Any = document.value
    for step in path:
        schema = schema[step]
    if not isinstance(schema, dict):
        raise document.error_at(path, "a JSON Schema is a map")
    if schema and not KEYWORDS & schema.keys():
        raise document.error_at((*path, next(iter(schema))), _no_keyword(schema))
    if not isinstance(schema.get("$schema", ""), str):
        raise document.error_at((*path, "$schema"), "$schema is the URL of a dialect")
    try:
        validator_for(schema)
    except ValueError as error:
        raise document.error_at((*path, "$schema"), f"$schema is not a URL: {error}") from None
    try:
        schema = to_json_schema(schema)
        _validator_class(schema).check_schema(schema, format_checker=FormatChecker(formats=()))
        _check_references(schema, partial(document.error_at, path))
        for pattern in _patterns(schema):
            if not (ecma_regex.can_compile(pattern) or ecma_regex.is_pattern(pattern)):
                raise document.error_at(path, f"not a JSON Schema: {pattern!r} is not a regular expression")
    except RecursionError:
        raise document.error_at(path, "the schema is nested too deeply") from None
    except SchemaError as error:
        where = (*path, *error.absolute_path)
        raise document.error_at(where, f"not a JSON Schema: {_reason(error)}") from None


def notice_unchecked_patterns(schema: Any, notice: Callable[[str], None]) -> None:
    """Name the good patterns that Python cannot compile, which are not checked."""
    for pattern in _patterns(schema):
        if not ecma_regex.can_compile(pattern):
            notice(f"the pattern {pattern} cannot be checked locally; only the service follows it")


def schema_mismatch(value: Any, schema: Mapping[str, Any]) -> str | None:
    """The reason why a value does not fit; None if it does."""
    try:
        prepared = _map_schemas(schema, _for_validation)
        if not all(map(ecma_regex.can_compile, _patterns(schema))):
            prepared = _map_schemas(prepared, _without_unevaluated)
        _validator_class(prepared)(prepared, registry=Registry()).validate(value)
    except ValidationError as error:
        return f"{error.json_path}: {_reason(error)}"
    except RecursionError:
        return "it, or the schema, is nested too deeply to compare"
    except Unresolvable as error:
        return f"the schema cannot be followed: {_short(str(error))}"
    except ArithmeticError:
        return "it holds a number that is too large to compare"
    return None


def validate_json(text: str, schema: Document) -> Any:
    """Parse JSON that fits the schema; SchemaMismatch for other text."""
    return _validated(text, partial(schema_mismatch, schema=schema.value))


def thread_validator(schema: Document) -> Callable[[str], Any]:
    """Return a `validate_json` for threads, which does not delay signals.

    Python's `re` lets no other thread run, and only the main thread handles signals.
    """
    if next(_patterns(schema.value), None) is None:
        return partial(validate_json, schema=schema)
    from gemini_cli.formats.schema_process import SchemaProcess

    return partial(_validated, mismatch=SchemaProcess(schema.value).mismatch)


def _validated(text: str, mismatch: Callable[[Any], str | None]) -> Any:
    try:
        value: Any = strict_json.loads(text)
    except ValueError as error:
        raise SchemaMismatch(f"the answer is not JSON: {error}", billed="yes") from None
    if why := mismatch(value):
        raise SchemaMismatch(f"the answer does not fit the schema: {why}", billed="yes")
    return value


def _validator_class(schema: Mapping[str, Any]) -> Any:
    return validator_for(schema, default=Draft202012Validator)


# Reading ------------------------------------------------------------------------------------------------------------


def _wrapped(value: Any) -> str | None:
    """The key of the schema in a wrapper such as `{"name": …, "schema": {…}}`.

    None if the value is the schema itself.
    """
    if not isinstance(value, dict):
        return None
    if value.get("type") == "json_schema" and isinstance(value.get("json_schema"), dict):
        return "json_schema"
    is_wrapper = value.keys() <= _WRAPPER and value.get("type", "") not in TYPES
    return "schema" if is_wrapper and isinstance(value.get("schema"), dict) else None


def _part(document: Document, key: str) -> Document:
    def lines() -> Mapping[KeyPath, int]:
        return {path[1:]: line for path, line in document.lines().items() if path[:1] == (key,)}

    return Document(document.name, document.value[key], lines)


def _no_keyword(schema: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    for key in schema:
        if near := get_close_matches(key, sorted(KEYWORDS), n=1, cutoff=0.5):
            return f"not a JSON Schema: {key!r} is no keyword; did you mean {near[0]!r}?"
    return f"not a JSON Schema: {next(iter(schema))!r} is no keyword; fields belong below 'properties'"


def _check_references(schema: Any, error_at: Callable[[str], InputError]) -> None:
    """Raise InputError for a reference without a target.

    References in values such as `default` do not count.
    """
    specification = specification_with(_validator_class(schema).META_SCHEMA["$schema"])
    resource: Resource[Any] = specification.create_resource(schema)
    to_do: list[tuple[Resource[Any], Any]] = [(resource, REGISTRY.combine(Registry()).resolver_with_root(resource))]
    while to_do:
        resource, resolver = to_do.pop()
        for keyword in ("$ref", "$dynamicRef"):
            reference = resource.contents.get(keyword) if isinstance(resource.contents, dict) else None
            try:
                if isinstance(reference, str):
                    resolver.lookup(reference)
            except (Unresolvable, ValueError):
                raise error_at(f"cannot follow {keyword} {reference}; nothing is fetched for a schema") from None
        to_do += [(part, resolver.in_subresource(part)) for part in resource.subresources()]


# Walking ------------------------------------------------------------------------------------------------------------


def _map_schemas(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Copy a schema, and change each schema in it, the innermost ones first.

    Values such as `default` stay unchanged.
    """
    if not isinstance(schema, dict):
        return schema
    copy = dict(schema)
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            copy[key] = {name: _map_schemas(part, change) for name, part in value.items()}
        elif key in _LISTS and isinstance(value, list):
            copy[key] = [_map_schemas(part, change) for part in value]
        elif key in _ONE or key == "items":
            copy[key] = _map_schemas(value, change)
    return change(copy)


def _patterns(schema: Any) -> Iterator[str]:
    found: list[str] = []

    def collect(part: dict[str, Any]) -> dict[str, Any]:
        properties = part.get("patternProperties")
        found.extend(properties if isinstance(properties, dict) else ())
        found.extend([part["pattern"]] if isinstance(part.get("pattern"), str) else ())
        return part

    _map_schemas(schema, collect)
    yield from found


def _lower_types(schema: dict[str, Any]) -> dict[str, Any]:
    """`OBJECT` as the older pages of the API have it (enum Type of protocol buffers)."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return {**schema, "type": _lower(kind)}
    return {**schema, "type": [_lower(each) for each in kind]} if isinstance(kind, list) else schema


def _lower(kind: Any) -> Any:
    return kind.lower() if isinstance(kind, str) and kind.isupper() and kind.lower() in TYPES else kind


def _without_nullable(schema: dict[str, Any]) -> dict[str, Any]:
    schema = _lower_types(schema)
    if not isinstance(schema.get("nullable"), bool):
        return schema
    schema = _with_null(schema) if schema["nullable"] else dict(schema)
    del schema["nullable"]
    return schema


def _for_validation(schema: dict[str, Any]) -> dict[str, Any]:
    """Convert `nullable`, and remove the patterns that Python cannot compile.

    Other parts stay in their places, because `$ref` may point to them.
    """
    schema = _without_nullable(schema)
    if isinstance(schema.get("pattern"), str) and not ecma_regex.can_compile(schema["pattern"]):
        del schema["pattern"]
    properties = schema.get("patternProperties")
    if isinstance(properties, dict) and not all(map(ecma_regex.can_compile, properties)):
        schema["patternProperties"] = {key: part for key, part in properties.items() if ecma_regex.can_compile(key)}
        schema.pop("additionalProperties", None)  # it needs all of the patterns
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


def _without_unevaluated(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "unevaluatedProperties"}


def _reason(error: Any) -> str:
    """The reason of an error, with values as JSON, not as Python has them."""
    value = _short(strict_json.dumps(error.instance))
    if error.validator == "type":
        kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return f"{value} is not of type {' or '.join(map(_kind_name, kinds))}"
    if error.validator in ("anyOf", "oneOf"):
        return f"{value} has {'none' if error.context else 'several'} of the allowed forms"
    return _short(error.message)


def _kind_name(kind: Any) -> str:
    """A type; draft 3 also allows a schema in its place."""
    return kind if isinstance(kind, str) else _short(strict_json.dumps(kind))


def _short(message: str) -> str:
    return message if len(message) <= MESSAGE_LIMIT else f"{message[:MESSAGE_LIMIT]} …"
