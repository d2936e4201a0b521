"""Completion in bash: the words after each command, and the values of each option."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gemini_cli.config.option_groups import FILE_NAME, OptionField
from gemini_cli.docgen import command_info
from gemini_cli.docgen.command_info import HELP, VERSION, CommandInfo, Sections

PATTERNS = 6  # on a line
CONTINUED = " | \\\n            "

_SCRIPT = r"""# bash completion for gemini-cli(1), printed by `python -m gemini_cli.docgen`.

# The words that may follow a command or (with '') the program.
_gemini_cli_after() {
    below= offers= flags= files= programs=
@sections@
    case $1 in
@commands@
    esac
}

# The values of an option: COMMAND OPTION. Fails for an option without a value.
_gemini_cli_value() {
    words= saved= files= programs=
    case "$1 $2" in
@values@
        *) return 1 ;;
    esac
}

# Adds the names of saved profiles or sessions, from their files.
_gemini_cli_saved() {
    local path
    for path in "$@"; do
        if [[ -e $path ]]; then
            path=${path##*/}
            words+=" ${path%.*}"
        fi
    done
}

_gemini_cli() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} command= ended= word
    local below offers flags words saved files programs
    _gemini_cli_after ''
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word == -- ]]; then
            ended=1
        elif [[ $word != -* && $below ]]; then
            command+=${command:+ }$word
            _gemini_cli_after "$command"
        fi
    done

    if [[ $cur == = ]]; then # readline makes three words of --option=value
        cur=
    elif [[ $flag == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    words=$below$offers
    if [[ ! $ended && $flag == -* ]] && _gemini_cli_value "$command" "$flag"; then
        :
    elif [[ ! $ended && $cur == -* ]]; then
        words=$flags files= programs=
    fi
    case $saved in
        profile) _gemini_cli_saved "${XDG_CONFIG_HOME:-$HOME/.config}"/gemini-cli/profiles/*.yaml ;;
        session) _gemini_cli_saved "${XDG_STATE_HOME:-$HOME/.local/state}"/gemini-cli/sessions*/*.json ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ $programs ]]; then
        COMPREPLY=($(compgen -c -- "$cur"))
    fi
    if [[ $files ]]; then
        compopt -o default # file names of readline, if no word fits
    fi
}

complete -F _gemini_cli gemini-cli
"""


class _Value(NamedTuple):
    """The completions of a value."""

    words: tuple[str, ...]
    saved: str
    files: bool


def bash_script(commands: Sequence[CommandInfo]) -> str:
    sections = command_info.sections_by_name(commands)
    parts = {"sections": _sections(sections), "commands": _after(commands, sections), "values": _values(commands)}
    text = _SCRIPT
    for name, lines in parts.items():
        text = text.replace(f"@{name}@", "\n".join(lines))
    return text


def _sections(sections: Sections) -> list[str]:
    """A shell variable for each section of options."""
    return [f"    local {name}='{_spelled(section.fields)}'" for name, (section, _) in sections.items()]


def _after(commands: Sequence[CommandInfo], sections: Sections) -> list[str]:
    cases = [
        _case([noun], below=" ".join(verbs), flags=_spelled([HELP] if noun else [HELP, VERSION]))
        for noun, verbs in command_info.command_words(commands).items()
    ]
    for command in commands:
        options = " ".join(f"${name}" for name, (_, having) in sections.items() if command in having)
        local = {
            "offers": " ".join(command.argument_words),
            "files": "1" if command.argument_completes == "file" else "",
            "programs": "1" if command.argument_completes == "command" else "",
        }
        cases.append(_case([command.name], flags=f"{options} {_spelled([HELP])}", **local))
    return cases


def _spelled(fields: Iterable[OptionField]) -> str:
    return " ".join(name for field in fields for name in field.spellings)


def _values(commands: Sequence[CommandInfo]) -> list[str]:
    """A branch for each set of completions, with the options that have it.

    An option that has the same completions in all commands is written without the command.
    """
    meanings: dict[str, dict[_Value | None, list[str]]] = defaultdict(lambda: defaultdict(list))
    for command in commands:
        for field in command_info.command_options(command):
            for name in field.spellings:
                meanings[name][_value(field)].append(command.name)
    patterns: dict[_Value, list[str]] = defaultdict(list)
    for name, by_value in meanings.items():
        for value, names in by_value.items():
            if value is not None:
                patterns[value] += [f"{each} {name}" for each in (names if len(by_value) > 1 else ["*"])]
    return [
        _case(options, words=" ".join(value.words), saved=value.saved, files="1" if value.files else "")
        for value, options in patterns.items()
    ]


def _value(field: OptionField) -> _Value | None:
    return (
        _Value(command_info.value_suggestions(field), command_info.completes_saved(field), FILE_NAME in field.markers)
        if field.takes_value
        else None
    )


def _case(patterns: Sequence[str], **variables: str) -> str:
    """One branch of `case`, with the variables that are not empty."""
    quoted = [f"*' {pattern[2:]}'" if pattern.startswith("*") else f"'{pattern}'" for pattern in patterns]
    lines = [" | ".join(quoted[at : at + PATTERNS]) for at in range(0, len(quoted), PATTERNS)]
    assigned = "".join(f' {name}="{value}"' for name, value in variables.items() if value)
    return f"{' ' * 8}{CONTINUED.join(lines)}){assigned} ;;"
