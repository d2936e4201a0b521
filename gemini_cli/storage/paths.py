"""The directories of profiles and state (XDG base directory specification).

A relative path in an XDG variable does not count. So nothing is read from the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FILE_NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"  # of profiles and sessions


class BaseDirectory(NamedTuple):
    """A directory, which may not exist yet, and the variable that it comes from."""

    path: Path
    variable: str


def config_directory(environ: Mapping[str, str]) -> BaseDirectory | None:
    """The directory of profiles; None without a home."""
    return _place(environ, "XDG_CONFIG_HOME", ".config")


def state_directory(environ: Mapping[str, str]) -> BaseDirectory | None:
    """The directory of what is kept between runs; None without a home."""
    return _place(environ, "XDG_STATE_HOME", ".local/state")


def _place(environ: Mapping[str, str], variable: str, below_home: str) -> BaseDirectory | None:
    if (base := environ.get(variable, "")).startswith("/"):
        return BaseDirectory(Path(base, "gemini-cli"), variable)
    home = environ.get("HOME", "")
    return BaseDirectory(Path(home, below_home, "gemini-cli"), "HOME") if home.startswith("/") else None
