"""The checkpoint of `map`: an append-only file of requests and their results.

Each line is a JSON object:

    {"checkpoint":"gemini-cli map","version":1}          the first line
    {"intent":KEY,"row":DIGEST}                          written before the request is sent
    {"refused":KEY}                                      not carried out: the request may be sent again
    {"result":KEY,"row":DIGEST,"ok":true,"output":{…}}   written and synced before the result is printed

Rule 1. An intent without a result is a request that may have been carried out.
Rule 2. A later line about a key replaces an earlier one.
Rule 3. A torn line is cut off at the end of the file, and skipped elsewhere. By rule 1 nothing is sent twice.
Rule 4. The file is locked: one process at a time. The lock ends with its process.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple, Protocol

from gemini_cli.bulk.lines import LINE_LIMIT, split_lines
from gemini_cli.bulk.rows import Row
from gemini_cli.errors import InputError, OutputError
from gemini_cli.formats import strict_json
from gemini_cli.storage.lock import lock_file, lock_holder

CHECKPOINT_HEADER = b'{"checkpoint":"gemini-cli map","version":1}\n'
RECORD_LIMIT_BYTES = 16 * LINE_LIMIT  # bytes of a line; a result holds an answer, of which the transport takes 256 MiB
CHECKPOINT_READ_SIZE = 1024 * 1024

_AT_ONCE = os.O_NONBLOCK  # a FIFO is refused without waiting for a writer
_sync = getattr(os, "fdatasync", os.fsync)


class RowResult(NamedTuple):
    """The final result of a row: its output row as text."""

    row: Row
    digest: str
    ok: bool
    text: str


class StoredResult(NamedTuple):
    """The stored state of a row.

    `output` is None if the row was sent and has no result. `changed`: the row differs from the stored one.
    """

    ok: bool = False
    output: str | None = None
    changed: bool = False


class CheckpointStore(Protocol):
    """Stores the requests and results of a run.

    A `digest` tells a row from another one of the same key.
    """

    def digest(self, row: Row) -> str: ...

    def lookup(self, row: Row, digest: str) -> StoredResult | None:
        """The stored state of a row; None if there is none."""

    def mark_sent(self, row: Row, digest: str) -> None: ...

    def clear_sent(self, row: Row) -> None: ...

    def save_result(self, result: RowResult) -> None: ...


class NoCheckpoint:
    """The store of a run without a checkpoint."""

    def digest(self, row: Row) -> str:
        return ""

    def lookup(self, row: Row, digest: str) -> StoredResult | None:
        return None

    def mark_sent(self, row: Row, digest: str) -> None: ...

    def clear_sent(self, row: Row) -> None: ...

    def save_result(self, result: RowResult) -> None: ...


@contextmanager
def open_checkpoint(path: str, digest: Callable[[Row], str]) -> Iterator[Checkpoint]:
    """Open and lock a checkpoint.

    InputError if another process has locked it, or if the file is something else.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | _AT_ONCE, 0o600)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"{path} is not a regular file")
        _lock(descriptor, path)
        checkpoint = Checkpoint(descriptor, path, digest)
    except BaseException:
        os.close(descriptor)
        raise
    with closing(checkpoint):
        yield checkpoint


def _lock(descriptor: int, path: str) -> None:
    try:
        lock_file(descriptor, wait=False)
    except BlockingIOError:
        raise InputError(f"{path} is in use by {lock_holder(descriptor)}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be locked: {error.strerror}") from None


class Checkpoint:
    """An open and locked checkpoint. `damaged` counts the lines that were skipped."""

    def __init__(self, descriptor: int, path: str, digest: Callable[[Row], str]) -> None:
        import sqlite3  # 5 ms, and not needed without a checkpoint

        self.digest = digest
        self._descriptor = descriptor
        self._path = path
        self._lock = threading.Lock()
        self._last_write_failed = False
        self._written = self._synced = 0  # lines of this run
        self._syncing = threading.Lock()
        self._index = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._index.execute("PRAGMA journal_mode = OFF")
        self._index.execute(
            "CREATE TABLE rows (key TEXT PRIMARY KEY, digest TEXT, ok INTEGER, offset INTEGER, size INTEGER)"
        )
        self._index.execute("BEGIN")
        self.damaged = 0
        try:
            self._cut_off_rest(self._load())
        except BaseException:
            self._index.close()
            raise

    def _load(self) -> int:
        """Index the file, and return the number of bytes that are whole lines.

        Only the offsets of results are kept in memory, because a result may be large.
        """
        whole = 0
        for line in split_lines(self._pieces(), RECORD_LIMIT_BYTES):
            data = line.data or b""
            if line.end == whole + line.size:  # without its newline
                if line.number == 1 and not CHECKPOINT_HEADER.startswith(data):
                    raise self._foreign()
                return whole
            if line.number == 1 and data + b"\n" != CHECKPOINT_HEADER:
                raise self._foreign()
            if line.number > 1 and data and not self._index_line(_record(data), whole, line.size):
                self.damaged += 1
            whole = line.end
        return whole

    def _foreign(self) -> InputError:
        return InputError(f"{self._path} is not a checkpoint of map; it was not changed")

    def _pieces(self) -> Iterator[bytes]:
        offset = 0
        while piece := os.pread(self._descriptor, CHECKPOINT_READ_SIZE, offset):
            offset += len(piece)
            yield piece

    def _index_line(self, record: dict[str, Any], offset: int, size: int) -> bool:
        match record:
            case {"intent": str(key), "row": str(digest)}:
                self._replace(key, digest)
            case {"refused": str(key)}:
                self._index.execute("DELETE FROM rows WHERE key = ?", (key,))
            case {"result": str(key), "row": str(digest), "ok": bool(ok), "output": dict()}:
                self._replace(key, digest, ok, offset, size)
            case _:
                return False
        return True

    def _replace(
        self, key: str, digest: str, ok: bool = False, offset: int | None = None, size: int | None = None
    ) -> None:
        self._index.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", (key, digest, ok, offset, size))

    def _cut_off_rest(self, whole: int) -> None:
        """Cut off an incomplete last line; begin a file that has no line."""
        try:
            if whole < os.fstat(self._descriptor).st_size:
                os.ftruncate(self._descriptor, whole)
        except OSError as error:
            raise self._unwritable(error) from None
        if whole == 0:
            self._append(CHECKPOINT_HEADER)

    def lookup(self, row: Row, digest: str) -> StoredResult | None:
        with self._lock:
            query = "SELECT digest, ok, offset, size FROM rows WHERE key = ?"
            known = self._index.execute(query, (row.name,)).fetchone()
        if known is None:
            return None
        was, ok, offset, size = known
        if was != digest:
            return StoredResult(changed=True)
        if offset is None:
            return StoredResult()
        return StoredResult(bool(ok), strict_json.dumps(_record(os.pread(self._descriptor, size, offset))["output"]))

    def mark_sent(self, row: Row, digest: str) -> None:
        self._append(_line({"intent": row.name, "row": digest}))

    def clear_sent(self, row: Row) -> None:
        self._append(_line({"refused": row.name}))

    def save_result(self, result: RowResult) -> None:
        """Write a result and sync it.

        A worker that waits while another one syncs does not need to sync as well.
        """
        number = self._append(_result_line(result))
        with self._syncing:
            if number <= self._synced:
                return
            written = self._written
            try:
                _sync(self._descriptor)
            except OSError as error:
                raise self._unwritable(error) from None
            self._synced = written

    def close(self) -> None:
        """Close the file; a worker that outlives its run cannot write any more."""
        with self._lock:
            self._index.close()
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> int:
        """Write a line, and return its number in this run.

        After an incomplete write, the next one begins a new line.
        """
        with self._lock:
            view = memoryview(b"\n" + line if self._last_write_failed else line)
            self._last_write_failed = True
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError as error:
                raise self._unwritable(error) from None
            self._last_write_failed = False
            self._written += 1
            return self._written

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror or error}")


def _record(data: bytes) -> dict[str, Any]:
    """The object in a line; an empty one if there is none."""
    try:
        record = strict_json.loads(data.decode())
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _line(record: dict[str, Any]) -> bytes:
    return strict_json.dumps(record).encode() + b"\n"


def _result_line(result: RowResult) -> bytes:
    """The line of a result, with the text of the output row inside."""
    head = strict_json.dumps({"result": result.row.name, "row": result.digest, "ok": result.ok})
    return f'{head[:-1]},"output":{result.text}}}\n'.encode()
