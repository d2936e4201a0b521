"""`interactions get|wait|cancel|delete`."""

from __future__ import annotations

import signal
from typing import Annotated

from gemini_cli.api.interaction import Interaction
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.typer_options import one_word
from gemini_cli.client import interactions
from gemini_cli.config.option_spec import Flag, Record
from gemini_cli.config.output_options import AnswerFlags, Voice
from gemini_cli.config.settings import Settings, resolve
from gemini_cli.errors import DeadlinePassed, Ended


class Waiting(Record):
    """What an impatient person wants."""

    cancel_on_interrupt: Annotated[bool, Flag("Ctrl-C cancels the interaction instead of leaving it running")] = False


def get(context: Context) -> None:
    """Print the answer of an interaction, with the exit statuses of `generate`. One that still runs is 8."""
    interaction_id = one_word(context, "ID")
    with context.output() as output:
        found = interactions.fetch(context.service, interaction_id)
        context.answer(output).show(found)


def wait(context: Context) -> None:
    """Wait until an interaction has ended, and print its answer with the exit statuses of `generate`.

    Ctrl-C leaves the interaction running.
    """
    interaction_id = one_word(context, "ID")
    with context.output() as output:
        try:
            found = _awaited(context, interaction_id)
        except Ended as ended:
            if ended.signum == signal.SIGINT:
                _leave(context, interaction_id)
            raise
        context.answer(output).show(found)


def _awaited(context: Context, interaction_id: str) -> Interaction:
    """The interaction when it has ended; until then a terminal shows how many steps it has made."""
    with context.terminal.progress(interaction_id, None, "steps") as progress:
        shown = 0

        def look(found: Interaction) -> None:
            nonlocal shown
            progress.advance(len(found.steps) - shown)
            progress.note(str(found.status))
            shown = len(found.steps)

        try:
            return interactions.wait(context.service, interaction_id, hidden_for=interactions.HIDDEN, look=look)
        except DeadlinePassed as error:
            error.interaction_id, error.hint = interaction_id, _again(interaction_id)
            raise


def _leave(context: Context, interaction_id: str) -> None:
    """After Ctrl-C; another one does not wait for us."""
    if resolve(Waiting, context.said).cancel_on_interrupt:
        context.terminal.notice(f"{interaction_id}: {interactions.cancel(context.service, interaction_id).status}")
    else:
        context.terminal.notice(f"it goes on; {_again(interaction_id)}")


def _again(interaction_id: str) -> str:
    return f"`gemini-cli interactions wait {interaction_id}` comes back to it"


def cancel(context: Context) -> None:
    """Cancel a running interaction. Prints its status, or with --json the interaction."""
    cancelled = interactions.cancel(context.service, one_word(context, "ID"))
    if context.voice.json:
        resource_output.one(context, cancelled.raw)
    else:
        context.terminal.write(f"{cancelled.status}\n")


def delete(context: Context) -> None:
    """Delete an interaction. One that runs goes on running."""
    interactions.delete(context.service, one_word(context, "ID"))


COMMANDS = (
    Command("interactions get", get, (AnswerFlags, Settings), "ID"),
    Command("interactions wait", wait, (Waiting, AnswerFlags, Settings), "ID"),
    Command("interactions cancel", cancel, (Voice, Settings), "ID"),
    Command("interactions delete", delete, (Voice, Settings), "ID"),
)
