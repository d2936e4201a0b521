"""Checks of a JSON value, built from small ones. Each takes a value and its path, and raises the API's own 400.

The three messages are the real ones (traffic.md 66); a path reads `input[0].content[0].processing`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import Problem

Check = Callable[[Any, str], None]


def invalid(path: str) -> Problem:
    return Problem(400, f"Invalid input at '{path}'.")


def unknown(name: str, path: str) -> Problem:
    where = f" at '{path}'" if path else ""
    return Problem(400, f"Unknown parameter '{name}'{where}.", code="parameter_unknown")


def unsupported(value: object, path: str, supported: Iterable[str]) -> Problem:
    listed = ", ".join(f"'{each}'" for each in supported)
    return Problem(400, f"The value '{value}' is not supported for '{path}'. Supported values: {listed}.")


def missing(name: str, path: str) -> Problem:
    return Problem(400, f"Missing required parameter '{below(path, name)}'.")


def below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise invalid(path)


def boolean(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise invalid(path)


def number(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid(path)


def integer(value: Any, path: str) -> None:
    number(value, path)
    if value != int(value):
        raise invalid(path)


def mapping(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise invalid(path)


def anything(value: Any, path: str) -> None:
    """For what the API does not look into."""


def at_least(least: int) -> Check:
    def check(value: Any, path: str) -> None:
        integer(value, path)
        if value < least:
            raise Problem(400, f"The value of '{path}' must be at least {least}.")

    return check


def choice(*values: str) -> Check:
    def check(value: Any, path: str) -> None:
        text(value, path)
        if value not in values:
            raise unsupported(value, path, values)

    return check


def list_of(item: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise invalid(path)
        for index, each in enumerate(value):
            item(each, f"{path}[{index}]")

    return check


def map_of(item: Check) -> Check:
    def check(value: Any, path: str) -> None:
        mapping(value, path)
        for name, each in value.items():
            item(each, below(path, name))

    return check


def record(fields: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    """An object with these fields and no others; null counts as absent, as in every Google API."""
    needed = tuple(required)

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        for name, each in value.items():
            if name not in fields:
                raise unknown(name, path)
            if each is not None:
                fields[name](each, below(path, name))
        for name in needed:
            if value.get(name) is None:
                raise missing(name, path)

    return check


def tagged(kinds: Mapping[str, Check], tag: str = "type") -> Check:
    """An object whose `type` says which check it must pass."""

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        if value.get(tag) is None:
            raise missing(tag, path)
        kind = value[tag]
        text(kind, below(path, tag))
        if kind not in kinds:
            raise unsupported(kind, below(path, tag), kinds)
        kinds[kind](value, path)

    return check


def by_type(**checks: Check) -> Check:
    """Chooses by JSON type: `str`, `dict`, `list` name the Python types json makes of them."""

    def check(value: Any, path: str) -> None:
        chosen = checks.get(type(value).__name__)
        if chosen is None:
            raise invalid(path)
        chosen(value, path)

    return check
