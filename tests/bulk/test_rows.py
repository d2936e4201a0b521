"""Rows in: files as people and programs write them. Rows out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.api.interaction import Interaction
from gemini_cli.bulk import output_rows, rows
from gemini_cli.bulk.rows import LINE_LIMIT, Row
from gemini_cli.errors import InputError, SchemaMismatch
from tests.harness import interaction


def read(data: bytes, *, csv: bool = False, piece: int = 7) -> list[Row]:
    pieces = (data[place : place + piece] for place in range(0, len(data), piece))
    return list(rows.read_rows(pieces, csv=csv))


def told(data: bytes, **more: Any) -> list[tuple[int, Any, Any]]:
    """Line, key and value of each row; the fault in place of the value."""
    return [(row.line, row.key, row.fault or row.value) for row in read(data, **more)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n \n\t\n", []),
        (b'"a"\n"b"', [(1, 1, "a"), (2, 2, "b")]),
        (b'\xef\xbb\xbf"a"\r\n\r\n{"x":1}\r\n', [(1, 1, "a"), (3, 3, {"x": 1})]),
        (b'{"key":"k","id":"i"}', [(1, "k", {"key": "k", "id": "i"})]),
        (b'{"metadata":{"key":"k"},"request":{}}', [(1, "k", {"metadata": {"key": "k"}, "request": {}})]),
        (b'{"metadata":{"key":"k"}}', [(1, 1, {"metadata": {"key": "k"}})]),
        (b'{"custom_id":"c"}', [(1, "c", {"custom_id": "c"})]),
        (b'{"id":7}\n{"key":null}', [(1, 7, {"id": 7}), (2, 2, {"key": None})]),
        ('"\u2028 \u0085"'.encode(), [(1, 1, "\u2028 \u0085")]),
    ],
)
def test_rows_are_lines_of_json(data: bytes, expected: list[Any]) -> None:
    assert told(data) == expected


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{bad", "not JSON: "),
        (b'{"a":NaN}', "not JSON: NaN is not JSON"),
        (b'{"a":1e999}', "not JSON: number out of range"),
        (b'{"a":1,"a":2}', "not JSON: repeated key"),
        (b"7", "a row is a string or an object"),
        (b"[1]", "a row is a string or an object"),
        (b"null", "a row is a string or an object"),
        (b'{"id":1.5}', "the key of a row is text or a whole number"),
        (b'{"key":true}', "the key of a row is text or a whole number"),
        (b'"\xff"', "not valid UTF-8 (byte offset 1)"),
        (b'"a"\r"b"', "not JSON: "),
        (b"[" * 100_000, "not JSON: nested too deeply"),
    ],
)
def test_a_line_that_is_no_row_has_a_fault_and_the_next_one_is_read(line: bytes, fault: str) -> None:
    _, bad, good = read(b'"first"\n' + line + b'\n"good"\n', piece=4096)
    assert (bad.line, bad.key) == (2, 2)
    assert bad.fault.startswith(fault)
    assert (good.line, good.value, good.fault) == (3, "good", "")


@pytest.mark.parametrize(
    ("data", "csv", "message", "hint"),
    [
        (b'[\n {"input":"a"},\n {"input":"b"}\n]\n', False, "JSON array", "jq -c '.[]'"),
        (b'\n \n[{"input":"a"}]', False, "JSON array", "jq -c '.[]'"),
        (b'\xef\xbb\xbf["a"]', False, "JSON array", "jq -c '.[]'"),
        ('"a"\n"b"\n'.encode("utf-16"), False, "UTF-16", "iconv -f UTF-16"),
        ("text\none\n".encode("utf-16"), True, "UTF-16", "iconv -f UTF-16"),
        ("text\none\n".encode("utf-16-le"), True, "UTF-16", "iconv -f UTF-16"),
        ("text\none\n".encode("utf-16-be"), True, "UTF-16", "iconv -f UTF-16"),
        (b"id,text\ra,one\rb,two\r", True, "CR alone", "tr '\\r' '\\n'"),
        (b'"a"\r"b"\r', False, "CR alone", "iconv"),
        (b"text;label\none;x\n", True, "one column, 'text;label'", "--delimiter ';'"),
        (b'"text";"label"\n"one";"x"\n', True, "not a header of CSV", "--delimiter ';'"),
        ("größe,n\n1,2\n".encode("cp1252"), True, "not valid UTF-8", "iconv -f WINDOWS-1252"),
        (b"text\tlabel\none\tx\n", True, "one column, 'text\\tlabel'", "--delimiter '\\t'"),
    ],
)
def test_a_file_without_rows_is_an_error_before_the_first_row(data: bytes, csv: bool, message: str, hint: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        next(rows.read_rows([data[:3], data[3:]], csv=csv))
    assert hint in str(raised.value.hint)


def test_the_first_row_can_be_read_ahead() -> None:
    found = rows.read_first_row(rows.read_rows([b'"a"\n"b"\n'], csv=False))
    assert [row.value for row in found] == ["a", "b"]
    assert list(rows.read_first_row(rows.read_rows([], csv=False))) == []
    with pytest.raises(InputError, match="JSON array"):
        rows.read_first_row(rows.read_rows([b"[1]"], csv=False))


@pytest.mark.parametrize("few", [1, 250, 450, 650, rows.KEYS_IN_MEMORY])
def test_a_key_names_one_row_however_many_there_are(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "KEYS_IN_MEMORY", few)
    found = told(b'{"id":"a"}\n{"id":"a","n":2}\n{"id":3}\n{bad\n"no key, but line 5"\n{"id":"5"}\n')
    assert [row[:2] for row in found] == [(1, "a"), (2, "a"), (3, 3), (4, 4), (5, 5), (6, "5")]
    assert found[1][2] == "the key 'a' is that of line 1"
    assert found[-1][2] == "the key '5' is that of line 5"


def test_a_key_may_hold_half_a_surrogate_pair() -> None:
    assert [row.fault for row in read(b'{"id":"\\ud83d"}\n{"id":"\\ud83d"}')][1].startswith("the key")


def test_a_line_that_is_too_long_is_skipped_without_being_held() -> None:
    longest = 0

    def pieces() -> Iterator[bytes]:
        nonlocal longest
        yield b'"first"\n"'
        for _ in range(33):
            yield b"x" * (1024 * 1024)
        yield b'"\n"last"'

    first, long, last = rows.read_rows(pieces(), csv=False)
    assert (first.value, last.value, last.line) == ("first", "last", 3)
    assert long.fault == f"too large for a row: {33 * 1024 * 1024 + 2} bytes, the limit is {LINE_LIMIT}"


def test_a_row_knows_how_much_of_the_input_was_read() -> None:
    data = b'"a"\r\n\n"b"\n"c"'
    assert [row.end for row in read(data)] == [5, 10, len(data)]


ROWS = st.lists(st.text() | st.dictionaries(st.text(), st.integers() | st.text() | st.none()), max_size=20)


@given(ROWS, st.integers(1, 50), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans(), st.booleans())
def test_what_was_written_is_read(values: list[Any], piece: int, end: str, bom: bool, last: bool) -> None:
    values = [{**value, "key": str(n)} if isinstance(value, dict) else value for n, value in enumerate(values, 1000)]
    text = end.join(json.dumps(value) for value in values) + (end if last else "")
    found = read(text.encode("utf-8-sig" if bom else "utf-8"), piece=piece)
    assert [row.value for row in found] == values
    assert not any(row.fault for row in found)


VALUES, EMPTY = {"a": "1", "b": "2"}, {"a": "1", "b": ""}


# CSV -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"id,text\na,one\n", [(2, "a", {"id": "a", "text": "one"})]),
        (b'\xef\xbb\xbftext\r\n"two\r\nlines"\r\n\r\nnext', [(2, 2, {"text": "two\nlines"}), (5, 5, {"text": "next"})]),
        (b"a,b\n1\n1,2\n", [(2, 2, "1 cells, the header has 2"), (3, 3, {"a": "1", "b": "2"})]),
        (b'a\n"x"y\nz\n', [(2, 2, "not CSV: there is text after a closing quote"), (3, 3, {"a": "z"})]),
        (b"a\n\xff\nz\n", [(2, 2, "not valid UTF-8"), (3, 3, {"a": "z"})]),
        (b'a\n"x\n', [(2, 2, "not CSV: a quote is not closed")]),
        (b"a\nx\ry\n", [(2, 2, "not CSV: a carriage return outside of quotes")]),
        (b'"a\rb"\nx\n', [(2, 2, {"a\rb": "x"})]),
        (b"text,,\none,,\ntwo\n", [(2, 2, {"text": "one"}), (3, 3, {"text": "two"})]),
        (b"a,b\n1,2,,\n1,,\n1,2,,3\n", [(2, 2, VALUES), (3, 3, EMPTY), (4, 4, "4 cells, the header has 2")]),
        (b"\n,,\r\ntext\none\n", [(4, 4, {"text": "one"})]),
        (b"\xef\xbb\xbfsep=;\r\ntext;n\r\none;1\r\n", [(3, 3, {"text": "one", "n": "1"})]),
        (b"a\n", []),
        (b"", []),
    ],
)
def test_records_of_csv_are_rows(data: bytes, expected: list[Any]) -> None:
    assert told(data, csv=True) == expected


def test_a_header_that_names_a_column_twice_is_no_header() -> None:
    with pytest.raises(InputError, match="line 1: the header of the CSV names a column twice"):
        read(b"a,a\n1,2\n", csv=True)


@pytest.mark.parametrize(
    ("data", "delimiter", "expected"),
    [
        (b'text;n\n"a;b";1\n', ";", {"text": "a;b", "n": "1"}),
        (b"text\tn\na,b\t1\n", "\t", {"text": "a,b", "n": "1"}),
        (b"text;n\na\n", ",", {"text;n": "a"}),
    ],
)
def test_a_delimiter_separates_the_columns(data: bytes, delimiter: str, expected: Any) -> None:
    assert [row.value for row in rows.read_rows([data], csv=True, delimiter=delimiter)] == [expected]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=10), st.integers(1, 50))
def test_what_python_writes_as_csv_is_read(cells: list[tuple[str, str]], piece: int) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("a", "b"), *cells])
    found = read(file.getvalue().encode(), csv=True, piece=piece)
    assert [row.value for row in found] == [{"a": a, "b": b} for a, b in cells]


# What comes out ------------------------------------------------------------------------------------------------------


def test_an_answer_becomes_an_output_row() -> None:
    answer = interaction("Hi", usage={"total_tokens": 3})
    output = output_rows.answer_row("k", Interaction(answer))
    assert (output.ok, output.failure, output.tokens) == (True, None, 3)
    assert json.loads(output.text) == {
        "key": "k",
        "ok": True,
        "text": "Hi",
        "usage": {"total_tokens": 3},
        "interaction": answer,
    }


def test_an_answer_that_is_not_whole_is_a_failure_with_its_text() -> None:
    output = output_rows.answer_row(7, Interaction(interaction("Hal", status="incomplete")), line=3, attempts=2)
    row = json.loads(output.text)
    assert (row["key"], row["ok"], row["text"], row["line"]) == (7, False, "Hal", 3)
    assert (row["error"]["kind"], row["error"]["interaction_id"], row["error"]["billed"]) == (
        "incomplete",
        "v1_a",
        "yes",
    )
    assert row["error"]["attempts"] == 2
    assert "interaction" not in row


def test_data_is_what_the_schema_was_held_against() -> None:
    assert json.loads(output_rows.answer_row(1, Interaction(interaction('{"n":1}')), json.loads).text)["data"] == {
        "n": 1
    }

    def refuse(text: str) -> Any:
        raise SchemaMismatch("no", billed="yes")

    row = json.loads(output_rows.answer_row(1, Interaction(interaction("{}")), refuse).text)
    assert (row["ok"], row["text"], row["error"]["kind"]) == (False, "{}", "schema")


def test_each_line_may_be_a_row_of_text() -> None:
    data = '\ufeffone\r\n\n "two" \n[3]\n{"key":"k"}\n\xff\n last'.encode().replace("\xff".encode(), b"\xff")
    found = list(rows.read_rows([data], lines=True))
    assert [(row.line, row.key, row.value) for row in found if not row.fault] == [
        (1, 1, "one"),
        (3, 3, ' "two" '),
        (4, 4, "[3]"),
        (5, 5, '{"key":"k"}'),
        (7, 7, " last"),
    ]
    assert [row.fault for row in found if row.fault] == ["not valid UTF-8 (byte offset 0)"]
    with pytest.raises(InputError, match="UTF-16"):
        next(rows.read_rows(["a\n".encode("utf-16")], lines=True))


@pytest.mark.parametrize(
    ("data", "csv", "columns"),
    [
        (b"a,b\n1,2\n", True, ["a", "b"]),
        (b"a,b\n", True, ["a", "b"]),
        (b"a,b\n1,2,3\n", True, ["a", "b"]),
        (b'{"a":1,"b":2}\n{"c":3}\n', False, ["a", "b"]),
        (b'{bad\n"text"\n{"c":3}\n', False, ["input"]),
        (b"{bad\n" * 3000 + b'"text"\n', False, []),
        (b"", False, []),
    ],
)
def test_the_columns_are_known_before_the_first_row_is_sent(data: bytes, csv: bool, columns: list[str]) -> None:
    header: list[str] = []
    names, found = rows.read_columns(rows.read_rows([data], csv=csv, header=header), header)
    assert names == columns
    assert list(found) == read(data, csv=csv)


def test_a_row_whose_key_is_taken_keeps_its_fields() -> None:
    assert [row.fields for row in read(b'{"id":1}\n{"id":1,"a":2}\n{bad\n')] == [{"id": 1}, {"id": 1, "a": 2}, {}]
