"""`files list|get|delete|download`."""

from __future__ import annotations

from typing import Annotated, Any

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.typer_options import single_argument
from gemini_cli.client import resources
from gemini_cli.config.option_spec import OptionGroup, OptionSpec
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.settings import ConnectionOptions, resolve_options
from gemini_cli.console.output_file import open_output
from gemini_cli.errors import UsageError

COLUMNS = ("NAME", "STATE", "TYPE", "BYTES", "EXPIRES", "TITLE")
FIELDS = ("name", "state", "mimeType", "sizeBytes", "expirationTime", "displayName")


class DownloadOptions(OptionGroup):
    """Where a download goes."""

    output: Annotated[str | None, OptionSpec("write to FILE, whole or not at all", "-o", "FILE", is_path=True)] = None


def files_list(context: Context) -> None:
    """List the files: name, state, type, bytes, when they expire, title. With --json, one object a line."""
    resource_output.print_list(context, COLUMNS, resources.list_all(context.api_client, "files"), _row)


def files_get(context: Context) -> None:
    """Show what is known of a file."""
    resource_output.print_resource(context, resources.get_resource(context.api_client, _name(context)))


def files_delete(context: Context) -> None:
    """Delete a file."""
    resources.delete_resource(context.api_client, _name(context))


def files_download(context: Context) -> None:
    """Download a generated file. What was uploaded cannot be downloaded again."""
    path = resolve_options(DownloadOptions, context.config_sources).output
    if path in (None, "-") and context.terminal.stdout_is_terminal:
        raise UsageError("the file may be binary, and stdout is a terminal: use -o FILE")
    name = _name(context)
    with open_output(path, context.terminal) as destination, context.terminal.progress(name, None, "B") as progress:
        for piece in resources.download_file(context.api_client, name):
            destination.write_bytes(piece)
            progress.advance(len(piece))


def _name(context: Context) -> str:
    return resources.resource_name("files", single_argument(context, "FILE"))


def _row(file: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(file.get(field) for field in FIELDS)


COMMANDS = (
    Command("files list", files_list, (GlobalOptions, ConnectionOptions)),
    Command("files get", files_get, (GlobalOptions, ConnectionOptions), "FILE"),
    Command("files delete", files_delete, (GlobalOptions, ConnectionOptions), "FILE"),
    Command("files download", files_download, (DownloadOptions, GlobalOptions, ConnectionOptions), "FILE"),
)
