"""The command tree: the words that a command line may begin with, and the modules with the commands behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from gemini_cli import __version__
from gemini_cli.cli.command import Command
from gemini_cli.cli.typer_options import command_callback, typer_parameters
from gemini_cli.errors import UsageError, exit_statuses

# What `gemini-cli --help` says of each word: the first sentence of a command, or for a noun its verbs.
COMMAND_SUMMARIES = {
    "generate": "Ask once, and print the answer when it is complete.",
    "stream": "Ask once, and print the answer as it arrives.",
    "chat": "Ask in several turns, each with all that was said before.",
    "call-tool": "Ask, and let the model call functions on the way to its answer.",
    "map": "Ask once for each row of FILE (or stdin), several at a time, and print one row of JSON for each.",
    "batch": "Many requests as one job of the service, for half the price.",
    "upload": "Upload files, and print their names on the service, a line each, in the order of the FILEs.",
    "tokens": "Count the tokens of a prompt with its attachments.",
    "models": "Models: list, get.",
    "files": "Files: list, get, delete, download.",
    "interactions": "Interactions: get, wait, cancel, delete.",
    "config": "Config: show.",
    "emulator": "Serve the API on loopback, and print what to export.",
}


def load_commands(*words: str) -> tuple[Command, ...]:
    """The commands that begin with these words; without any, all there are.

    Only then is a word's module imported: all of them would cost each run half as much as Typer.
    """
    found: list[Command] = []
    for word in words or COMMAND_SUMMARIES:
        found += import_module(f"gemini_cli.cli.commands.{word.replace('-', '_')}").COMMANDS
    return tuple(found)


def command_word(argv: Sequence[str]) -> str | None:
    """The word that a command line begins with, if it is one of ours. What may stand before it takes no value."""
    first = next((word for word in argv if not word.startswith("-")), "")
    return first if first in COMMAND_SUMMARIES else None


def build_click_command(word: str | None, argv: Sequence[str]) -> Callable[..., Any]:
    """The commands behind `word`; without one, a list of what there is.

    All of them would cost each run as much as Typer itself. So only what was said is made, and flags only for the verbs
    that stand in `argv`.
    """
    app = _group(
        "gemini-cli",
        epilog="\b\nExit status:\n" + "\n".join(f"  {n:2}  {meaning}" for n, _, meaning in exit_statuses()),
    )
    app.callback(invoke_without_command=True)(root_command)
    if word is None:
        for each, meaning in COMMAND_SUMMARIES.items():
            app.command(each, short_help=meaning)(listed_only)
        return get_command(app)
    found = load_commands(word)
    group = app
    if found[0].name != word:
        group = _group(word, help=COMMAND_SUMMARIES[word])
        app.add_typer(group)
    for command in found:
        group.command(command.verb)(command_callback(command))
    made = get_command(app)
    verbs = _inside(made) if group is app else _inside(_inside(made)[word])
    for command in found:
        records = command.records if command.verb in argv else ()
        verbs[command.verb].params = [*typer_parameters(command.argument, records)]
    return made


def _inside(group: Callable[..., Any]) -> Mapping[str, Any]:
    assert isinstance(group, TyperGroup)
    return group.commands


def listed_only() -> None:
    """Stands in the list of `--help` for commands that were not said."""


def _group(name: str, **more: Any) -> typer.Typer:
    return typer.Typer(
        name=name,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        **more,
    )


def root_command(
    ctx: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """The Unix tool for Google's Gemini API.

    stdout carries the answer and nothing else, and exit status 0 means that the whole answer is there.
    """
    if version and ctx.invoked_subcommand:
        raise UsageError("--version has no effect with a command")
    if version:
        typer.echo(f"gemini-cli {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
