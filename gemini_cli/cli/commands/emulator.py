"""`emulator`: the API on loopback, with faults on order, for a shell or around one command."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from gemini_cli.cli.command import OptionCommand, command_app
from gemini_cli.cli.program import Program
from gemini_cli.config.option_groups import FILE_NAME, PROGRAM_NAME, option_groups
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import InputError, Interrupted, UsageError

if TYPE_CHECKING:
    from gemini_cli.emulator.http.server import Server

COMMAND_GRACE = 2.0  # seconds a command gets to end after our signal reached it
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # the exit statuses of a shell, env and nohup


@dataclass(eq=False, repr=False)
class EmulatorOptions:
    """What the emulator is asked to be."""

    port: Annotated[int, Option("--port", metavar="PORT", min=0, help="listen on this port; 0 takes a free one")] = 0
    script: Annotated[
        str | None, Option("--script", metavar="FILE", help="what the pretend model says, in YAML"), FILE_NAME
    ] = None
    fault: Annotated[
        list[str] | None,
        Option("--fault", metavar="FAULT", help="order a fault, such as 'refuse(503, times=2)'; may be repeated"),
    ] = None
    state: Annotated[
        str | None, Option("--state", metavar="FILE", help="keep its state in this SQLite file"), FILE_NAME
    ] = None
    file_host: Annotated[
        str | None,
        Option(
            "--file-host",
            metavar="HOST",
            help="host in the URIs of files, for clients that refuse loopback addresses there",
        ),
    ] = None
    list_faults: Annotated[bool, Option("--list-faults", help="list the faults and end")] = False
    verbose: Annotated[int, Option("-v", "--verbose", count=True, help="a line for each request, on stderr")] = 0


CommandArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND]...", show_default=False, help="run it against the emulator"),
    PROGRAM_NAME,
]

app = command_app()


@app.command("emulator", cls=OptionCommand)
@option_groups
def emulator(ctx: typer.Context, command: CommandArguments = None, *, asked: EmulatorOptions) -> int | None:
    """Serve the API on loopback, and print the variables to export.

    With a COMMAND after `--`, run it against the emulator and end with its status. Requests need the key that is
    printed; any client can use it, the official SDK with GOOGLE_GEMINI_BASE_URL.
    """
    context: Program = ctx.obj
    if asked.list_faults:
        context.terminal.write(fault_list())
        return None
    with _served(asked, context.terminal) as server:
        if command:
            return _around(server, command, context)
        context.terminal.write(f"export GEMINI_BASE_URL={server.url}\nexport GEMINI_API_KEY={server.key}\n")
        context.terminal.log(1, f"fault token: {server.token}")
        threading.Event().wait()  # until a signal ends it
    return None


def fault_list() -> str:
    """A line for each fault."""
    from gemini_cli.emulator.faults.fault_table import all_faults

    faults = all_faults().values()
    width = max(len(fault.usage) for fault in faults)
    return "".join(f"{fault.usage:{width}}  {fault.description}\n" for fault in faults)


@contextmanager
def _served(asked: EmulatorOptions, terminal: Terminal) -> Iterator[Server]:
    """A server for the length of a block. A fault that was not spent is no failure here, as it is in our tests."""
    from gemini_cli.emulator.http.server import Server
    from gemini_cli.emulator.model.script import Script
    from gemini_cli.emulator.service import Emulator

    terminal.verbose = asked.verbose
    if asked.port > 65535:
        raise UsageError(f"--port {asked.port}: there is no such port")
    with _reading(asked.state):
        if asked.state is not None:  # the store is opened when first needed, which is too late to complain
            os.close(os.open(asked.state, os.O_RDWR | os.O_CREAT, 0o600))
    with _reading(asked.script):
        script = Script.load(asked.script)
    try:
        served = Emulator(state=asked.state, script=script, faults=asked.fault or (), file_host=asked.file_host or "")
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        server = Server(served, port=asked.port, ipv6=True, log=lambda line: terminal.log(1, line), remember=None)
    except OSError as error:
        raise InputError(f"cannot listen on port {asked.port}: {error}") from None
    try:
        yield server.start()
    finally:
        server.close()


@contextmanager
def _reading(path: str | None) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _around(server: Server, argv: list[str], context: Program) -> int:
    """Run a command against the server; its status, 128 + N if a signal ended it, as a shell says it."""
    environ = {
        **context.environ,
        "GEMINI_BASE_URL": server.url,
        "GOOGLE_GEMINI_BASE_URL": server.url,
        "GEMINI_API_KEY": server.key,
        "GOOGLE_API_KEY": server.key,
        "GEMINI_OFFLINE": "0",  # a profile may say otherwise
    }
    try:
        command = subprocess.Popen(argv, env=environ)
    except OSError as error:
        context.terminal.print_notice(f"cannot run {argv[0]}: {error.strerror or error}")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    try:
        status = command.wait()
    except Interrupted as ended:
        _end(command, ended.signum)
        raise
    for left in server.emulator.leftovers():
        context.terminal.print_notice(left)
    return status if status >= 0 else 128 - status


def _end(command: subprocess.Popen[bytes], signum: int) -> None:
    """Pass the signal on; a terminal's Ctrl-C has reached the command already, and once more does no harm."""
    command.send_signal(signum)
    try:
        command.wait(COMMAND_GRACE)
    except subprocess.TimeoutExpired:
        command.kill()
        command.wait()
