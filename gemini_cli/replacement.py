"""A file that is replaced whole or left alone: written beside its place, synced, renamed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress


class Replacement:
    """The new content of `path`, in the making. Nothing is seen of it before `keep`; `discard` may come at any time."""

    def __init__(self, path: str, mode: int | None) -> None:
        """`mode` of the new file; None for what the umask gives. OSError if there is no place to write."""
        self._path = path
        self._beside = os.path.join(os.path.dirname(path), f".gemini-cli-{os.getpid()}-{os.urandom(4).hex()}.tmp")
        self._descriptor = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
        if mode is not None:
            os.fchmod(self._descriptor, mode)  # the umask took from it

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def keep(self) -> None:
        os.fsync(self._descriptor)
        os.replace(self._beside, self._path)

    def discard(self) -> None:
        """Close; and remove what was not kept."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):  # kept, or its directory is gone
            os.unlink(self._beside)


def replace(path: str, data: bytes, mode: int | None = None) -> None:
    """All of it at once; OSError, and the old content, if that fails.

    With a `mode` the place itself is replaced; without one a link stays a link, and a file keeps its mode.
    """
    if mode is None:
        path = os.path.realpath(path)
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(os.stat(path).st_mode)
    file = Replacement(path, mode)
    try:
        file.write(data)
        file.keep()
    finally:
        file.discard()
