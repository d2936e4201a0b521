"""The commands for the documents: summaries, options, variables and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import typer
from typer import Option
from typer.core import TyperGroup
from typer.main import get_command

from gemini_cli.cli.app import app, root
from gemini_cli.config import api_key
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.endpoint import REVISION_VARIABLE
from gemini_cli.config.option_groups import (
    FILE_NAME,
    PROGRAM_NAME,
    OptionField,
    Saved,
    Suggestions,
    declaring,
    option_fields,
    split_docstring,
)
from gemini_cli.config.output_options import OutputOptions

PROGRAM = "gemini-cli"
ABOUT = root.__doc__ or ""

# The option that Typer adds to every command, and the option of `gemini-cli` itself.
HELP = OptionField("help", bool, bool, Option("-h", "--help", help="show this help and exit"), (), False)
VERSION = OptionField("version", bool, bool, Option("--version", help="print the version and exit"), (), False)

_VALUES = {int: "INTEGER", float: "FLOAT", str: "TEXT", list: "TEXT"}


class CommandInfo(NamedTuple):
    """A command, such as `batch submit`.

    `argument` are the names of its arguments, `argument_words` the values of the first one.
    """

    name: str
    doc: str
    records: tuple[type, ...]
    argument: str | None
    argument_completes: str | None = None  # `file`, or `command` for a program with its arguments
    argument_words: tuple[str, ...] = ()


def load_commands() -> list[CommandInfo]:
    """Every command, from the Typer tree."""
    tree: Any = get_command(app)
    return [info for word, command in _children(tree) for info in _commands(word, command)]


def _commands(word: str, command: Any) -> Iterator[CommandInfo]:
    if isinstance(command, TyperGroup):
        for verb, child in _children(command):
            yield from _commands(f"{word} {verb}", child)
        return
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    function, argument = command.callback, " ".join(each.metavar for each in arguments) or None
    words = tuple(getattr(arguments[0].type, "choices", ())) if arguments else ()
    completes = {FILE_NAME: "file", PROGRAM_NAME: "command"}
    local = next((kind for marker, kind in completes.items() if marker in function.argument_markers), None)
    yield CommandInfo(word, function.__doc__ or "", function.records, argument, local, words)


def _children(group: Any) -> Iterator[tuple[str, Any]]:
    ctx = typer.Context(group)
    for name in group.list_commands(ctx):
        yield name, group.get_command(ctx, name)


class OptionSection(NamedTuple):
    """The options that a record declares. `name` is the name of the record."""

    name: str
    title: str
    text: str
    fields: tuple[OptionField, ...]


# Sections with the commands that have them, by names that are valid for shell variables.
Sections = dict[str, tuple[OptionSection, list[CommandInfo]]]


class DocumentedVariable(NamedTuple):
    """Variables with one meaning, of which the first one that is set counts.

    `option` is the one that overrides them.
    """

    names: tuple[str, ...]
    option: str
    meaning: str


class DocumentedFile(NamedTuple):
    path: str
    meaning: str


# Variables that are not declared with an option.
_KEY = DocumentedVariable(api_key.KEY_VARIABLES, "--api-key-file", "the API key")
_CONNECTION = (
    DocumentedVariable((REVISION_VARIABLE,), "", "the `Api-Revision` header; empty for none"),
    DocumentedVariable(
        ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        "",
        "the proxy, and the hosts that need none; loopback never needs one",
    ),
    DocumentedVariable(("SSL_CERT_DIR",), "", "the directory of trusted certificates (default: that of the system)"),
    DocumentedVariable(
        ("XDG_CONFIG_HOME", "XDG_STATE_HOME"), "", "the directories for profiles and for state (default: below `HOME`)"
    ),
)
_COLOUR = DocumentedVariable(("NO_COLOR", "CLICOLOR_FORCE", "TERM"), "", "colour on stderr")
_PICTURES = DocumentedVariable(
    ("TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "TMUX"), "", "whether the terminal shows images"
)

_FILES = (
    DocumentedFile(
        "$XDG_CONFIG_HOME/gemini-cli/profiles/NAME.yaml",
        "The profile NAME; `default.yaml` applies without `--profile`. Without XDG_CONFIG_HOME, below `~/.config`.",
    ),
    DocumentedFile(
        "$XDG_STATE_HOME/gemini-cli/",
        "Sessions and other state, closed to other users. Without XDG_STATE_HOME, below `~/.local/state`.",
    ),
)


def option_sections(command: CommandInfo) -> list[OptionSection]:
    """The options of a command, by the record that declares them."""
    fields: dict[type, list[OptionField]] = {}
    for record in command.records:
        for field in option_fields(record):
            fields.setdefault(declaring(record, field.name), []).append(field)
    return [OptionSection(owner.__name__, *split_docstring(owner.__doc__), tuple(own)) for owner, own in fields.items()]


def help_text(field: OptionField) -> str:
    """The help of an option, with the default and the variables."""
    extras = []
    if field.takes_value and field.kind is not list and field.default is not None:
        extras.append(f"default: {field.default:g}" if field.kind is float else f"default: {field.default}")
    if field.variables:
        extras.append(f"env: {', '.join(field.variables)}")
    return (field.option.help or "") + (f" [{'; '.join(extras)}]" if extras else "")


def completes_saved(field: OptionField) -> str:
    """`profile` or `session` if the value is the name of a saved one."""
    saved = field.marker(Saved)
    return saved.kind if saved else ""


def command_options(command: CommandInfo) -> list[OptionField]:
    return [*(field for section in option_sections(command) for field in section.fields), HELP]


def value_placeholder(field: OptionField) -> str | None:
    """The name of the value in a synopsis; None for an option without a value."""
    return (field.option.metavar or _VALUES[field.kind]) if field.takes_value else None


def sections_by_name(commands: Sequence[CommandInfo]) -> Sections:
    """The sections of all commands, each once."""
    commands_with: dict[OptionSection, list[CommandInfo]] = {}
    for command in commands:
        for section in option_sections(command):
            commands_with.setdefault(section, []).append(command)
    sections: Sections = {}
    for section, having in commands_with.items():
        name = section.name.lower()
        sections[name if name not in sections else f"{name}_{len(sections)}"] = section, having
    return sections


def value_suggestions(field: OptionField) -> tuple[str, ...]:
    """The values for completion."""
    suggestions = field.marker(Suggestions)
    return field.choices or (suggestions.values if suggestions else ())


def command_words(commands: Iterable[CommandInfo]) -> dict[str, dict[str, str]]:
    """The subcommands of each command, with summaries; under `""` the commands."""
    words: dict[str, dict[str, str]] = {"": {}}
    for command in commands:
        noun, _, verb = command.name.rpartition(" ")
        words.setdefault(noun, {})[verb] = command_summary(command)
        if noun:
            words[""][noun] = ", ".join(words[noun])
    return words


def command_summary(command: CommandInfo) -> str:
    return split_docstring(command.doc)[0]


def sends_requests(command: CommandInfo) -> bool:
    """True for a command with options for the connection."""
    return any(issubclass(record, ConnectionOptions) for record in command.records)


def prints_answers(command: CommandInfo) -> bool:
    """True for a command with the options for one answer."""
    return any(issubclass(record, OutputOptions) for record in command.records)


def documented_variables(commands: Sequence[CommandInfo]) -> list[DocumentedVariable]:
    """The variables that some of these commands read."""
    variables: dict[tuple[str, ...], DocumentedVariable] = {}
    for field in (field for command in commands for field in command_options(command) if field.variables):
        variables.setdefault(field.variables, DocumentedVariable(field.variables, field.long, field.option.help or ""))
    pictures = [_PICTURES] if any(map(prints_answers, commands)) else []
    if not any(map(sends_requests, commands)):
        return [*variables.values(), _COLOUR]
    return [_KEY, *variables.values(), *_CONNECTION, _COLOUR, *pictures]


def documented_files(commands: Sequence[CommandInfo]) -> list[DocumentedFile]:
    return list(_FILES) if any(map(sends_requests, commands)) else []
