"""The command tree: which commands there are, and which flags each takes."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated, Any, NamedTuple

import typer

from gemini_cli import __version__
from gemini_cli.commands import files, interactions, models
from gemini_cli.commands.chat import Chatting, chat
from gemini_cli.commands.emulator import Emulated, emulator
from gemini_cli.commands.files import Downloaded
from gemini_cli.commands.flags import Work, takes
from gemini_cli.commands.generate import generate
from gemini_cli.commands.interactions import Waiting
from gemini_cli.commands.stream import stream
from gemini_cli.commands.tokens import Counted, tokens
from gemini_cli.errors import exit_statuses
from gemini_cli.history import InHistory
from gemini_cli.request import Asked, Prompted
from gemini_cli.settings import Settings
from gemini_cli.shown import AnswerFlags, PreviewFlags, Voice


class Command(NamedTuple):
    """A verb, or a noun and a verb; its work; the records that declare its flags; what its words are.

    `endless`: no time limit unless one is said.
    """

    name: str
    work: Work
    records: tuple[type, ...]
    argument: str | None = None
    endless: bool = False


COMMANDS = (
    Command("generate", generate, (Prompted, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),
    Command("stream", stream, (Prompted, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),
    Command("chat", chat, (Prompted, Chatting, Asked, PreviewFlags, Settings), "[PROMPT]...", endless=True),
    Command("tokens", tokens, (Prompted, Counted, Voice, Settings), "[PROMPT]..."),
    Command("models list", models.list_, (Voice, Settings)),
    Command("models get", models.get, (Voice, Settings), "MODEL"),
    Command("files list", files.list_, (Voice, Settings)),
    Command("files get", files.get, (Voice, Settings), "FILE"),
    Command("files delete", files.delete, (Voice, Settings), "FILE"),
    Command("files download", files.download, (Downloaded, Voice, Settings), "FILE"),
    Command("interactions get", interactions.get, (AnswerFlags, Settings), "ID"),
    Command("interactions wait", interactions.wait, (Waiting, AnswerFlags, Settings), "ID"),
    Command("interactions cancel", interactions.cancel, (Voice, Settings), "ID"),
    Command("interactions delete", interactions.delete, (Voice, Settings), "ID"),
    Command("emulator", emulator, (Emulated,), "[COMMAND]..."),
)


def tree(said: Container[str]) -> typer.Typer:
    """All commands, with the flags of those that are `said`.

    Typer makes every option of every command before it looks at the command line; three hundred of them would cost
    each run as much as half of Typer itself.
    """
    app = _group(
        "gemini-cli",
        epilog="\b\nExit status:\n" + "\n".join(f"  {n:2}  {meaning}" for n, _, meaning in exit_statuses()),
    )
    app.callback(invoke_without_command=True)(_gemini_cli)
    nouns: dict[str, typer.Typer] = {}
    for command in COMMANDS:
        noun, _, verb = command.name.rpartition(" ")
        if noun and noun not in nouns:
            nouns[noun] = _group(noun, help=f"The {noun} of the service.")
            app.add_typer(nouns[noun])
        wanted = verb in said and (not noun or noun in said)
        records = command.records if wanted else ()
        takes_flags = takes(*records, argument=command.argument, endless=command.endless)
        nouns.get(noun, app).command(verb)(takes_flags(command.work))
    return app


def _group(name: str, **more: Any) -> typer.Typer:
    return typer.Typer(
        name=name,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        **more,
    )


def _gemini_cli(
    ctx: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """The Unix tool for Google's Gemini API.

    stdout carries the answer and nothing else, and exit status 0 means that the whole answer is there.
    """
    if version:
        typer.echo(f"gemini-cli {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
