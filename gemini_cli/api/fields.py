"""Known fields of JSON objects, with their types checked."""

from __future__ import annotations

from typing import Any, TypeVar

from gemini_cli.errors import Rejected
from gemini_cli.formats import strict_json

Kind = TypeVar("Kind")


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Parse a JSON object of the server's; Rejected, naming `what`, for anything else."""
    try:
        value = strict_json.parse(text)
    except ValueError as error:
        raise Rejected(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Rejected(f"{what} is not an object")
    return value


def want(holder: dict[str, Any], key: str, kind: type[Kind]) -> Kind | None:
    """Get a known field: None if it is missing, Rejected if it has another type."""
    if key not in holder:
        return None
    value = holder[key]
    if not isinstance(value, kind):
        raise Rejected(f"not the API's answer: {key!r} is {strict_json.dump(value)[:40]}")
    return value


def objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Get a known list of objects; an empty one if it is missing."""
    found = want(holder, key, list) or []
    for item in found:
        if not isinstance(item, dict):
            raise Rejected(f"not the API's answer: {key!r} holds {strict_json.dump(item)[:40]}")
    return found
