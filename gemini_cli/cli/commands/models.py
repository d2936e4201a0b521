"""`models list|get`: the models of the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, command_app, single_argument
from gemini_cli.cli.context import Context
from gemini_cli.client import resources
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import option_groups
from gemini_cli.config.output_options import GlobalOptions

COLUMNS = ("NAME", "INPUT LIMIT", "OUTPUT LIMIT", "TITLE")


ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", show_default=False)]

app = command_app()


@app.callback()
def models() -> None:
    """Models: list, get."""


@app.command("list", cls=OptionCommand)
@option_groups
def models_list(ctx: typer.Context, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """List the models: name, token limits and title. With --json, JSON lines."""
    context = Context(ctx, output, connection, needs_stdout=True)
    resource_output.print_list(context, COLUMNS, resources.list_all(context.api_client, "models"), _row)


@app.command("get", cls=OptionCommand)
@option_groups
def models_get(
    ctx: typer.Context, model: ModelArgument, *, output: GlobalOptions, connection: ConnectionOptions
) -> None:
    """Show the fields of a model."""
    context = Context(ctx, output, connection, needs_stdout=True)
    name = resources.resource_name("models", single_argument([model], "MODEL"))
    resource_output.print_resource(context, resources.get_resource(context.api_client, name))


def _row(model: dict[str, Any]) -> tuple[Any, ...]:
    name = str(model.get("name") or "").removeprefix("models/")
    return name, model.get("inputTokenLimit"), model.get("outputTokenLimit"), model.get("displayName")
