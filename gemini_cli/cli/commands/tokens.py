"""`tokens`: count the tokens of a request."""

from __future__ import annotations

import typer

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, PromptWords, command_app
from gemini_cli.cli.context import Context
from gemini_cli.client import resources
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import option_groups
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions

app = command_app()


@app.command("tokens", cls=OptionCommand)
@option_groups
def tokens(
    ctx: typer.Context,
    prompt: PromptWords = None,
    *,
    prompt_options: PromptOptions,
    history: HistoryOptions,
    request: RequestOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Count the tokens of a request.

    The request is given as for `generate`: prompt, attachments, history, system instruction, tools and the rest. The
    server counts its tokens, and generates no answer. It counts requests of generateContent, so what the server stores
    or an agent does cannot be counted.
    """
    context = Context(ctx, prompt_options, history, request, output, connection, words=prompt, needs_stdout=True)
    request.api = "generate-content"
    body = context.build_request(stream=False)
    context.attachments.resolve(body)
    path, sent = context.adapter.build_request(body)
    counted = resources.count_tokens(context.api_client, path.removesuffix(":generateContent"), sent)
    if context.global_options.json:
        resource_output.print_resource(context, counted)
    else:
        context.terminal.write(f"{counted.get('totalTokens', 0)}\n")
