"""The command tree as documents see it: titles, groups of flags, the variables and files that matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gemini_cli.cli.command import Command
from gemini_cli.cli.command_tree import root_command
from gemini_cli.config import api_key
from gemini_cli.config.endpoint import REVISION_VARIABLE
from gemini_cli.config.option_spec import OptionField, OptionSpec, option_fields
from gemini_cli.config.profiles import OWN_KEYS
from gemini_cli.config.settings import ConnectionOptions

PROGRAM = "gemini-cli"
ABOUT = root_command.__doc__ or ""

# What Typer adds to every command, and what `gemini-cli` alone takes.
HELP = OptionField("help", bool, OptionSpec("show this help and exit", "-h"), False)
VERSION = OptionField("version", bool, OptionSpec("print the version and exit"), False)

_VALUES = {int: "INTEGER", float: "FLOAT", str: "TEXT", list: "TEXT"}


class OptionSection(NamedTuple):
    """Flags of one record, under its own words. `name` is the record's, for the shells' variables."""

    name: str
    title: str
    text: str
    fields: tuple[OptionField, ...]


class DocumentedVariable(NamedTuple):
    """Variables that mean the same; the first one that is set wins. `flag` is the flag that wins over them."""

    names: tuple[str, ...]
    flag: str
    meaning: str


class DocumentedFile(NamedTuple):
    path: str
    meaning: str


def split_docstring(doc: str | None) -> tuple[str, str]:
    """The first sentence of a docstring, without its full stop, and the rest as paragraphs."""
    first, _, rest = " ".join(line.strip() or "\n" for line in (doc or "").strip().splitlines()).partition(".")
    return " ".join(first.split()), rest.strip()


def option_sections(command: Command) -> list[OptionSection]:
    """The flags of a command, each under the record that declares it."""
    found: dict[type, list[OptionField]] = {}
    for record in command.records:
        for field in option_fields(record):
            found.setdefault(_owner(record, field), []).append(field)
    return [OptionSection(owner.__name__, *split_docstring(owner.__doc__), tuple(own)) for owner, own in found.items()]


def _owner(record: type, field: OptionField) -> type:
    return next(base for base in reversed(record.__mro__) if field in option_fields(base))


def command_options(command: Command) -> list[OptionField]:
    return [*(field for group in option_sections(command) for field in group.fields), HELP]


def spellings(field: OptionField) -> list[str]:
    return [name for name in (field.spec.short, field.long) if name]


def value_placeholder(field: OptionField) -> str | None:
    """What stands for the value in a synopsis; None for a switch."""
    return (field.spec.metavar or _VALUES[field.kind]) if field.takes_value else None


def shared_option_sections(commands: Sequence[Command]) -> dict[str, tuple[OptionSection, list[Command]]]:
    """Each group of flags once, with the commands that take it, by a name that a shell can use for a variable."""
    takers: dict[OptionSection, list[Command]] = {}
    for command in commands:
        for group in option_sections(command):
            takers.setdefault(group, []).append(command)
    found: dict[str, tuple[OptionSection, list[Command]]] = {}
    for group, taking in takers.items():
        name = group.name.lower()
        found[name if name not in found else f"{name}_{len(found)}"] = group, taking
    return found


def value_suggestions(field: OptionField) -> tuple[str, ...]:
    """Values that a shell completes."""
    return field.spec.choices or field.spec.suggestions


def command_words(commands: Iterable[Command]) -> dict[str, dict[str, str]]:
    """The verbs of each noun, and what they do; under `""` the words that may come first."""
    found: dict[str, dict[str, str]] = {"": {}}
    for command in commands:
        noun, _, verb = command.name.rpartition(" ")
        found.setdefault(noun, {})[verb] = command_summary(command)
        if noun:
            found[""][noun] = ", ".join(found[noun])
    return found


def command_summary(command: Command) -> str:
    return split_docstring(command.run.__doc__)[0]


def is_remote(command: Command) -> bool:
    """Whether it talks to the service, or knows how it would."""
    return any(issubclass(record, ConnectionOptions) for record in command.records)


# What is no flag's variable.
_KEY = DocumentedVariable(api_key.KEY_VARIABLES, "--api-key-file", "the key; never an argument")
_ON_THE_WAY = (
    DocumentedVariable((REVISION_VARIABLE,), "", "the `Api-Revision` header; empty leaves it away"),
    DocumentedVariable(
        ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        "",
        "a proxy (`http://`), and what needs none; never for loopback",
    ),
    DocumentedVariable(("SSL_CERT_FILE", "SSL_CERT_DIR"), "--ca-file", "the trust store; the system's by default"),
    DocumentedVariable(
        ("XDG_CONFIG_HOME", "XDG_STATE_HOME"), "", "where profiles are, and what is kept; else below `HOME`"
    ),
)
_COLOUR = DocumentedVariable(("NO_COLOR", "CLICOLOR_FORCE", "TERM"), "", "colour on stderr")

_FILES = (
    DocumentedFile(
        "$XDG_CONFIG_HOME/gemini-cli/profiles/NAME.yaml",
        "The profile NAME; `default.yaml` applies when none is named. Without XDG_CONFIG_HOME, below `~/.config`.",
    ),
    DocumentedFile(
        "$XDG_STATE_HOME/gemini-cli/",
        "What is kept between runs, closed to others. Without XDG_STATE_HOME, below `~/.local/state`.",
    ),
)


def documented_variables(commands: Sequence[Command]) -> list[DocumentedVariable]:
    """The variables that some of these commands read."""
    found: dict[tuple[str, ...], DocumentedVariable] = {}
    for field in (field for command in commands for field in command_options(command) if field.spec.env):
        found.setdefault(field.spec.env, DocumentedVariable(field.spec.env, field.long, field.spec.help))
    if not any(map(is_remote, commands)):
        return [*found.values(), _COLOUR]
    return [_KEY, *found.values(), *_ON_THE_WAY, _COLOUR]


def documented_files(commands: Sequence[Command]) -> list[DocumentedFile]:
    return list(_FILES) if any(map(is_remote, commands)) else []


def documented_profile_keys(commands: Sequence[Command]) -> list[str]:
    """What may stand at the top of a profile."""
    return sorted(
        {field.name for each in commands for field in command_options(each) if field.spec.profile} | {*OWN_KEYS}
    )
