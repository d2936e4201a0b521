"""Hold an answer against its JSON Schema. The checking is jsonschema's, imported only when there is a schema.

`referencing` gets an empty registry: a `$ref` to another place is an error, never a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import SchemaError, ValidationError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from gemini_cli.errors import SchemaMismatch
from gemini_cli.formats import strict_json
from gemini_cli.formats.documents import Document, KeyPath


def check_schema(document: Document, path: KeyPath = ()) -> None:
    """InputError if what stands there in the document is not a JSON Schema."""
    schema: Any = document.value
    for step in path:
        schema = schema[step]
    if not isinstance(schema, dict):
        raise document.error_at(path, "a JSON Schema is a map")
    if not isinstance(schema.get("$schema", ""), str):
        raise document.error_at((*path, "$schema"), "not a JSON Schema: $schema is not text")
    try:
        validator_for(schema).check_schema(schema)
    except RecursionError:
        raise document.error_at(path, "the schema is nested too deeply") from None
    except SchemaError as error:
        where = (*path, *error.absolute_path)
        raise document.error_at(where, f"not a JSON Schema: {error.message}") from None
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise document.error_at(path, f"cannot follow $ref {reference}; nothing is fetched for a schema") from None


def schema_mismatch(value: Any, schema: Mapping[str, Any]) -> str | None:
    """How a value does not fit; None if it does."""
    try:
        validator_for(schema)(schema, registry=Registry()).validate(value)
    except ValidationError as error:
        return f"{error.json_path}: {error.message}"
    except Unresolvable as error:
        return f"the schema refers to {error.ref!r}, which is not in it"
    except RecursionError:
        return "it, or the schema, is nested too deeply to compare"
    return None


def validate_json(text: str, schema: Document) -> Any:
    """The value of a text of JSON that fits; SchemaMismatch otherwise."""
    try:
        value: Any = strict_json.loads(text)
    except ValueError as error:
        raise SchemaMismatch(f"the answer is not JSON: {error}", billed="yes") from None
    if why := schema_mismatch(value, schema.value):
        raise SchemaMismatch(f"the answer does not fit the schema: {why}", billed="yes")
    return value


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (value[word] for word in ("$ref", "$dynamicRef") if isinstance(value.get(word), str))
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
