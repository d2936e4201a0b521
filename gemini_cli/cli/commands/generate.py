"""`generate`: send one prompt, and print the answer when it is complete."""

from __future__ import annotations

from shlex import quote

import typer

from gemini_cli.api.outcome import completion_error
from gemini_cli.cli.command import OptionCommand, PromptWords, command_app
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import print_dry_run, refuse_answer_options
from gemini_cli.cli.prompt_run import run_prompt, save_last_interaction, send_plain
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import option_groups
from gemini_cli.config.output_options import DryRunOptions
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.console import formatting
from gemini_cli.errors import RejectedError, UsageError

app = command_app()


@app.command("generate", cls=OptionCommand)
@option_groups
def generate(
    ctx: typer.Context,
    prompt: PromptWords = None,
    *,
    prompt_options: PromptOptions,
    history: HistoryOptions,
    request: RequestOptions,
    output: DryRunOptions,
    connection: ConnectionOptions,
) -> None:
    """Send one prompt, and print the answer when it is complete.

    The prompt is PROMPT, or the text of FILE (-f); text on stdin follows as a second part. A single `-` as PROMPT reads
    it from stdin. Calls of declared functions are printed as JSON, with exit status 10; `call-tool` runs them.
    """
    context = Context(ctx, prompt_options, history, request, output, connection, words=prompt)
    if request.background:
        _start(context)
        return
    body = context.build_request(stream=False)
    run_prompt(context, body, send_plain(context, body))


def _start(context: Context) -> None:
    """Start an interaction for `--background`, and print its id."""
    refuse_answer_options(context, "a run in the background")
    if context.request_options.long or context.history_path:
        option = "--long" if context.request_options.long else "--history"
        raise UsageError(f"{option} has no effect on a run in the background")
    body = context.build_request(stream=False)
    if print_dry_run(context, body):
        return
    context.terminal.require_stdout()
    interaction = context.interactions_client.create(body)
    if interaction.id is None:
        raise RejectedError("the run was started, but the answer has no id to follow it", billed="maybe")
    failure = None if interaction.running else completion_error(interaction)
    if failure:
        raise failure
    save_last_interaction(context, interaction)
    pretty = context.terminal.stdout_is_terminal
    text = formatting.as_json(interaction.raw, pretty=pretty) if context.output_options.json else f"{interaction.id}\n"
    context.terminal.write(text)
    context.terminal.print_status(f"`gemini-cli interactions watch {quote(interaction.id)}` prints its answer")
