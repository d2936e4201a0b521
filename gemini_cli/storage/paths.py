"""Where a person's files are: the XDG base directories.

By XDG's rule a relative path in one of its variables does not count. That also keeps us out of the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class BaseDirectory(NamedTuple):
    """A directory of ours, which need not exist yet, and the variable that says where it is."""

    path: Path
    variable: str


def config_directory(environ: Mapping[str, str]) -> BaseDirectory | None:
    """What the person writes: profiles. None without a home."""
    return _place(environ, "XDG_CONFIG_HOME", ".config")


def state_directory(environ: Mapping[str, str]) -> BaseDirectory | None:
    """What is kept between runs. None without a home."""
    return _place(environ, "XDG_STATE_HOME", ".local/state")


def _place(environ: Mapping[str, str], variable: str, below_home: str) -> BaseDirectory | None:
    if (base := environ.get(variable, "")).startswith("/"):
        return BaseDirectory(Path(base, "gemini-cli"), variable)
    home = environ.get("HOME", "")
    return BaseDirectory(Path(home, below_home, "gemini-cli"), "HOME") if home.startswith("/") else None
