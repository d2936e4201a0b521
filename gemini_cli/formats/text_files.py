"""Read files and arguments as UTF-8 text."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path as FilePath

from gemini_cli.errors import InputError

_PROCESS_FILE = re.compile(r"/proc/(\d+|self|thread-self)/(.*)")


def refuse_process_file(path: str | FilePath) -> None:
    """InputError for a file of a process in /proc, such as its environment.

    A pipe that was opened for this process (`<(COMMAND)` in a shell, `/dev/stdin`) is none.
    """
    found = _PROCESS_FILE.match(os.path.realpath(path))
    if found and not (found[1] == str(os.getpid()) and re.fullmatch(r"fd/pipe:\[\d+\]", found[2])):
        raise InputError(f"cannot read {path}: files of a process below /proc are never sent")


def open_nonblocking(path: str, flags: int) -> int:
    """Open a file, without waiting for the writer of a FIFO; reading waits as usual."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def is_private(descriptor: int) -> bool:
    """True for a file of this user that is closed to others, and for a pipe."""
    about = os.fstat(descriptor)
    return not stat.S_ISREG(about.st_mode) or (about.st_uid == os.geteuid() and not about.st_mode & 0o077)


def read_bytes(path: str | FilePath, *, limit: int, wait: bool = True) -> bytes:
    """Read a file or pipe of at most `limit` bytes.

    `wait`: wait until a FIFO has a writer.
    """
    refuse_process_file(path)
    try:
        with open(path, "rb", opener=None if wait else open_nonblocking) as file:
            data = file.read(limit + 1)
            size = max(len(data), os.fstat(file.fileno()).st_size)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > limit:
        raise InputError(f"{path} is too large: {size} bytes, the limit is {limit}")
    return data


def decode_text(data: bytes, name: str, *, hint: str | None = None) -> str:
    """Decode UTF-8; InputError with the byte offset of an error."""
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not valid UTF-8 (byte offset {error.start})", hint=hint) from None


def decode_argument(word: str, name: str) -> str:
    """Decode an argument or a variable as UTF-8, independently of the locale."""
    return decode_text(os.fsencode(word), name)
