"""Rows of CSV: records under a header."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.bulk import rows
from gemini_cli.errors import InputError
from tests.bulk.test_rows import read, told

VALUES, EMPTY = {"a": "1", "b": "2"}, {"a": "1", "b": ""}


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
