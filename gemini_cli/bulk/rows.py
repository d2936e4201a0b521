"""Read the input rows of `map` and `batch`.

A row is a line of JSON, a string or an object, or a line of text, or a record of CSV under its header. A malformed line
becomes a Row with a `fault`, which is answered by a failed output row that names the line. Input that has no rows at
all (a JSON array, UTF-16, lines that end with CR) is an InputError before the first row. No more than one line is held
in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any, NamedTuple

from gemini_cli.bulk.csv_rows import CsvReader, CsvRecord
from gemini_cli.bulk.lines import Line, carriage_return_error, split_lines
from gemini_cli.bulk.unique_keys import UniqueKeys
from gemini_cli.errors import InputError
from gemini_cli.formats import strict_json
from gemini_cli.formats.text_files import refuse_process_file

ROW_READ_SIZE = 64 * 1024

FAULTS_BEFORE_COLUMNS = 1000  # malformed rows that are read to find the first valid one

NOT_JSON = "not JSON"  # begins the fault of a line that is none
FORMATS_HINT = "--lines reads lines of text, --csv reads a table"

Key = str | int
KEY_FIELDS = ("key", "id", "custom_id")  # names of a row, which are never sent
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Row(NamedTuple):
    """A row, valid or not.

    `line` counts from 1. `end` is how many bytes of input were read up to the row's end. `fault` is why a row is
    invalid.
    """

    line: int
    key: Key
    value: str | dict[str, Any]
    end: int
    fault: str = ""

    @property
    def name(self) -> str:
        """The key as valid text: 7 and "7" name the same row."""
        return str(self.key).encode("utf-8", "backslashreplace").decode()

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the row; none if it is malformed."""
        return {} if self.fault and not self.value else row_fields(self.value)

    def input_error(self, reason: str) -> InputError:
        return InputError(f"line {self.line}: {reason}")

    def reason(self, message: str) -> str:
        """The message of an `input_error` without its line, to count equal reasons."""
        return message.removeprefix(f"line {self.line}: ")


def row_fields(value: str | dict[str, Any]) -> dict[str, Any]:
    """A row as an object: a string is the same as an object with this `input`."""
    return {"input": value} if isinstance(value, str) else value


class InputRows:
    """The rows of a file, to be iterated once.

    `header` has the columns of CSV once the first row was read; it is empty for other formats.
    """

    def __init__(self, rows: Iterator[Row], csv_reader: CsvReader | None) -> None:
        self._rows = rows
        self._csv_reader = csv_reader

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    @property
    def header(self) -> list[str]:
        return self._csv_reader.header if self._csv_reader else []

    def read_first(self) -> Row | None:
        """Read the first row ahead; None if there is none.

        A file of another format is then an error before sending.
        """
        first = next(self._rows, None)
        if first is not None:
            self._rows = chain([first], self._rows)
        return first

    def read_columns(self) -> list[str]:
        """The header of CSV, or else the fields of the first valid row, read ahead."""
        before: list[Row] = []
        names: list[str] = []
        for row in self._rows:
            before.append(row)
            names = self.header or list(row.fields)
            if names or len(before) == FAULTS_BEFORE_COLUMNS:
                break
        self._rows = chain(before, self._rows)
        return names or self.header


def read_rows(
    pieces: Iterable[bytes], *, csv: bool = False, lines: bool = False, delimiter: str | None = None
) -> InputRows:
    """Read the rows of a file; a row with the key of an earlier one is a fault.

    InputError, before the first row, for a file without rows. `lines`: each line is a row of text. `delimiter` is that
    of CSV; None is a comma by default.
    """
    checked = _checked_lines(split_lines(pieces), csv=csv, lines=lines)
    if csv:
        csv_reader = CsvReader(checked, delimiter)
        return InputRows(_unique(_csv_rows(csv_reader)), csv_reader)
    return InputRows(_unique(_line_rows(checked, as_text=lines)), None)


def _checked_lines(all_lines: Iterator[Line], *, csv: bool, lines: bool) -> Iterator[Line]:
    """The lines from the first one that is not blank.

    InputError if that one shows that the file has no rows.
    """
    for line in all_lines:
        data = line.data
        if data is not None and (data.startswith(UTF16_MARKS) or b"\0" in data[:4]):
            raise InputError("the rows are not UTF-8, but UTF-16", hint="iconv -f UTF-16 -t UTF-8 FILE")
        if data is not None and not data.strip(b", ;\t" if csv else None):
            continue
        if data is not None and not (csv or lines):
            _check_first_value(data)
        yield line
        break
    yield from all_lines


def _check_first_value(data: bytes) -> None:
    if data.lstrip().startswith(b"["):
        raise InputError("the rows are a JSON array, not a value on each line", hint="jq -c '.[]' FILE")
    if b"\r" in data:
        try:
            strict_json.loads(data.decode())
        except ValueError:
            raise carriage_return_error() from None


def file_chunks(path: str) -> Iterator[bytes]:
    """A file's bytes as they are needed.

    The file is opened at once; InputError if it cannot be read.
    """
    refuse_process_file(path)
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115  closed when its last byte was read
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None

    def read() -> Iterator[bytes]:
        with file:
            try:
                while piece := file.read(ROW_READ_SIZE):
                    yield piece
            except OSError as error:
                raise InputError(f"cannot read {path}: {error.strerror or error}") from None

    return read()


def _line_rows(lines: Iterable[Line], *, as_text: bool) -> Iterator[Row]:
    for line in lines:
        if line.data is None:
            yield Row(line.number, line.number, "", line.end, line.too_long)
        elif line.data.strip():
            try:
                text = line.data.decode()
                yield _row(line.number, text if as_text else strict_json.loads(text), line.end)
            except UnicodeDecodeError as error:
                yield Row(line.number, line.number, "", line.end, f"not valid UTF-8 (byte offset {error.start})")
            except ValueError as error:
                yield Row(line.number, line.number, "", line.end, f"{NOT_JSON}: {error}")


def _csv_rows(records: Iterable[CsvRecord]) -> Iterator[Row]:
    for record in records:
        if record.fault:
            yield Row(record.line, record.line, "", record.end, record.fault)
        else:
            yield _row(record.line, record.fields, record.end)


def _row(line: int, value: Any, end: int) -> Row:
    if not isinstance(value, str | dict):
        return Row(line, line, "", end, "a row is a string or an object")
    key = _key(value) if isinstance(value, dict) else None
    if key is None:
        return Row(line, line, value, end)
    if not isinstance(key, str | int) or isinstance(key, bool):
        return Row(line, line, "", end, "the key of a row is text or a whole number")
    return Row(line, key, value, end)


def _key(fields: dict[str, Any]) -> Any:
    """A row's own key; a request inside a batch job has it in its `metadata`."""
    metadata = fields.get("metadata")
    if "request" in fields and isinstance(metadata, dict):
        fields = {**metadata, **fields}
    return next((fields[name] for name in KEY_FIELDS if fields.get(name) is not None), None)


def _unique(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows; one with the key of an earlier row has a fault."""
    with closing(UniqueKeys()) as keys:
        for row in rows:
            first = row.line if row.fault else keys.first_line(row.name, row.line)
            yield row if first == row.line else row._replace(fault=f"the key {row.name!r} is that of line {first}")
