"""Where the answer goes: stdout, or a file that is whole or not there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gemini_cli.errors import OutputError
from gemini_cli.replacement import Replacement
from gemini_cli.terminal import Terminal


class Output(Protocol):
    def write(self, text: str) -> None: ...

    def write_bytes(self, data: bytes) -> None: ...


@contextmanager
def output(path: str | None, terminal: Terminal) -> Iterator[Output]:
    """stdout for None and `-`. A file is replaced when the block ends well.

    It is opened before anything is sent: an answer that cannot be kept is not asked for.
    """
    if path is None or path == "-":
        terminal.require_stdout()
        yield terminal
        return
    try:
        file = _opened(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    try:
        yield _ToFile(file, terminal)
        file.keep()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        file.discard()


class _ToFile:
    """Text and bytes into a file, as Terminal takes them."""

    def __init__(self, file: Replacement | _Device, terminal: Terminal) -> None:
        self.write_bytes = file.write
        self._terminal = terminal

    def write(self, text: str) -> None:
        self.write_bytes(self._terminal.encoded(text))


class _Device:
    """A device or a pipe cannot be replaced; it is written as it comes."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115  `discard` closes it

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]

    def keep(self) -> None: ...

    def discard(self) -> None:
        self._file.close()


def _opened(path: str) -> Replacement | _Device:
    """A link stays a link, and what it names is replaced; a file keeps its mode."""
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return Replacement(os.path.realpath(path), None)
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(21, "it is a directory")
    if not stat.S_ISREG(about.st_mode):
        return _Device(path)
    return Replacement(os.path.realpath(path), stat.S_IMODE(about.st_mode))
