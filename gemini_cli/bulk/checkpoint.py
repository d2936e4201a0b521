"""What a `map` has asked and what came of it, in a file that is only appended to, so that a later run can go on.

A line of JSON each:

    {"checkpoint":"gemini-cli map","version":1}          the first line
    {"intent":KEY,"row":DIGEST}                          written before the request is sent
    {"refused":KEY}                                      it was not carried out, and may be asked again
    {"result":KEY,"row":DIGEST,"ok":true,"output":{…}}   written and synced before anybody hears of it

Rule 1. An intent without a result is a request that may have been carried out.
Rule 2. A later line about a key replaces an earlier one.
Rule 3. A torn line is no line: at the end it is cut off, elsewhere it is skipped. By rule 1 nothing is asked twice.
Rule 4. One process at a time: the file is locked, and the lock goes with its process.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple, Protocol

from gemini_cli.bulk.rows import LINE_LIMIT, Row, split_lines
from gemini_cli.errors import InputError, OutputError
from gemini_cli.formats import strict_json

CHECKPOINT_HEADER = b'{"checkpoint":"gemini-cli map","version":1}\n'
RECORD_LIMIT_BYTES = 16 * LINE_LIMIT  # bytes of a line; a result holds an answer, of which the transport takes 256 MiB
CHECKPOINT_READ_SIZE = 1024 * 1024


class RowResult(NamedTuple):
    """The last word on a row: its output row as text."""

    row: Row
    digest: str
    ok: bool
    text: str


class StoredResult(NamedTuple):
    """What is known of a row. `output` is None for one that was sent and has no result; `changed`: it was another."""

    ok: bool = False
    output: str | None = None
    changed: bool = False


class CheckpointStore(Protocol):
    """What a run remembers of its rows. A `digest` tells a row from another one of the same key."""

    def digest(self, row: Row) -> str: ...

    def lookup(self, row: Row, digest: str) -> StoredResult | None:
        """None for a row that nothing is known of."""

    def mark_sent(self, row: Row, digest: str) -> None: ...

    def clear_sent(self, row: Row) -> None: ...

    def save_result(self, result: RowResult) -> None: ...


class NoCheckpoint:
    """The memory of a run without a checkpoint."""

    def digest(self, row: Row) -> str:
        return ""

    def lookup(self, row: Row, digest: str) -> StoredResult | None:
        return None

    def mark_sent(self, row: Row, digest: str) -> None: ...

    def clear_sent(self, row: Row) -> None: ...

    def save_result(self, result: RowResult) -> None: ...


@contextmanager
def open_checkpoint(path: str, digest: Callable[[Row], str]) -> Iterator[Checkpoint]:
    """A checkpoint, locked; InputError if another process has it, or if the file is something else."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | _AT_ONCE, 0o600)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"{path} is not a regular file")
        _hold(descriptor, path)
        kept = Checkpoint(descriptor, path, digest)
    except BaseException:
        os.close(descriptor)
        raise
    with closing(kept):
        yield kept


_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # nobody has to write into a FIFO before it is refused


def _hold(descriptor: int, path: str) -> None:
    """Lock the whole file. A lock of fcntl's, because Linux names its holder: there is no other place for that."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing is locked
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = "another process"
        if sys.platform == "linux":
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            holder = f"process {struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[-1]}"
        raise InputError(f"{path} is in use by {holder}") from None


_FLOCK = "hhqqi"  # Linux's struct flock: type, whence, start, length, pid. Others have other orders


class Checkpoint:
    """An open and locked file. `damaged` counts the lines that were skipped."""

    def __init__(self, descriptor: int, path: str, digest: Callable[[Row], str]) -> None:
        import sqlite3  # 5 ms, and a run without a checkpoint does not need it

        self.digest = digest
        self._descriptor = descriptor
        self._path = path
        self._lock = threading.Lock()
        self._torn = False
        self._written = self._synced = 0  # lines of this run
        self._syncing = threading.Lock()
        self._index = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._index.execute("PRAGMA journal_mode = OFF")
        self._index.execute(
            "CREATE TABLE rows (key TEXT PRIMARY KEY, digest TEXT, ok INTEGER, place INTEGER, size INTEGER)"
        )
        self._index.execute("BEGIN")
        self.damaged = 0
        try:
            self._heal(self._load())
        except BaseException:
            self._index.close()
            raise

    def _load(self) -> int:
        """Index what is there; how many bytes of it are whole lines. Only places are kept: a result may be large."""
        whole = 0
        for line in split_lines(self._pieces(), RECORD_LIMIT_BYTES):
            data = line.data or b""
            if line.end == whole + line.size:  # without its newline
                if line.number == 1 and not CHECKPOINT_HEADER.startswith(data):
                    raise self._foreign()
                return whole
            if line.number == 1 and data + b"\n" != CHECKPOINT_HEADER:
                raise self._foreign()
            if line.number > 1 and data and not self._learn(_record(data), whole, line.size):
                self.damaged += 1
            whole = line.end
        return whole

    def _foreign(self) -> InputError:
        return InputError(f"{self._path} is not a checkpoint of map; it is left alone")

    def _pieces(self) -> Iterator[bytes]:
        place = 0
        while piece := os.pread(self._descriptor, CHECKPOINT_READ_SIZE, place):
            place += len(piece)
            yield piece

    def _learn(self, record: dict[str, Any], place: int, size: int) -> bool:
        match record:
            case {"intent": str(key), "row": str(digest)}:
                self._replace(key, digest)
            case {"refused": str(key)}:
                self._index.execute("DELETE FROM rows WHERE key = ?", (key,))
            case {"result": str(key), "row": str(digest), "ok": bool(ok), "output": dict()}:
                self._replace(key, digest, ok, place, size)
            case _:
                return False
        return True

    def _replace(
        self, key: str, digest: str, ok: bool = False, place: int | None = None, size: int | None = None
    ) -> None:
        self._index.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", (key, digest, ok, place, size))

    def _heal(self, whole: int) -> None:
        try:
            if whole < os.fstat(self._descriptor).st_size:
                os.ftruncate(self._descriptor, whole)
        except OSError as error:
            raise self._unwritable(error) from None
        if whole == 0:
            self._append(CHECKPOINT_HEADER)

    def lookup(self, row: Row, digest: str) -> StoredResult | None:
        with self._lock:
            query = "SELECT digest, ok, place, size FROM rows WHERE key = ?"
            known = self._index.execute(query, (row.name,)).fetchone()
        if known is None:
            return None
        was, ok, place, size = known
        if was != digest:
            return StoredResult(changed=True)
        if place is None:
            return StoredResult()
        return StoredResult(bool(ok), strict_json.dumps(_record(os.pread(self._descriptor, size, place))["output"]))

    def mark_sent(self, row: Row, digest: str) -> None:
        self._append(_line({"intent": row.name, "row": digest}))

    def clear_sent(self, row: Row) -> None:
        self._append(_line({"refused": row.name}))

    def save_result(self, result: RowResult) -> None:
        """Write a result and sync it; whoever waits for that lets the next one do it for all."""
        place = self._append(_kept(result))
        with self._syncing:
            if place <= self._synced:
                return
            written = self._written
            try:
                _sync(self._descriptor)
            except OSError as error:
                raise self._unwritable(error) from None
            self._synced = written

    def close(self) -> None:
        """Nothing is written any more: a worker may outlive its run."""
        with self._lock:
            self._index.close()
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> int:
        """Which line it is, of this run. After a write that ended early, the next one begins a new line."""
        with self._lock:
            view = memoryview(b"\n" + line if self._torn else line)
            self._torn = True
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError as error:
                raise self._unwritable(error) from None
            self._torn = False
            self._written += 1
            return self._written

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror or error}")


_sync = getattr(os, "fdatasync", os.fsync)


def _record(data: bytes) -> dict[str, Any]:
    """An empty one for what is none."""
    try:
        record = strict_json.loads(data.decode())
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _line(record: dict[str, Any]) -> bytes:
    return strict_json.dumps(record).encode() + b"\n"


def _kept(result: RowResult) -> bytes:
    """The output row goes in as the text that it is."""
    head = strict_json.dumps({"result": result.row.name, "row": result.digest, "ok": result.ok})
    return f'{head[:-1]},"output":{result.text}}}\n'.encode()
