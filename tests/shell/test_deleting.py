"""Deleting and printing again in pipelines: `xargs`, full disks, readers that leave, two processes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.program import on_the_path
from tests.waiting import PATIENCE


@pytest.fixture
def path(tmp_path: Path) -> str:
    return on_the_path(tmp_path / "bin")


def bash(script: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail\n{script}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PATH": path, "GEMINI_OFFLINE": "1"},
        check=False,
    )


def test_all_files_are_deleted_in_a_pipe(path: str) -> None:
    for name in ("a.txt", "b.txt"):
        Path(name).write_text(name)
    assert bash("gemini-cli upload *.txt", path).returncode == 0
    done = bash("gemini-cli files list | cut -f 1 | xargs gemini-cli files delete && gemini-cli files list", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_two_processes_that_delete_the_same_files_leave_none(path: str) -> None:
    """Each file is deleted once; the other process finds it missing."""
    for name in "abc":
        Path(f"{name}.txt").write_text(name)
    script = (
        "names=$(gemini-cli upload *.txt)\n"
        "gemini-cli files delete $names & gemini-cli files delete $names; second=$?; wait $!; first=$?\n"
        'echo "$first $second"; gemini-cli files list | wc -l'
    )
    statuses, left = bash(script, path).stdout.splitlines()
    assert left.strip() == "0"
    assert {*statuses.split()} <= {"0", "6", "11"}


def test_the_last_answer_is_had_after_a_full_disk_or_a_reader_that_left(path: str) -> None:
    full = bash("gemini-cli generate 'a question' > /dev/full", path)
    assert full.returncode == 13
    again = bash("gemini-cli interactions get", path)
    assert again.returncode == 0
    assert "a question" in again.stdout
    first = bash("gemini-cli interactions get -c | head -n 1", path).stdout
    assert again.stdout.startswith(first)
    assert bash("gemini-cli interactions get > /dev/full", path).returncode == 13
