"""Completion in fish: a line for each option of each record.

Each line has the condition that the command has the options of that record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gemini_cli.config.option_groups import FILE_NAME, OptionField
from gemini_cli.docgen import command_info
from gemini_cli.docgen.command_info import HELP, VERSION, CommandInfo, OptionSection

_SCRIPT = r"""# fish completion for gemini-cli(1), printed by `python -m gemini_cli.docgen`.

# Succeeds if the words before the cursor are exactly these.
function __gemini_cli_is
    set -l words (commandline -opc)[2..]
    test "$words" = "$argv"
end

# Succeeds if the command is one of these, each one or two words.
function __gemini_cli_at
    set -l words (commandline -opc)[2..]
    contains -- "$words[1]" $argv; or contains -- "$words[1..2]" $argv
end

# The names of saved profiles or sessions, from their files.
function __gemini_cli_saved
    string replace -r '.*/(.*)\.[^.]*$' '$1' -- $argv
end

function __gemini_cli_profiles
    set -q XDG_CONFIG_HOME; or set -l XDG_CONFIG_HOME ~/.config
    set -l files $XDG_CONFIG_HOME/gemini-cli/profiles/*.yaml
    __gemini_cli_saved $files
end

function __gemini_cli_sessions
    set -q XDG_STATE_HOME; or set -l XDG_STATE_HOME ~/.local/state
    set -l files $XDG_STATE_HOME/gemini-cli/sessions*/*.json
    __gemini_cli_saved $files
end

complete -c gemini-cli -f

@words@

@commands@

@sections@
"""

_LOCAL = {"file": "-F", "command": "-F -a '(__fish_complete_command)'"}


def fish_script(commands: Sequence[CommandInfo]) -> str:
    sections = command_info.sections_by_name(commands)
    blocks = {
        "words": "\n".join(_words(commands)),
        "commands": "\n".join(_commands(commands)),
        "sections": "\n\n".join("\n".join(_section(name, *entry)) for name, entry in sections.items()),
    }
    return re.sub("@([a-z]+)@", lambda match: blocks[match[1]], _SCRIPT)


def _words(commands: Sequence[CommandInfo]) -> Iterable[str]:
    """The commands and their subcommands."""
    yield _complete("__gemini_cli_is", _flag(VERSION))
    for noun, verbs in command_info.command_words(commands).items():
        condition = f"__gemini_cli_is {noun}".rstrip()
        yield _complete(condition, _flag(HELP))
        for verb, summary in verbs.items():
            yield _complete(condition, f"-a {verb} -d {_quoted(summary)}")


def _commands(commands: Sequence[CommandInfo]) -> Iterable[str]:
    """`--help` for every command, and the arguments that are files or programs."""
    every = " ".join(_name(command) for command in commands)
    yield _complete(f"__gemini_cli_at {every}", _flag(HELP))
    for command in commands:
        if command.argument_completes:
            yield _complete(f"__gemini_cli_at {_name(command)}", _LOCAL[command.argument_completes])
        if command.argument_words:
            yield _complete(f"__gemini_cli_is {command.name}", f"-f -a {_quoted(' '.join(command.argument_words))}")


def _section(name: str, section: OptionSection, commands: Sequence[CommandInfo]) -> Iterable[str]:
    yield f"function __gemini_cli_takes_{name}"
    yield f"    __gemini_cli_at {' '.join(map(_name, commands))}"
    yield "end"
    for field in section.fields:
        yield _complete(f"__gemini_cli_takes_{name}", _flag(field))


def _name(command: CommandInfo) -> str:
    return f'"{command.name}"' if " " in command.name else command.name


def _complete(condition: str, rest: str) -> str:
    return f"complete -c gemini-cli -n {_quoted(condition)} {rest}"


def _flag(field: OptionField) -> str:
    short = f"-s {field.short[1:]} " if field.short else ""
    return f"{short}-l {field.long[2:]}{_value(field)} -d {_quoted(field.option.help or '')}"


def _value(field: OptionField) -> str:
    """`-x` for a value that is not a file name, `-rF` for one that may be."""
    if not field.takes_value:
        return ""
    saved = command_info.completes_saved(field)
    offers = " ".join([*command_info.value_suggestions(field), *([f"(__gemini_cli_{saved}s)"] if saved else [])])
    kind = " -rF" if FILE_NAME in field.markers else " -x"
    return kind + (f" -a {_quoted(offers)}" if offers else "")


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("\\", r"\\").replace("'", r"\'"))
