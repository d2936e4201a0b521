"""`interactions get|wait|watch|cancel|delete`: stored interactions."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.interaction import Interaction
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, command_app, several_arguments, single_argument
from gemini_cli.cli.context import Context
from gemini_cli.cli.partial_failures import delete_each
from gemini_cli.cli.prompt_run import print_answer
from gemini_cli.client import interaction_resource
from gemini_cli.client.stream_resume import watch_interaction
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import option_groups
from gemini_cli.config.output_options import GlobalOptions, OutputOptions
from gemini_cli.errors import DeadlineExceeded, InputError, Interrupted, UsageError
from gemini_cli.storage.last_interaction import LastInteraction

if TYPE_CHECKING:
    from gemini_cli.console.presenter import Presenter


@dataclass(eq=False, repr=False)
class WaitOptions:
    """Waiting."""

    cancel_on_interrupt: Annotated[
        bool, Option("--cancel-on-interrupt", help="cancel the interaction on Ctrl-C, instead of leaving it running")
    ] = False


@dataclass(eq=False, repr=False)
class WhichOptions:
    """Interaction."""

    continue_: Annotated[
        bool, Option("-c", "--continue", help="print the last answer of this machine again, as without ID")
    ] = False


IdArgument = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
IdArguments = Annotated[list[str] | None, typer.Argument(metavar="ID...", show_default=False)]
LastOrId = Annotated[list[str] | None, typer.Argument(metavar="[ID]", show_default=False)]

app = command_app()


@app.callback()
def interactions_group() -> None:
    """Interactions: get, wait, watch, cancel, delete."""


@app.command("get", cls=OptionCommand)
@option_groups
def interactions_get(
    ctx: typer.Context,
    id: LastOrId = None,
    *,
    which: WhichOptions,
    output: OutputOptions,
    connection: ConnectionOptions,
) -> None:
    """Print the answer of an interaction; without ID, that of the last one.

    The exit statuses are those of `generate`; 8 if the interaction is still running.
    """
    context = Context(ctx, which, output, connection)
    if id and which.continue_:
        raise UsageError("give an ID or -c, not both")
    interaction_id = single_argument(id, "ID") if id else _last_interaction(context, required=which.continue_)
    with context.open_output(output.output) as target:
        interaction = interaction_resource.fetch_interaction(context.api_client, interaction_id)
        context.make_presenter(target).show(interaction)


def _last_interaction(context: Context, *, required: bool) -> str:
    """The id that `-c` continues; without one, UsageError unless it is `required`."""
    try:
        return LastInteraction(context.state, local=context.connection_options.is_local).load_id()
    except InputError as error:
        if required:
            raise
        raise UsageError(f"give one ID; {error.message}") from None


@app.command("wait", cls=OptionCommand)
@option_groups
def interactions_wait(
    ctx: typer.Context, id: IdArgument, *, wait: WaitOptions, output: OutputOptions, connection: ConnectionOptions
) -> None:
    """Wait until an interaction ends, and print its answer.

    The exit statuses are those of `generate`. Ctrl-C leaves the interaction running.
    """
    context = Context(ctx, wait, output, connection)
    interaction_id = single_argument([id], "ID")
    with context.open_output(output.output) as target:
        try:
            interaction = _wait_with_progress(context, interaction_id)
        except Interrupted as interrupt:
            if interrupt.signum == signal.SIGINT:
                _leave(context, "wait", interaction_id, cancel=wait.cancel_on_interrupt)
            raise
        context.make_presenter(target).show(interaction)


def _wait_with_progress(context: Context, interaction_id: str) -> Interaction:
    """Wait until the interaction ends; on a terminal, show the number of its steps."""
    with context.terminal.progress(interaction_id, None, "steps") as progress:

        def show_progress(interaction: Interaction) -> None:
            progress.advance_to(len(interaction.steps))
            progress.note(str(interaction.status))

        try:
            return interaction_resource.wait_for_interaction(
                context.api_client,
                interaction_id,
                hidden_for=interaction_resource.HIDDEN_SECONDS,
                on_poll=show_progress,
            )
        except DeadlineExceeded as error:
            error.interaction_id, error.hint = interaction_id, _again_hint(interaction_id)
            raise


def _leave(context: Context, verb: str, interaction_id: str, *, cancel: bool = False) -> None:
    """After Ctrl-C: cancel the interaction, or print how to return to it."""
    if cancel:
        context.terminal.print_notice(
            f"{interaction_id}: {interaction_resource.cancel_interaction(context.api_client, interaction_id).status}"
        )
    else:
        context.terminal.print_notice(f"{interaction_id} goes on; {_again_hint(interaction_id, verb)}")


def _again_hint(interaction_id: str, verb: str = "wait") -> str:
    effect = {"wait": "waits for it", "watch": "follows it"}[verb]
    return f"`gemini-cli interactions {verb} {quote(interaction_id)}` {effect} again"


@app.command("watch", cls=OptionCommand)
@option_groups
def interactions_watch(
    ctx: typer.Context, id: IdArgument, *, output: OutputOptions, connection: ConnectionOptions
) -> None:
    """Print the answer of an interaction as it arrives, until it ends.

    The output and the exit statuses are those of `stream`; a stream that breaks off is resumed. An interaction that has
    ended is printed from its start. Ctrl-C leaves the interaction running.
    """
    context = Context(ctx, output, connection)
    interaction_id = single_argument([id], "ID")
    try:
        print_answer(context, lambda presenter: _show_stream(context, presenter, interaction_id))
    except Interrupted as interrupt:
        if interrupt.signum == signal.SIGINT:
            _leave(context, "watch", interaction_id)
        raise
    except DeadlineExceeded as error:
        error.interaction_id, error.hint = interaction_id, _again_hint(interaction_id, "watch")
        raise


def _show_stream(context: Context, presenter: Presenter, interaction_id: str) -> Interaction:
    accumulator = StreamAccumulator(interaction_id)
    return presenter.show_stream(watch_interaction(context.api_client, accumulator), accumulator)


@app.command("cancel", cls=OptionCommand)
@option_groups
def interactions_cancel(
    ctx: typer.Context, id: IdArgument, *, output: GlobalOptions, connection: ConnectionOptions
) -> None:
    """Cancel a running interaction, and print its status.

    With --json, print the interaction.
    """
    context = Context(ctx, output, connection, needs_stdout=True)
    cancelled = interaction_resource.cancel_interaction(context.api_client, single_argument([id], "ID"))
    if context.global_options.json:
        resource_output.print_resource(context, cancelled.raw)
    else:
        context.terminal.write(f"{cancelled.status}\n")


@app.command("delete", cls=OptionCommand)
@option_groups
def interactions_delete(
    ctx: typer.Context, ids: IdArguments = None, *, output: GlobalOptions, connection: ConnectionOptions
) -> None:
    """Delete interactions. Running interactions are not cancelled.

    All are tried; the exit status is 11 if some cannot be deleted.
    """
    context = Context(ctx, output, connection)
    names = several_arguments(ids, "ID")
    delete_each(context, names, partial(interaction_resource.delete_interaction, context.api_client), "interaction")
