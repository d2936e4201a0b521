"""Where a person's files are: the XDG base directories.

By XDG's rule a relative path in one of its variables does not count. That also keeps us out of the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """A directory of ours, which need not exist yet, and the variable that says where it is."""

    path: Path
    variable: str


def config(environ: Mapping[str, str]) -> Place | None:
    """What the person writes: profiles. None without a home."""
    return _place(environ, "XDG_CONFIG_HOME", ".config")


def state(environ: Mapping[str, str]) -> Place | None:
    """What is kept between runs. None without a home."""
    return _place(environ, "XDG_STATE_HOME", ".local/state")


def _place(environ: Mapping[str, str], variable: str, below_home: str) -> Place | None:
    if (base := environ.get(variable, "")).startswith("/"):
        return Place(Path(base, "gemini-cli"), variable)
    home = environ.get("HOME", "")
    return Place(Path(home, below_home, "gemini-cli"), "HOME") if home.startswith("/") else None
