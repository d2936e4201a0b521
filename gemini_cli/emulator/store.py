"""The store: JSON documents in SQLite, and the bytes of files beside it.

Processes may share a state file, so each change is one transaction, and nothing is cached. The caller makes the
directory; the file has mode 0600.
"""

import errno
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Document = dict[str, Any]

# Seconds to wait for another process.
LOCK_TIMEOUT = 30

TABLES = """
CREATE TABLE IF NOT EXISTS document (
    kind TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (kind TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class Store:
    """Documents of every kind, numbered in the order of their creation."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._lock = threading.RLock()
        if path is not None:
            _create_file(path)
        name = ":memory:" if path is None else os.fspath(path)
        with _as_os_error(name):
            self._database = _open_database(name)
        self._name = name
        # An emulator in memory may stay open.
        self._close = weakref.finalize(self, self._database.close)
        self.blobs = Blobs(path)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _as_os_error(self._name):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def number(self, kind: str) -> int:
        """The next number of this kind; numbers of deleted documents are not used again."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO counter VALUES (?, 0)", (kind,))
            database.execute("UPDATE counter SET value = value + 1 WHERE kind = ?", (kind,))
            (value,) = database.execute("SELECT value FROM counter WHERE kind = ?", (kind,)).fetchone()
            return int(value)

    def put(self, kind: str, id: str, number: int, body: Document) -> None:
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?)", (kind, id, number, json.dumps(body))
            )

    def get(self, kind: str, id: str) -> Document | None:
        with self._lock, _as_os_error(self._name):
            row = self._database.execute("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return json.loads(row[0]) if row else None

    def change(self, kind: str, id: str, edit: Callable[[Document], None]) -> Document | None:
        """Edit a document in place, as one transaction; None if it does not exist."""
        with self._transaction() as database:
            row = database.execute("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, id)).fetchone()
            if row is None:
                return None
            body: Document = json.loads(row[0])
            edit(body)
            database.execute("UPDATE document SET body = ? WHERE kind = ? AND id = ?", (json.dumps(body), kind, id))
            return body

    def delete(self, kind: str, id: str) -> bool:
        with self._transaction() as database:
            return database.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, id)).rowcount > 0

    def newest(self, kind: str, limit: int, before: int | None = None) -> list[tuple[int, Document]]:
        """Up to `limit` documents below `before` with their numbers, newest first."""
        with self._lock, _as_os_error(self._name):
            rows = self._database.execute(
                "SELECT number, body FROM document WHERE kind = ? AND number < ? ORDER BY number DESC LIMIT ?",
                (kind, 1 << 62 if before is None else before, limit),
            ).fetchall()
        return [(number, json.loads(body)) for number, body in rows]

    def close(self) -> None:
        with self._lock:
            self._close()
        self.blobs.close()


@contextmanager
def _as_os_error(name: str) -> Iterator[None]:
    """Raise OSError for errors of SQLite, for callers that did not load SQLite."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error), name) from error


def _create_file(path: str | os.PathLike[str]) -> None:
    """Create the file with mode 0600, which SQLite copies for -wal and -shm.

    An existing file is not opened: to close it would drop the locks that this process has on it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _open_database(name: str) -> sqlite3.Connection:
    # No implicit transactions (isolation_level=None); threads share the connection under the lock.
    database = sqlite3.connect(name, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    """Switch to WAL and make the tables; retry if another process does so now."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            # An emulator need not survive a power cut, and an fsync takes longer than a response.
            database.execute("PRAGMA synchronous=OFF")
            database.executescript(TABLES)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class Blobs:
    """The bytes of files, outside of SQLite, which would copy a gigabyte three times."""

    def __init__(self, state: str | os.PathLike[str] | None) -> None:
        self._state = None if state is None else Path(os.fspath(state))
        self._directory: Path | None = None
        self._lock = threading.Lock()

    def _path(self, name: str) -> Path:
        with self._lock:
            if self._directory is None:
                self._directory = self._make_directory()
            return self._directory / name

    def _make_directory(self) -> Path:
        if self._state is not None:
            directory = self._state.with_name(self._state.name + ".files")
            directory.mkdir(mode=0o700, exist_ok=True)
            return directory
        import shutil  # slow to load, and most states hold no files
        import tempfile

        directory = Path(tempfile.mkdtemp(prefix="gemini-emulator-"))
        # Without a state file the bytes are deleted at exit.
        self._delete_directory = weakref.finalize(self, shutil.rmtree, directory, True)
        return directory

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Write at `offset`, and cut off the bytes after, which were not acknowledged."""
        descriptor = os.open(self._path(name), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.seek(offset)
            file.write(data)
            file.truncate()

    def read(self, name: str, size: int = 1 << 20) -> Iterator[bytes]:
        with self._path(name).open("rb") as file:
            while piece := file.read(size):
                yield piece

    def rename(self, name: str, new: str) -> None:
        self._path(name).replace(self._path(new))

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def close(self) -> None:
        if self._directory is not None and self._state is None:
            self._delete_directory()
            self._directory = None
