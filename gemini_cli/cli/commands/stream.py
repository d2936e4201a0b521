"""`stream`: ask once, print the answer as it arrives."""

from __future__ import annotations

from gemini_cli.api.accumulator import Fold
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import preview
from gemini_cli.cli.prompt_run import add_to_history, hold_against_schema, refuse_binary, remember
from gemini_cli.config.output_options import PreviewFlags
from gemini_cli.config.request_options import Asked, InHistory, Prompted
from gemini_cli.config.settings import Settings
from gemini_cli.errors import UsageError


def stream(context: Context) -> None:
    """Ask once, and print the answer as it arrives. A stream that is cut is resumed.

    The prompt is the PROMPT words, or FILE (-f); text on stdin follows it as a second part. `-` alone is stdin. Calls
    of declared functions are printed as JSON, with exit status 10; `call-tool` makes them.
    """
    if context.asked.background:
        raise UsageError("--background returns at once; there is nothing to stream: use `generate`")
    body = context.question(stream=True)
    if preview(context, body):
        return
    refuse_binary(context, body)
    fold = Fold()
    with context.output() as output:
        answer = context.answer(output)
        try:
            interaction = answer.follow(context.dialogue.listen(body, fold), fold)
        finally:
            if fold.terminal or fold.error is None:
                remember(context, fold.interaction)
            if fold.terminal:
                add_to_history(context, body, fold.interaction)
    hold_against_schema(context, interaction)


COMMANDS = (Command("stream", stream, (Prompted, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),)
