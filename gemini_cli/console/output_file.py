"""Where the answer goes: stdout, or a file that is whole or not there."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import OutputError
from gemini_cli.storage.atomic_write import AtomicFile


class OutputTarget(Protocol):
    def write(self, text: str) -> None: ...

    def write_row(self, text: str) -> None: ...

    def write_bytes(self, data: bytes) -> None: ...

    def media_writers(self, count: int) -> list[Callable[[bytes], None]]:
        """Where each of so many pictures or sounds is written; OutputError where they cannot be."""


@contextmanager
def open_output(path: str | None, terminal: Terminal) -> Iterator[OutputTarget]:
    """stdout for None and `-`. A file is replaced when the block ends well, with its neighbours or not at all.

    It is opened before anything is sent: an answer that cannot be kept is not asked for.
    """
    if path is None or path == "-":
        terminal.require_stdout()
        yield terminal
        return
    files = _Files(path, terminal)
    try:
        yield files
        files.commit()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        files.discard()


class _Files:
    """Text and bytes into FILE, as Terminal takes them; its neighbours are opened when they are needed."""

    def __init__(self, path: str, terminal: Terminal) -> None:
        self._path = path
        self._terminal = terminal
        self._files = [_opened(path)]

    def media_writers(self, count: int) -> list[Callable[[bytes], None]]:
        if count > 1 and isinstance(self._files[0], _Device):
            raise OutputError(f"the answer is {count} files, and {self._path} is no file")
        for number in range(2, count + 1):
            self._files.append(_opened(numbered_path(self._path, number)))
        return [file.write for file in self._files]

    def write(self, text: str) -> None:
        self.write_bytes(self._terminal.encoded(text))

    write_row = write

    def write_bytes(self, data: bytes) -> None:
        self._files[0].write(data)

    def commit(self) -> None:
        """What can fail for want of space fails before the first file is renamed."""
        for file in self._files:
            file.sync()
        for file in self._files:
            file.commit()

    def discard(self) -> None:
        for file in self._files:
            file.discard()


def numbered_path(path: str, number: int) -> str:
    """Where the n-th of several goes: `out.png`, `out-2.png`; `out`, `out-2`."""
    stem, ending = os.path.splitext(path)
    return path if number == 1 else f"{stem}-{number}{ending}"


class _Device:
    """A device or a pipe cannot be replaced; it is written as it comes. `opened` is a path, or a descriptor."""

    def __init__(self, opened: str | int) -> None:
        self._file = open(opened, "wb", buffering=0)  # noqa: SIM115  `discard` closes it

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]

    def sync(self) -> None: ...

    def commit(self) -> None: ...

    def discard(self) -> None:
        self._file.close()


def _opened(path: str) -> AtomicFile | _Device:
    """A link stays a link, and what it names is replaced; a file keeps its mode."""
    try:
        return _open(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def _open(path: str) -> AtomicFile | _Device:
    if match := re.fullmatch(r"/dev/(?:(stdout)|(stderr)|fd/(\d{1,4}))", path):  # the shell's, who may go on with it
        number = 1 if match[1] else 2 if match[2] else int(match[3])
        return _Device(os.dup(number))
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return AtomicFile(os.path.realpath(path), None)
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(21, "it is a directory")
    if not stat.S_ISREG(about.st_mode):
        return _Device(path)
    return AtomicFile(os.path.realpath(path), stat.S_IMODE(about.st_mode))
