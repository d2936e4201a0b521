"""`interactions get|wait|cancel|delete`."""

from __future__ import annotations

from gemini_cli import dialogue
from gemini_cli.answer import Answer
from gemini_cli.commands import show
from gemini_cli.commands.flags import one_word
from gemini_cli.context import Context


def get(context: Context) -> None:
    """Print the answer of an interaction, with the exit statuses of `generate`. One that still runs is 8."""
    interaction_id = one_word(context, "ID")
    with context.output() as output:
        found = dialogue.fetch(context.service, interaction_id)
        Answer(context.shown, context.terminal, output).show(found)


def wait(context: Context) -> None:
    """Wait until an interaction has ended, and print its answer with the exit statuses of `generate`."""
    interaction_id = one_word(context, "ID")
    with context.output() as output:
        found = dialogue.wait(context.service, interaction_id, hidden_for=dialogue.HIDDEN)
        Answer(context.shown, context.terminal, output).show(found)


def cancel(context: Context) -> None:
    """Cancel a running interaction. Prints its status, or with --json the interaction."""
    cancelled = dialogue.cancel(context.service, one_word(context, "ID"))
    if context.voice.json:
        show.one(context, cancelled.raw)
    else:
        context.terminal.write(f"{cancelled.status}\n")


def delete(context: Context) -> None:
    """Delete an interaction. One that runs goes on running."""
    dialogue.delete(context.service, one_word(context, "ID"))
