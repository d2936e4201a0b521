"""`map` as a process that is killed, interrupted and run twice: what was answered is kept, and asked for once."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.faults.program import Home, Process, command, forge
from tests.waiting import PATIENCE, ended, until

JOBS = 4
ROWS = 60
KILLS = 20
LATENCY = 0.03
KEYS = [f"row-{number}" for number in range(ROWS)]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Emulator(script=[{"delay": LATENCY}])) as serving:
        yield serving


@pytest.fixture
def rows() -> str:
    Path("rows").write_text("".join(f'{{"id":"{key}","text":"question {key}."}}\n' for key in KEYS))
    return "rows"


def start(server: Server, *argv: str, **more: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gemini_cli", "map", "-p", "{text}", "-j", str(JOBS), *argv]
    environ = {**os.environ, "GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen(command, env=environ, bufsize=0, **streams)


def finished(process: subprocess.Popen[bytes]) -> tuple[int, list[Any], str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, [json.loads(line) for line in out.decode().splitlines()], err.decode()


def asked(server: Server) -> Counter[str]:
    return Counter(json.loads(request.body)["input"] for request in server.requests if request.method == "POST")


def answered(checkpoint: Path) -> set[str]:
    """The rows that have a result on disk."""
    lines = checkpoint.read_bytes().split(b"\n")[:-1] if checkpoint.exists() else []
    return {record["result"] for record in map(json.loads, lines) if "result" in record}


def test_kill_9_loses_no_answer_and_leaves_few_rows_unknown(server: Server, rows: str, tmp_path: Path) -> None:
    """Killed at random moments, from the program's first line on."""
    chance, kept, kills, home = random.Random(8), Path("kept"), 0, Home(tmp_path / "killed")
    argv = command("map", "-p", "{text}", "-j", str(JOBS), str(Path(rows).absolute()), "--checkpoint")
    while kills < KILLS or not answered(kept):
        before = answered(kept)
        environ = {**os.environ, "GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
        process = Process([*argv, str(kept.absolute())], home, environ, forge=forge())
        if kills < KILLS:
            time.sleep(chance.uniform(0, 0.3))
        else:  # this machine was too busy for an answer so far
            until_more_is_answered(kept, 0, process.popen.pid)
        process.kill(signal.SIGKILL)
        process.finish()
        kills += 1
        assert answered(kept) >= before
    assert_goes_on(server, rows, kills)


def test_kill_9_while_nobody_reads_what_is_printed_is_no_different(server: Server, rows: str) -> None:
    chance, kept, kills = random.Random(8), Path("kept"), 0
    while len(answered(kept)) < ROWS - 2 * JOBS and kills < 5:
        before = answered(kept)
        process = start(server, rows, "--checkpoint", "kept")
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # some rows, and it is full
        until_more_is_answered(kept, len(before), process.pid)
        time.sleep(chance.uniform(0, 0.12))
        process.kill()
        process.communicate()
        kills += 1
        assert answered(kept) >= before
    assert_goes_on(server, rows, kills)


def until_more_is_answered(checkpoint: Path, count: int, pid: int) -> None:
    until(lambda: len(answered(checkpoint)) > count or ended(pid))


def assert_goes_on(server: Server, rows: str, kills: int) -> None:
    """After so many kills: all rows are printed, none was asked twice, and few may have been asked in vain."""
    status, out, _ = finished(start(server, rows, "--checkpoint", "kept"))
    assert [row["key"] for row in out] == KEYS
    unknown = [row for row in out if not row["ok"]]
    assert {row["error"]["kind"] for row in unknown} <= {"unknown"}
    assert len(unknown) <= JOBS * kills
    assert status == (11 if unknown else 0)
    assert set(asked(server).values()) == {1}
    again = finished(start(server, rows, "--checkpoint", "kept", "--retry-unknown", "1"))
    assert again[0] == 0
    assert [(row["key"], row["ok"]) for row in again[1]] == [(key, True) for key in KEYS]
    assert all(f"question {row['key']}." in row["text"] for row in again[1])
    assert set(asked(server).values()) <= {1, 2}
    assert sum(asked(server).values()) <= ROWS + len(unknown)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_by_itself_and_what_arrived_is_kept(
    server: Server, rows: str, number: signal.Signals
) -> None:
    process = start(server, rows, "--checkpoint", "kept")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == -number
    assert err == b""
    printed = {json.loads(line)["key"] for line in out.decode().splitlines()}
    assert printed <= answered(Path("kept"))
    assert sum(asked(server).values()) - len(answered(Path("kept"))) <= JOBS
    _, found, _ = finished(start(server, rows, "--checkpoint", "kept"))
    assert [row["key"] for row in found] == KEYS
    assert sum(not row["ok"] for row in found) <= JOBS
    assert set(asked(server).values()) == {1}


def test_the_second_of_two_runs_on_one_checkpoint_is_refused(server: Server, rows: str) -> None:
    first = start(server, rows, "--checkpoint", "kept")
    assert first.stdout is not None
    first.stdout.readline()
    status, out, err = finished(start(server, rows, "--checkpoint", "kept"))
    assert (status, out) == (3, [])
    assert err == f"gemini-cli: input: kept is in use by process {first.pid}\n"
    first.communicate(timeout=PATIENCE)
    assert first.returncode == 0
    assert sum(asked(server).values()) == ROWS


def test_a_reader_that_has_enough_ends_it_by_sigpipe(server: Server, rows: str) -> None:
    process = start(server, rows)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == -signal.SIGPIPE
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_input_without_an_end_is_read_as_it_is_needed(server: Server) -> None:
    with subprocess.Popen(["yes", '{"text":"again"}'], stdout=subprocess.PIPE) as endless:
        process = start(server, stdin=endless.stdout)
        assert endless.stdout is not None
        assert process.stdout is not None
        endless.stdout.close()
        for number in (1, 2, 3):
            assert json.loads(process.stdout.readline())["key"] == number
        process.stdout.close()
        assert process.wait(PATIENCE) == -signal.SIGPIPE
        assert endless.wait(PATIENCE) == -signal.SIGPIPE
        assert process.stderr is not None
        process.stderr.close()
    assert sum(asked(server).values()) < 50


def test_answers_come_while_the_input_goes_on(server: Server) -> None:
    """Rows are printed when they are answered, not when the next one is there; and the end of stdin is the end."""
    process = start(server, "--rate", "600/min", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    for key in KEYS[:3]:
        process.stdin.write(f'{{"id":"{key}","text":"question {key}."}}\n'.encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["key"] == key
    assert finished(process)[0] == 0
