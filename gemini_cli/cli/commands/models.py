"""`models list|get`."""

from __future__ import annotations

from typing import Any

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.typer_options import one_word
from gemini_cli.client import resources
from gemini_cli.config.output_options import Voice
from gemini_cli.config.settings import Settings

COLUMNS = ("NAME", "INPUT LIMIT", "OUTPUT LIMIT", "TITLE")


def list_(context: Context) -> None:
    """List the models: name, token limits, title. With --json, one object a line."""
    resource_output.several(context, COLUMNS, resources.every(context.service, "models"), _row)


def get(context: Context) -> None:
    """Show what is known of a model."""
    name = resources.full_name("models", one_word(context, "MODEL"))
    resource_output.one(context, resources.one(context.service, name))


def _row(model: dict[str, Any]) -> tuple[Any, ...]:
    name = str(model.get("name", "")).removeprefix("models/")
    return name, model.get("inputTokenLimit"), model.get("outputTokenLimit"), model.get("displayName")


COMMANDS = (
    Command("models list", list_, (Voice, Settings)),
    Command("models get", get, (Voice, Settings), "MODEL"),
)
