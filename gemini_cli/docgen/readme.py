"""The generated parts of the README, between comments that name them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gemini_cli.docgen import command_info
from gemini_cli.docgen.command_info import CommandInfo
from gemini_cli.errors import exit_statuses


def updated_readme(text: str, commands: Sequence[CommandInfo]) -> str:
    """The README with its generated parts replaced; ValueError without their comments."""
    return _replaced(_replaced(text, "exit status", _statuses()), "variables", _variables(commands))


def _replaced(text: str, part: str, content: str) -> str:
    before, begin, rest = text.partition(f"<!-- {part}: begin -->")
    _, end, after = rest.partition(f"<!-- {part}: end -->")
    if not (begin and end):
        raise ValueError(f"the README has lost the marks of its part {part!r}")
    return f"{before}{begin}\n{content}\n{end}{after}"


def _statuses() -> str:
    rows = ((status, f"`{kind}`" if kind else "", meaning) for status, kind, meaning in exit_statuses())
    return _table(("Status", "Kind", "Meaning"), rows)


def _variables(commands: Sequence[CommandInfo]) -> str:
    rows = (
        (", ".join(f"`{name}`" for name in each.names), f"`{each.option}`" if each.option else "", each.meaning)
        for each in command_info.documented_variables(commands)
    )
    return _table(("Variable", "Option", "Meaning"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| {} |".format(" | ".join(map(str, row))).replace("|  |", "| |") for row in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])
