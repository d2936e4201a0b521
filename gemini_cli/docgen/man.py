"""The man pages: one for the program and one for each command."""

from __future__ import annotations

from collections.abc import Sequence

from gemini_cli import __version__
from gemini_cli.cli.examples import EXAMPLES, Example
from gemini_cli.config.endpoint import REVISION
from gemini_cli.config.option_groups import PROFILE_KEY, BodyField, OptionField, split_docstring
from gemini_cli.config.profiles import OWN_KEYS, profile_keys
from gemini_cli.docgen import command_info, roff
from gemini_cli.docgen.command_info import ABOUT, HELP, PROGRAM, VERSION, CommandInfo, OptionSection
from gemini_cli.docgen.command_statuses import command_exit_statuses
from gemini_cli.docgen.emulator_manual import EMULATOR_SECTIONS, ManualSection
from gemini_cli.errors import exit_statuses

# A man page must have a date. The revision of the API does not depend on the day of printing.
EDITION = REVISION
# Sections between the options and the exit statuses, by command.
MANUAL = {"emulator": EMULATOR_SECTIONS}


def man_pages(commands: Sequence[CommandInfo]) -> dict[str, str]:
    """The text of each page by its file name."""
    names = [_name(command) for command in commands]
    pages = {f"{_name(command)}.1": _page(command, names) for command in commands}
    return {f"{PROGRAM}.1": _first_page(commands), **pages}


def _name(command: CommandInfo) -> str:
    return f"{PROGRAM}-{command.name.replace(' ', '-')}"


def _first_page(commands: Sequence[CommandInfo]) -> str:
    entries = [
        roff.entry(rf"{roff.bold(_name(command))}(1)", f"{command_info.command_summary(command)}.")
        for command in commands
    ]
    return _document(
        PROGRAM,
        split_docstring(ABOUT)[0],
        roff.section("SYNOPSIS", rf"{roff.bold(PROGRAM)} \fICOMMAND\fP [\fIOPTION\fP]... [\fIWORD\fP]..."),
        roff.section("DESCRIPTION", roff.paragraphs(_paragraphs(ABOUT))),
        roff.section("COMMANDS", *entries),
        roff.section("OPTIONS", *map(_option, (HELP, VERSION))),
        *_surroundings(commands, exit_statuses()),
        _profile_section(),
        _examples(EXAMPLES.get("", ())),
        _see_also([_name(command) for command in commands]),
    )


def _page(command: CommandInfo, names: Sequence[str]) -> str:
    words = f" {roff.italic(command.argument)}" if command.argument else ""
    noun, _, _ = command.name.rpartition(" ")
    siblings = [name for name in names if noun and name.startswith(f"{PROGRAM}-{noun}-") and name != _name(command)]
    return _document(
        _name(command),
        command_info.command_summary(command),
        roff.section("SYNOPSIS", rf"{roff.bold(f'{PROGRAM} {command.name}')} [\fIOPTION\fP]...{words}"),
        roff.section("DESCRIPTION", roff.paragraphs(_paragraphs(command.doc))),
        roff.section(
            "OPTIONS", *map(_section, command_info.option_sections(command)), roff.subsection("Help", _option(HELP))
        ),
        *map(_manual_section, MANUAL.get(command.name, ())),
        *_surroundings([command], command_exit_statuses(command)),
        _examples(EXAMPLES.get(command.name, ())),
        _see_also([PROGRAM, *siblings]),
    )


def _document(name: str, summary: str, *sections: str) -> str:
    head = [
        '.\\" Printed by `python -m gemini_cli.docgen`: do not edit.',
        f'.TH {roff.escaped(name.upper())} 1 {EDITION} "{PROGRAM} {__version__}" "User Commands"',
        ".ad l",
        roff.section("NAME", rf"{roff.escaped(name)} \- {roff.escaped(summary[:1].lower() + summary[1:])}"),
    ]
    return "\n".join([*head, *filter(None, sections)]) + "\n"


def _manual_section(section: ManualSection) -> str:
    entries = [roff.entry(roff.bold(entry.term), entry.text) for entry in section.entries]
    return roff.section(section.title, roff.paragraphs(section.paragraphs), *entries)


def _paragraphs(doc: str) -> list[str]:
    """The paragraphs of a docstring, each as one line."""
    return [" ".join(paragraph.split()) for paragraph in doc.strip().split("\n\n")]


def _section(section: OptionSection) -> str:
    lines = [line.strip() for line in section.text.splitlines() if line.strip()]
    remark = [roff.paragraphs(lines)] if lines else []
    return roff.subsection(section.title, *remark, *map(_option, section.fields))


def _option(field: OptionField) -> str:
    """The entry of an option, with its field in the request and its key in a profile."""
    value = command_info.value_placeholder(field)
    spelled = ", ".join(map(roff.bold, field.spellings))
    facts = [f"{command_info.help_text(field)}."]
    if field.kind is list and "repeated" not in (field.option.help or ""):
        facts.append("May be repeated.")
    if body_field := field.marker(BodyField):
        facts.append(f"In the request: `{body_field.path}`.")
    if PROFILE_KEY in field.markers:
        facts.append(f"In a profile: `{field.name}`.")
    return roff.entry(f"{spelled} {roff.italic(value)}" if value else spelled, " ".join(facts))


def _surroundings(commands: Sequence[CommandInfo], statuses: Sequence[tuple[int, str, str]]) -> list[str]:
    """The sections on exit status, environment and files."""
    status_entries = [
        roff.entry(f"{roff.bold(str(status))} {roff.escaped(f'({kind})' if kind else '')}".rstrip(), f"{meaning}.")
        for status, kind, meaning in statuses
    ]
    signal = "A signal ends the program; a shell reports 128 plus its number. A closed pipe on stdout is SIGPIPE."
    variables = [
        roff.entry(
            ", ".join(map(roff.bold, variable.names)),
            f"{variable.meaning}." + (f" `{variable.option}` overrides it." if variable.option else ""),
        )
        for variable in command_info.documented_variables(commands)
    ]
    files = [roff.entry(roff.italic(file.path), file.meaning) for file in command_info.documented_files(commands)]
    return [
        roff.section("EXIT STATUS", *status_entries, ".PP", roff.prose(signal)),
        roff.section("ENVIRONMENT", *variables),
        roff.section("FILES", *files),
    ]


def _profile_section() -> str:
    keys = ", ".join(f"`{key}`" for key in sorted({*profile_keys(), *OWN_KEYS}))
    return roff.section(
        "PROFILES",
        roff.paragraphs(
            [
                "An option overrides the environment, the environment the profile, and the profile the default.",
                f"A profile is a map in plain YAML. Its keys are {keys}. `request` has fields of the request body; "
                "options override them. `description` is the text of the profile in `gemini-cli config profiles`.",
            ]
        ),
    )


def _examples(examples: Sequence[Example]) -> str:
    blocks = [f"{roff.prose(example.description)}\n{roff.literal(example.script)}" for example in examples]
    return roff.section("EXAMPLES", "\n.PP\n".join(blocks)) if blocks else ""


def _see_also(names: Sequence[str]) -> str:
    return roff.section("SEE ALSO", ",\n".join(rf"{roff.bold(name)}(1)" for name in names))
