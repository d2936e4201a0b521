"""Print resources of the API: as JSON, as a table, or as rows with tabs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gemini_cli.cli.context import Context
from gemini_cli.client.resources import Resource
from gemini_cli.console import formatting


def print_list(
    context: Context,
    header: Sequence[str],
    resources: Iterable[Resource],
    row: Callable[[Resource], Sequence[Any]] = lambda resource: tuple(resource.values()),
) -> None:
    """Print a list: JSON lines, a table on a terminal, rows with tabs in a pipe.

    `row` makes the cells of a resource; without it, they are all its values.
    """
    terminal = context.terminal
    if context.global_options.json:
        for resource in resources:
            terminal.write(formatting.as_json(resource, pretty=False))
    elif terminal.stdout_is_terminal:
        terminal.write(formatting.table([header, *map(row, resources)]))
    else:
        for resource in resources:
            terminal.write(formatting.table([row(resource)], aligned=False))


def print_resource(context: Context, resource: Resource) -> None:
    """Print one resource: its JSON, or a line for each field."""
    pretty = context.terminal.stdout_is_terminal
    fields = formatting.table(resource.items(), aligned=pretty)
    context.terminal.write(formatting.as_json(resource, pretty=pretty) if context.global_options.json else fields)
