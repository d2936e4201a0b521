"""The state directory, `$XDG_STATE_HOME/gemini-cli/`.

Directories have mode 0700, files 0600, and files are replaced as a whole. Only regular files of this user, closed to
others, in directories that no other user can write, are read. Anything else is refused and not changed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gemini_cli.errors import InputError, OutputError
from gemini_cli.storage import paths
from gemini_cli.storage.atomic_write import replace_file
from gemini_cli.storage.lock import hold_lock

_SAFE_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK


class StateDirectory:
    """The state directory, made when something is first written.

    `directory` is None without a home, where nothing can be kept. `notice` is told of files that cannot be locked.
    """

    def __init__(self, environ: Mapping[str, str], notice: Callable[[str], None] = lambda text: None) -> None:
        place = paths.state_directory(environ)
        self.directory = place.path if place else None
        self._notice = notice

    def path(self, name: str) -> Path:
        """Make the directory of `name`, and return the path.

        OutputError if it cannot be made, InputError if it is unsafe.
        """
        if self.directory is None:
            raise OutputError("nothing can be kept: neither XDG_STATE_HOME nor HOME is set")
        path = self.directory / name
        for directory in dict.fromkeys((self.directory, path.parent)):
            try:
                _make_directory(directory)
            except OSError as error:
                raise OutputError(f"cannot make {directory}: {error.strerror}") from None
            _check_directory(directory)
        return path

    def database_path(self, name: str) -> Path | None:
        """The path of an SQLite file; None if there is no writable home."""
        try:
            path = self.path(name)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _SAFE_FLAGS, 0o600)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise InputError(f"{path} is a link; it is not followed") from None
            return None
        except OutputError:
            return None
        try:
            _check_file(path, os.fstat(descriptor))
        finally:
            os.close(descriptor)
        return path if os.access(path.parent, os.W_OK) else None

    def names(self, folder: str, ending: str) -> list[str]:
        """The names of the files in a folder, without their ending."""
        if self.directory is None:
            return []
        self._check_parents(self.directory / folder / "name")
        try:
            entries = sorted(os.listdir(self.directory / folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"cannot read {folder} in {self.directory}: {error.strerror}") from None
        return [entry.removesuffix(ending) for entry in entries if entry.endswith(ending) and entry[0] != "."]

    def read(self, name: str, limit: int) -> bytes | None:
        """The content of a file, or None.

        InputError if it is unsafe or larger than `limit` bytes.
        """
        if self.directory is None:
            return None
        path = self.directory / name
        self._check_parents(path)
        try:
            with open(path, "rb", opener=_open_no_link) as file:
                _check_file(path, os.fstat(file.fileno()))
                data = file.read(limit + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            link = error.errno == errno.ELOOP
            raise InputError(f"cannot read {path}: {'it is a link' if link else error.strerror}") from None
        if len(data) > limit:
            raise InputError(f"{path} is larger than {limit} bytes")
        return data

    def _check_parents(self, path: Path) -> None:
        """InputError if another user can write the directory of the file."""
        for directory in (self.directory, path.parent):
            if directory is not None:
                with suppress(OSError):  # there is none yet; or reading the file says why not
                    _check_directory(directory)

    def write(self, name: str, data: bytes) -> None:
        path = self.path(name)
        try:
            replace_file(str(path), data, 0o600)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None

    def delete(self, name: str) -> None:
        path = self.path(name)
        try:
            path.unlink()
        except OSError as error:
            raise OutputError(f"cannot delete {path}: {error.strerror}") from None

    def remove_or_empty(self, name: str) -> bool:
        """Remove a file, or empty it in a read-only directory; False if that fails."""
        if self.directory is None:
            return True
        path = self.directory / name
        with suppress(OSError):
            path.unlink()
        with suppress(OSError):  # a file may be writable in a directory that is not
            os.close(os.open(path, os.O_WRONLY | os.O_TRUNC | _SAFE_FLAGS))
        try:
            return path.lstat().st_size == 0
        except OSError:
            return True

    @contextmanager
    def lock(self, name: str, what: str | None = None) -> Iterator[None]:
        """Hold a lock until the block or the process ends.

        InputError, naming the holder, if another process has it. Where no lock file can be made, nothing else can be
        written either, and nothing is held. `what` is the name in messages.
        """
        try:
            path = self.path(f"locks/{name}")
            descriptor = hold_lock(path, what or name, self._notice)
        except (OSError, OutputError):
            yield
            return
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()  # before the lock goes: a process that opens it now finds that it was replaced
            os.close(descriptor)


def _open_no_link(path: str, flags: int) -> int:
    """Neither follow a link nor wait for the other end of a pipe."""
    return os.open(path, flags | _SAFE_FLAGS)


def _make_directory(directory: Path) -> None:
    """Make a directory and its missing parents, all with mode 0700."""
    if not directory.parent.exists():
        _make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)


def _check_directory(directory: Path) -> None:
    """InputError for a directory in which another user could replace files."""
    about = directory.stat()
    if about.st_uid != os.geteuid() or about.st_mode & 0o022:
        raise InputError(f"{directory} must be yours, and writable by you alone: chmod 700")


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a regular file; it is not changed")
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise InputError(f"{path} must be yours and closed to others: chmod 600")
