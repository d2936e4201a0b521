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
from gemini_cli.cli.command_tree import said, tree
from gemini_cli.config import api_key
from gemini_cli.console import signals
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import Bug, DeadlinePassed, Ended, Failure, UsageError
from gemini_cli.transport.deadline import arm_alarm, disarm, last_words

if TYPE_CHECKING:
    from gemini_cli.cli.context import Context

# What every complaint of the parser is; Typer exports only this child of it.
TyperError: type[Exception] = typer.BadParameter.__mro__[2]


def run(argv: Sequence[str], terminal: Terminal, make: Callable[[], Context]) -> int:
    """Run one command line; its exit status. A signal, or a reader that left, comes out as Ended.

    The context is made for a command, and for nothing else.
    """
    printed = io.StringIO()  # Typer prints help and version to sys.stdout; only the terminal writes there
    context = None
    try:
        word = said(argv)
        context = make() if word else None
        with contextlib.redirect_stdout(printed):
            status = tree(word, argv)(list(argv), prog_name="gemini-cli", standalone_mode=False, obj=context)
        terminal.write(printed.getvalue())
        disarm()
        return status if isinstance(status, int) else 0
    except Failure as known:
        failure = known
    except TyperError as error:
        failure = UsageError(error.format_message())  # type: ignore[attr-defined]  # see TyperError
    except Exception as error:  # ours, whatever it is: a sentence, never a traceback
        failure = _bug(error)
    if terminal.answered:
        failure = failure.after_the_first_byte()
    with contextlib.suppress(DeadlinePassed):
        last_words()
        terminal.tell(failure, as_json=_json_wanted(context, argv))
        disarm()
    return failure.exit_status


def _json_wanted(context: Context | None, argv: Sequence[str]) -> bool:
    """What the command understood; where it came to understand nothing, what the command line looks like."""
    try:
        if context and context.heard:
            return context.voice.json
    except Failure:
        pass  # the profile is what failed
    return "--json" in (argv[: argv.index("--")] if "--" in argv else argv)


def _bug(error: Exception) -> Bug:
    """Where it happened, without the values, which may be the user's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "unknown"
    return Bug(
        f"{type(error).__name__} at {where}, in gemini-cli {__version__}; please report it with this line",
    )


def main() -> NoReturn:
    """The console script."""
    environ = dict(os.environ)
    api_key.leave_no_trace()
    terminal = Terminal.standard(environ)
    for key in api_key.of_environment(environ):
        terminal.hide(key)
    signals.listen()

    def context() -> Context:
        from gemini_cli.cli.context import Context, Means  # half the program, which `--help` does without

        return Context(terminal, environ, Means(arm=arm_alarm))

    try:
        status = run(sys.argv[1:], terminal, context)
    except Ended as ended:
        signals.die_by(ended.signum)
        status = 128 + ended.signum
    finally:
        disarm()
    sys.exit(status)
