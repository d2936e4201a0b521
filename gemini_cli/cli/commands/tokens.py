"""`tokens`: how many tokens a prompt would take."""

from __future__ import annotations

from typing import Annotated

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.client import resources
from gemini_cli.config.option_spec import Flag, Record
from gemini_cli.config.output_options import Voice
from gemini_cli.config.request_options import ALIASES, DEFAULT_MODEL, Prompted
from gemini_cli.config.settings import Settings, resolve
from gemini_cli.errors import UsageError


class Counted(Record):
    """Who counts."""

    model: Annotated[str | None, Flag("the model that counts", "-m", "NAME", ("GEMINI_MODEL",), offers=ALIASES)] = None


def tokens(context: Context) -> None:
    """Count the tokens of a prompt with its attachments. Asks the service; no answer is generated.

    The prompt comes from where `generate` takes it.
    """
    from gemini_cli.api.generate_content.contents import contents  # most runs speak the other family

    asked = context.gathering.input()
    if asked is None:
        raise UsageError("no prompt: give words, -f FILE, or text on stdin")
    profile = context.profile.request if context.profile else {}
    model = resolve(Counted, context.said).model or profile.get("model") or DEFAULT_MODEL
    context.attachments.settle({"input": asked})
    name = resources.full_name("models", str(model))
    counted = resources.count_tokens(context.service, name, contents(asked))
    if context.voice.json:
        resource_output.one(context, counted)
    else:
        context.terminal.write(f"{counted.get('totalTokens', 0)}\n")


COMMANDS = (Command("tokens", tokens, (Prompted, Counted, Voice, Settings), "[PROMPT]..."),)
