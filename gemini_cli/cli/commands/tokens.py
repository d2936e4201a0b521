"""`tokens`: count the tokens of a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Option

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, PromptWords, command_app
from gemini_cli.cli.context import Context
from gemini_cli.client import resources
from gemini_cli.config.model_names import DEFAULT_MODEL, MODEL_ALIASES, MODEL_NAMES
from gemini_cli.config.option_groups import Suggestions, option_groups
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.request_options import PromptOptions
from gemini_cli.config.settings import ConnectionOptions
from gemini_cli.errors import UsageError


@dataclass(eq=False, repr=False)
class TokensOptions:
    """Token count."""

    model: Annotated[
        str | None,
        Option("-m", "--model", metavar="NAME", envvar="GEMINI_MODEL", help="the model to count for"),
        Suggestions((*MODEL_ALIASES, *MODEL_NAMES)),
    ] = None


app = command_app()


@app.command("tokens", cls=OptionCommand)
@option_groups
def tokens(
    ctx: typer.Context,
    prompt: PromptWords = None,
    *,
    prompt_options: PromptOptions,
    counting: TokensOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Count the tokens of a prompt with its attachments.

    The server counts them, and generates no answer. The prompt is given as for `generate`.
    """
    from gemini_cli.api.generate_content.contents import to_contents  # needed by few runs

    context = Context(ctx, prompt_options, counting, output, connection, words=prompt)
    context.terminal.require_stdout()
    turn_input = context.prompt_input.build_input()
    if turn_input is None:
        raise UsageError("no prompt: give words, -f FILE, or text on stdin")
    profile = context.profile.request if context.profile else {}
    model = counting.model or profile.get("model") or DEFAULT_MODEL
    context.attachments.resolve({"input": turn_input})
    name = resources.resource_name("models", str(model))
    counted = resources.count_tokens(context.api_client, name, to_contents(turn_input))
    if context.global_options.json:
        resource_output.print_resource(context, counted)
    else:
        context.terminal.write(f"{counted.get('totalTokens', 0)}\n")
