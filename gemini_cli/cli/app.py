"""The Typer application: lazy commands, and errors as exit statuses."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from shlex import quote
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from gemini_cli import __version__
from gemini_cli.cli.command import DASHES_HINT
from gemini_cli.cli.program import Dependencies, Program
from gemini_cli.config import api_key
from gemini_cli.config.process_memory import close_process_memory
from gemini_cli.console import signals
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import (
    CliError,
    DeadlineExceeded,
    InternalError,
    Interrupted,
    OutputError,
    TemporaryError,
    UsageError,
    exit_statuses,
)
from gemini_cli.transport.deadline import cancel_alarm, extend_alarm, set_alarm

# The commands of the first level, each in the module of its name, with their lines in `--help`.
COMMANDS = {
    "generate": "Send one prompt, and print the answer when it is complete.",
    "stream": "Send one prompt, and print the answer as it arrives.",
    "chat": "Hold a conversation of several turns.",
    "call-tool": "Send a prompt, and run the functions that the model calls.",
    "map": "Send a request for each row of a file, in parallel.",
    "batch": "Run many requests as one job of the API, for half the price.",
    "upload": "Upload files, and print their names on the server.",
    "tokens": "Count the tokens of a request.",
    "models": "Models: list, get.",
    "files": "Files: list, get, delete, download.",
    "api": "Call any method of the API.",
    "interactions": "Interactions: get, wait, watch, cancel, delete.",
    "config": "Settings: show, profiles.",
    "completion": "Print the completion script of a shell.",
    "emulator": "Serve the API on loopback, and print the variables to export.",
}


def command_module(name: str) -> str:
    return f"gemini_cli.cli.commands.{name.replace('-', '_')}"


class RootGroup(TyperGroup):
    """Imports the module of a command only when the command is used.

    Click documents the way: "Lazily Loading Subcommands".
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = get_command(import_module(command_module(cmd_name)).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `help COMMAND` as `COMMAND --help`.

        UsageError for an option before the command.
        """
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        word = args[0] if args else ""
        own = {spelling for parameter in self.get_params(ctx) for spelling in parameter.opts}
        if word.startswith("-") and word not in (*own, "-", "--"):
            raise _leading_option_error(word)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Take a first argument with a blank in it as a prompt for `generate`."""
        word = args[0]
        if word in COMMANDS:
            return super().resolve_command(ctx, args)
        if len(word.split()) > 1:
            return "generate", self.get_command(ctx, "generate"), ["--", *args] if word.startswith("-") else args
        raise UsageError(f"there is no command {word!r}", hint=_unknown_command_hint(word))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line, and exit with its status.

        `obj` may be a Program, or Dependencies for a Program on the streams and environment of the process.
        """
        obj = extra.pop("obj", None)
        if not isinstance(obj, Program):
            environ = dict(os.environ)
            obj = Program(Terminal.of_process(environ), environ, obj or Dependencies())
        argv = list(sys.argv[1:] if args is None else args)
        try:
            status = self._run(argv, obj, extra)
        finally:
            cancel_alarm()
        if standalone_mode:
            sys.exit(status)
        return status

    def _run(self, argv: list[str], program: Program, extra: dict[str, Any]) -> int:
        """Run the command; turn an error into a message on stderr and an exit status."""
        printed = io.StringIO()  # Typer prints help to sys.stdout, and only the terminal writes there
        terminal = program.terminal
        error: CliError
        try:
            with contextlib.redirect_stdout(printed):
                status = super().main(argv, "gemini-cli", standalone_mode=False, obj=program, **extra)
            terminal.write(printed.getvalue())
            cancel_alarm()
            program.finish()
        except CliError as known:
            error = known
        except Exception as unknown:
            error = _usage_error(unknown) or _internal_error(unknown)
            if isinstance(error, InternalError):
                terminal.log(2, "".join(traceback.format_exception(unknown)).rstrip())
        else:
            return status if isinstance(status, int) else 0
        if isinstance(error, DeadlineExceeded) and not program.may_have_sent:
            error = TemporaryError(error.message)  # while input was read or a FIFO was opened
        program.complete_error(error)
        if terminal.answered:
            error = error.after_output_began()
        with contextlib.suppress(DeadlineExceeded):
            extend_alarm()
            try:
                program.finish()
            except OutputError as late:  # the first error counts
                terminal.print_notice(late.message)
            terminal.print_error(error, as_json=_json_errors(program, argv))
        return error.exit_status


def _leading_option_error(word: str) -> UsageError:
    """Name the option without its value, which may be a secret."""
    if any(map(str.isspace, word)):
        return UsageError(f"{word!r} looks like an option", hint=f"gemini-cli generate -- {quote(word)} sends it")
    option = word.partition("=")[0] if word.startswith("--") else word[:2]
    return UsageError(
        f"{option} stands before the command", hint=f"put options after it: gemini-cli generate {quote(option)} …"
    )


def _unknown_command_hint(word: str) -> str:
    from difflib import get_close_matches  # only for errors

    if word == "-":
        return "gemini-cli generate - reads the prompt from stdin"
    if not word.strip():
        return "gemini-cli --help lists the commands"
    if near := get_close_matches(word, COMMANDS, n=1):
        return f"did you mean {near[0]!r}?"
    return f"gemini-cli generate {quote(word)} sends a prompt of one word"


def _usage_error(error: Exception) -> UsageError | None:
    """Convert an error of Typer, which has `format_message`, as Click documents."""
    message = getattr(error, "format_message", None)
    is_prompt = any(map(str.isspace, getattr(error, "option_name", None) or ""))
    if message is None:
        return None
    return UsageError(re.sub(r"\s*\n\s*", " ", message()), hint=DASHES_HINT if is_prompt else None)


def _internal_error(error: Exception) -> InternalError:
    """Name the innermost frame of this package, without values, which may be private."""
    where, trace = "unknown", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if f"{os.sep}gemini_cli{os.sep}" in file:
            where = f"{os.path.basename(file)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return InternalError(
        f"{type(error).__name__} at {where}, in gemini-cli {__version__}; please report it with this line"
    )


def _json_errors(program: Program, argv: Sequence[str]) -> bool:
    """True if errors are printed as JSON: by the options, or else by the arguments."""
    if program.json_errors is not None:
        return program.json_errors
    return "--json" in (argv[: argv.index("--")] if "--" in argv else argv)


def _exit_statuses() -> str:
    rows = (f"  {number:2}  {kind:10}  {meaning}" for number, kind, meaning in exit_statuses())
    return "\b\nExit status:\n" + "\n".join(rows)


app = typer.Typer(
    cls=RootGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=_exit_statuses(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False
) -> None:
    """A Unix tool for Google's Gemini API.

    stdout contains only the answer, and exit status 0 means that the answer is complete.

    `gemini-cli help COMMAND` shows the options of a command, with examples.
    """
    if version and ctx.invoked_subcommand:
        raise UsageError("--version has no effect with a command")
    if version:
        typer.echo(f"gemini-cli {__version__}")
    elif ctx.invoked_subcommand is None:
        raise UsageError("no command", hint="gemini-cli --help lists the commands; gemini-cli generate PROMPT asks")


def main() -> None:
    """The console script; it ends with `sys.exit`."""
    environ = dict(os.environ)
    api_key.scrub_environment()
    if any(environ.get(name) for name in api_key.KEY_VARIABLES):
        close_process_memory()
    terminal = Terminal.standard(environ)
    for key in api_key.keys_in_environment(environ):
        terminal.add_secret(key)
    signals.install_handlers()
    try:
        app(obj=Program(terminal, environ, Dependencies(set_alarm=set_alarm)))
    except Interrupted as interrupted:
        signals.exit_with_signal(interrupted.signum)
        sys.exit(128 + interrupted.signum)
