"""The run of the commands that send one prompt.

It shows or sends the request, prints the answer, saves and validates it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.body import Body
from gemini_cli.api.conversation import input_to_steps
from gemini_cli.api.interaction import Interaction
from gemini_cli.chat import history_file
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import print_dry_run
from gemini_cli.errors import InputError, OutputError, UsageError
from gemini_cli.formats.mime_types import MEDIA_KINDS
from gemini_cli.storage.last_interaction import LastInteraction

if TYPE_CHECKING:
    from gemini_cli.console.presenter import Presenter

# Sends a request and prints the answer with the presenter; saves it with `save_answer`, also if it is not complete.
Send = Callable[["Presenter"], Interaction]


def run_prompt(context: Context, body: Body, send: Send, *, commands: Mapping[str, Any] | None = None) -> None:
    """Show the request with --dry-run or --curl; else send it and print the answer."""
    if print_dry_run(context, body, commands):
        return
    refuse_binary(context, body)
    print_answer(context, send)


def print_answer(context: Context, send: Send) -> None:
    """Open the output, send the request, print the answer, and validate it."""
    with context.open_output(context.output_options.output) as output, context.terminal.waiting("the answer"):
        interaction = send(context.make_presenter(output))
    validate_answer(context, interaction)


def send_plain(context: Context, body: Body) -> Send:
    """Print the answer when it is complete."""

    def send(presenter: Presenter) -> Interaction:
        interaction = context.interactions_client.create_and_wait(body)
        try:
            presenter.show(interaction)
        finally:
            save_answer(context, body, interaction)
        return interaction

    return send


def send_streaming(context: Context, body: Body) -> Send:
    """Print the answer as it arrives."""

    def send(presenter: Presenter) -> Interaction:
        answer = StreamAccumulator()
        try:
            return presenter.show_stream(context.interactions_client.stream(body, answer), answer)
        finally:
            if answer.terminal:
                save_answer(context, body, answer.interaction)
            elif answer.error is None:
                save_last_interaction(context, answer.interaction)

    return send


def save_answer(context: Context, body: Body, interaction: Interaction) -> None:
    """Save what a later run may continue: the id for `-c`, and the turn for --history."""
    save_last_interaction(context, interaction)
    add_to_history(context, body, interaction)


def refuse_binary(context: Context, body: Body) -> None:
    """UsageError if the answer is binary, and the terminal on stdout cannot show it.

    A terminal may show images that the server stores, because a later command can save them.
    """
    formats = body.get("response_format")
    kinds = {str(each.get("type")) for each in (formats if isinstance(formats, list) else [formats]) if each}
    options, media = context.output_options, sorted(kinds & MEDIA_KINDS.keys())
    if media == ["image"] and options.output is None and not options.no_images:
        stored = context.adapter.stores_interactions and body.get("store") is not False
        if stored and context.terminal.picture_encoder():
            return
    if media and context.terminal.stdout_is_terminal and options.output in (None, "-") and not options.json:
        raise UsageError(f"the answer contains {', '.join(media)}, and stdout is a terminal: use -o FILE")


def save_last_interaction(context: Context, interaction: Interaction) -> None:
    """Save the id for `-c`, if it can be continued (api/README.md 8.9).

    If that fails, only `-c` is lost.
    """
    if interaction.id is None or interaction.status in ("failed", "cancelled") or context.state.directory is None:
        return
    try:
        LastInteraction(context.state, local=context.connection_options.is_local).save_id(interaction.id)
    except (InputError, OutputError) as error:
        context.terminal.print_notice(f"-c cannot continue this answer: {error.message}")


def add_to_history(context: Context, body: Body, interaction: Interaction) -> None:
    """Add a finished turn to the file of `--history`.

    The input of the request begins with the turns before.
    """
    if context.history_path is not None and interaction.status in ("completed", "requires_action"):
        steps = input_to_steps(body["input"])
        before = history_file.read_history(context.history_path)
        if before != steps[: len(before)]:
            raise OutputError(
                f"{context.history_path} was changed by another run in the meantime; this turn is not in it"
            )
        history_file.write_history(context.history_path, [*steps, *interaction.steps])


def validate_answer(context: Context, interaction: Interaction) -> None:
    """Check the answer against `--schema`, after it is printed."""
    if context.schema is not None:
        from gemini_cli.formats import json_schema

        json_schema.validate_json(interaction.text, context.schema)
