"""`stream`: ask once, print the answer as it arrives."""

from __future__ import annotations

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import print_dry_run
from gemini_cli.cli.prompt_run import add_to_history, refuse_binary, save_last_interaction, validate_answer
from gemini_cli.config.output_options import DryRunOptions
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.config.settings import ConnectionOptions
from gemini_cli.errors import UsageError


def stream(context: Context) -> None:
    """Ask once, and print the answer as it arrives. A stream that is cut is resumed.

    The prompt is the PROMPT words, or FILE (-f); text on stdin follows it as a second part. `-` alone is stdin. Calls
    of declared functions are printed as JSON, with exit status 10; `call-tool` makes them.
    """
    if context.request_options.background:
        raise UsageError("--background returns at once; there is nothing to stream: use `generate`")
    body = context.build_request(stream=True)
    if print_dry_run(context, body):
        return
    refuse_binary(context, body)
    accumulator = StreamAccumulator()
    with context.open_output() as output:
        presenter = context.make_presenter(output)
        try:
            interaction = presenter.show_stream(context.interactions_client.stream(body, accumulator), accumulator)
        finally:
            if accumulator.terminal or accumulator.error is None:
                save_last_interaction(context, accumulator.interaction)
            if accumulator.terminal:
                add_to_history(context, body, accumulator.interaction)
    validate_answer(context, interaction)


COMMANDS = (
    Command(
        "stream",
        stream,
        (PromptOptions, HistoryOptions, RequestOptions, DryRunOptions, ConnectionOptions),
        "[PROMPT]...",
    ),
)
