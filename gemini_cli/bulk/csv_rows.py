"""Read CSV (RFC 4180) with a header.

Each record is an object, whose fields are all text. Empty cells at the end of a line are ignored: spreadsheets write
them for columns that were deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from gemini_cli.bulk.lines import LINE_LIMIT, Line, carriage_return_error
from gemini_cli.errors import InputError


class CsvRecord(NamedTuple):
    """A record: its fields by column, or its `fault`. `line` and `end` as in Row."""

    line: int
    end: int
    fields: dict[str, str]
    fault: str = ""


class CsvReader:
    """Yields the records; InputError, before the first, for a header that is none.

    `delimiter` is a comma if it is None. `header` is empty until the first record is read.
    """

    def __init__(self, lines: Iterator[Line], delimiter: str | None) -> None:
        self.header: list[str] = []
        self._lines = lines
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[CsvRecord]:
        import csv

        csv.field_size_limit(LINE_LIMIT)
        lines, delimiter = self._lines, self._delimiter
        first = next(lines, None)
        separator = re.fullmatch(rb"sep=([ -~\t])", first.data or b"") if first else None
        if separator:  # Excel's own line before the header
            delimiter = delimiter or separator[1].decode()
        elif first:
            lines = chain([first], lines)
        texts = _Texts(lines, csv.Error)
        reader = csv.reader(texts, strict=True, delimiter=delimiter or ",")
        try:
            header = _without_empty_end(next(reader, []), 0)
        except csv.Error as error:
            if "new-line" in str(error):
                raise carriage_return_error() from None
            hint = _delimiter_hint(texts.text) if delimiter is None else None
            raise InputError(f"line {texts.number}: not a header of CSV: {_csv_fault(error)}", hint=hint) from None
        _check_header(header, texts.number, delimiter)
        self.header = header
        while True:
            line = texts.number + 1
            try:
                cells = next(reader, None)
                if cells is None:
                    return
                "".join(cells).encode()
            except csv.Error as error:
                yield CsvRecord(line, texts.end, {}, f"not CSV: {_csv_fault(error)}")
            except UnicodeEncodeError:
                yield CsvRecord(line, texts.end, {}, "not valid UTF-8")
            else:
                cells = _without_empty_end(cells, len(header))
                if len(cells) == len(header):
                    yield CsvRecord(line, texts.end, dict(zip(header, cells, strict=True)))
                elif cells:
                    yield CsvRecord(line, texts.end, {}, f"{len(cells)} cells, the header has {len(header)}")


def _check_header(header: list[str], line: int, delimiter: str | None) -> None:
    if len(set(header)) != len(header):
        raise InputError(f"line {line}: the header of the CSV names a column twice")
    try:
        "".join(header).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"line {line}: the header of the CSV is not valid UTF-8",
            hint="iconv -f WINDOWS-1252 -t UTF-8 FILE, if it comes from a spreadsheet",
        ) from None
    if delimiter is None and len(header) == 1 and (hint := _delimiter_hint(header[0])):
        raise InputError(
            f"line {line}: the header of the CSV is one column, {header[0]!r}",
            hint=f"{hint}; --delimiter , takes it as one",
        )


def _delimiter_hint(text: str) -> str | None:
    """The option for the delimiter of a header that has no comma between its columns."""
    separator = next((spelling for delimiter, spelling in ((";", "';'"), ("\t", "'\\t'")) if delimiter in text), None)
    return f"--delimiter {separator} separates the columns there" if separator else None


def _without_empty_end(cells: list[str], least: int) -> list[str]:
    count = len(cells)
    while count > least and not cells[count - 1]:
        count -= 1
    return cells[:count]


def _csv_fault(error: Exception) -> str:
    """The reason of an error without the words of Python's csv module."""
    reasons = {
        "unexpected end": "a quote is not closed",
        "expected after": "there is text after a closing quote",
        "new-line": "a carriage return outside of quotes",
        "field limit": f"a cell is larger than {LINE_LIMIT} bytes",
        "NUL": "a NUL character",
    }
    return next((reason for words, reason in reasons.items() if words in str(error)), str(error))


class _Texts:
    """Lines as the csv module reads them: text with its line end.

    Invalid UTF-8 is found later, in the cells.
    """

    def __init__(self, lines: Iterator[Line], error: type[Exception]) -> None:
        self.number = 0
        self.end = 0
        self.text = ""  # the latest line
        self._lines = lines
        self._error = error

    def __iter__(self) -> _Texts:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number, self.end = line.number, line.end
        if line.data is None:
            raise self._error(line.too_long)
        self.text = line.data.decode("utf-8", "surrogateescape") + "\n"
        return self.text
