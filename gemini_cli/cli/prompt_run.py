"""What the commands that ask have in common, before and after the answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gemini_cli.api.body import Body
from gemini_cli.api.conversation import input_to_steps
from gemini_cli.api.interaction import Interaction
from gemini_cli.chat import history_file
from gemini_cli.cli.context import Context
from gemini_cli.errors import OutputError, UsageError
from gemini_cli.formats.mime_types import MEDIA_KINDS

if TYPE_CHECKING:
    from gemini_cli.bulk.output_rows import SchemaValidator


def refuse_binary(context: Context, body: Body) -> None:
    """Before anything is sent: what is asked for is no text, and a terminal is no place for it."""
    formats = body.get("response_format")
    kinds = {str(each.get("type")) for each in (formats if isinstance(formats, list) else [formats]) if each}
    output_options, terminal = context.output_options, context.terminal
    if (
        terminal.stdout_is_terminal
        and output_options.output in (None, "-")
        and not output_options.json
        and kinds & MEDIA_KINDS
    ):
        raise UsageError(
            f"the answer is to be {', '.join(sorted(kinds & MEDIA_KINDS))}, and stdout is a terminal: use -o FILE"
        )


def save_last_interaction(context: Context, interaction: Interaction) -> None:
    """Save the id for `-c`, if it can be continued (api/README.md 8.9). A failure to write costs only that."""
    if interaction.id is None or interaction.status in ("failed", "cancelled"):
        return
    try:
        context.state.save_last_interaction(interaction.id, offline=context.connection_options.offline)
    except OutputError as error:
        context.terminal.log(1, error.message)


def add_to_history(context: Context, body: Body, interaction: Interaction) -> None:
    """For `--history`: what was asked, which has all that was before, and a turn that came to its end."""
    if context.history_path is not None and interaction.status in ("completed", "requires_action"):
        asked = input_to_steps(body["input"])
        before = history_file.read_history(context.history_path)
        if before != asked[: len(before)]:
            raise OutputError(f"{context.history_path} was changed by another run meanwhile; this turn is not in it")
        history_file.write_history(context.history_path, [*asked, *interaction.steps])


def validate_answer(context: Context, interaction: Interaction) -> None:
    """After the answer is out: that it does not fit does not make it less whole."""
    if context.schema is not None:
        from gemini_cli.formats import json_schema

        json_schema.validate_json(interaction.text, context.schema)


def schema_validator(context: Context) -> SchemaValidator | None:
    """The same for each of many answers; None without a schema."""
    if context.schema is None:
        return None
    from gemini_cli.formats import json_schema

    return partial(json_schema.validate_json, schema=context.schema)
