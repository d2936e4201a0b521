"""`interactions get|wait|cancel|delete`."""

from __future__ import annotations

import signal
from typing import Annotated

from gemini_cli.api.interaction import Interaction
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.typer_options import single_argument
from gemini_cli.client import interactions
from gemini_cli.config.option_spec import OptionGroup, OptionSpec
from gemini_cli.config.output_options import GlobalOptions, OutputOptions
from gemini_cli.config.settings import ConnectionOptions, resolve_options
from gemini_cli.errors import DeadlineExceeded, Interrupted


class WaitOptions(OptionGroup):
    """What an impatient person wants."""

    cancel_on_interrupt: Annotated[bool, OptionSpec("Ctrl-C cancels the interaction instead of leaving it running")] = (
        False
    )


def interactions_get(context: Context) -> None:
    """Print the answer of an interaction, with the exit statuses of `generate`. One that still runs is 8."""
    interaction_id = single_argument(context, "ID")
    with context.open_output() as output:
        found = interactions.fetch_interaction(context.api_client, interaction_id)
        context.make_presenter(output).show(found)


def interactions_wait(context: Context) -> None:
    """Wait until an interaction has ended, and print its answer with the exit statuses of `generate`.

    Ctrl-C leaves the interaction running.
    """
    interaction_id = single_argument(context, "ID")
    with context.open_output() as output:
        try:
            found = _wait_with_progress(context, interaction_id)
        except Interrupted as ended:
            if ended.signum == signal.SIGINT:
                _cancel_on_interrupt(context, interaction_id)
            raise
        context.make_presenter(output).show(found)


def _wait_with_progress(context: Context, interaction_id: str) -> Interaction:
    """The interaction when it has ended; until then a terminal shows how many steps it has made."""
    with context.terminal.progress(interaction_id, None, "steps") as progress:
        output_options = 0

        def look(found: Interaction) -> None:
            nonlocal output_options
            progress.advance(len(found.steps) - output_options)
            progress.note(str(found.status))
            output_options = len(found.steps)

        try:
            return interactions.wait_for_interaction(
                context.api_client, interaction_id, hidden_for=interactions.HIDDEN_SECONDS, on_poll=look
            )
        except DeadlineExceeded as error:
            error.interaction_id, error.hint = interaction_id, _again_hint(interaction_id)
            raise


def _cancel_on_interrupt(context: Context, interaction_id: str) -> None:
    """After Ctrl-C; another one does not wait for us."""
    if resolve_options(WaitOptions, context.config_sources).cancel_on_interrupt:
        context.terminal.print_notice(
            f"{interaction_id}: {interactions.cancel_interaction(context.api_client, interaction_id).status}"
        )
    else:
        context.terminal.print_notice(f"it goes on; {_again_hint(interaction_id)}")


def _again_hint(interaction_id: str) -> str:
    return f"`gemini-cli interactions wait {interaction_id}` comes back to it"


def interactions_cancel(context: Context) -> None:
    """Cancel a running interaction. Prints its status, or with --json the interaction."""
    cancelled = interactions.cancel_interaction(context.api_client, single_argument(context, "ID"))
    if context.global_options.json:
        resource_output.print_resource(context, cancelled.raw)
    else:
        context.terminal.write(f"{cancelled.status}\n")


def interactions_delete(context: Context) -> None:
    """Delete an interaction. One that runs goes on running."""
    interactions.delete_interaction(context.api_client, single_argument(context, "ID"))


COMMANDS = (
    Command("interactions get", interactions_get, (OutputOptions, ConnectionOptions), "ID"),
    Command("interactions wait", interactions_wait, (WaitOptions, OutputOptions, ConnectionOptions), "ID"),
    Command("interactions cancel", interactions_cancel, (GlobalOptions, ConnectionOptions), "ID"),
    Command("interactions delete", interactions_delete, (GlobalOptions, ConnectionOptions), "ID"),
)
