"""Output rows as lines of a file: JSON, or a table of CSV (RFC 4180) or TSV.

A table has the columns of the input, then those of the answer: `text`, or the properties of a schema; `ok`, and
`error`. A column of the answer whose name is taken is called `answer_NAME`. Lines end with LF; a cell is quoted where
its text needs it. Nothing but the current row is held in memory, and a row does not depend on earlier ones, so that
the table of a run that was continued is the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gemini_cli.bulk.output_rows import OutputRow
from gemini_cli.formats import strict_json

# A spreadsheet computes a cell that begins with one of these; a number with a sign stays a number.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?!(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z)")
FORMULA_NOTICE = "some answers begin with =, +, - or @, which a spreadsheet may compute; --csv-safe prevents that"


class RowWriter(Protocol):
    """Makes the lines of the output."""

    def header(self) -> str:
        """The first line; empty if there is none."""

    def line(self, row: OutputRow, fields: Mapping[str, Any] | None) -> str:
        """The line of an output row; `fields` are those of its input row.

        Where the input row is not known, its only field is `key`.
        """


class JsonWriter:
    """Lines of JSON; without `interaction`, they lack the API's own answer."""

    def __init__(self, *, interaction: bool = True) -> None:
        self._interaction = interaction

    def header(self) -> str:
        return ""

    def line(self, row: OutputRow, fields: Mapping[str, Any] | None) -> str:
        if self._interaction:
            return f"{row.text}\n"
        output = strict_json.loads(row.text)
        output.pop("interaction", None)
        return f"{strict_json.dumps(output)}\n"


class TableWriter:
    """Lines of CSV or TSV.

    `columns` are those of the input, `properties` the schema's, if any. With `safe`, text that a spreadsheet would take
    as a formula gets an apostrophe before it; without, the first such answer is a notice.
    """

    def __init__(
        self,
        columns: Sequence[str],
        properties: Sequence[str],
        *,
        delimiter: str,
        safe: bool,
        notice: Callable[[str], None],
    ) -> None:
        self._columns = list(columns)
        self._names = set(columns)
        self._properties = list(properties)
        self._delimiter = delimiter
        self._safe = safe
        self._notice = notice
        self._header = self._columns[:]
        for name in [*(self._properties or ["text"]), "ok", "error"]:
            free = name
            while free in self._header:
                free = f"answer_{free}"
            if free != name:
                notice(f"the column {name!r} of the answer is {free!r}: there is one of that name")
            self._header.append(free)

    def header(self) -> str:
        return self._joined([self._guarded(name) for name in self._header])

    def line(self, row: OutputRow, fields: Mapping[str, Any] | None) -> str:
        output = strict_json.loads(row.text)
        if fields is None:
            fields = {"key": output["key"]}
        if not fields.keys() <= self._names:
            self._notice("some rows have fields that the first row lacks; the table leaves them out")
        before = [self._guarded(_cell(fields.get(name))) for name in self._columns]
        data = output.get("data")
        values = data if isinstance(data, dict) else {}
        answer = [values.get(name) for name in self._properties] if self._properties else [output["text"]]
        error = output.get("error")
        after = [*answer, row.ok, f"{error['kind']}: {error['message']}" if error else None]
        return self._joined([*before, *map(self._answer_cell, after)])

    def _answer_cell(self, value: Any) -> str:
        text = _cell(value)
        if not isinstance(value, str):
            return text
        if not self._safe and _FORMULA.match(text):
            self._notice(FORMULA_NOTICE)
        return self._guarded(text)

    def _guarded(self, text: str) -> str:
        return f"'{text}" if self._safe and _FORMULA.match(text) else text

    def _joined(self, cells: Sequence[str]) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=self._delimiter, lineterminator="\r\n").writerow(cells)
        return line.getvalue().removesuffix("\r\n") + "\n"


def schema_properties(schema: Any) -> list[str]:
    """The names of a schema's properties, in their order; none for a schema without."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return list(properties) if isinstance(properties, dict) else []


def _cell(value: Any) -> str:
    """Text as it is, nothing for null, else JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else strict_json.dumps(value)
