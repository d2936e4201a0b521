"""The file of -o: replaced as a whole, visible on a terminal, and never lost."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_cli.console.output_file import _check_sticky, open_output
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import OutputError
from tests.harness import Pipe, gemini, interaction, reply

EVIL = "a\x1b]52;c;eA==\x07b\u202ec"


def test_a_terminal_gets_the_visible_form() -> None:
    master, slave = os.openpty()
    try:
        with open_output(os.ttyname(slave), Terminal(Pipe(), Pipe(), Pipe())) as target:
            target.write(f"{EVIL}\n")
            with pytest.raises(OutputError, match="is a terminal"):
                target.write_bytes(b"\x1b")
            with pytest.raises(OutputError, match="is binary"):
                target.media_writers(1)
        assert os.read(master, 100) == b"a\\u001b]52;c;eA==\\u0007b\\u202ec\r\n"
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_the_name_of_a_terminals_stdout_gets_the_visible_form(name: str) -> None:
    program = (
        "import sys; from gemini_cli.console.output_file import open_output;"
        "from gemini_cli.console.terminal import Terminal\n"
        "with open_output(sys.argv[1], Terminal.standard({})) as target: target.write(sys.argv[2])"
    )
    master, slave = os.openpty()
    try:
        subprocess.run([sys.executable, "-c", program, name, EVIL], stdout=slave, stdin=subprocess.DEVNULL, check=True)
        assert os.read(master, 100) == b"a\\u001b]52;c;eA==\\u0007b\\u202ec"
    finally:
        os.close(master)
        os.close(slave)


def test_a_pipe_gets_the_text_as_it_is(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out"), Terminal(Pipe(), Pipe(), Pipe())) as target:
        target.write(EVIL)
    assert (tmp_path / "out").read_text() == EVIL


@pytest.mark.parametrize(
    ("flags", "answer"),
    [([], "words"), ([], "line\n"), ([], ""), (["--json"], "words"), (["--citations"], "words")],
)
@pytest.mark.parametrize("command", ["generate", "interactions get"])
def test_a_file_gets_the_same_bytes_as_a_redirection(command: str, flags: list[str], answer: str) -> None:
    argv = [*command.split(), *flags, "v1_a"]
    printed = gemini(*argv, answers=[reply(interaction(answer))])
    written = gemini(*argv, "-o", "out", answers=[reply(interaction(answer))])
    assert (printed.status, written.status, written.out) == (0, 0, "")
    assert Path("out").read_text() == printed.out


def of(mode: int, owner: int) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("directory", "owner", "file_owner", "allowed"),
    [(0o1777, 0, 1, False), (0o777, 0, 1, True), (0o1777, 0, 7, True), (0o1777, 7, 1, True)],
)
def test_another_users_file_in_a_sticky_directory_is_refused_before_anything_is_sent(
    directory: int, owner: int, file_owner: int, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    if allowed:
        _check_sticky(of(stat.S_IFDIR | directory, owner), of(stat.S_IFREG, file_owner))
    else:
        with pytest.raises(PermissionError, match="sticky"):
            _check_sticky(of(stat.S_IFDIR | directory, owner), of(stat.S_IFREG, file_owner))


def test_an_answer_whose_file_cannot_be_renamed_is_kept_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(source: str, target: str) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    Path("out.txt").write_text("old")
    monkeypatch.setattr(os, "replace", busy)
    outcome = gemini("generate", "-o", "out.txt", "hi", answers=[reply(interaction("paid"))])
    [kept] = Path().glob("gemini-cli-answer-*.txt")
    assert (outcome.status, outcome.out, kept.read_text()) == (13, "", "paid\n")
    assert outcome.err.count("\n") == 1
    assert str(kept) in outcome.err
    assert Path("out.txt").read_text() == "old"
    assert len(list(Path().iterdir())) == 2


def test_an_answer_whose_directory_has_gone_is_printed(tmp_path: Path) -> None:
    place, out = tmp_path / "place", Pipe()
    place.mkdir()

    def write_and_remove() -> None:
        with open_output(str(place / "out"), Terminal(Pipe(), out, Pipe())) as target:
            target.write("paid\n")
            for path in place.iterdir():
                path.unlink()
            place.rmdir()

    with pytest.raises(OutputError, match="the answer is in stdout"):
        write_and_remove()
    assert out.getvalue() == b"paid\n"
