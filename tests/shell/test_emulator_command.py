"""`emulator` as a program: what it prints, how it ends, and a pipeline tested in one line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.program import on_the_path
from tests.waiting import PATIENCE

PROGRAM = [sys.executable, "-m", "gemini_cli"]


Emulator = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    """Run the emulator, forked, with these arguments; `gemini-cli` is on its PATH."""
    path = on_the_path(tmp_path / "bin")
    return lambda *argv: subprocess.run(
        [tmp_path / "bin" / "gemini-cli", "emulator", *argv],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": path},
        check=False,
    )


@contextmanager
def serving(*argv: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A running emulator and the variables that it printed."""
    with subprocess.Popen(
        [*PROGRAM, "emulator", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        pairs = [re.fullmatch(r"export (\w+)=(\S+)\n", line) for line in lines]
        try:
            yield process, {match[1]: match[2] for match in pairs if match}
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_what_to_export_serves_and_ends_at_once(number: signal.Signals) -> None:
    with serving() as (process, exported):
        assert set(exported) == {"GEMINI_BASE_URL", "GEMINI_API_KEY"}
        asked = subprocess.run(
            [*PROGRAM, "generate", "hi"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **exported},
            check=False,
        )
        assert (asked.returncode, asked.stderr) == (0, "")
        assert "Emulator" in asked.stdout
        process.send_signal(number)
        assert process.wait(PATIENCE) == -number
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_command_is_tested_against_it_in_one_line(emulator: Emulator) -> None:
    script = 'gemini-cli generate -u hi && gemini-cli stream hi && test "$GEMINI_OFFLINE" = 0 && exit 7'
    done = emulator("-v", "--fault", "rate_limit", "--", "bash", "-c", script)
    assert done.returncode == 7
    assert done.stdout.count("Emulator: turn 1") == 2
    assert [line.split()[1:4] for line in done.stderr.splitlines() if " /v1beta" in line] == [
        ["POST", "/v1beta/interactions", "429"],
        ["POST", "/v1beta/interactions", "200"],
        ["POST", "/v1beta/interactions", "200"],
    ]


def test_a_fault_that_was_not_spent_is_told(emulator: Emulator) -> None:
    done = emulator("--fault", "cut(after=1)", "--", "true")
    assert (done.returncode, done.stderr) == (0, "gemini-cli: fault not used: cut(after=1)\n")


def test_a_script_says_what_the_model_says(tmp_path: Path, emulator: Emulator) -> None:
    (tmp_path / "script.yaml").write_text("- when: dogs\n  reply: Eight paws.\n")
    done = emulator("--script", str(tmp_path / "script.yaml"), "--", "bash", "-c", "gemini-cli generate 2 dogs")
    assert (done.returncode, done.stdout) == (0, "Eight paws.\n")


def test_state_is_kept_in_a_file(tmp_path: Path, emulator: Emulator) -> None:
    state = ["--state", str(tmp_path / "state.db")]
    assert emulator(*state, "--", "bash", "-c", "gemini-cli generate 2 dogs").returncode == 0
    assert "turn 2" in emulator(*state, "--", "bash", "-c", "gemini-cli generate -c paws").stdout


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["--fault", "no_such_fault"], 2, "no_such_fault"),
        (["--fault", "cut(after="], 2, "cut"),
        (["--script", "/no/such/file"], 3, "/no/such/file"),
        (["--state", "/no/such/folder/db"], 3, "/no/such/folder"),
        (["--port", "99999999"], 2, "port"),
        (["--", "/no/such/program"], 127, "/no/such/program"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    argv: list[str], status: int, words: str, emulator: Emulator
) -> None:
    done = emulator(*argv)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_host_of_file_uris(tmp_path: Path, emulator: Emulator) -> None:
    (tmp_path / "a.txt").write_text("x")
    upload = f"gemini-cli upload --json {tmp_path}/a.txt"
    done = emulator("--file-host", "generativelanguage.googleapis.com", "--", "bash", "-c", upload)
    assert '"https://generativelanguage.googleapis.com/v1beta/files/emu000000001"' in done.stdout
    wrong = emulator("--file-host", "two words", "--", "true")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_the_faults_are_listed(emulator: Emulator) -> None:
    lines = emulator("--list-faults").stdout.splitlines()
    names = {re.split(r"[( ]", line)[0] for line in lines}
    assert {"refuse", "rate_limit", "quota_per_day", "cut", "cut_clean", "stall", "drip", "reset"} <= names
    assert {"truncate_json", "error_event", "unframed_error", "html", "redirect", "bad_utf8", "huge_event"} <= names
    assert {"no_event_ids", "replay_from_start", "diverge", "lose_chunk", "lost_ack", "active_503"} <= names
    assert all(re.match(r"\S.*  \S", line) for line in lines)


def test_a_killed_command_is_told_as_a_shell_tells_it(emulator: Emulator) -> None:
    assert emulator("--", "bash", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_a_command_that_cannot_be_run_has_the_status_of_a_shell(tmp_path: Path, emulator: Emulator) -> None:
    assert emulator("--", "no-such-command").returncode == 127
    (tmp_path / "plain").write_text("")
    assert emulator("--", str(tmp_path / "plain")).returncode == 126
