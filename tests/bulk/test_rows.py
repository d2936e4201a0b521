"""Rows in: files as people and programs write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.bulk import rows
from gemini_cli.bulk.lines import LINE_LIMIT
from gemini_cli.bulk.rows import Row
from gemini_cli.errors import InputError


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
        (b'{"a":1,"a":2}', 'not JSON: repeated key "a"'),
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
        rows.read_rows([data[:3], data[3:]], csv=csv).read_first()
    assert hint in str(raised.value.hint)


def test_the_first_row_can_be_read_ahead() -> None:
    found = rows.read_rows([b'"a"\n"b"\n'])
    first = found.read_first()
    assert first is not None
    assert first.value == "a"
    assert [row.value for row in found] == ["a", "b"]
    none = rows.read_rows([])
    assert none.read_first() is None
    assert list(none) == []
    with pytest.raises(InputError, match="JSON array"):
        rows.read_rows([b"[1]"]).read_first()


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
        rows.read_rows(["a\n".encode("utf-16")], lines=True).read_first()


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
    found = rows.read_rows([data], csv=csv)
    assert found.read_columns() == columns
    assert list(found) == read(data, csv=csv)


def test_a_row_whose_key_is_taken_keeps_its_fields() -> None:
    assert [row.fields for row in read(b'{"id":1}\n{"id":1,"a":2}\n{bad\n')] == [{"id": 1}, {"id": 1, "a": 2}, {}]
