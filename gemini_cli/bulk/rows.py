"""Read the input rows of `map` and `batch`.

A row is a line of JSON, a string or an object, or a line of text, or a record of CSV under its header. A malformed line
becomes a Row with a `fault`, which is answered by a failed output row that names the line. Input that has no rows at
all (a JSON array, UTF-16, lines that end with CR) is an InputError before the first row. No more than one line is held
in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import chain, islice
from typing import Any, NamedTuple

from gemini_cli.errors import InputError
from gemini_cli.formats import strict_json
from gemini_cli.formats.text_files import refuse_process_file

LINE_LIMIT = 32 * 1024 * 1024  # bytes; -j of them may be in memory at a time, each several times over
ROW_READ_SIZE = 64 * 1024
KEYS_IN_MEMORY = 2 * 1024 * 1024  # bytes of keys, which are remembered without a database
KEY_OVERHEAD = 200  # bytes that a key takes beside itself

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


class Line(NamedTuple):
    """A line of input.

    `data` has no newline; it is None if the line is longer than the limit. `end` counts the bytes of input up to the
    line's end.
    """

    number: int
    data: bytes | None
    size: int
    end: int


def read_rows(
    pieces: Iterable[bytes],
    *,
    csv: bool = False,
    lines: bool = False,
    delimiter: str | None = None,
    header: list[str] | None = None,
) -> Iterator[Row]:
    """Yield the rows of a file; a row with the key of an earlier one is a fault.

    InputError, before the first row, for a file without rows. `lines`: each line is a row of text. `delimiter` is that
    of CSV; None is a comma by default. `header` gets the header of CSV when the first row is read.
    """
    found = _checked_lines(split_lines(pieces), csv=csv, lines=lines)
    if csv:
        return _unique(_records(found, delimiter, [] if header is None else header))
    return _unique(_values(found, as_text=lines))


def read_first_row(rows: Iterator[Row]) -> Iterator[Row]:
    """Read the first row, so that a file without rows is an error before sending."""
    return chain(list(islice(rows, 1)), rows)


def read_columns(rows: Iterator[Row], header: list[str]) -> tuple[list[str], Iterator[Row]]:
    """The header of CSV, or else the fields of the first valid row; and all rows."""
    before: list[Row] = []
    names: list[str] = []
    for row in rows:
        before.append(row)
        names = header or list(row.fields)
        if names or len(before) == FAULTS_BEFORE_COLUMNS:
            break
    return names or header, chain(before, rows)


def _checked_lines(found: Iterator[Line], *, csv: bool, lines: bool) -> Iterator[Line]:
    """The lines from the first one that is not blank.

    InputError if that one shows that the file has no rows.
    """
    for line in found:
        data = line.data
        if data is not None and (data.startswith(UTF16_MARKS) or b"\0" in data[:4]):
            raise InputError("the rows are not UTF-8, but UTF-16", hint="iconv -f UTF-16 -t UTF-8 FILE")
        if data is not None and not data.strip(b", ;\t" if csv else None):
            continue
        if data is not None and not (csv or lines):
            _check_first_value(data)
        yield line
        break
    yield from found


def _check_first_value(data: bytes) -> None:
    if data.lstrip().startswith(b"["):
        raise InputError("the rows are a JSON array, not a value on each line", hint="jq -c '.[]' FILE")
    if b"\r" in data:
        try:
            strict_json.loads(data.decode())
        except ValueError:
            raise _carriage_returns() from None


def _carriage_returns() -> InputError:
    return InputError(
        "the lines end with CR alone",
        hint="tr '\\r' '\\n' <FILE, and iconv -f MACINTOSH -t UTF-8 if it is an old Mac's file",
    )


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


def split_lines(pieces: Iterable[bytes], limit: int = LINE_LIMIT) -> Iterator[Line]:
    """Split bytes into lines that end with LF or CRLF.

    The last line may end with the input. A BOM before the first is dropped.
    """
    number, size, end, bom = 0, 0, 0, b"\xef\xbb\xbf"
    held: list[bytes] = []
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for part in ended:
            number, size = number + 1, size + len(part)
            end += size + 1
            data = b"".join([*held, part]).removeprefix(bom).removesuffix(b"\r") if size <= limit else None
            yield Line(number, data, size, end)
            held, size, bom = [], 0, b""
        size += len(rest)
        held = [*held, rest] if size <= limit else []
    if size:
        data = b"".join(held).removeprefix(bom) if size <= limit else None
        yield Line(number + 1, data, size, end + size)


def _values(lines: Iterable[Line], *, as_text: bool) -> Iterator[Row]:
    for line in lines:
        if line.data is None:
            yield Row(line.number, line.number, "", line.end, _too_long(line))
        elif line.data.strip():
            try:
                text = line.data.decode()
                yield _row(line.number, text if as_text else strict_json.loads(text), line.end)
            except UnicodeDecodeError as error:
                yield Row(line.number, line.number, "", line.end, f"not valid UTF-8 (byte offset {error.start})")
            except ValueError as error:
                yield Row(line.number, line.number, "", line.end, f"{NOT_JSON}: {error}")


def _too_long(line: Line) -> str:
    return f"too large for a row: {line.size} bytes, the limit is {LINE_LIMIT}"


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


def _records(lines: Iterator[Line], delimiter: str | None, names: list[str]) -> Iterator[Row]:
    """Read CSV (RFC 4180): each record is an object, whose fields are all text.

    Empty cells at the end of a line are ignored: spreadsheets write them for columns that were deleted. The header is
    added to `names`.
    """
    import csv

    csv.field_size_limit(LINE_LIMIT)
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
            raise _carriage_returns() from None
        hint = _delimiter_hint(texts.text) if delimiter is None else None
        raise InputError(f"line {texts.number}: not a header of CSV: {_csv_fault(error)}", hint=hint) from None
    _check_header(header, texts.number, delimiter)
    names += header
    while True:
        line = texts.number + 1
        try:
            cells = next(reader, None)
            if cells is None:
                return
            "".join(cells).encode()
        except csv.Error as error:
            yield Row(line, line, "", texts.end, f"not CSV: {_csv_fault(error)}")
        except UnicodeEncodeError:
            yield Row(line, line, "", texts.end, "not valid UTF-8")
        else:
            cells = _without_empty_end(cells, len(header))
            if len(cells) == len(header):
                yield _row(line, dict(zip(header, cells, strict=True)), texts.end)
            elif cells:
                yield Row(line, line, "", texts.end, f"{len(cells)} cells, the header has {len(header)}")


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
    found = next((spelling for delimiter, spelling in ((";", "';'"), ("\t", "'\\t'")) if delimiter in text), None)
    return f"--delimiter {found} separates the columns there" if found else None


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
            raise self._error(_too_long(line))
        self.text = line.data.decode("utf-8", "surrogateescape") + "\n"
        return self.text


def _unique(rows: Iterable[Row]) -> Iterator[Row]:
    with ExitStack() as stack:
        lines: dict[str, int] | _OnDisk = {}
        size = 0
        for row in rows:
            if row.fault:
                yield row
                continue
            line = lines.setdefault(row.name, row.line)
            yield row if line == row.line else row._replace(fault=f"the key {row.name!r} is that of line {line}")
            size += KEY_OVERHEAD + len(row.name)
            if isinstance(lines, dict) and size > KEYS_IN_MEMORY:
                lines = stack.enter_context(closing(_OnDisk(lines)))


class _OnDisk:
    """The part of a dict that is needed, in a temporary database."""

    def __init__(self, lines: dict[str, int]) -> None:
        import sqlite3

        self._taken = sqlite3.IntegrityError
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE lines (key TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT INTO lines VALUES (?, ?)", lines.items())

    def setdefault(self, key: str, line: int) -> int:
        try:
            self._rows.execute("INSERT INTO lines VALUES (?, ?)", (key, line))
            return line
        except self._taken:
            ((first,),) = self._rows.execute("SELECT line FROM lines WHERE key = ?", (key,))
            return int(first)

    def close(self) -> None:
        self._rows.close()
