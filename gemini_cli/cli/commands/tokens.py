"""`tokens`: how many tokens a prompt would take."""

from __future__ import annotations

from typing import Annotated

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.client import resources
from gemini_cli.config.option_spec import OptionGroup, OptionSpec
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.request_options import DEFAULT_MODEL, MODEL_ALIASES, PromptOptions
from gemini_cli.config.settings import ConnectionOptions, resolve_options
from gemini_cli.errors import UsageError


class TokensOptions(OptionGroup):
    """Who counts."""

    model: Annotated[
        str | None, OptionSpec("the model that counts", "-m", "NAME", ("GEMINI_MODEL",), suggestions=MODEL_ALIASES)
    ] = None


def tokens(context: Context) -> None:
    """Count the tokens of a prompt with its attachments. Asks the service; no answer is generated.

    The prompt comes from where `generate` takes it.
    """
    from gemini_cli.api.generate_content.contents import to_contents  # most runs speak the other family

    asked = context.prompt_input.build_input()
    if asked is None:
        raise UsageError("no prompt: give words, -f FILE, or text on stdin")
    profile = context.profile.request if context.profile else {}
    model = resolve_options(TokensOptions, context.config_sources).model or profile.get("model") or DEFAULT_MODEL
    context.attachments.resolve({"input": asked})
    name = resources.resource_name("models", str(model))
    counted = resources.count_tokens(context.api_client, name, to_contents(asked))
    if context.global_options.json:
        resource_output.print_resource(context, counted)
    else:
        context.terminal.write(f"{counted.get('totalTokens', 0)}\n")


COMMANDS = (Command("tokens", tokens, (PromptOptions, TokensOptions, GlobalOptions, ConnectionOptions), "[PROMPT]..."),)
