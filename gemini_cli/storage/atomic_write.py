"""A file that is replaced whole or left alone: written beside its place, synced, renamed.

A run that is killed leaves the file beside; the next one that writes in the same directory removes it. Who still writes
holds the kernel's lock on its file, which goes with the process: no number of a process is compared, and none reused.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

BEGINNING, ENDING = ".gemini-cli-", ".tmp"  # of the name of a file beside


class AtomicFile:
    """The new content of `path`, in the making.

    Nothing is seen of it before `commit`; `discard` may come at any time.
    """

    def __init__(self, path: str, mode: int | None) -> None:
        """`mode` of the new file; None for what the umask gives. OSError if there is no place to write."""
        self._path = path
        directory = os.path.dirname(path)
        _remove_abandoned(directory or ".")
        self._beside, self._descriptor = _new(directory, 0o666 if mode is None else mode)
        try:
            if mode is not None:
                os.fchmod(self._descriptor, mode)  # the umask took from it
        except BaseException:
            self.discard()
            raise

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        """All of it is on the disk, or OSError."""
        os.fsync(self._descriptor)

    def commit(self) -> None:
        self.sync()
        os.replace(self._beside, self._path)

    def discard(self) -> None:
        """Close; and remove what was not kept."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):  # kept, or its directory is gone
            os.unlink(self._beside)


def _new(directory: str, mode: int) -> tuple[str, int]:
    """The path and the descriptor of a new file that we hold; one more if another run took it for abandoned before."""
    while True:
        path = os.path.join(directory, f"{BEGINNING}{os.urandom(8).hex()}{ENDING}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        _lock(descriptor, wait=True)
        if os.path.lexists(path):
            return path, descriptor
        os.close(descriptor)


def _remove_abandoned(directory: str) -> None:
    """Files of ours that nobody holds. In a directory that cannot be read they stay."""
    with suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(BEGINNING) and name.endswith(ENDING):
                with suppress(OSError):
                    _remove_if_abandoned(os.path.join(directory, name))


def _remove_if_abandoned(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if _lock(descriptor, wait=False):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Whether we hold the file now: not if another run does, nor where there are no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):  # Windows; some network file systems
        return False
    return True


def replace_file(path: str, data: bytes, mode: int | None = None) -> None:
    """All of it at once; OSError, and the old content, if that fails.

    With a `mode` the place itself is replaced; without one a link stays a link, and a file keeps its mode.
    """
    if mode is None:
        path = os.path.realpath(path)
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(os.stat(path).st_mode)
    file = AtomicFile(path, mode)
    try:
        file.write(data)
        file.commit()
    finally:
        file.discard()
