"""What is kept between runs: `$XDG_STATE_HOME/gemini-cli/`, directories 0700, files 0600, replaced whole.

What is read back is ours: a regular file, owned by us and closed to others. Anything else lying in its place is refused
and left as it is.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gemini_cli.errors import InputError, OutputError
from gemini_cli.formats import strict_json
from gemini_cli.storage import paths
from gemini_cli.storage.atomic_write import replace_file
from gemini_cli.storage.lock import hold_lock

STATE_LIMIT = 64 * 1024  # bytes of the record of the last interaction; it holds one id


class StateDirectory:
    """A state directory that is made when something is first written. `directory` is None without a home."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        place = paths.state_directory(environ)
        self._directory = place.path if place else None

    def path(self, name: str) -> Path:
        """Where `name` is kept, its directory made; OutputError if there is no place."""
        if self._directory is None:
            raise OutputError("nothing can be kept: neither XDG_STATE_HOME nor HOME is set")
        path = self._directory / name
        for directory in (self._directory, path.parent):
            try:
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise OutputError(f"cannot make {directory}: {error.strerror}") from None
        return path

    def database_path(self, name: str) -> Path | None:
        """A place for an SQLite file; None, so that nothing is kept, where there is no writable home."""
        try:
            path = self.path(name)
            if not path.exists():
                path.touch(0o600)
        except (OSError, OutputError):
            return None
        return path if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK) else None

    def names(self, folder: str, ending: str) -> list[str]:
        """What is kept in a folder, by name without the ending."""
        try:
            entries = sorted(os.listdir(self._directory / folder)) if self._directory else []
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"cannot read {folder} in {self._directory}: {error.strerror}") from None
        return [entry.removesuffix(ending) for entry in entries if entry.endswith(ending) and entry[0] != "."]

    def read(self, name: str, limit: int) -> bytes | None:
        """A file of ours, None if there is none; InputError for what is unsafe or larger than `limit` bytes."""
        if self._directory is None:
            return None
        path = self._directory / name
        try:
            with open(path, "rb", opener=_open_no_link) as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode):
                    raise InputError(f"{path} is not a regular file; it is left alone")
                if about.st_uid != os.geteuid() or about.st_mode & 0o077:
                    raise InputError(f"{path} must be yours and closed to others: chmod 600")
                data = file.read(limit + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            link = error.errno == errno.ELOOP
            raise InputError(f"cannot read {path}: {'it is a link' if link else error.strerror}") from None
        if len(data) > limit:
            raise InputError(f"{path} is larger than {limit} bytes")
        return data

    def last_interaction(self, *, offline: bool) -> str:
        """The id that `-c` continues; InputError if none is known."""
        name = _last(offline)
        data = self.read(name, STATE_LIMIT)
        if data is None:
            raise InputError("there is no last interaction to continue")
        try:
            interaction_id = strict_json.loads(data.decode())["id"]
        except (ValueError, TypeError, KeyError):
            interaction_id = None
        if not isinstance(interaction_id, str) or not interaction_id:
            raise InputError(f"{name} in {self._directory} is no record of the last interaction; delete it")
        return interaction_id

    def save_last_interaction(self, interaction_id: str, *, offline: bool) -> None:
        """Record the last interaction; parallel jobs each write it whole, the last one stays."""
        self.write(_last(offline), f"{strict_json.dumps({'id': interaction_id})}\n".encode())

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

    @contextmanager
    def lock(self, name: str, what: str | None = None) -> Iterator[None]:
        """Hold `name` alone until the block ends, or the process; InputError, naming the holder, if another has it.

        Where no lock can be made, nothing can be written either, and nothing is held. `what` it is to people.
        """
        try:
            path = self.path(f"locks/{name}")
            descriptor = hold_lock(path, what or name)
        except (OSError, OutputError):
            yield
            return
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()  # while it is still held: who opens it now finds that it is not the one in its place
            os.close(descriptor)


def _open_no_link(path: str, flags: int) -> int:
    """Neither through a link nor waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _last(offline: bool) -> str:
    """The emulator's ids mean nothing to the service, and the other way round."""
    return "last.offline.json" if offline else "last.json"
