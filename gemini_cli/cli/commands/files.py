"""`files list|get|delete|download`: files on the server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer
from typer import Option

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, command_app, several_arguments, single_argument
from gemini_cli.cli.context import Context
from gemini_cli.cli.partial_failures import delete_each
from gemini_cli.client import resources
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import FILE_NAME, ONCE, option_groups
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.errors import UsageError

COLUMNS = ("NAME", "STATE", "TYPE", "BYTES", "EXPIRES", "TITLE")
FIELDS = ("name", "state", "mimeType", "sizeBytes", "expirationTime", "displayName")


@dataclass(eq=False, repr=False)
class DownloadOptions:
    """Download."""

    output: Annotated[
        str | None,
        Option("-o", "--output", metavar="FILE", help="write to FILE, completely or not at all"),
        FILE_NAME,
        ONCE,
    ] = None


FileArgument = Annotated[str, typer.Argument(metavar="FILE", show_default=False)]
FileNames = Annotated[list[str] | None, typer.Argument(metavar="FILE...", show_default=False)]

app = command_app()


@app.callback()
def files() -> None:
    """Files: list, get, delete, download."""


@app.command("list", cls=OptionCommand)
@option_groups
def files_list(ctx: typer.Context, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """List the files.

    Name, state, type, size in bytes, time of expiry and title; with --json, JSON lines.
    """
    context = Context(ctx, output, connection, needs_stdout=True)
    resource_output.print_list(context, COLUMNS, resources.list_all(context.api_client, "files"), _row)


@app.command("get", cls=OptionCommand)
@option_groups
def files_get(ctx: typer.Context, file: FileArgument, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """Show the fields of a file."""
    context = Context(ctx, output, connection, needs_stdout=True)
    resource_output.print_resource(context, resources.get_resource(context.api_client, _name(file)))


@app.command("delete", cls=OptionCommand)
@option_groups
def files_delete(
    ctx: typer.Context, files: FileNames = None, *, output: GlobalOptions, connection: ConnectionOptions
) -> None:
    """Delete files.

    All are tried; the exit status is 11 if some cannot be deleted.
    """
    context = Context(ctx, output, connection)
    names = [resources.resource_name("files", word) for word in several_arguments(files, "FILE")]
    delete_each(context, names, partial(resources.delete_resource, context.api_client), "file")


@app.command("download", cls=OptionCommand)
@option_groups
def files_download(
    ctx: typer.Context,
    file: FileArgument,
    *,
    download: DownloadOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Download a generated file. The server does not return uploaded files."""
    context, path = Context(ctx, download, output, connection), download.output
    if path in (None, "-") and context.terminal.stdout_is_terminal:
        raise UsageError("the file may be binary, and stdout is a terminal: use -o FILE")
    name = _name(file)
    with context.open_output(path) as destination, context.terminal.progress(name, None, "B") as progress:
        for piece in resources.download_file(context.api_client, name):
            destination.write_bytes(piece)
            progress.advance(len(piece))


def _name(file: str) -> str:
    return resources.resource_name("files", single_argument([file], "FILE"))


def _row(file: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(file.get(field) for field in FIELDS)
