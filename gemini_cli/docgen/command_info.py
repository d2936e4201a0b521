"""The command tree as documents see it: titles, groups of flags, the variables and files that matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gemini_cli.cli.command import Command
from gemini_cli.cli.command_tree import program
from gemini_cli.config import api_key
from gemini_cli.config.endpoint import REVISION_VARIABLE
from gemini_cli.config.option_spec import Field, Flag, fields
from gemini_cli.config.profiles import OWN_KEYS
from gemini_cli.config.settings import Settings

PROGRAM = "gemini-cli"
ABOUT = program.__doc__ or ""

# What Typer adds to every command, and what `gemini-cli` alone takes.
HELP = Field("help", bool, Flag("show this help and exit", "-h"), False)
VERSION = Field("version", bool, Flag("print the version and exit"), False)

_VALUES = {int: "INTEGER", float: "FLOAT", str: "TEXT", list: "TEXT"}


class Group(NamedTuple):
    """Flags of one record, under its own words. `name` is the record's, for the shells' variables."""

    name: str
    title: str
    text: str
    fields: tuple[Field, ...]


class Variable(NamedTuple):
    """Variables that mean the same; the first one that is set wins. `flag` is the flag that wins over them."""

    names: tuple[str, ...]
    flag: str
    meaning: str


class File(NamedTuple):
    path: str
    meaning: str


def sentence(doc: str | None) -> tuple[str, str]:
    """The first sentence of a docstring, without its full stop, and the rest as paragraphs."""
    first, _, rest = " ".join(line.strip() or "\n" for line in (doc or "").strip().splitlines()).partition(".")
    return " ".join(first.split()), rest.strip()


def groups(command: Command) -> list[Group]:
    """The flags of a command, each under the record that declares it."""
    found: dict[type, list[Field]] = {}
    for record in command.records:
        for field in fields(record):
            found.setdefault(_owner(record, field), []).append(field)
    return [Group(owner.__name__, *sentence(owner.__doc__), tuple(own)) for owner, own in found.items()]


def _owner(record: type, field: Field) -> type:
    return next(base for base in reversed(record.__mro__) if field in fields(base))


def flags(command: Command) -> list[Field]:
    return [*(field for group in groups(command) for field in group.fields), HELP]


def spellings(field: Field) -> list[str]:
    return [name for name in (field.flag.short, field.long) if name]


def value(field: Field) -> str | None:
    """What stands for the value in a synopsis; None for a switch."""
    return (field.flag.metavar or _VALUES[field.kind]) if field.takes_value else None


def shared(commands: Sequence[Command]) -> dict[str, tuple[Group, list[Command]]]:
    """Each group of flags once, with the commands that take it, by a name that a shell can use for a variable."""
    takers: dict[Group, list[Command]] = {}
    for command in commands:
        for group in groups(command):
            takers.setdefault(group, []).append(command)
    found: dict[str, tuple[Group, list[Command]]] = {}
    for group, taking in takers.items():
        name = group.name.lower()
        found[name if name not in found else f"{name}_{len(found)}"] = group, taking
    return found


def offers(field: Field) -> tuple[str, ...]:
    """Values that a shell completes."""
    return field.flag.choices or field.flag.offers


def words(commands: Iterable[Command]) -> dict[str, dict[str, str]]:
    """The verbs of each noun, and what they do; under `""` the words that may come first."""
    found: dict[str, dict[str, str]] = {"": {}}
    for command in commands:
        noun, _, verb = command.name.rpartition(" ")
        found.setdefault(noun, {})[verb] = summary(command)
        if noun:
            found[""][noun] = ", ".join(found[noun])
    return found


def summary(command: Command) -> str:
    return sentence(command.work.__doc__)[0]


def asks(command: Command) -> bool:
    """Whether it talks to the service, or knows how it would."""
    return any(issubclass(record, Settings) for record in command.records)


# What is no flag's variable.
_KEY = Variable(api_key.VARIABLES, "--api-key-file", "the key; never an argument")
_ON_THE_WAY = (
    Variable((REVISION_VARIABLE,), "", "the `Api-Revision` header; empty leaves it away"),
    Variable(
        ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        "",
        "a proxy (`http://`), and what needs none; never for loopback",
    ),
    Variable(("SSL_CERT_FILE", "SSL_CERT_DIR"), "--ca-file", "the trust store; the system's by default"),
    Variable(("XDG_CONFIG_HOME", "XDG_STATE_HOME"), "", "where profiles are, and what is kept; else below `HOME`"),
)
_COLOUR = Variable(("NO_COLOR", "CLICOLOR_FORCE", "TERM"), "", "colour on stderr")

_FILES = (
    File(
        "$XDG_CONFIG_HOME/gemini-cli/profiles/NAME.yaml",
        "The profile NAME; `default.yaml` applies when none is named. Without XDG_CONFIG_HOME, below `~/.config`.",
    ),
    File(
        "$XDG_STATE_HOME/gemini-cli/",
        "What is kept between runs, closed to others. Without XDG_STATE_HOME, below `~/.local/state`.",
    ),
)


def variables(commands: Sequence[Command]) -> list[Variable]:
    """The variables that some of these commands read."""
    found: dict[tuple[str, ...], Variable] = {}
    for field in (field for command in commands for field in flags(command) if field.flag.env):
        found.setdefault(field.flag.env, Variable(field.flag.env, field.long, field.flag.help))
    if not any(map(asks, commands)):
        return [*found.values(), _COLOUR]
    return [_KEY, *found.values(), *_ON_THE_WAY, _COLOUR]


def files(commands: Sequence[Command]) -> list[File]:
    return list(_FILES) if any(map(asks, commands)) else []


def profile_keys(commands: Sequence[Command]) -> list[str]:
    """What may stand at the top of a profile."""
    return sorted({field.name for each in commands for field in flags(each) if field.flag.profile} | {*OWN_KEYS})
