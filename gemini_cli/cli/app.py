"""The door: runs the command tree, and turns what comes out, an exception included, into an exit status."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

from gemini_cli import __version__
from gemini_cli.cli.command_tree import build_click_command, command_word
from gemini_cli.config import api_key
from gemini_cli.console import signals
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import CliError, DeadlineExceeded, InternalError, Interrupted, UsageError
from gemini_cli.transport.deadline import cancel_alarm, extend_alarm, set_alarm

if TYPE_CHECKING:
    from gemini_cli.cli.context import Context

# What every complaint of the parser is; Typer exports only this child of it.
TyperError: type[Exception] = typer.BadParameter.__mro__[2]


def run_command_line(argv: Sequence[str], terminal: Terminal, make: Callable[[], Context]) -> int:
    """Run one command line; its exit status. A signal, or a reader that left, comes out as Interrupted.

    The context is made for a command, and for nothing else.
    """
    printed = io.StringIO()  # Typer prints help and version to sys.stdout; only the terminal writes there
    context = None
    try:
        word = command_word(argv)
        context = make() if word else None
        with contextlib.redirect_stdout(printed):
            status = build_click_command(word, argv)(
                list(argv), prog_name="gemini-cli", standalone_mode=False, obj=context
            )
        terminal.write(printed.getvalue())
        cancel_alarm()
        return status if isinstance(status, int) else 0
    except CliError as known:
        failure = known
    except TyperError as error:
        failure = UsageError(error.format_message())  # type: ignore[attr-defined]  # see TyperError
    except Exception as error:  # ours, whatever it is: a sentence, never a traceback
        failure = _internal_error(error)
    if terminal.answered:
        failure = failure.after_output_began()
    with contextlib.suppress(DeadlineExceeded):
        extend_alarm()
        terminal.print_error(failure, as_json=_json_wanted(context, argv))
        cancel_alarm()
    return failure.exit_status


def _json_wanted(context: Context | None, argv: Sequence[str]) -> bool:
    """What the command understood; where it came to understand nothing, what the command line looks like."""
    try:
        if context and context.parsed:
            return context.global_options.json
    except CliError:
        pass  # the profile is what failed
    return "--json" in (argv[: argv.index("--")] if "--" in argv else argv)


def _internal_error(error: Exception) -> InternalError:
    """Where it happened, without the values, which may be the user's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "unknown"
    return InternalError(
        f"{type(error).__name__} at {where}, in gemini-cli {__version__}; please report it with this line",
    )


def main() -> NoReturn:
    """The console script."""
    environ = dict(os.environ)
    api_key.scrub_environment()
    terminal = Terminal.standard(environ)
    for key in api_key.keys_in_environment(environ):
        terminal.add_secret(key)
    signals.install_handlers()

    def context() -> Context:
        from gemini_cli.cli.context import Context, Dependencies  # half the program, which `--help` does without

        return Context(terminal, environ, Dependencies(set_alarm=set_alarm))

    try:
        status = run_command_line(sys.argv[1:], terminal, context)
    except Interrupted as ended:
        signals.exit_with_signal(ended.signum)
        status = 128 + ended.signum
    finally:
        cancel_alarm()
    sys.exit(status)
