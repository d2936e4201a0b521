"""Typer commands and groups: grouped help, and checks of the arguments."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from gemini_cli.errors import UsageError
from gemini_cli.formats.text_files import decode_argument

PromptWords = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PROMPT]...", show_default=False, help="the prompt; a single `-` reads it from stdin"),
]


DASHES_HINT = "put -- before a prompt that begins with -"


class OptionCommand(TyperCommand):
    """A command whose `--help` shows the options in groups."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        params: list[Any] = self.get_params(ctx)
        options = [each for each in params if each.param_type_name == "option" and not (each.is_flag or each.count)]
        refuse_ambiguous(args, {spelling for each in options for spelling in each.opts})
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                title = "Arguments" if parameter.param_type_name == "argument" else "Help"
                groups.setdefault(getattr(parameter, "rich_help_panel", None) or title, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Two of the examples of the man page."""
        from gemini_cli.cli.examples import EXAMPLES  # only for those who read the help

        name = " ".join(ctx.command_path.split()[1:])
        with formatter.section("Examples"):
            for example in EXAMPLES.get(name, ())[:2]:
                formatter.write_text(example.description)
                with formatter.indentation():
                    for line in example.script.splitlines():
                        formatter.write(f"{' ' * formatter.current_indent}{line}\n")


class VerbGroup(TyperGroup):
    """A command with subcommands, such as `files list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            raise self._error(ctx)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            raise self._error(ctx)
        return super().resolve_command(ctx, args)

    def _error(self, ctx: Any) -> UsageError:
        return UsageError(f"give one of {', '.join(self.list_commands(ctx))}", hint=f"{ctx.command_path} --help")


def command_app() -> typer.Typer:
    """A Typer for one command, or, with a callback, for a command with subcommands."""
    return typer.Typer(cls=VerbGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def refuse_ambiguous(args: Sequence[str], with_value: Collection[str]) -> None:
    """UsageError for arguments before `--` that are probably not meant as options.

    The name of an existing file that begins with `-` comes from an expanded `*`, and could set any option. A short
    option with a blank in its value (`-summarise this`) is a prompt, unless it is the value of the option before it.
    `with_value` are the options that take one.
    """
    is_value = False
    for word in args:
        if word == "--" and not is_value:
            return
        if word.startswith("-") and len(word) > 1 and os.path.lexists(word):
            raise UsageError(f"{word!r} is a file name that looks like an option", hint="put -- before file names")
        if word.startswith("-") and not word.startswith("--") and " " in word[2:] and not is_value:
            raise UsageError(f"{word!r} looks like an option", hint=DASHES_HINT)
        is_value = not is_value and _takes_next_word(word, with_value)


def _takes_next_word(word: str, with_value: Collection[str]) -> bool:
    """Whether a word is, or as a group ends with (`-qs`), an option with a value."""
    if word.startswith("--") or not word.startswith("-"):
        return word in with_value
    place = next((place for place, letter in enumerate(word) if f"-{letter}" in with_value), None)
    return place == len(word) - 1


def single_argument(words: Sequence[str] | None, name: str) -> str:
    """The argument of a command that takes exactly one."""
    if not words or len(words) != 1 or not words[0]:
        raise UsageError(f"give one {name}")
    return decode_argument(words[0], name)


def several_arguments(words: Sequence[str] | None, name: str) -> list[str]:
    """The arguments of a command that takes one or more."""
    if not words or "" in words:
        raise UsageError(f"give at least one {name}")
    return [decode_argument(word, name) for word in words]
