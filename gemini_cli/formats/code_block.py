"""The first fenced code block of Markdown text (CommonMark 0.31, 4.5 and 5.2).

Rule 1. A fence is three or more of "`" or "~". The block ends with as many of the same character, or more, so that a
longer fence may hold a shorter one.
Rule 2. A fence may be indented by up to three columns, inside a list item beyond the item's own text. The lines of the
block lose the indentation of its opening fence.
Rule 3. Unlike in CommonMark, a block in a list item does not end with the item, because models forget to indent its
lines; and a block that is not closed is an error, because it may be cut. Block quotes are not searched.
"""

from __future__ import annotations

import re

from gemini_cli.errors import CliError, IncompleteError, SchemaMismatch

_OPENING = re.compile(r"(`{3,})[^`]*|(~{3,}).*")
_LIST_MARKER = re.compile(r"([-+*]|[0-9]{1,9}[.)])([ \t]+|$)")
INDENTED_CODE = 4  # columns of indentation from which a line is code by itself, and no fence


class CodeBlockExtractor:
    """Finds the block in a text that arrives in pieces.

    Each line of the block is returned as soon as it is complete.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []  # of the line that is not complete
        self._list_columns: list[int] = []  # the columns where the text of the enclosing list items begins
        self._after_blank = True
        self._fence = ""
        self._fence_column = self._limit = 0  # the column of the opening fence; columns before which one may close it
        self.closed = False

    @property
    def found(self) -> bool:
        """True once the block has begun."""
        return bool(self._fence)

    def feed(self, text: str) -> str:
        """Take the next piece of the text; return the lines that it completes."""
        if self.closed:
            return ""
        found: list[str] = []
        first, *others = text.split("\n")
        self._pieces.append(first)
        for following in others:
            found.append(self._take("".join(self._pieces), "\n"))
            self._pieces = [following]
        return "".join(found)

    def finish(self) -> str:
        """End the text and its last line; return that line if it is in the block."""
        line, self._pieces = "".join(self._pieces), []
        return self._take(line, "") if line else ""

    def error(self) -> CliError | None:
        """The error of a complete text; None if it has a complete block."""
        if self.closed:
            return None
        if self.found:
            return IncompleteError("the code block of the answer is not closed", billed="yes")
        return SchemaMismatch("the answer has no code block", billed="yes")

    def _take(self, line: str, end: str) -> str:
        if self.closed:
            return ""
        if not self._fence:
            self._look_for_opening(line.removesuffix("\r"))
            return ""
        text = line.strip(" \t\r")
        is_closing = len(text) >= len(self._fence) and set(text) == {self._fence[0]}
        if is_closing and _indentation(line)[0] < self._limit:
            self.closed = True
            return ""
        return _without_indentation(line, self._fence_column) + end

    def _look_for_opening(self, line: str) -> None:
        column, text = _indentation(line)
        if not text:
            self._after_blank = True
            return
        if self._after_blank:  # else the line may continue the paragraph of the item
            self._list_columns = [each for each in self._list_columns if each <= column]
        self._after_blank = False
        base = max((each for each in self._list_columns if each <= column), default=0)
        while column < base + INDENTED_CODE and (marker := _LIST_MARKER.match(text)):
            after, text = _indentation(text[marker.end(1) :], column + len(marker[1]))
            base = column + len(marker[1]) + 1 if after - column - len(marker[1]) > INDENTED_CODE else after
            column = after
            self._list_columns.append(base)
        if column < base + INDENTED_CODE and (opening := _OPENING.fullmatch(text)):
            self._fence = opening[1] or opening[2]
            self._fence_column, self._limit = column, base + INDENTED_CODE


def extract_code_block(text: str) -> str:
    """The lines of the first code block of a complete text.

    SchemaMismatch without a block, IncompleteError for one that is not closed.
    """
    extractor = CodeBlockExtractor()
    found = extractor.feed(text) + extractor.finish()
    if error := extractor.error():
        raise error
    return found


def _indentation(line: str, column: int = 0) -> tuple[int, str]:
    """The column where the text of a line begins, and the text.

    A tab goes to the next multiple of four.
    """
    text = line.lstrip(" \t")
    for character in line[: len(line) - len(text)]:
        column += 1 if character == " " else 4 - column % 4
    return column, text


def _without_indentation(line: str, columns: int) -> str:
    """Remove up to so many columns of blanks; a part of a tab becomes spaces."""
    column = place = 0
    while column < columns and line[place : place + 1] in (" ", "\t"):
        column += 1 if line[place] == " " else 4 - column % 4
        place += 1
    return " " * (column - columns) + line[place:]
