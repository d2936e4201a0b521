"""Completion in zsh: the options of each record, and the commands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gemini_cli.config.option_groups import FILE_NAME, OptionField
from gemini_cli.docgen import command_info
from gemini_cli.docgen.command_info import HELP, VERSION, CommandInfo, Sections

_SCRIPT = r"""#compdef gemini-cli
# zsh completion for gemini-cli(1), printed by `python -m gemini_cli.docgen`.

@sections@

_gemini-cli_profile() {
  compadd -- ${XDG_CONFIG_HOME:-$HOME/.config}/gemini-cli/profiles/*.yaml(N:t:r)
}

_gemini-cli_session() {
  compadd -- ${XDG_STATE_HOME:-$HOME/.local/state}/gemini-cli/sessions*/*.json(N:t:r)
}

# FUNCTION OPTION...: options, or one of `verbs` and its arguments.
_gemini-cli_words() {
  local curcontext=$curcontext state function=$1
  local -a line
  _arguments -C -S $@[2,-1] '1:command:->verb' '*::argument:->rest'
  case $state in
    verb) _describe -t commands command verbs ;;
    rest) (( $+functions[$function-$line[1]] )) && $function-$line[1] ;;
  esac
}

@commands@

@nouns@

if [[ $funcstack[1] == _gemini-cli ]]; then # loaded by compinit
    _gemini-cli "$@"
else # read with `source`
    compdef _gemini-cli gemini-cli
fi
"""

_LOCAL = {"file": "_files", "command": "_normal"}


def zsh_script(commands: Sequence[CommandInfo]) -> str:
    sections = command_info.sections_by_name(commands)
    blocks = {
        "sections": "\n\n".join(_array(name, section.fields) for name, (section, _) in sections.items()),
        "commands": "\n\n".join(_command(command, sections) for command in commands),
        "nouns": "\n\n".join(_noun(noun, commands) for noun in reversed(command_info.command_words(commands))),
    }
    return re.sub("@([a-z]+)@", lambda match: blocks[match[1]], _SCRIPT)


def _array(name: str, fields: Sequence[OptionField]) -> str:
    lines = "\n".join(f"  {_flag(field)}" for field in fields)
    return f"typeset -ga _gemini_cli_{name}=(\n{lines}\n)"


def _command(command: CommandInfo, sections: Sections) -> str:
    options = "".join(f" $_gemini_cli_{name}" for name, (_, having) in sections.items() if command in having)
    words = ""
    if command.argument:
        rest = "*::" if command.argument_completes == "command" else "*:"  # a command completes its own arguments
        first, _, others = command.argument.partition(" ")
        if command.argument_words:
            words = " " + _quoted(f"1:{_message(first)}:({' '.join(command.argument_words)})")
        else:
            others = command.argument
        if others:
            words += " " + _quoted(f"{rest}{_message(others)}:{_LOCAL.get(command.argument_completes or '', ' ')}")
    return f"_gemini-cli-{command.name.replace(' ', '-')}() {{\n  _arguments -s -S{options} {_flag(HELP)}{words}\n}}"


def _noun(noun: str, commands: Sequence[CommandInfo]) -> str:
    """The function of the program (`""`) or of a command with subcommands."""
    name = f"_gemini-cli-{noun}" if noun else "_gemini-cli"
    flags = " ".join(map(_flag, [HELP] if noun else [HELP, VERSION]))
    verbs = "\n".join(
        f"    {_quoted(f'{verb}:{_message(summary)}')}"
        for verb, summary in command_info.command_words(commands)[noun].items()
    )
    return f"{name}() {{\n  local -a verbs=(\n{verbs}\n  )\n  _gemini-cli_words {name} {flags}\n}}"


def _flag(field: OptionField) -> str:
    """The specification of an option for `_arguments`.

    It has the options that exclude it, its names, its help, and its value.
    """
    names = field.spellings
    spelled = [name if not field.takes_value else f"{name}=" if name.startswith("--") else f"{name}+" for name in names]
    description = f"[{_message(field.option.help or '')}]"
    if field.takes_value:
        description += f":{_message(command_info.value_placeholder(field) or '')}:{_value(field)}"
    if field in (HELP, VERSION):
        excluded = "(- *)"
    else:
        excluded = "*" if field.kind is list or field.option.count else f"({' '.join(names)})" if len(names) > 1 else ""
    if len(spelled) == 1:
        return _quoted(excluded + spelled[0] + description)
    return f"{_quoted(excluded)}{{{','.join(spelled)}}}{_quoted(description)}"


def _value(field: OptionField) -> str:
    """The completions of a value, as an action of `_arguments`."""
    offers = " ".join(command_info.value_suggestions(field))
    actions = [
        f"compadd -- {offers}" if offers else "",
        f"_gemini-cli_{command_info.completes_saved(field)}" if command_info.completes_saved(field) else "",
        "_files" if FILE_NAME in field.markers else "",
    ]
    return "{" + "; ".join(filter(None, actions)) + "}" if any(actions) else " "


def _message(text: str) -> str:
    return re.sub(r"([\\:\[\]])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", r"'\''"))
