"""`files list|get|delete|download`."""

from __future__ import annotations

from typing import Annotated, Any

from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.typer_options import one_word
from gemini_cli.client import resources
from gemini_cli.config.option_spec import Flag, Record
from gemini_cli.config.output_options import Voice
from gemini_cli.config.settings import Settings, resolve
from gemini_cli.console.output_file import output
from gemini_cli.errors import UsageError

COLUMNS = ("NAME", "STATE", "TYPE", "BYTES", "EXPIRES", "TITLE")
FIELDS = ("name", "state", "mimeType", "sizeBytes", "expirationTime", "displayName")


class Downloaded(Record):
    """Where a download goes."""

    output: Annotated[str | None, Flag("write to FILE, whole or not at all", "-o", "FILE", file=True)] = None


def list_(context: Context) -> None:
    """List the files: name, state, type, bytes, when they expire, title. With --json, one object a line."""
    resource_output.several(context, COLUMNS, resources.every(context.service, "files"), _row)


def get(context: Context) -> None:
    """Show what is known of a file."""
    resource_output.one(context, resources.one(context.service, _name(context)))


def delete(context: Context) -> None:
    """Delete a file."""
    resources.delete(context.service, _name(context))


def download(context: Context) -> None:
    """Download a generated file. What was uploaded cannot be downloaded again."""
    path = resolve(Downloaded, context.said).output
    if path in (None, "-") and context.terminal.stdout_is_terminal:
        raise UsageError("the file may be binary, and stdout is a terminal: use -o FILE")
    name = _name(context)
    with output(path, context.terminal) as destination, context.terminal.progress(name, None, "B") as progress:
        for piece in resources.download(context.service, name):
            destination.write_bytes(piece)
            progress.advance(len(piece))


def _name(context: Context) -> str:
    return resources.full_name("files", one_word(context, "FILE"))


def _row(file: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(file.get(field) for field in FIELDS)


COMMANDS = (
    Command("files list", list_, (Voice, Settings)),
    Command("files get", get, (Voice, Settings), "FILE"),
    Command("files delete", delete, (Voice, Settings), "FILE"),
    Command("files download", download, (Downloaded, Voice, Settings), "FILE"),
)
