"""`generate`: ask once, print the answer when it is complete."""

from __future__ import annotations

from gemini_cli.api.outcome import completion_error
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import print_dry_run, refuse_answer_options
from gemini_cli.cli.prompt_run import add_to_history, refuse_binary, save_last_interaction, validate_answer
from gemini_cli.config.output_options import DryRunOptions
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.config.settings import ConnectionOptions
from gemini_cli.console import formatting
from gemini_cli.errors import RejectedError, UsageError


def generate(context: Context) -> None:
    """Ask once, and print the answer when it is complete.

    The prompt is the PROMPT words, or FILE (-f); text on stdin follows it as a second part. `-` alone is stdin. Calls
    of declared functions are printed as JSON, with exit status 10; `call-tool` makes them.
    """
    if context.request_options.background:
        return _start(context)
    body = context.build_request(stream=False)
    if print_dry_run(context, body):
        return None
    refuse_binary(context, body)
    with context.open_output() as output:
        interaction = context.interactions_client.create_and_wait(body)
        save_last_interaction(context, interaction)
        try:
            context.make_presenter(output).show(interaction)
        finally:
            add_to_history(context, body, interaction)
    validate_answer(context, interaction)
    return None


def _start(context: Context) -> None:
    """`--background`: print the id and return; the run goes on without us."""
    refuse_answer_options(context, "a run that is only begun")
    if context.request_options.long or context.history_path:
        raise UsageError(
            f"{'--long' if context.request_options.long else '--history'} has no effect on a run that is only begun"
        )
    body = context.build_request(stream=False)
    if print_dry_run(context, body):
        return
    context.terminal.require_stdout()
    interaction = context.interactions_client.create(body)
    if interaction.id is None:
        raise RejectedError("the run was begun, but the answer has no id to follow it", billed="maybe")
    failure = None if interaction.running else completion_error(interaction)
    if failure:
        raise failure
    save_last_interaction(context, interaction)
    pretty = context.terminal.stdout_is_terminal
    output_options = (
        formatting.as_json(interaction.raw, pretty=pretty) if context.output_options.json else f"{interaction.id}\n"
    )
    context.terminal.write(output_options)


COMMANDS = (
    Command(
        "generate",
        generate,
        (PromptOptions, HistoryOptions, RequestOptions, DryRunOptions, ConnectionOptions),
        "[PROMPT]...",
    ),
)
