"""Pipelines that are recorded, and run from the recording; runs that are killed, share a file, or fill the disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.faults.program import on_the_path
from tests.waiting import PATIENCE, until

HEADER = '{"recording":"gemini-cli","version":1}'
PROGRAM = [sys.executable, "-m", "gemini_cli"]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return on_the_path(tmp_path / "bin")


def bash(script: str, path: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": path, **environ},
        check=False,
    )


def exchanges() -> list[Any]:
    first, *lines = Path("rec").read_text().splitlines()
    assert first == HEADER
    return [json.loads(line) for line in lines]


PIPELINE = """
seq 5 | sed 's/.*/"row &"/' | gemini-cli map -p 'Classify: {_}' | jq -r .text
echo "a diff" | gemini-cli generate "One-line changelog entry"
gemini-cli chat --session release "And the next one?"
gemini-cli chat --session release "And the last one?"
printf 'a note' > note.txt
gemini-cli upload note.txt
"""


def test_a_pipeline_that_was_recorded_runs_without_a_key_and_fails_when_a_prompt_changes(
    path: str, tmp_path: Path
) -> None:
    with Server(Emulator()) as server:
        environ = {"GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key, "GEMINI_RECORD": "rec"}
        first = bash(PIPELINE, path, **environ)
        sent = len(server.requests)
    assert (first.returncode, first.stderr) == (0, "")
    assert len(exchanges()) == sent
    assert server.key not in Path("rec").read_text()
    home = tmp_path / "ci"
    home.mkdir()
    again = bash(PIPELINE, path, GEMINI_REPLAY="rec", HOME=str(home))
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")
    (home / ".local").rename(home / "old")
    changed = bash(PIPELINE.replace("One-line", "Two-line"), path, GEMINI_REPLAY="rec", HOME=str(home))
    assert changed.returncode == 6
    assert 'has body.input[0].text "One-line changelog entry", this one "Two-line' in changed.stderr


def test_a_recording_answers_other_clients_in_order(path: str) -> None:
    assert bash("for each in 1 2; do gemini-cli generate --offline --record rec hi; done", path).returncode == 0
    ids = [json.loads(each["response"]["text"])["id"] for each in exchanges()]
    Path("body").write_text('{"input": "hi", "model": "gemini-flash-latest"}')
    url = '"$GEMINI_BASE_URL/v1beta/interactions?key=$GEMINI_API_KEY"'
    curl = f"curl -sf {url} -H content-type:application/json -d @body | jq -r .id\n"
    Path("ask.sh").write_text(curl * 3)
    served = bash("gemini-cli emulator --replay rec -- bash ask.sh", path)
    assert (served.returncode, served.stderr) == (0, "")
    assert served.stdout.split() == [*ids, ids[-1]]
    missing = bash("gemini-cli emulator --replay rec -- gemini-cli generate ho", path)
    assert missing.returncode == 6
    assert 'has body.input "hi", this one "ho"' in missing.stderr


def test_faults_apply_to_a_recording_and_a_script_does_not(path: str) -> None:
    bash("gemini-cli generate --offline --record rec hi", path)
    refused = bash("gemini-cli emulator --replay rec --fault 'refuse(400)' -- gemini-cli generate hi", path)
    assert refused.returncode == 6
    for option in ("--script x", "--state x", "--file-host x"):
        assert bash(f"gemini-cli emulator --replay rec {option}", path).returncode == 2


def test_a_reader_that_has_enough_leaves_a_recording_that_can_be_read(path: str) -> None:
    script = 'gemini-cli stream --offline --record rec "Tell me a story" | head -n 1'
    done = bash(f"{script}; true", path)
    assert done.stdout.count("\n") == 1
    assert bash("gemini-cli generate --offline --record rec hi", path).returncode == 0
    assert bash("gemini-cli generate --replay rec hi", path).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_records_what_was_answered(number: signal.Signals) -> None:
    Path("rows").write_text("".join(f'"row {row}"\n' for row in range(400)))
    with Server(Emulator(script=[{"delay": 0.02}])) as server:
        environ = {**os.environ, "GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
        with subprocess.Popen(
            [*PROGRAM, "map", "rows", "-j", "4", "--record", "rec"], env=environ, stdout=subprocess.DEVNULL
        ) as process:
            until(lambda: Path("rec").exists() and Path("rec").read_bytes().count(b"\n") > 10)
            process.send_signal(number)
            assert process.wait(PATIENCE) == -number
        replay = [*PROGRAM, "map", "rows", "--replay", "rec"]
        done = subprocess.run(replay, capture_output=True, text=True, timeout=PATIENCE, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert sum(row["ok"] for row in rows) >= 10
        assert {row["error"]["kind"] for row in rows if not row["ok"]} == {"rejected"}
        go_on = [*PROGRAM, "map", "rows", "-j", "4", "--record", "rec"]
        subprocess.run(go_on, env=environ, stdout=subprocess.DEVNULL, timeout=PATIENCE, check=True)
    whole = subprocess.run(replay, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (whole.returncode, whole.stderr) == (0, "")


def test_two_processes_record_into_one_file_at_once() -> None:
    Path("rows").write_text("".join(f'"row {row} {"x" * 2000}"\n' for row in range(60)))
    with Server(Emulator()) as server:
        environ = {**os.environ, "GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
        argv = [*PROGRAM, "map", "rows", "--record", "rec"]
        running = [subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL) for _ in range(3)]
        assert [process.wait(PATIENCE) for process in running] == [0, 0, 0]
    prompts = Counter(each["request"]["body"]["input"] for each in exchanges())
    assert set(prompts.values()) == {3}
    assert len(prompts) == 60


def test_a_full_disk_costs_no_answer_and_leaves_whole_lines(path: str) -> None:
    Path("rows").write_text('"one"\n"two"\n"three"\n')
    program = f"{sys.executable} -m gemini_cli"  # a new process, which has the limit
    with Server(Emulator()) as server:
        environ = {"GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
        done = bash(f"ulimit -f 2; {program} map rows -q --record rec", path, **environ)
    assert done.returncode == 13
    assert [json.loads(line)["ok"] for line in done.stdout.splitlines()] == [True, True, True]
    assert done.stderr == "gemini-cli: output: rec is not complete: File too large\n"
    assert len(exchanges()) < 3
