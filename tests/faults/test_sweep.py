"""A few of the calls that `sweep.py` fails one by one; `python -m tests.faults.sweep` fails them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import sweep
from .sweep import Spoiled

SOME = [
    Spoiled("session", "write", "signal=KILL", 2),  # the turn that is written down before it is sent
    Spoiled("session", "write", "error=EIO", 5),  # in the middle of the answer
    Spoiled("session", "fsync", "signal=TERM", 3),  # the turn that was answered
    Spoiled("session", "rename", "error=ENOSPC", 3),
    Spoiled("session", "flock", "error=ENOLCK", 1),
    Spoiled("file", "write", "error=ENOSPC", 1),
    Spoiled("file", "fchmod", "error=EPERM", 1),
    Spoiled("file", "rename", "signal=TERM", 2),
    Spoiled("file", "rename", "signal=KILL", 2),
    Spoiled("history", "fsync", "error=EIO", 1),
    Spoiled("map", "write", "error=ENOSPC", 3),
    Spoiled("results", "rename", "signal=KILL", 1),
    Spoiled("upload", "write", "signal=TERM", 1),
    Spoiled("record", "write", "signal=TERM", 14),  # the line of the exchange
]


@pytest.fixture(scope="module")
def strace() -> None:
    if not sweep.possible():
        pytest.skip("strace is not installed, or may not trace here")


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("what", SOME, ids=str)
def test_a_call_that_fails_leaves_the_truth(what: Spoiled, tmp_path: Path) -> None:
    assert sweep.spoil(what, tmp_path / "run"), "there is no such call"
