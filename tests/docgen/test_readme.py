"""The README does not lie: its commands run in their order, and print what it shows; its tables are the program's.

A `sh` block is run, offline, with the other blocks of its section in one empty directory. A `text` block after it is
all that it prints, where `…` stands for anything; without one it prints no message. `bash` blocks change the machine of
a reader, and are not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gemini_cli.config.option_groups import option_fields
from gemini_cli.docgen import readme
from gemini_cli.docgen.command_info import load_commands
from gemini_cli.errors import CliError
from tests.faults.program import on_the_path
from tests.waiting import PATIENCE

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
LINES = 400


class Block(NamedTuple):
    """A shell example, and the output that the README shows."""

    script: str
    output: str | None


def examples() -> dict[str, list[Block]]:
    """The shell examples by their headings, except those that install something."""
    sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    pattern = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
    found = {
        heading: [Block(script, output or None) for script, output in pattern.findall(section)]
        for heading, section in sections
    }
    return {
        heading: kept
        for heading, blocks in found.items()
        if (kept := [block for block in blocks if "pip install" not in block.script])
    }


EXAMPLES = examples()

# What the words around an example say of its output.
CLAIMS = {
    "Five pipelines": [
        r"diff --git a/hello\.txt",
        r"^1\n$",
        r"no space left",
        r"^name,city,text.*to Ada in London.*to Alan in Manchester",
    ],
    "Pitfalls": [
        r"Translate: one.*Translate: two.*Translate: one.*Translate: two",
        r'"- Which colors are these\?".*"green\\n".*"red\\n"',
    ],
    "Files": [r"^cat\.jpg\n.*image/jpeg", r"application/pdf.*report\.pdf"],
    "Conversations": [r'Earlier, in turn 1: "I have 2 dogs in my house\."'] * 2,
    "Many prompts": [r"^a\t.*Summarise: first letter.*\nb\t.*Summarise: second letter"],
}

Offline = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def offline(tmp_path: Path) -> Offline:
    """Run a script."""
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


@pytest.mark.parametrize("heading", EXAMPLES)
def test_every_example_runs_offline_and_prints_what_is_shown(heading: str, offline: Offline) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    claims = iter(CLAIMS.get(heading, ()))
    for script, output in EXAMPLES[heading]:
        done = offline(script if output is None else f"exec 2>&1\n{script}")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
        if claim := next(claims, None):
            assert re.search(claim, done.stdout, re.DOTALL), done.stdout
        if output is not None:
            pattern = ".+".join(map(re.escape, output.split("…")))
            assert re.fullmatch(pattern, done.stdout, re.DOTALL), done.stdout


def test_each_example_that_is_run_is_in_a_section_that_promises_it() -> None:
    assert sum(map(len, EXAMPLES.values())) == TEXT.count("```sh\n") - 2
    assert TEXT.count("```text\n") == 1 + sum(block.output is not None for each in EXAMPLES.values() for block in each)


def test_the_model_calls_a_command_in_one_phase_and_in_two(offline: Offline) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    one, two = (offline(block.script) for block in EXAMPLES["Tools"])
    assert (one.returncode, one.stderr) == (two.returncode, "") == (0, "")
    assert "What's the temperature in London?" in one.stdout
    assert '{"location": "London", "temperature": "15C", "condition": "Cloudy"}' in one.stdout
    assert two.stdout == one.stdout
    assert two.stderr.startswith(
        "gemini-cli: action: the model waits for the result of a call: get_current_temperature"
    )


def test_there_are_five() -> None:
    assert len(EXAMPLES["Five pipelines"]) == 5


def test_the_first_answer_is_the_one_shown(offline: Offline) -> None:
    command = re.search(r'gemini-cli generate --offline "How does AI work\?"', TEXT)
    shown = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert command
    assert shown
    assert offline(command[0]).stdout == shown[1]


def test_its_tables_are_the_programs() -> None:
    assert readme.updated_readme(TEXT, load_commands()) == TEXT
    assert all(f"`{kind.kind}`" in TEXT for kind in CliError.__subclasses__())


def test_its_contents_are_its_headings() -> None:
    headings = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    contents = re.findall(r"\[([^\]]*)\]\(#([^)]*)\)", TEXT.partition("\n## ")[0].replace("\n", " "))
    assert contents == [(heading, heading.lower().replace(" ", "-")) for heading in headings]
    assert TEXT.count("\n") < LINES


def test_options_in_its_text_are_the_programs() -> None:
    known = {
        name
        for command in load_commands()
        for record in command.records
        for field in option_fields(record)
        for name in field.spellings
    }
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    named = {name for code in re.findall(r"`([^`]*)`", prose) for name in re.findall(r"(?<![\w-])--?[a-z][\w-]*", code)}
    foreign = {"-o", "-M"}  # of `set` and `man`
    assert named - known - foreign - {"-vv"} == set()
