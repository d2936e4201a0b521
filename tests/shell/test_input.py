"""stdin and FIFOs of a real process: what is no stdin, what is waited for, and for how long."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.program import on_the_path
from tests.waiting import PATIENCE, until

G = [sys.executable, "-m", "gemini_cli"]


def environ(**more: str) -> dict[str, str]:
    return {**os.environ, **more}


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_PATH])
def test_a_stdin_that_is_not_open_for_reading_is_no_stdin(flags: int) -> None:
    stdin = os.open(os.devnull, flags)
    try:
        done = subprocess.run(
            [*G, "generate", "--offline", "hi"], stdin=stdin, capture_output=True, timeout=PATIENCE, check=False
        )
    finally:
        os.close(stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


@pytest.fixture
def endless() -> Iterator[int]:
    """The reading end of a pipe that nobody closes."""
    reader, writer = os.pipe()
    os.write(writer, b"the beginning")
    yield reader
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    "argv",
    [
        ["generate", "hi"],
        ["generate", "-f", "fifo", "--no-stdin"],
        ["generate", "-o", "fifo", "--no-stdin", "hi"],
        ["stream", "--request", "fifo", "--no-stdin", "hi"],
    ],
    ids=" ".join,
)
def test_a_timeout_that_was_given_covers_reading(argv: list[str], endless: int) -> None:
    os.mkfifo("fifo")
    done = subprocess.run(
        [*G, *argv, "--timeout", "0.3"],
        stdin=endless,
        capture_output=True,
        env=environ(GEMINI_API_KEY="canary-key-0123456789-abcdefghij", GEMINI_BASE_URL="http://127.0.0.1:9"),
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (5, b"")
    assert b"the time limit of 0.3 s for the whole run has passed (--timeout)" in done.stderr


def test_a_person_is_told_that_stdin_is_read(endless: int) -> None:
    master, slave = os.openpty()
    process = subprocess.Popen([*G, "generate", "--offline", "hi"], stdin=endless, stdout=slave, stderr=slave)
    try:
        told = b""

        def hinted() -> bool:
            nonlocal told
            told += os.read(master, 1024)
            return b"reading stdin" in told

        until(hinted)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_under_json_every_line_on_stderr_is_an_object(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [*G, "generate", "--offline", "--json", "-u", "-v", "hi"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environ(XDG_STATE_HOME=str(tmp_path / "file")),
        timeout=PATIENCE,
        check=False,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 0
    assert "id" in json.loads(done.stdout)
    assert [line for line in lines if line.get("notice", "").startswith("-c cannot continue")]
    assert [line for line in lines if line.get("notice", "").startswith("usage: ")]
    assert [line for line in lines if "log" in line]


NOTICE = "gemini-cli: stdin is empty; only the prompt is sent (--require-stdin makes it an error)\n"


@pytest.mark.parametrize(
    ("script", "status", "err"),
    [
        ("true | gemini-cli generate hi", 0, NOTICE),
        ("gemini-cli generate hi < empty", 0, NOTICE),
        ("echo | gemini-cli stream hi", 0, NOTICE),
        ("true | gemini-cli generate --json hi | jq -r .status", 0, '{"notice":"' + NOTICE[12:-1] + '"}\n'),
        ("true | gemini-cli generate -q hi", 0, ""),
        ("true | gemini-cli generate --no-stdin hi", 0, ""),
        ("gemini-cli generate hi < /dev/null", 0, ""),
        ("echo text | gemini-cli generate hi", 0, ""),
        ("set -o pipefail; false | gemini-cli generate hi", 1, NOTICE),
        ("gemini-cli generate --require-stdin hi < /dev/null", 2, None),
        ("set -o pipefail; false | gemini-cli generate --require-stdin hi", 2, None),
        ("true | gemini-cli map --require-stdin --lines", 2, None),
        ("set -o pipefail; printf '%s\\n' a b | gemini-cli map --require-stdin --lines | wc -l", 0, ""),
    ],
)
def test_a_pipe_that_brings_nothing_is_named_or_an_error(
    script: str, status: int, err: str | None, tmp_path: Path
) -> None:
    if "jq" in script and shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    Path("empty").touch()
    done = subprocess.run(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environ(PATH=on_the_path(tmp_path / "bin"), GEMINI_OFFLINE="1"),
        check=False,
    )
    assert done.returncode == status, done.stderr
    if err is None:
        assert done.stdout == ""
        assert done.stderr.startswith("gemini-cli: usage: stdin is empty, and --require-stdin is given\nhint: ")
    else:
        assert done.stdout
        assert done.stderr == err
