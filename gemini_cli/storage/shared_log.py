"""A file of lines that several processes append to."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from gemini_cli.storage.lock import lock_file, unlock_file

TAIL_SIZE = 64 * 1024  # bytes that are read at a time to find the last line
FIRST_LINE_LIMIT = 64 * 1024  # bytes


class ForeignFileError(Exception):
    """The file has another first line, and was not changed."""


class SharedLog:
    """A file that begins with `header`, for several processes and threads.

    A new file has mode 0600. Each line is written while the file is locked, and is whole or not there: the rest of a
    line that a killed process or a full disk left is cut off. OSError if the file cannot be written, ForeignFileError
    if `is_header` does not know its first line.
    """

    def __init__(self, path: str, header: bytes, is_header: Callable[[bytes], bool]) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(path, flags, 0o600)
        self._lock = threading.Lock()
        self._has_locks = False
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            with self._locked():
                self._check_first_line(header, is_header)
                self._cut_torn_line()
                if not self._size:
                    self._write(header)
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, line: bytes) -> None:
        """Append a line, which ends in a newline."""
        with self._locked():
            self._cut_torn_line()
            self._write(line)

    def close(self) -> None:
        os.close(self._descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            try:
                lock_file(self._descriptor, wait=True)
                self._has_locks = True
            except OSError:  # no locks on this file system: a single write is still in one piece on most
                self._has_locks = False
            try:
                yield
            finally:
                if self._has_locks:
                    unlock_file(self._descriptor)

    def _check_first_line(self, header: bytes, is_header: Callable[[bytes], bool]) -> None:
        first = self._read(0, FIRST_LINE_LIMIT)
        if not (is_header(first.partition(b"\n")[0]) or header.startswith(first)):
            raise ForeignFileError

    def _cut_torn_line(self) -> None:
        """Cut off a last line without its end.

        Where there are locks, only a dead process leaves one.
        """
        size = self._size
        if self._has_locks and size and self._read(size - 1, 1) != b"\n":
            self._cut_to(self._whole_size())

    @property
    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _whole_size(self) -> int:
        """The size of the file up to the end of the last whole line."""
        end = self._size
        while end:
            start = max(end - TAIL_SIZE, 0)
            found = self._read(start, end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0

    def _read(self, start: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, start)

    def _write(self, line: bytes) -> None:
        before = self._size
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except BaseException:
            self._cut_to(before)
            raise

    def _cut_to(self, size: int) -> None:
        if size < self._size:
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)
