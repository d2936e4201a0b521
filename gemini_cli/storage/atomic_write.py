"""Replace a file as a whole: write a temporary file beside it, sync, rename.

A killed run leaves its temporary file; the next run that writes in the same directory removes it. A run holds the
kernel's lock on its temporary file while it writes, so a file without a lock is abandoned.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress

from gemini_cli.storage.lock import lock_file

TEMPORARY_NAME = re.compile(r"\.gemini-cli-[0-9a-f]{16}\.tmp")


class AtomicFile:
    """The new content of `path`, invisible until `commit`."""

    def __init__(self, path: str, mode: int | None) -> None:
        """`mode` of the new file; None for the umask's."""
        self._path = path
        directory = os.path.dirname(path)
        _remove_abandoned(directory or ".")
        self._beside, self._descriptor = _create(directory, 0o666 if mode is None else mode)
        try:
            if mode is not None:
                with suppress(PermissionError):  # file systems without modes, such as FAT and WSL mounts
                    os.fchmod(self._descriptor, mode)  # the umask took from it
        except BaseException:
            self.discard()
            raise

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        """Write the content to the disk; OSError if that fails."""
        os.fsync(self._descriptor)

    def commit(self, *, replace: bool = True) -> None:
        """Rename the file into place; without `replace`, FileExistsError if one exists.

        A device or a pipe is never replaced: OSError.
        """
        self.sync()
        if replace:
            if is_special(self._path):
                raise OSError(errno.EINVAL, "not a regular file")
            os.replace(self._beside, self._path)
            return
        try:
            os.link(self._beside, self._path)  # fails if the name is taken, which a rename does not
        except FileExistsError:
            raise
        except OSError as error:  # a file system without hard links
            if os.path.lexists(self._path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            os.replace(self._beside, self._path)

    def keep_beside(self) -> str:
        """Keep the content under a new name after a failed commit; return the name."""
        ending = os.path.splitext(self._path)[1]
        name = os.path.join(os.path.dirname(self._path), f"gemini-cli-answer-{os.urandom(8).hex()}{ending}")
        os.rename(self._beside, name)
        return name

    def content(self) -> bytes:
        return os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)

    def discard(self) -> None:
        """Close the file, and remove it if it was not committed. Safe at any time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):  # committed, or the directory is gone
            os.unlink(self._beside)


def is_special(path: str) -> bool:
    """True for a device, a pipe or a socket, which no rename may replace."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _create(directory: str, mode: int) -> tuple[str, int]:
    """Make and lock a file; retry if another run removed it before it was locked."""
    while True:
        path = os.path.join(directory, f".gemini-cli-{os.urandom(8).hex()}.tmp")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        with suppress(OSError):  # no locks: other runs cannot lock the file either, and do not remove it
            lock_file(descriptor, wait=True)
        if os.path.lexists(path):
            return path, descriptor
        os.close(descriptor)


def _remove_abandoned(directory: str) -> None:
    """Remove temporary files of this user that no run holds."""
    with suppress(OSError):  # a directory that cannot be read
        for name in os.listdir(directory):
            if TEMPORARY_NAME.fullmatch(name):
                with suppress(OSError):
                    _remove_if_abandoned(os.path.join(directory, name))


def _remove_if_abandoned(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
            lock_file(descriptor, wait=False)
            os.unlink(path)
    finally:
        os.close(descriptor)


def replace_file(path: str, data: bytes, mode: int | None = None) -> None:
    """Replace the whole content; on OSError the old content stays.

    With a `mode` a link is replaced; without one the file that it names is, and its mode stays.
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
