"""`stream`: send one prompt, and print the answer as it arrives."""

from __future__ import annotations

import typer

from gemini_cli.cli.command import OptionCommand, PromptWords, command_app
from gemini_cli.cli.context import Context
from gemini_cli.cli.prompt_run import run_prompt, send_streaming
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import option_groups
from gemini_cli.config.output_options import DryRunOptions
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.errors import UsageError

app = command_app()


@app.command("stream", cls=OptionCommand)
@option_groups
def stream(
    ctx: typer.Context,
    prompt: PromptWords = None,
    *,
    prompt_options: PromptOptions,
    history: HistoryOptions,
    request: RequestOptions,
    output: DryRunOptions,
    connection: ConnectionOptions,
) -> None:
    """Send one prompt, and print the answer as it arrives.

    A stream that breaks off is resumed. The prompt is PROMPT, or the text of FILE (-f); text on stdin follows as a
    second part. A single `-` as PROMPT reads it from stdin. Calls of declared functions are printed as JSON, with exit
    status 10; `call-tool` runs them.
    """
    context = Context(ctx, prompt_options, history, request, output, connection, words=prompt)
    if request.background:
        raise UsageError("--background returns at once, so there is nothing to stream: use `generate`")
    body = context.build_request(stream=True)
    run_prompt(context, body, send_streaming(context, body))
