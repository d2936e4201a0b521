"""`models list|get`."""

from __future__ import annotations

from typing import Any

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.typer_options import single_argument
from gemini_cli.client import resources
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.settings import ConnectionOptions

COLUMNS = ("NAME", "INPUT LIMIT", "OUTPUT LIMIT", "TITLE")


def models_list(context: Context) -> None:
    """List the models: name, token limits, title. With --json, one object a line."""
    resource_output.print_list(context, COLUMNS, resources.list_all(context.api_client, "models"), _row)


def models_get(context: Context) -> None:
    """Show what is known of a model."""
    name = resources.resource_name("models", single_argument(context, "MODEL"))
    resource_output.print_resource(context, resources.get_resource(context.api_client, name))


def _row(model: dict[str, Any]) -> tuple[Any, ...]:
    name = str(model.get("name", "")).removeprefix("models/")
    return name, model.get("inputTokenLimit"), model.get("outputTokenLimit"), model.get("displayName")


COMMANDS = (
    Command("models list", models_list, (GlobalOptions, ConnectionOptions)),
    Command("models get", models_get, (GlobalOptions, ConnectionOptions), "MODEL"),
)
