"""A file to which processes append lines."""

from __future__ import annotations

import os


class AppendFile:
    """A file of lines, made with mode 0600, for several processes at once.

    A line is one write with O_APPEND, so it is whole in the file, and readers see it at once.
    """

    def __init__(self, path: str) -> None:
        """Open the file; OSError if that fails."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def append(self, line: bytes) -> None:
        """Append a line with its newline; OSError if it could not be written whole."""
        written = os.write(self._descriptor, line)
        while written < len(line):  # a full disk: the next write says so
            written += os.write(self._descriptor, line[written:])

    def close(self) -> None:
        os.close(self._descriptor)
