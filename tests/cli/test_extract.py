"""`--extract` in-process: only the first fenced code block of an answer is on stdout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text

ANSWER = "Sure:\n\n```python\nprint(1)\n\nprint(2)\n```\n\nThat is all. And:\n```\nmore\n```\n"
BLOCK = "print(1)\n\nprint(2)\n"
ASKING = [["generate"], ["stream"], ["chat"], ["chat", "--session", "s"], ["call-tool", "-T", "google_search"]]
DONE = {"usage": {"total_tokens": 5}}


def said(command: str, answer: str, status: str = "completed") -> ScriptedTransport:
    """The answer as this command asks for it; a stream in pieces of three characters."""
    if command in ("generate", "call-tool", "interactions"):
        return ScriptedTransport([reply(interaction(answer, status, **DONE))])
    pieces = [text(answer[place : place + 3]) for place in range(0, len(answer), 3)]
    return ScriptedTransport([sse(created(), start(), *pieces, completed(status, **DONE))])


@pytest.mark.parametrize("argv", ASKING, ids=" ".join)
def test_only_the_first_code_block_is_printed(argv: list[str], home: Path) -> None:
    environ = {"HOME": str(home)}
    done = gemini(*argv, "-x", "hi", answers=said(argv[0], ANSWER), environ=environ)
    assert done == (0, BLOCK, "")
    filed = gemini(*argv, "-x", "-o", "out.py", "hi", answers=said(argv[0], ANSWER), environ=environ)
    assert filed == (0, "", "")
    assert Path("out.py").read_text() == BLOCK


@pytest.mark.parametrize("argv", ASKING, ids=" ".join)
def test_an_answer_without_a_code_block_is_on_stderr(argv: list[str], home: Path) -> None:
    Path("out.py").write_text("kept")
    for more in ([], ["-o", "out.py"], ["-q"]):
        answers = said(argv[0], "I cannot do that.\n")
        done = gemini(*argv, "-u", "-x", *more, "hi", answers=answers, environ={"HOME": str(home)})
        assert (done.status, done.out) == (14, "")
        assert done.err.splitlines() == [
            "I cannot do that.",
            "usage: 5 total tokens",
            "gemini-cli: schema: the answer has no code block",
        ]
    assert Path("out.py").read_text() == "kept"


@pytest.mark.parametrize("argv", ASKING, ids=" ".join)
def test_a_block_that_is_not_closed_is_not_the_whole_answer(argv: list[str], home: Path) -> None:
    answers = said(argv[0], "```\nls\nrm -r x")
    done = gemini(*argv, "-x", "hi", answers=answers, environ={"HOME": str(home)})
    assert (done.status, done.out) == (8, "ls\nrm -r x")
    assert "the code block of the answer is not closed" in done.err


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_of_an_answer_that_was_cut_only_complete_lines_of_the_block_are_printed(command: str) -> None:
    """The line that was cut may have been going to close the block."""
    done = gemini(command, "-x", "hi", answers=said(command, "```\nls\n``", "incomplete"))
    assert (done.status, done.out) == (8, "ls\n")
    assert "incomplete" in done.err
    before = gemini(command, "-x", "hi", answers=said(command, "First, I", "incomplete"))
    assert (before.status, before.out) == (8, "")
    assert before.err.startswith("First, I\n")


def test_an_empty_block_is_a_complete_one() -> None:
    assert gemini("generate", "-x", "hi", answers=said("generate", "```\n```")) == (0, "", "")


def test_a_saved_answer_is_extracted_too() -> None:
    assert gemini("interactions", "get", "-x", "v1_a", answers=said("interactions", ANSWER)).out == BLOCK


@pytest.mark.parametrize("more", [["--json"], ["--citations"], ["--schema", '{"type":"object"}'], ["-n"], ["--curl"]])
def test_extract_excludes_options_without_a_code_block(more: list[str]) -> None:
    for command in ("generate", "stream"):
        done = gemini(command, "-x", *more, "hi")
        assert (done.status, done.out) == (2, "")
        assert "--extract" in done.err


def test_a_chat_of_several_turns_does_not_extract() -> None:
    assert gemini("chat", "-x", stdin=b"one\n").status == 2
    assert gemini("chat", "-x", stdin_terminal=True, terminal=True).status == 2
    assert gemini("generate", "--background", "-x", "hi").status == 2


def test_a_profile_may_extract_and_is_ignored_where_nothing_can_be_extracted(home: Path) -> None:
    Path("p.yaml").write_text("extract: true\n")
    profile, environ = ["-P", "p.yaml"], {"HOME": str(home)}
    assert gemini("generate", *profile, "hi", answers=said("generate", ANSWER), environ=environ).out == BLOCK
    assert gemini("generate", *profile, "--json", "hi", answers=said("generate", ANSWER), environ=environ).json
    turns = gemini("chat", *profile, stdin=b"one\n", answers=said("chat", ANSWER), environ=environ)
    assert turns == (0, ANSWER, "")
    shown = gemini("generate", *profile, "-n", "hi", environ=environ)
    assert shown.status == 0
