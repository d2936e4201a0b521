"""The man pages' examples run, offline, as their readers would run them."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gemini_cli.cli.examples import EXAMPLES, Example
from gemini_cli.docgen.command_info import load_commands
from gemini_cli.emulator.api import files
from gemini_cli.emulator.model.script import Script
from gemini_cli.emulator.service_state import Pace, ServiceState
from tests.faults.program import on_the_path
from tests.waiting import PATIENCE

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BASE = "https://generativelanguage.googleapis.com"
ALL = [
    pytest.param(example, id=f"{name or 'gemini-cli'}: {example.description}")
    for name, each in EXAMPLES.items()
    for example in each
]


@pytest.fixture
def scene(home: Path) -> None:
    """The files that examples name, here and with the emulator."""
    Path("letter.txt").write_text("You owe us 12.50 by Friday.\n")
    Path("build.log").write_text("error: no space left\n")
    Path("photo.png").write_bytes(base64.b64decode(PIXEL))
    Path("report.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    Path("rows.jsonl").write_text('{"id":"a","text":"first letter"}\n{"id":"b","text":"second letter"}\n')
    Path("reviews.csv").write_text("id,review\n1,Nice\n2,Bad\n")
    Path("label.json").write_text('{"type":"object","properties":{"label":{"enum":["good","bad"]}}}')
    Path("tools.yaml").write_text(
        "- name: get_current_temperature\n"
        "  parameters: {type: object, properties: {location: {type: string}}}\n"
        "  run: [echo, 15C]\n"
    )
    Path("total.json").write_text('{"type":"object","properties":{"total":{"type":"number"}},"required":["total"]}')
    Path("question.yaml").write_text("input: Pick a number\ngeneration_config: {temperature: 0}\n")
    Path("ci.yaml").write_text("timeout: 60\nrequest: {system_instruction: You are terse.}\n")
    _keep_files(home / ".local/state/gemini-cli/offline.db")


def _keep_files(state: Path) -> None:
    """A File that was uploaded, and one that a model made."""
    state.parent.mkdir(parents=True)
    world = ServiceState(state, time.time, time.sleep, Script.load(None), Pace(), output_cap=0)
    for name, generated_at in (("report", None), ("film", time.time())):
        world.store.blobs.write(name, 0, name.encode())
        files.store_file(world, name, "text/plain", name, BASE, generated_at)
    world.close()


def test_every_command_has_an_example() -> None:
    assert {command.name for command in load_commands()} | {""} == EXAMPLES.keys()


@pytest.mark.parametrize("example", ALL)
def test_every_example_runs_offline(example: Example, scene: None, tmp_path: Path) -> None:
    if "jq" in example.script and shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{example.script}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "GEMINI_OFFLINE": "1", "PATH": on_the_path(tmp_path / "bin")},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
