"""What is kept between runs: `$XDG_STATE_HOME/gemini-cli/`, directories 0700, files 0600, replaced whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gemini_cli import json_text
from gemini_cli.errors import InputError, OutputError
from gemini_cli.replacement import Replacement

LIMIT = 64 * 1024  # bytes of the record of the last interaction; it holds one id


class State:
    """A state directory that is made when something is first written. `directory` is None without a home."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._directory = _directory(environ)

    def path(self, name: str) -> Path:
        """Where `name` is kept, its directory made; OutputError if there is no place."""
        if self._directory is None:
            raise OutputError("nothing can be kept: neither XDG_STATE_HOME nor HOME is set")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"cannot make {self._directory}: {error.strerror}") from None
        return self._directory / name

    def database(self, name: str) -> Path | None:
        """A place for an SQLite file; None, so that nothing is kept, where there is no writable home."""
        try:
            path = self.path(name)
        except OutputError:
            return None
        return path if os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK)) else None

    def last_interaction(self, *, offline: bool) -> str:
        """The id that `-c` continues; InputError if none is known."""
        name = _last(offline)
        if self._directory is None or not (path := self._directory / name).is_file():
            raise InputError("there is no last interaction to continue")
        try:
            record = json_text.parse(path.read_bytes()[:LIMIT].decode())
            interaction_id = record["id"]
        except (OSError, ValueError, TypeError, KeyError):
            raise InputError(f"{path} is not a record of the last interaction; delete it") from None
        if not isinstance(interaction_id, str) or not interaction_id:
            raise InputError(f"{path} is not a record of the last interaction; delete it")
        return interaction_id

    def remember(self, interaction_id: str, *, offline: bool) -> None:
        """Record the last interaction; parallel jobs each write it whole, the last one stays."""
        self.replace(_last(offline), f"{json_text.dump({'id': interaction_id})}\n".encode())

    def replace(self, name: str, data: bytes) -> None:
        path = self.path(name)
        try:
            file = Replacement(str(path), 0o600)
            try:
                file.write(data)
                file.keep()
            finally:
                file.discard()
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _last(offline: bool) -> str:
    """The emulator's ids mean nothing to the service, and the other way round."""
    return "last.offline.json" if offline else "last.json"


def _directory(environ: Mapping[str, str]) -> Path | None:
    if (state := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return Path(state, "gemini-cli")
    home = environ.get("HOME", "")
    return Path(home, ".local", "state", "gemini-cli") if home.startswith("/") else None
