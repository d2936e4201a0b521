"""`--require-stdin` in-process: an empty stdin is a usage error, and nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_map import Answering
from tests.harness import gemini


@pytest.mark.parametrize("argv", [["generate"], ["stream"], ["chat"], ["tokens"], ["call-tool", "-T", "google_search"]])
@pytest.mark.parametrize("stdin", [b"", b" \n", None])
def test_an_empty_stdin_is_a_usage_error(argv: list[str], stdin: bytes | None) -> None:
    done = gemini(*argv, "--require-stdin", "hi", stdin=stdin)
    assert (done.status, done.out) == (2, "")
    assert "stdin is empty, and --require-stdin is given" in done.err
    assert "set -o pipefail" in done.err


def test_text_on_stdin_is_enough() -> None:
    assert len(gemini("generate", "-n", "--require-stdin", "hi", stdin=b"text").body["input"]) == 2
    assert gemini("generate", "-n", "--require-stdin", stdin=b"text").body["input"] == "text"
    assert gemini("generate", "-n", "--require-stdin", "-f", "-", stdin=b"text").body["input"] == "text"
    claimed = gemini("generate", "-n", "--require-stdin", "--system-file", "-", "hi", stdin=b"")
    assert claimed.status == 2


@pytest.mark.parametrize("command", ["map", "batch submit"])
def test_rows_are_required_too(command: str) -> None:
    argv = command.split()
    empty = gemini(*argv, "--require-stdin", stdin=b"\n")
    assert (empty.status, empty.out) == (2, "")
    assert "stdin is empty" in empty.err
    Path("rows").write_text('"a"\n')
    assert gemini(*argv, "rows", "--require-stdin", stdin=b"x").status == 2
    prompt = gemini(*argv, "rows", "--require-stdin", "-f", "-", stdin=b"")
    assert (prompt.status, "stdin is empty" in prompt.err) == (2, True)


def test_rows_that_came_are_sent() -> None:
    wire = Answering()
    assert gemini("map", "--require-stdin", stdin=b'"a"\n"b"\n', answers=wire).status == 0
    assert sorted(body["input"] for body in wire.bodies) == ["a", "b"]


@pytest.mark.parametrize("argv", [["generate", "hi"], ["chat"], ["map", "rows"]], ids=" ".join)
def test_a_terminal_and_no_stdin_cannot_be_required(argv: list[str]) -> None:
    assert gemini(*argv, "--require-stdin", stdin_terminal=True, terminal=True).status == 2
    assert gemini(*argv, "--require-stdin", "--no-stdin").status == 2
