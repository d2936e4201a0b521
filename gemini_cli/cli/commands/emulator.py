"""`emulator`: serve the API on loopback, for a shell or for one command."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from gemini_cli.cli.command import OptionCommand, command_app
from gemini_cli.cli.emulator_replay import make_replay_emulator
from gemini_cli.cli.emulator_requests import OnRequest, request_file
from gemini_cli.cli.program import Program
from gemini_cli.config.option_groups import FILE_NAME, ONCE, PROGRAM_NAME, option_groups
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import EmulatorMismatch, InputError, Interrupted, UsageError

if TYPE_CHECKING:
    from gemini_cli.emulator.http.server import Server
    from gemini_cli.emulator.service import Emulator

COMMAND_GRACE = 2.0  # seconds that the command has to end after a signal
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # the exit statuses of a shell, env and nohup
# Variables of the official SDKs: they prefer this key, and warn of both; the other leads to another service.
MISLEADING = ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI")


@dataclass(eq=False, repr=False)
class EmulatorOptions:
    """Emulator."""

    port: Annotated[int, Option("--port", metavar="PORT", min=0, help="listen on this port; 0 means any free port")] = 0
    script: Annotated[
        str | None,
        Option("--script", metavar="FILE", help="read the answers of the model from FILE, YAML"),
        FILE_NAME,
        ONCE,
    ] = None
    fault: Annotated[
        list[str] | None,
        Option("--fault", metavar="FAULT", help="add a fault, such as 'refuse(503, times=2)'; may be repeated"),
    ] = None
    state: Annotated[
        str | None, Option("--state", metavar="FILE", help="keep the state in this SQLite file"), FILE_NAME, ONCE
    ] = None
    file_host: Annotated[
        str | None,
        Option(
            "--file-host",
            metavar="HOST",
            help="the host in the URIs of files, for clients that refuse loopback addresses",
        ),
    ] = None
    requests: Annotated[
        str | None,
        Option("--requests", metavar="FILE", help="append each request to FILE, a line of JSON without the key"),
        FILE_NAME,
        ONCE,
    ] = None
    strict: Annotated[
        bool,
        Option(
            "--strict",
            help="exit with 15 at the end if script lines or faults were not used, or if a request had no script line "
            "or no endpoint",
        ),
    ] = False
    replay: Annotated[
        str | None,
        Option(
            "--replay",
            metavar="FILE",
            help="answer from FILE, a recording of --record, at the recorded pace; 404 for a request that is not in it",
        ),
        FILE_NAME,
    ] = None
    list_faults: Annotated[bool, Option("--list-faults", help="list the faults and exit")] = False
    verbose: Annotated[int, Option("-v", "--verbose", count=True, help="report each request on stderr")] = 0


CommandArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND]...", show_default=False, help="run this command against the emulator"),
    PROGRAM_NAME,
]


app = command_app()


@app.command("emulator", cls=OptionCommand)
@option_groups
def emulator(ctx: typer.Context, command: CommandArguments = None, *, options: EmulatorOptions) -> int | None:
    """Serve the API on loopback, and print the variables to export.

    With a COMMAND after `--`, run it against the emulator and exit with its status. Requests need the key that is
    printed. Other clients can use the emulator too, such as the official SDK with GOOGLE_GEMINI_BASE_URL. The man page
    has the settings of many clients, the format of scripts, and how tests in parallel share one server.
    """
    program: Program = ctx.obj
    terminal = program.terminal
    if options.list_faults:
        terminal.write(fault_list())
        return None
    with request_file(options.requests) as on_request, _serve(options, terminal, on_request) as server:
        if command:
            status = _run_command(command, server, program)
            mismatch = _report_leftovers(server, terminal, options.strict)
            return status or mismatch
        terminal.write(
            f"export GEMINI_BASE_URL={server.url}\nexport GEMINI_API_KEY={server.key}\n"
            f"export GEMINI_EMULATOR_TOKEN={server.token}\n"
        )
        try:
            threading.Event().wait()  # until a signal ends it
        except Interrupted:
            mismatch = _report_leftovers(server, terminal, strict=True) if options.strict else 0
            if not mismatch:
                raise
            return mismatch
    return None


def fault_list() -> str:
    """A table of the faults."""
    from gemini_cli.emulator.faults.fault_table import all_faults

    faults = all_faults().values()
    width = max(len(fault.usage) for fault in faults)
    return "".join(f"{fault.usage:{width}}  {fault.description}\n" for fault in faults)


@contextmanager
def _serve(options: EmulatorOptions, terminal: Terminal, on_request: OnRequest | None) -> Iterator[Server]:
    """Serve for the duration of a block."""
    from gemini_cli.emulator.http.server import Server

    terminal.verbose = options.verbose
    if options.port > 65535:
        raise UsageError(f"--port {options.port}: there is no such port")
    try:
        emulated_api = _make_emulator(options, terminal)
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        server = Server(
            emulated_api, port=options.port, ipv6=True, log=lambda line: terminal.log(1, line), on_request=on_request
        )
    except OSError as error:
        raise InputError(f"cannot listen on port {options.port}: {error}") from None
    try:
        yield server.start()
    finally:
        server.close()


def _make_emulator(options: EmulatorOptions, terminal: Terminal) -> Emulator:
    """The emulator of the options; ValueError for a wrong fault or host."""
    if options.replay is not None:
        for name in ("script", "state", "file_host"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')} has no effect with --replay")
        return make_replay_emulator(options.replay, options.fault or (), terminal)
    from gemini_cli.emulator.service import Emulator, checked_script

    with _name_file_in_errors(options.state):
        if options.state is not None:  # the emulator opens it at the first request, too late for an error message
            from gemini_cli.emulator.store import Store

            Store(options.state).close()
    with _name_file_in_errors(options.script):
        script = checked_script(options.script)
    return Emulator(state=options.state, script=script, faults=options.fault or (), file_host=options.file_host or "")


@contextmanager
def _name_file_in_errors(path: str | None) -> Iterator[None]:
    """Raise InputError with the path for an error in the block."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _run_command(argv: list[str], server: Server, program: Program) -> int:
    """Run a command against the server, and return its status.

    If signal N ended the command, the status is 128 + N, as in a shell.
    """
    environ = {**program.environ, **server.environ(), "GEMINI_OFFLINE": "0", "GEMINI_REPLAY": ""}  # overrides a profile
    for name in MISLEADING:
        environ.pop(name, None)
    try:
        command = subprocess.Popen(argv, env=environ)
    except OSError as error:
        program.terminal.print_notice(f"cannot run {argv[0]}: {error.strerror or error}")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    try:
        status = command.wait()
    except Interrupted as interrupt:
        _stop_command(command, interrupt.signum)
        raise
    return status if status >= 0 else 128 - status


def _report_leftovers(server: Server, terminal: Terminal, strict: bool) -> int:
    """Print a line for each leftover; the exit status, 0 if none or not strict."""
    leftovers = server.sandboxes.leftovers(strict=strict)
    for text in leftovers:
        terminal.print_notice(text)
    return EmulatorMismatch.exit_status if strict and leftovers else 0


def _stop_command(command: subprocess.Popen[bytes], signum: int) -> None:
    """Pass a signal on to the command, and wait until it ends.

    Ctrl-C on a terminal has reached the command already; a second signal does no harm.
    """
    command.send_signal(signum)
    try:
        command.wait(COMMAND_GRACE)
    except subprocess.TimeoutExpired:
        command.kill()
        command.wait()
