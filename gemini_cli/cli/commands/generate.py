"""`generate`: ask once, print the answer when it is complete."""

from __future__ import annotations

from gemini_cli.api.outcome import verdict
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import preview, without_effect
from gemini_cli.cli.prompt_run import add_to_history, hold_against_schema, refuse_binary, remember
from gemini_cli.config.output_options import PreviewFlags
from gemini_cli.config.request_options import Asked, InHistory, Prompted
from gemini_cli.config.settings import Settings
from gemini_cli.console import formatting
from gemini_cli.errors import Rejected, UsageError


def generate(context: Context) -> None:
    """Ask once, and print the answer when it is complete.

    The prompt is the PROMPT words, or FILE (-f); text on stdin follows it as a second part. `-` alone is stdin. Calls
    of declared functions are printed as JSON, with exit status 10; `call-tool` makes them.
    """
    if context.asked.background:
        return _start(context)
    body = context.question(stream=False)
    if preview(context, body):
        return None
    refuse_binary(context, body)
    with context.output() as output:
        interaction = context.dialogue.ask(body)
        remember(context, interaction)
        try:
            context.answer(output).show(interaction)
        finally:
            add_to_history(context, body, interaction)
    hold_against_schema(context, interaction)
    return None


def _start(context: Context) -> None:
    """`--background`: print the id and return; the run goes on without us."""
    without_effect(context, "a run that is only begun")
    if context.asked.long or context.history:
        raise UsageError(f"{'--long' if context.asked.long else '--history'} has no effect on a run that is only begun")
    body = context.question(stream=False)
    if preview(context, body):
        return
    context.terminal.require_stdout()
    interaction = context.dialogue.start(body)
    if interaction.id is None:
        raise Rejected("the run was begun, but the answer has no id to follow it", billed="maybe")
    failure = None if interaction.running else verdict(interaction)
    if failure:
        raise failure
    remember(context, interaction)
    pretty = context.terminal.stdout_is_terminal
    shown = formatting.as_json(interaction.raw, pretty=pretty) if context.shown.json else f"{interaction.id}\n"
    context.terminal.write(shown)


COMMANDS = (Command("generate", generate, (Prompted, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),)
