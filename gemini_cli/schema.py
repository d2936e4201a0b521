"""Hold an answer against its JSON Schema. The checking is jsonschema's, imported only when there is a schema.

`referencing` gets an empty registry: a `$ref` to another place is an error, never a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import SchemaError, ValidationError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from gemini_cli import json_text
from gemini_cli.documents import Document
from gemini_cli.errors import SchemaMismatch


def check(schema: Document) -> None:
    """InputError if it is not a JSON Schema."""
    if not isinstance(schema.value, dict):
        raise schema.fault((), "a JSON Schema is a map")
    try:
        validator_for(schema.value).check_schema(schema.value)
    except RecursionError:
        raise schema.fault((), "the schema is nested too deeply") from None
    except SchemaError as error:
        where = tuple(error.absolute_path)
        raise schema.fault(where, f"not a JSON Schema: {error.message}") from None
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema.value)).resolver()
    for reference in _references(schema.value):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise schema.fault((), f"cannot follow $ref {reference}; nothing is fetched for a schema") from None


def compare(text: str, schema: Document) -> None:
    """SchemaMismatch if the text is not JSON that fits."""
    try:
        value: Any = json_text.parse(text)
    except ValueError as error:
        raise SchemaMismatch(f"the answer is not JSON: {error}", billed="yes") from None
    validator = validator_for(schema.value)(schema.value, registry=Registry())
    try:
        validator.validate(value)
    except ValidationError as error:
        raise SchemaMismatch(
            f"the answer does not fit the schema: {error.json_path}: {error.message}", billed="yes"
        ) from None
    except RecursionError:
        raise SchemaMismatch("the schema, or the answer, is nested too deeply to compare", billed="yes") from None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
