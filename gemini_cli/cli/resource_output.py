"""Resources of the service, shown: JSON, a table for a person, rows of tabs for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gemini_cli.cli.context import Context
from gemini_cli.client.resources import Resource
from gemini_cli.console import formatting


def print_list(
    context: Context, header: Sequence[str], found: Iterable[Resource], row: Callable[[Resource], Sequence[Any]]
) -> None:
    """A list: a JSON object a line, a table with its header on a terminal, rows of tabs in a pipe."""
    terminal = context.terminal
    if context.global_options.json:
        for resource in found:
            terminal.write(formatting.as_json(resource, pretty=False))
    elif terminal.stdout_is_terminal:
        terminal.write(formatting.table([header, *map(row, found)]))
    else:
        for resource in found:
            terminal.write(formatting.table([row(resource)], aligned=False))


def print_resource(context: Context, found: Resource) -> None:
    """One: its JSON, or a line for each field."""
    pretty = context.terminal.stdout_is_terminal
    fields = formatting.table(found.items(), aligned=pretty)
    context.terminal.write(formatting.as_json(found, pretty=pretty) if context.global_options.json else fields)
