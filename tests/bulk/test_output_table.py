"""Output rows as lines of JSON, CSV and TSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.api.interaction import Interaction
from gemini_cli.bulk.output_rows import OutputRow, answer_row, error_row
from gemini_cli.bulk.output_table import FORMULA_NOTICE, JsonWriter, TableWriter, schema_properties
from gemini_cli.errors import InputError
from tests.harness import interaction

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.text(st.sampled_from("a,\"\r\n\t=';"))


class Table:
    """A table writer, and its notices."""

    def __init__(self, columns: Sequence[str], properties: Sequence[str] = (), *, to: str = ",", safe: bool = False):
        self.notices: list[str] = []
        self.writer = TableWriter(columns, properties, delimiter=to, safe=safe, notice=self.notices.append)
        self.header = self.writer.header().removesuffix("\n")

    def line(self, row: OutputRow, fields: dict[str, Any] | None = None) -> str:
        return self.writer.line(row, fields)


def answered(text: str, data: Any = None) -> OutputRow:
    validator = None if data is None else lambda text: data
    return answer_row(1, Interaction(interaction(text)), validator)


def test_the_columns_are_those_of_the_input_and_of_the_answer() -> None:
    table = Table(["id", "review"])
    assert table.header == "id,review,text,ok,error"
    assert table.line(answered("Good, really"), {"id": "1", "review": 'a "b"'}) == '1,"a ""b""","Good, really",true,\n'
    failed = error_row(2, InputError("line 3: no"), line=3)
    assert table.line(failed, {"id": "2", "review": ""}) == "2,,,false,input: line 3: no\n"
    assert table.line(failed, {}) == ",,,false,input: line 3: no\n"
    assert table.notices == []


def test_the_properties_of_a_schema_are_columns() -> None:
    schema = {"type": "object", "properties": {"label": {}, "n": {}, "more": {}}}
    table = Table(["id"], schema_properties(schema), to="\t")
    assert table.header == "id\tlabel\tn\tmore\tok\terror"
    row = answered("…", {"label": "a\tb", "n": 1.5, "more": [True, None], "extra": 1})
    assert table.line(row, {"id": None}) == '\t"a\tb"\t1.5\t[true,null]\ttrue\t\n'
    assert table.line(answered("…", {"label": None}), {"id": 7}) == "7\t\t\t\ttrue\t\n"


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "array"}, {"properties": []}])
def test_a_schema_without_properties_has_the_column_text(schema: Any) -> None:
    assert schema_properties(schema) == []


def test_a_number_keeps_its_digits() -> None:
    row = answer_row(1, Interaction(interaction('{"n":1.10}')), lambda text: {"n": 2})._replace(
        text='{"text":"","data":{"n":1.10}}'
    )
    assert Table([], ["n"]).line(row, {}) == "1.10,true,\n"


def test_a_column_whose_name_is_taken_gets_another_one() -> None:
    table = Table(["text", "ok", "answer_ok"])
    assert table.header == "text,ok,answer_ok,answer_text,answer_answer_ok,error"
    assert [notice.split(":")[0] for notice in table.notices] == [
        "the column 'text' of the answer is 'answer_text'",
        "the column 'ok' of the answer is 'answer_answer_ok'",
    ]
    assert Table(["label"], ["label", "ok"]).header == "label,answer_label,ok,answer_ok,error"


def test_fields_that_the_first_row_lacks_are_a_notice() -> None:
    table = Table(["a"])
    assert table.line(answered("x"), {"b": "1"}) == ",x,true,\n"
    assert table.line(answered("x"), {"a": "1"}) == "1,x,true,\n"
    assert len(table.notices) == 1


def test_without_its_input_row_the_key_is_known() -> None:
    assert Table(["key"]).line(error_row("k", InputError("no")), None) == "k,,false,input: no\n"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "+", "-cmd|' /C calc'!A0", "=-1", "- a list"]
)
def test_a_text_that_a_spreadsheet_computes_is_marked_or_named(text: str) -> None:
    plain, safe = Table(["a"]), Table(["a"], safe=True)
    written = plain.line(answered(text), {"a": text})
    assert next(csv.reader(io.StringIO(written, newline=""))) == [text, text, "true", ""]
    assert plain.notices == [FORMULA_NOTICE]
    written = safe.line(answered(text), {"a": text})
    assert next(csv.reader(io.StringIO(written, newline=""))) == [f"'{text}", f"'{text}", "true", ""]
    assert safe.notices == []


@pytest.mark.parametrize("text", ["-5", "+3.25", "-.5e-3", "-1.", "5", "a=1", "'=1", ""])
def test_a_number_is_no_formula(text: str) -> None:
    safe = Table(["a"], safe=True)
    assert safe.line(answered("x"), {"a": text}) == f"{text},x,true,\n"


def test_a_header_is_marked_too() -> None:
    assert Table(["=a"], safe=True).header == "'=a,text,ok,error"


@given(st.lists(CELLS, min_size=1, max_size=4), CELLS, st.sampled_from([",", "\t"]))
def test_another_reader_of_csv_finds_the_cells(cells: list[str], text: str, delimiter: str) -> None:
    names = [f"c{number}" for number in range(len(cells))]
    table = Table(names, to=delimiter)
    fields = dict(zip(names, cells, strict=True))
    lines = f"{table.header}\n{table.line(answered(text), fields)}"
    header, row = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, strict=True)
    assert header == [*names, "text", "ok", "error"]
    assert row == [*cells, text, "true", ""]


def test_json_may_leave_the_interaction_out() -> None:
    row = answered("hi")
    assert JsonWriter().line(row, {}) == f"{row.text}\n"
    short = json.loads(JsonWriter(interaction=False).line(row, {}))
    assert short == {"key": 1, "ok": True, "text": "hi", "usage": {}}
    assert JsonWriter().header() == ""
