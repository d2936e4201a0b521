"""The README does not lie: its commands run, its output is the real one, its table is the program's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gemini_cli.docgen import readme
from gemini_cli.docgen.command_info import load_commands
from gemini_cli.errors import CliError
from tests.faults.program import on_the_path
from tests.waiting import PATIENCE

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def examples(heading: str, following: str) -> list[str]:
    """The shell examples between two headings."""
    section = TEXT.partition(f"## {heading}")[2].partition(f"## {following}")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


PIPELINES = examples("Five pipelines", "Test a pipeline")
OTHERS = examples("Test a pipeline", "Let the model call")
TOOLS = examples("Let the model call", "Exit status")


Offline = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def offline(tmp_path: Path) -> Offline:
    path = on_the_path(tmp_path / "bin")
    return lambda script: subprocess.run(
        ["bash", "-c", f"set -o pipefail\n{script}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "GEMINI_OFFLINE": "1", "PATH": path},
        check=False,
    )


@pytest.mark.parametrize("script", PIPELINES, ids=lambda script: script.split("\n")[0][:40])
def test_every_pipeline_runs_offline(script: str, offline: Offline) -> None:
    Path("letter.txt").write_text("You owe us 12.50 by Friday.")
    for command in ("git init -q .", "git add letter.txt"):
        subprocess.run(command.split(), check=True, timeout=PATIENCE)
    Path("build.log").write_text("error: no space left\n")
    if "jq" in script and subprocess.run(["which", "jq"], capture_output=True, check=False).returncode:
        pytest.skip("jq is not installed here")
    done = offline(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout or Path("summary.txt").read_text()


@pytest.mark.parametrize("script", OTHERS, ids=lambda script: script.split("\n")[0][:40])
def test_the_other_examples_run_offline(script: str, offline: Offline) -> None:
    Path("rows.jsonl").write_text('{"id":"a","text":"first letter"}\n')
    Path("photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = offline(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_model_calls_a_command_in_one_phase_and_in_two(offline: Offline) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    one, two = (offline(script) for script in TOOLS)
    assert (one.returncode, one.stderr) == (two.returncode, "") == (0, "")
    assert "What's the temperature in London?" in one.stdout
    assert '{"location": "London", "temperature": "15C", "condition": "Cloudy"}' in one.stdout
    assert two.stdout == one.stdout
    assert two.stderr.startswith(
        "gemini-cli: action: the model waits for the result of a call: get_current_temperature"
    )


def test_there_are_five() -> None:
    assert len(PIPELINES) == 5


def test_the_first_answer_is_the_one_shown(offline: Offline) -> None:
    command = re.search(r'gemini-cli generate --offline "How does AI work\?"', TEXT)
    shown = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert command
    assert shown
    assert offline(command[0]).stdout == shown[1]


def test_its_tables_are_the_programs() -> None:
    assert readme.updated_readme(TEXT, load_commands()) == TEXT
    assert all(f"`{kind.kind}`" in TEXT for kind in CliError.__subclasses__())
