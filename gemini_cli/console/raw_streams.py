"""Raw streams: checks of a file descriptor, and writing all of the data."""

from __future__ import annotations

import errno
import os
import select
import stat
from contextlib import suppress
from typing import Protocol

READ_SIZE = 1024 * 1024  # bytes


class RawStream(Protocol):
    """The part of a raw binary file that is used."""

    def read(self, size: int = -1, /) -> bytes | None: ...
    def write(self, data: bytes | memoryview, /) -> int | None: ...
    def fileno(self) -> int: ...
    def isatty(self) -> bool: ...


def write_all(stream: RawStream, data: bytes) -> None:
    """Write all of it: a pipe may take a part, a non-blocking one nothing at first."""
    view = memoryview(data)
    while view:
        written = stream.write(view)
        if written is None:
            select.select([], [stream.fileno()], [])
        else:
            view = view[written:]


def discard_input(terminal: RawStream) -> None:
    """Forget what was typed and not read yet."""
    import termios

    with suppress(OSError):
        termios.tcflush(terminal.fileno(), termios.TCIFLUSH)


def is_open(number: int) -> bool:
    """True if the process has a file with this number."""
    try:
        os.fstat(number)
    except OSError as error:
        if error.errno == errno.EBADF:
            return False
        raise
    return True


def is_open_for_reading(number: int) -> bool:
    """True if the file with this number is open for reading."""
    import fcntl

    flags = fcntl.fcntl(number, fcntl.F_GETFL)
    return flags & os.O_ACCMODE != os.O_WRONLY and not flags & getattr(os, "O_PATH", 0)


def is_pipe(stream: RawStream) -> bool:
    """True for a pipe, a socket or a regular file."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:  # a stream in memory
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISREG(mode)


def isatty(stream: RawStream | None) -> bool:
    return stream is not None and stream.isatty()
