"""Find the program that a profile or a tool declaration names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping


def find_executable(word: str, directory: str, environ: Mapping[str, str]) -> str | None:
    """Find a command: in `directory` if its name has a slash, else on PATH.

    Relative and empty entries of the PATH do not count, so that nothing in the working directory is run by chance.
    """
    if "/" in word:
        path = os.path.abspath(os.path.join(directory, word))
        return path if os.path.isfile(path) and os.access(path, os.X_OK) else None
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(word, path=os.pathsep.join(entry for entry in entries if os.path.isabs(entry)))
