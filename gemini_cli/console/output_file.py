"""The target of an answer: stdout, or a file that is replaced as a whole."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from gemini_cli.console.raw_streams import write_all
from gemini_cli.console.terminal import Terminal
from gemini_cli.console.visible import visible_text
from gemini_cli.errors import OutputError
from gemini_cli.storage.atomic_write import AtomicFile

MAX_FILES = 16  # of one answer


class OutputTarget(Protocol):
    def write(self, text: str) -> None: ...

    def write_row(self, text: str) -> None: ...

    def write_bytes(self, data: bytes) -> None: ...

    def media_writers(self, count: int) -> list[tuple[str, Callable[[bytes], None]]]:
        """The name of the file of each image or audio, and a function that writes it.

        OutputError if they cannot be written.
        """


@contextmanager
def open_output(path: str | None, terminal: Terminal) -> Iterator[OutputTarget]:
    """Open stdout (None, `-`), or a file that is replaced at the end of the block.

    After an exception the file is not replaced. Call this before anything is sent, so that no answer is paid for that
    cannot be written.
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
    """FILE, and further files beside it for several images, audio or videos."""

    def __init__(self, path: str, terminal: Terminal) -> None:
        self._path = path
        self._terminal = terminal
        self._names = [path]
        self._files = [_open_or_fail(path)]

    @property
    def _device(self) -> _Device | None:
        return self._files[0] if isinstance(self._files[0], _Device) else None

    def media_writers(self, count: int) -> list[tuple[str, Callable[[bytes], None]]]:
        if self._device and count > 1:
            raise OutputError(f"the answer is {count} files, and {self._path} is no file")
        if self._device and self._device.is_terminal:
            raise OutputError(f"the answer is binary, and {self._path} is a terminal", hint="use -o FILE")
        if count > MAX_FILES:
            raise OutputError(
                f"the answer is {count} files; at most {MAX_FILES} are written", hint="--json has them all"
            )
        number = 1
        for wanted in range(2, count + 1):
            number += 1
            while os.path.lexists(numbered_path(self._path, number)):
                number += 1
            name = numbered_path(self._path, number)
            if number != wanted:
                self._terminal.print_notice(f"file {wanted} of {count} is {name}: no existing file is replaced")
            self._files.append(_open_or_fail(name))
            self._names.append(name)
        return [(name, file.write) for name, file in zip(self._names, self._files, strict=True)]

    def write(self, text: str) -> None:
        on_terminal = self._device and self._device.is_terminal
        self._files[0].write(self._terminal.encoded(visible_text(text) if on_terminal else text))

    write_row = write

    def write_bytes(self, data: bytes) -> None:
        if self._device and self._device.is_terminal:
            raise OutputError(f"the file may be binary, and {self._path} is a terminal", hint="use -o FILE")
        self._files[0].write(data)

    def commit(self) -> None:
        """Rename all files, after all are synced: a full disk changes none of them."""
        for file in self._files:
            file.sync()
        failed: OSError | None = None
        kept: list[str] = []
        for file in self._files:
            try:
                if failed is None:
                    file.commit(replace=file is self._files[0])
            except OSError as error:
                failed = error
            if failed and isinstance(file, AtomicFile):
                kept.append(self._rescue(file))
        if failed:
            reason = failed.strerror or failed
            raise OutputError(f"cannot write {self._path}: {reason}; the answer is in {', '.join(kept)}", billed="yes")

    def _rescue(self, file: AtomicFile) -> str:
        """Keep the content of a failed rename beside it, or print it; return the place."""
        try:
            return file.keep_beside()
        except OSError:  # the directory is gone
            data = file.content()
            if self._terminal.stdout_is_terminal:
                self._terminal.write(data.decode("utf-8", "replace"))
            else:
                self._terminal.write_bytes(data)
            return "stdout"

    def discard(self) -> None:
        for file in self._files:
            file.discard()


def numbered_path(path: str, number: int) -> str:
    """The name of the n-th of several files: `out.png`, `out-2.png`; `out`, `out-2`."""
    stem, ending = os.path.splitext(path)
    return path if number == 1 else f"{stem}-{number}{ending}"


class _Device:
    """A device or a pipe, written directly. `opened`: a path or a descriptor."""

    def __init__(self, opened: str | int) -> None:
        self._file = open(opened, "wb", buffering=0)  # noqa: SIM115  `discard` closes it
        self.is_terminal = self._file.isatty()

    def write(self, data: bytes) -> None:
        write_all(self._file, data)

    def sync(self) -> None: ...

    def commit(self, *, replace: bool) -> None: ...

    def discard(self) -> None:
        self._file.close()


def _open_or_fail(path: str) -> AtomicFile | _Device:
    try:
        return _open(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def _open(path: str) -> AtomicFile | _Device:
    """Open a file to be replaced, with its mode and through links, or a device."""
    if match := re.fullmatch(r"/dev/(?:(stdout)|(stderr)|fd/(\d{1,4}))", path):  # the caller may write to it later
        number = 1 if match[1] else 2 if match[2] else int(match[3])
        return _Device(os.dup(number))
    try:
        about = os.stat(path)
    except FileNotFoundError:
        return AtomicFile(os.path.realpath(path), None)
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(about.st_mode):
        return _Device(path)
    path = os.path.realpath(path)
    _check_sticky(os.stat(os.path.dirname(path)), about)
    return AtomicFile(path, stat.S_IMODE(about.st_mode))


def _check_sticky(directory: os.stat_result, file: os.stat_result) -> None:
    """PermissionError for another user's file in a sticky directory such as /tmp."""
    if directory.st_mode & stat.S_ISVTX and os.geteuid() not in (0, file.st_uid, directory.st_uid):
        raise PermissionError(errno.EPERM, "it belongs to another user, and its directory is sticky")
