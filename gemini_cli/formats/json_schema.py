"""Read JSON Schemas, and validate values with the library jsonschema.

Nothing is fetched: a reference to another document is an error. The schemas of the API's older pages are read, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
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
from gemini_cli.formats.schema_dialect import (
    SUBSCHEMA_KEYS,
    SUBSCHEMA_LIST_KEYS,
    SUBSCHEMA_MAP_KEYS,
    TYPES,
    convert_old_words,
    find_patterns,
    map_schemas,
    to_json_schema,
)

MESSAGE_LIMIT = 400  # characters; a message of jsonschema's holds the value that does not fit

KEYWORDS = {*SUBSCHEMA_KEYS, *SUBSCHEMA_LIST_KEYS, *SUBSCHEMA_MAP_KEYS} | set(
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
        for pattern in find_patterns(schema):
            if not (ecma_regex.can_compile(pattern) or ecma_regex.is_pattern(pattern)):
                raise document.error_at(path, f"not a JSON Schema: {pattern!r} is not a regular expression")
    except RecursionError:
        raise document.error_at(path, "the schema is nested too deeply") from None
    except SchemaError as error:
        where = (*path, *error.absolute_path)
        raise document.error_at(where, f"not a JSON Schema: {_reason(error)}") from None


def notice_unchecked_patterns(schema: Any, notice: Callable[[str], None]) -> None:
    """Name the good patterns that Python cannot compile, which are not checked."""
    for pattern in find_patterns(schema):
        if not ecma_regex.can_compile(pattern):
            notice(f"the pattern {pattern} cannot be checked locally; only the service follows it")


def schema_mismatch(value: Any, schema: Mapping[str, Any]) -> str | None:
    """The reason why a value does not fit; None if it does."""
    return mismatch_finder(schema)(value)


def mismatch_finder(schema: Mapping[str, Any]) -> Callable[[Any], str | None]:
    """Return a `schema_mismatch` for many values; the schema is prepared once."""
    return partial(_mismatch, make_validator=cache(partial(_validator, schema)))


def _mismatch(value: Any, make_validator: Callable[[], Any]) -> str | None:
    try:
        make_validator().validate(value)
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
    if next(find_patterns(schema.value), None) is None:
        return partial(_validated, mismatch=mismatch_finder(schema.value))
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


def _validator(schema: Mapping[str, Any]) -> Any:
    prepared = map_schemas(schema, _for_validation)
    if not all(map(ecma_regex.can_compile, find_patterns(schema))):
        prepared = map_schemas(prepared, _without_unevaluated)
    return _validator_class(prepared)(prepared, registry=Registry())


def _validator_class(schema: Mapping[str, Any]) -> Any:
    return validator_for(schema, default=Draft202012Validator)


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


def _for_validation(schema: dict[str, Any]) -> dict[str, Any]:
    """Convert `nullable`, and remove the patterns that Python cannot compile.

    Other parts stay in their places, because `$ref` may point to them.
    """
    schema = convert_old_words(schema)
    if isinstance(schema.get("pattern"), str) and not ecma_regex.can_compile(schema["pattern"]):
        del schema["pattern"]
    properties = schema.get("patternProperties")
    if isinstance(properties, dict) and not all(map(ecma_regex.can_compile, properties)):
        schema["patternProperties"] = {key: part for key, part in properties.items() if ecma_regex.can_compile(key)}
        schema.pop("additionalProperties", None)  # it needs all of the patterns
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
