"""The language of docstrings, help and messages: the rules that a program can check.

The first line of a docstring is at most 80 characters, and no sentence begins with a relative clause used as a noun.
Messages and help name the subject: they say neither "we" nor "here".
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.main import get_command

import gemini_cli
from gemini_cli.cli.app import COMMANDS, app
from gemini_cli.cli.examples import EXAMPLES
from gemini_cli.docgen import command_info
from gemini_cli.docgen.emulator_manual import EMULATOR_SECTIONS
from gemini_cli.errors import CliError, exit_statuses
from gemini_cli.transport.errors import TransportError

PACKAGE = Path(gemini_cli.__file__).parent

FIRST_LINE = 80
OPENING = re.compile(
    r"(?:\A|[.:;] |\n\s*\n\s*|\.\n\s*)(what|who|whoever|whatever|nobody|somebody|such|one that)\b", re.IGNORECASE
)
FIRST_PERSON = re.compile(r"\b(we|us|our|ours|here)\b", re.IGNORECASE)

# Calls whose text a user may read, beside the constructors of errors.
REPORTING = {"error_at", "print_notice", "print_line", "print_status", "input_error"}


class Prose(NamedTuple):
    """A text and its place in the code."""

    place: str
    text: str


@functools.cache
def modules() -> dict[Path, list[ast.AST]]:
    """All nodes of each module's syntax tree."""
    return {path: list(ast.walk(ast.parse(path.read_text()))) for path in sorted(PACKAGE.rglob("*.py"))}


def docstrings() -> Iterator[Prose]:
    for path, nodes in modules().items():
        for node in nodes:
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
                yield Prose(f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 1)}", text)


def error_classes(base: type[Exception] = CliError) -> Iterator[str]:
    for kind in base.__subclasses__():
        yield kind.__name__
        yield from error_classes(kind)


def messages() -> Iterator[Prose]:
    """Texts of errors, hints and notices. Values in them are left out."""
    reporting = {*error_classes(), *error_classes(TransportError), *REPORTING}
    for path, nodes in modules().items():
        for node in nodes:
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in reporting:
                texts = [
                    *node.args,
                    *(keyword.value for keyword in node.keywords if keyword.arg in ("hint", "message")),
                ]
                for text in filter(None, map(_literal, texts)):
                    yield Prose(f"{path.relative_to(PACKAGE)}:{node.lineno}", text)


def _literal(node: ast.expr) -> str:
    """The fixed words of a string, with … for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


def help_texts() -> Iterator[Prose]:
    """Texts of `--help`, the man pages and the tables of the README."""
    commands = command_info.load_commands()
    tree: Any = get_command(app)
    yield from (Prose("the program", text) for text in (command_info.ABOUT, tree.epilog))
    yield from (Prose(name, summary) for name, summary in COMMANDS.items())
    for path, command in _compiled(tree, ""):
        yield Prose(path, command.help or "")
        yield from (Prose(f"{path} {each.name}", getattr(each, "help", "") or "") for each in command.params)
    for info in commands:
        for section in command_info.option_sections(info):
            yield from (Prose(f"{info.name}, {section.name}", text) for text in (section.title, section.text))
        yield from (Prose(info.name, example.description) for example in EXAMPLES.get(info.name, ()))
    for manual in EMULATOR_SECTIONS:
        texts = [manual.title, *manual.paragraphs, *(entry.text for entry in manual.entries)]
        yield from (Prose(f"emulator, {manual.title}", text) for text in texts)
    yield from (Prose(str(status), meaning) for status, _, meaning in exit_statuses())
    yield from (Prose(each.names[0], each.meaning) for each in command_info.documented_variables(commands))
    yield from (Prose(each.path, each.meaning) for each in command_info.documented_files(commands))


def _compiled(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    if hasattr(command, "list_commands"):
        ctx = typer.Context(command)
        for name in command.list_commands(ctx):
            yield from _compiled(command.get_command(ctx, name), f"{path} {name}".strip())


def test_there_is_prose_to_check() -> None:
    assert len(list(docstrings())) > 200
    assert len(list(messages())) > 100
    assert len(list(help_texts())) > 300


def test_the_first_line_of_a_docstring_is_short() -> None:
    long = [(place, text) for place, text in docstrings() if len(text.partition("\n")[0]) > FIRST_LINE]
    assert long == []


@pytest.mark.parametrize("texts", [docstrings, messages, help_texts])
def test_no_sentence_begins_with_a_relative_clause(texts: Any) -> None:
    assert [(place, text) for place, text in texts() if OPENING.search(text)] == []


@pytest.mark.parametrize("texts", [messages, help_texts])
def test_messages_and_help_name_their_subject(texts: Any) -> None:
    assert [(place, text) for place, text in texts() if FIRST_PERSON.search(text)] == []


@pytest.mark.parametrize(
    "text", ["What is sent.", "A map. Whoever asks", "a file; nobody else", "Sent.\n\nSuch a file"]
)
def test_an_opening_is_found(text: str) -> None:
    assert OPENING.search(text)


def test_headings_of_options_are_short_noun_phrases() -> None:
    """They stand above the options in `--help`, and are sections of the man page."""
    sections = [section for info in command_info.load_commands() for section in command_info.option_sections(info)]
    titles = {section.title for section in sections}
    assert {title for title in titles if len(title.split()) > 3 or not title[:1].isupper()} == set()
