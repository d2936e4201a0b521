"""Checks of JSON values, and functions that combine checks.

A check takes a value and its path, such as `input[0].content[0].processing`, and raises ErrorResponse 400 with a
message of the API (api/README.md 12.12).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import ErrorResponse

Check = Callable[[Any, str], None]


def invalid_input(path: str) -> ErrorResponse:
    return ErrorResponse(400, f"Invalid input at '{path}'.")


def unknown_parameter(name: str, path: str) -> ErrorResponse:
    location = f" at '{path}'" if path else ""
    return ErrorResponse(400, f"Unknown parameter '{name}'{location}.", code="parameter_unknown")


def unsupported_value(value: object, path: str, supported: Iterable[str]) -> ErrorResponse:
    listed = ", ".join(f"'{each}'" for each in supported)
    return ErrorResponse(400, f"The value '{value}' is not supported for '{path}'. Supported values: {listed}.")


def missing_parameter(name: str, path: str) -> ErrorResponse:
    return ErrorResponse(400, f"Missing required parameter '{join_path(path, name)}'.")


def join_path(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise invalid_input(path)


def boolean(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise invalid_input(path)


def number(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid_input(path)


def integer(value: Any, path: str) -> None:
    number(value, path)
    if isinstance(value, float) and not value.is_integer():  # also for NaN and an overflow
        raise invalid_input(path)


def mapping(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise invalid_input(path)


def anything(value: Any, path: str) -> None:
    """Accept any value."""


def at_least(least: int) -> Check:
    def check(value: Any, path: str) -> None:
        integer(value, path)
        if value < least:
            raise ErrorResponse(400, f"The value of '{path}' must be at least {least}.")

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, path: str) -> None:
        text(value, path)
        if value not in values:
            raise unsupported_value(value, path, values)

    return check


def list_of(item: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise invalid_input(path)
        for index, each in enumerate(value):
            item(each, f"{path}[{index}]")

    return check


def map_of(item: Check) -> Check:
    def check(value: Any, path: str) -> None:
        mapping(value, path)
        for name, each in value.items():
            item(each, join_path(path, name))

    return check


def record(fields: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    """An object with only these fields; null means absent (api/README.md 1.10)."""
    needed = tuple(required)

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        for name, each in value.items():
            if name not in fields:
                raise unknown_parameter(name, path)
            if each is not None:
                fields[name](each, join_path(path, name))
        for name in needed:
            if value.get(name) is None:
                raise missing_parameter(name, path)

    return check


def tagged(kinds: Mapping[str, Check], tag: str = "type") -> Check:
    """An object with the check of its `type`."""

    def check(value: Any, path: str) -> None:
        mapping(value, path)
        if value.get(tag) is None:
            raise missing_parameter(tag, path)
        kind = value[tag]
        text(kind, join_path(path, tag))
        if kind not in kinds:
            raise unsupported_value(kind, join_path(path, tag), kinds)
        kinds[kind](value, path)

    return check


def by_type(**checks: Check) -> Check:
    """A check for each JSON type, by its Python name: `str`, `dict`, `list`."""

    def check(value: Any, path: str) -> None:
        chosen = checks.get(type(value).__name__)
        if chosen is None:
            raise invalid_input(path)
        chosen(value, path)

    return check
