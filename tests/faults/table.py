"""Reads table.txt: a row for each fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from .setups import SETUPS, Setup, T, emulated

COMMANDS = {"both": ("generate", "stream"), "generate": ("generate",), "stream": ("stream",), "chat": ("chat",)}
OLDER = "--api generate-content"
PREFIX, EMPTY, ANY = "prefix", "empty", "any"  # other words for stdout than the answer itself

Range = tuple[float, float]


class Stderr(NamedTuple):
    """The expected stderr: how many lines beside a hint (None: any), words that are there, words that are not."""

    lines: int | None
    words: list[str]
    never: list[str]
    longest: int | None

    @classmethod
    def parse(cls, text: str) -> Stderr:
        quoted = re.findall(r"(!?)`([^`]*)`", text)
        longest = re.search(r"<=(\d+)", text)
        return cls(
            None if text.startswith("*") else int(text.split()[0]),
            [words for negation, words in quoted if not negation],
            [_unescaped(words) for negation, words in quoted if negation],
            int(longest[1]) if longest else None,
        )


class Row(NamedTuple):
    fault: str
    name: str
    stage: Setup
    commands: tuple[str, ...]
    flags: list[str]
    statuses: list[int]
    stderr: Stderr
    stdout: str
    posts: int | None
    gets: int | None
    gaps: list[Range]
    seconds: Range | None
    mib: int | None
    quiet: bool

    @classmethod
    def parse(cls, line: str) -> Row:
        cells = [cell.strip() for cell in line.split("|")]
        fault, name, server, command, flags, status, stderr, stdout, *rest = cells
        posts, gets, also = (*rest, "", "", "")[:3]
        more = {word: values for word, _, values in (each.partition(" ") for each in also.split(", ") if each)}
        unknown = set(more) - {"gaps", "takes", "mib", "quiet"}
        if unknown:
            raise ValueError(f"{name}: {unknown}")
        return cls(
            fault,
            name,
            SETUPS[server[1:]] if server.startswith("@") else emulated(*server.strip("-").split(" + ")),
            _commands(command),
            flags.split(),
            [int(number) for number in status.split()],
            Stderr.parse(stderr),
            _unescaped(stdout),
            int(posts) if posts else None,
            int(gets) if gets else None,
            [_range(gap) for gap in more.get("gaps", "").split()],
            _range(more["takes"]) if "takes" in more else None,
            int(more["mib"]) if "mib" in more else None,
            "quiet" in more,
        )

    @property
    def answer(self) -> str:
        """The true answer: T, with what the server put before it, or nothing where that is what it says."""
        if self.stdout.endswith("T"):
            return self.stdout[:-1] + T
        return "" if self.statuses == [0] and self.stdout == EMPTY else T

    @property
    def timeout(self) -> float | None:
        return float(self.flags[self.flags.index("--timeout") + 1]) if "--timeout" in self.flags else None


def _commands(cell: str) -> tuple[str, ...]:
    """With a `*`, in the words of both families."""
    commands = COMMANDS[cell.rstrip("*")]
    return (*commands, *(f"{each} {OLDER}" for each in commands)) if cell.endswith("*") else commands


def _range(text: str) -> Range:
    least, most = text.split("-")
    return float(least), float(most)


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})", lambda found: chr(int(found[1] or found[2], 16)), text)


def read(path: Path) -> list[Row]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [Row.parse(line) for line in lines[1:]]


TABLE = read(Path(__file__).with_name("table.txt"))
