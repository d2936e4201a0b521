"""The command tree: which commands there are, and which flags each takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import typer

from gemini_cli import __version__
from gemini_cli.commands import batch, config, files, interactions, models
from gemini_cli.commands.batch import Results, Submitted
from gemini_cli.commands.call_tool import Calling, call_tool
from gemini_cli.commands.chat import Chatting, chat
from gemini_cli.commands.emulator import Emulated, emulator
from gemini_cli.commands.files import Downloaded
from gemini_cli.commands.flags import Work, takes
from gemini_cli.commands.generate import generate
from gemini_cli.commands.given import Filled
from gemini_cli.commands.interactions import Waiting
from gemini_cli.commands.map import Mapped, map_
from gemini_cli.commands.stream import stream
from gemini_cli.commands.tokens import Counted, tokens
from gemini_cli.commands.upload import Uploaded, upload
from gemini_cli.errors import exit_statuses
from gemini_cli.history import InHistory
from gemini_cli.request import Asked, Prompted
from gemini_cli.settings import Settings
from gemini_cli.shown import AnswerFlags, PreviewFlags, Voice


class Command(NamedTuple):
    """A verb, or a noun and a verb; its work; the records that declare its flags; what its words are.

    `endless`: no time limit unless one is said. `local`: what the words name on this machine, for completion.
    """

    name: str
    work: Work
    records: tuple[type, ...]
    argument: str | None = None
    endless: bool = False
    local: Literal["file", "command"] | None = None


FORM = (Filled, Prompted, Asked, Voice, Settings)  # what rows are filled into

COMMANDS = (
    Command("generate", generate, (Prompted, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),
    Command("stream", stream, (Prompted, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),
    Command("chat", chat, (Prompted, Chatting, Asked, PreviewFlags, Settings), "[PROMPT]...", endless=True),
    Command("call-tool", call_tool, (Prompted, Calling, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),
    Command("map", map_, (Mapped, *FORM), "[FILE]", endless=True),
    Command("batch submit", batch.submit, (Submitted, *FORM), "[FILE]", endless=True),
    Command("batch status", batch.status, (Voice, Settings), "ID"),
    Command("batch wait", batch.wait, (Voice, Settings), "ID", endless=True),
    Command("batch results", batch.results, (Results, Voice, Settings), "ID", endless=True),
    Command("batch cancel", batch.cancel, (Voice, Settings), "ID"),
    Command("batch list", batch.list_, (Voice, Settings)),
    Command("batch delete", batch.delete, (Voice, Settings), "ID"),
    Command("upload", upload, (Uploaded, Voice, Settings), "FILE...", endless=True),
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
    Command("config show", config.show_, (Voice, Settings)),
    Command("emulator", emulator, (Emulated,), "[COMMAND]...", local="command"),
)


NOUNS = {"batch": "Many requests as one job of the service, for half the price."}


def tree(argv: Sequence[str]) -> typer.Typer:
    """The commands, as far as this command line can come to them.

    Typer makes every command and each of its options before it looks at the command line; all of them would cost each
    run as much as Typer itself. So where the first word is a command or a noun, the others are left away, and flags
    are made for the verbs that are said.
    """
    app = _group(
        "gemini-cli",
        epilog="\b\nExit status:\n" + "\n".join(f"  {n:2}  {meaning}" for n, _, meaning in exit_statuses()),
    )
    app.callback(invoke_without_command=True)(program)
    nouns: dict[str, typer.Typer] = {}
    for command in [each for each in COMMANDS if each.name.split()[0] in argv[:1]] or COMMANDS:
        noun, _, verb = command.name.rpartition(" ")
        if noun and noun not in nouns:
            verbs = [each.name.removeprefix(f"{noun} ") for each in COMMANDS if each.name.startswith(f"{noun} ")]
            nouns[noun] = _group(noun, help=NOUNS.get(noun, f"{noun.capitalize()}: {', '.join(verbs)}."))
            app.add_typer(nouns[noun])
        wanted = verb in argv and (not noun or noun in argv)
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


def program(
    ctx: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """The Unix tool for Google's Gemini API.

    stdout carries the answer and nothing else, and exit status 0 means that the whole answer is there.
    """
    if version:
        typer.echo(f"gemini-cli {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
