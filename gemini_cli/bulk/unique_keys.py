"""Find a key that an earlier row has, among any number of rows."""

from __future__ import annotations

KEYS_IN_MEMORY = 2 * 1024 * 1024  # bytes of keys, which are remembered without a database
KEY_OVERHEAD = 200  # bytes that a key takes beside itself


class UniqueKeys:
    """Remembers the line of each key; many keys are kept in a temporary database."""

    def __init__(self) -> None:
        self._lines: dict[str, int] | _KeyDatabase = {}
        self._size = 0

    def first_line(self, key: str, line: int) -> int:
        """The line that had the key first; `line` itself, if the key is new."""
        first = self._lines.setdefault(key, line)
        self._size += KEY_OVERHEAD + len(key)
        if isinstance(self._lines, dict) and self._size > KEYS_IN_MEMORY:
            self._lines = _KeyDatabase(self._lines)
        return first

    def close(self) -> None:
        if isinstance(self._lines, _KeyDatabase):
            self._lines.close()


class _KeyDatabase:
    """The part of a dict that is needed, in a temporary database."""

    def __init__(self, lines: dict[str, int]) -> None:
        import sqlite3

        self._exists = sqlite3.IntegrityError
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE lines (key TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT INTO lines VALUES (?, ?)", lines.items())

    def setdefault(self, key: str, line: int) -> int:
        try:
            self._rows.execute("INSERT INTO lines VALUES (?, ?)", (key, line))
            return line
        except self._exists:
            ((first,),) = self._rows.execute("SELECT line FROM lines WHERE key = ?", (key,))
            return int(first)

    def close(self) -> None:
        self._rows.close()
