"""Known fields of JSON objects, with their types checked.

In the server's JSON, null means the same as a missing field (api/README.md 1.10). This is decided in this module; code
that asks for a field in another way asks with `get`, or takes the object `without_nulls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from gemini_cli.errors import RejectedError
from gemini_cli.formats import strict_json

Kind = TypeVar("Kind")


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Parse a JSON object; RejectedError, with the subject `what`, for other text."""
    try:
        value = strict_json.loads(text)
    except ValueError as error:
        raise RejectedError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RejectedError(f"{what} is not an object")
    return value


def get_typed(holder: dict[str, Any], key: str, kind: type[Kind]) -> Kind | None:
    """Get a known field; None if it is missing or null.

    RejectedError if it has another type.
    """
    value = holder.get(key)
    if value is None:
        return None
    if not isinstance(value, kind):
        raise RejectedError(f"not the API's answer: {key!r} is {strict_json.dumps(value)[:40]}")
    return value


def get_objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Get a copy of a known list of objects, without nulls in it.

    An empty one if it is missing or null.
    """
    found = get_typed(holder, key, list) or []
    for item in found:
        if not isinstance(item, dict | None):
            raise RejectedError(f"not the API's answer: {key!r} holds {strict_json.dumps(item)[:40]}")
    return [item for item in found if item is not None]


def without_nulls(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Copy an object without its null fields.

    Nulls below them stay, because in the arguments of a call null is a value.
    """
    return {key: value for key, value in holder.items() if value is not None}
