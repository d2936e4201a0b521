"""Text as roff, with the man(7) macros that groff and mandoc share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

WIDTH = 78

_ESCAPES = {
    "\\": r"\e",
    "-": r"\-",  # a bare one may become a hyphen that no shell understands
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}


def escaped(text: str) -> str:
    """Escape the characters that roff would interpret."""
    return "".join(_ESCAPES.get(char) or (char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text)


def bold(text: str) -> str:
    return rf"\fB{_whole(text)}\fP"


def italic(text: str) -> str:
    return rf"\fI{_whole(text)}\fP"


def _whole(text: str) -> str:
    """Escape words that the user types, so that roff does not hyphenate them."""
    return " ".join(rf"\%{word}" for word in escaped(text).split(" "))


def prose(text: str) -> str:
    """A filled paragraph, with `words in backticks` in bold."""
    pieces = re.split(r"`([^`]+)`", text)
    marked = "".join(bold(piece) if index % 2 else escaped(piece) for index, piece in enumerate(pieces))
    lines = textwrap.wrap(marked, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(_line(line) for line in lines)


def _line(line: str) -> str:
    """Escape a dot at the start of a line, which would make the line a request."""
    return rf"\&{line}" if line.startswith(".") else line


def section(title: str, *blocks: str) -> str:
    """A section; empty without blocks."""
    return "\n".join([f".SH {title}", *blocks]) if blocks else ""


def subsection(title: str, *blocks: str) -> str:
    return "\n".join([f'.SS "{escaped(title)}"', *blocks])


def entry(term: str, text: str) -> str:
    """A term, already marked up, and its meaning."""
    return f".TP\n{term}\n{prose(text)}"


def paragraphs(texts: Iterable[str]) -> str:
    return "\n.PP\n".join(prose(text) for text in texts if text.strip())


def literal(text: str) -> str:
    """Lines without filling, for an example."""
    lines = (_line(escaped(line)) for line in text.rstrip("\n").split("\n"))
    return "\n".join([".PP", ".RS 4", ".EX", *lines, ".EE", ".RE"])
