"""Citations resolve: facts of the protocol notes, files of the repository, and names of the code.

Docstrings, comments and documents cite a fact of the protocol notes as `api/README.md 7.3`, several as
`api/README.md 6.7, 6.9`, a range as `api/README.md 6.7-6.9`, a section as `api/README.md 7`. In the same docstring or
comment, numbers alone in parentheses are citations too.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import gemini_cli

PACKAGE = Path(gemini_cli.__file__).parent
ROOT = Path(__file__).parents[1]
NOTES = PACKAGE / "api" / "README.md"

NUMBER = r"\d+(?:\.\d+)?"
NUMBERS = rf"{NUMBER}(?:-{NUMBER})?(?:(?:, | and ){NUMBER}(?:-{NUMBER})?)*"
CITATION = re.compile(rf"api/README\.md ({NUMBERS})(?!\w)")
BARE = re.compile(rf"\(({NUMBERS})\)")

SOURCES = r"\[[a-z0-9-]+\](?:, \[[a-z0-9-]+\])*"
SURE = rf"(?:documented|recorded|reported|inferred): {SOURCES}"
FACT = re.compile(rf"- \*\*(\d+)\.(\d+)\*\* \S.* \({SURE}(?:; {SURE})*\)( Kept: \S.*\.)?")


class Text(NamedTuple):
    """The words of a docstring, of a run of comments, or of a document."""

    path: Path
    line: int
    words: str

    @property
    def place(self) -> str:
        return f"{_name(self.path)}:{self.line}"


def _name(path: Path) -> str:
    if path.is_relative_to(PACKAGE):
        return f"gemini_cli/{path.relative_to(PACKAGE).as_posix()}"
    return path.relative_to(ROOT).as_posix()


def _files() -> Iterator[Path]:
    yield from PACKAGE.rglob("*.py")
    for suffix in ("*.py", "*.txt", "*.md"):
        yield from (ROOT / "tests").rglob(suffix)
    yield from ROOT.glob("*.md")
    yield from (ROOT / "man").glob("*")
    yield NOTES


@functools.cache
def texts() -> list[Text]:
    found: list[Text] = []
    for path in sorted(_files()):
        source = path.read_text()
        found += _prose(path, source) if path.suffix == ".py" else [Text(path, 1, " ".join(source.split()))]
    return found


def _prose(path: Path, source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring is not None:
                yield Text(path, node.body[0].lineno, " ".join(docstring.split()))
    run: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1:
            yield from _comments(path, last, run)
            run = []
        run.append(token.string.lstrip("# "))
        last = token.start[0]
    yield from _comments(path, last, run)


def _comments(path: Path, last: int, run: list[str]) -> Iterator[Text]:
    if run:
        yield Text(path, last - len(run) + 1, " ".join(" ".join(run).split()))


@functools.cache
def facts() -> dict[str, bool]:
    """The numbers of all facts, and whether the fact says itself why it is kept."""
    found = {}
    for line in NOTES.read_text().splitlines():
        if line.startswith("- **"):
            match = FACT.fullmatch(line)
            assert match, f"not a numbered fact with its source: {line[:80]}"
            number = f"{match[1]}.{match[2]}"
            assert number not in found, f"{number} stands twice"
            found[number] = match[3] is not None
    return found


def cited(text: Text) -> Iterator[str]:
    """The numbers of facts and sections that a text cites, ranges by their ends."""
    listed = CITATION.findall(text.words)
    if listed and text.path != NOTES:
        listed += BARE.findall(text.words)
    for each in listed:
        yield from re.findall(rf"{NUMBER}(?:-{NUMBER})?", each)


def resolved(citation: str) -> set[str]:
    """The facts that a citation means; none if it leads nowhere."""
    first, _, last = citation.partition("-")
    if last:
        numbers = list(facts())
        if first in numbers and last in numbers and _section(first) == _section(last):
            return set(numbers[numbers.index(first) : numbers.index(last) + 1])
        return set()
    return {number for number in facts() if citation in (number, _section(number))}


def _section(number: str) -> str:
    return number.partition(".")[0]


def test_facts_are_numbered_in_order_and_name_their_sources() -> None:
    notes = NOTES.read_text()
    numbers = [tuple(map(int, number.split("."))) for number in facts()]
    assert len(numbers) > 100
    assert numbers == sorted(numbers)
    assert {section for section, _ in numbers} == set(map(int, re.findall(r"^## (\d+)\. ", notes, re.MULTILINE)))
    used = set(re.findall(r"\[([a-z][a-z0-9-]+)\](?!:)", notes))
    assert used == set(re.findall(r"^\[([a-z0-9-]+)\]: https://", notes, re.MULTILINE))


def test_every_citation_of_the_protocol_notes_resolves() -> None:
    citations = [(text, citation) for text in texts() for citation in cited(text)]
    assert len(citations) > 100
    assert [f"{text.place}: {citation}" for text, citation in citations if not resolved(citation)] == []


def test_every_fact_is_cited_or_says_why_it_is_kept() -> None:
    """A citation of a whole section does not count."""
    citations = {citation for text in texts() if text.path != NOTES for citation in cited(text) if "." in citation}
    known = {number for citation in citations for number in resolved(citation)}
    assert [number for number, kept in facts().items() if number not in known and not kept] == []


def test_every_document_that_is_named_is_in_the_repository() -> None:
    lost = [
        f"{text.place}: {name}"
        for text in texts()
        for name in re.findall(r"(?<![\w/.:-])[\w./-]+\.md\b", text.words)
        if not any((folder / name).is_file() for folder in (ROOT, PACKAGE, text.path.parent))
    ]
    assert lost == []


def test_no_issue_number_is_cited() -> None:
    """Issues are not part of the repository."""
    assert [text.place for text in texts() if re.search(r"(?i)\bissue #?\d", text.words)] == []


@functools.cache
def names() -> frozenset[str]:
    """The identifiers of the package, and the words in its strings: keys of JSON, options, variables."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        found.update(path.relative_to(PACKAGE).with_suffix("").parts)
        tokens = list(tokenize.generate_tokens(io.StringIO(path.read_text()).readline))
        for before, token in pairwise(tokens):
            is_docstring = token.type == tokenize.STRING and before.type in (tokenize.INDENT, tokenize.NEWLINE)
            if token.type != tokenize.COMMENT and not is_docstring:
                found.update(re.findall(r"\w+", token.string))
    return frozenset(found)


def test_a_name_of_the_code_exists() -> None:
    """Of docstrings and comments: a word in backticks with a capital or an underscore. NAME in it stands for others."""
    named = [
        (text, name)
        for text in texts()
        if text.path.is_relative_to(PACKAGE) and text.path.suffix == ".py"
        for name in re.findall(r"`(\w*[A-Z_]\w*)`", text.words)
        if "NAME" not in name and not name.startswith("__")
    ]
    assert len(named) > 100
    assert [f"{text.place}: {name}" for text, name in named if name not in names()] == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("as sent (api/README.md 7.3).", ["7.3"]),
        ("Counts (api/README.md 6.7, 6.8-6.9 and 7), from those (11.19).", ["6.7", "6.8-6.9", "7", "11.19"]),
        ("A file (api/README.md) of 3 bytes (2.5).", []),
    ],
)
def test_citations_are_found(words: str, found: list[str]) -> None:
    assert list(cited(Text(Path(__file__), 1, words))) == found


def test_what_does_not_exist_does_not_resolve() -> None:
    assert resolved("7.3") == {"7.3"}
    assert {"7.1", "7.2"} < resolved("7")
    assert resolved("7.1-7.3") == {"7.1", "7.2", "7.3"}
    assert [resolved(wrong) for wrong in ("7.99", "99", "7.1-7.99", "6.1-7.1")] == [set()] * 4
