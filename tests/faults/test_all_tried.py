"""Every fault of the emulator is tried on the program, by a row of the table or by a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gemini_cli.emulator.faults.fault_table import all_faults

from .program import Home, command, run_forked
from .setups import emulator

TESTS = Path(__file__).parents[1]
# Tests of the client. Those in `emulator/` try the fault, but not what the program makes of it.
FOLDERS = ("cli", "client", "faults", "files", "shell", "tools", "transport")


def notations() -> Iterator[str]:
    """The texts that may be faults: cells of the table, and strings of the tests."""
    for line in (TESTS / "faults/table.txt").read_text().splitlines():
        yield from line.split("|")[2].split(" + ") if line.count("|") > 2 else ()
    for folder in FOLDERS:
        for path in (TESTS / folder).glob("*.py"):
            yield from (
                node.value
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )


def tried() -> set[str]:
    matches = (re.match(r"\s*([a-z0-9_]+)\s*(\(|\Z)", text) for text in notations())
    return {match[1] for match in matches if match}


def test_every_fault_is_tried() -> None:
    missing = set(all_faults()) - tried()
    assert not missing, f"add a row to tests/faults/table.txt for: {', '.join(sorted(missing))}"


def test_a_batch_job_that_failed_is_an_error(tmp_path: Path) -> None:
    place = Home(tmp_path / "fault")
    (place.path / "rows.jsonl").write_text('"one"\n')
    with emulator("failed_batch(times=forever)") as server:
        environ = place.environ(server.url)
        job = run_forked(command("batch", "submit", "../rows.jsonl"), place, environ)
        assert job.status == 0, job
        done = run_forked(command("batch", "wait", job.stdout.decode().strip()), place, environ)
    assert done.status == 5, done
    assert "The batch failed." in done.stderr
    assert done.stdout == b""
