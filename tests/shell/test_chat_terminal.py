"""`chat` on a real pseudo-terminal: typing, several lines, commands, and Ctrl-C and Ctrl-D."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.model.script import Script
from gemini_cli.emulator.service import Emulator
from tests.waiting import PATIENCE, until_it_waits

SCRIPT = """
- {when: slow, reply: "begins and never seems to end", chunk: 7, pace: 0.4}
- {when: refuse, status: failed, errors: [{code: safety, message: "No."}]}
- {when: evil, reply: "a\\e]0;title\\ab"}
- {reply: "answer to {prompt}"}
"""


class Typed:
    """A `chat` with a person at it: what was typed, and what the terminal showed."""

    def __init__(self, argv: list[str], environ: dict[str, str]) -> None:
        self.shown = ""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, "-m", "gemini_cli", "chat", *argv], environ)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def see(self, text: str) -> str:
        """Wait until the terminal shows it; everything up to it, which is then done with."""
        ends = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert select.select([self._terminal], [], [], max(0, ends - time.monotonic()))[0], self.shown
            try:
                self.shown += os.read(self._terminal, 65536).decode()
            except OSError:  # the other side is gone
                assert text in self.shown, self.shown
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def prompted(self) -> str:
        return self.see("\n> ")

    def mode(self) -> int:
        """The local modes of the terminal (termios)."""
        mode: int = termios.tcgetattr(self._terminal)[3]
        return mode

    def end(self) -> int:
        """The status, as a shell tells it."""
        ends = time.monotonic() + PATIENCE
        while (done := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() < ends, self.shown
            if select.select([self._terminal], [], [], 0.05)[0]:
                try:
                    self.shown += os.read(self._terminal, 65536).decode()
                except OSError:
                    time.sleep(0.01)
        self.pid = 0
        return os.waitstatus_to_exitcode(done[1])

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)


@contextmanager
def typed(argv: list[str], tmp_path: Path, term: str = "dumb") -> Iterator[Typed]:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    with Server(Emulator(script=Script.load(str(tmp_path / "script.yaml")))) as server:
        environ = {
            "HOME": os.environ["HOME"],
            "PATH": os.environ["PATH"],
            "TERM": term,
            "GEMINI_BASE_URL": server.url,
            "GEMINI_API_KEY": server.key,
        }
        person = Typed(argv, environ)
        try:
            person.see("> ")
            yield person
        finally:
            person.close()


def test_a_conversation(tmp_path: Path) -> None:
    with typed([], tmp_path) as person:
        person.type("hello\n")
        assert "answer to hello\r\n" in person.prompted()
        person.type('"""two\nlines"""\n')
        assert "answer to two\r\nlines\r\n" in person.prompted()
        person.type("evil\n")
        assert "a\\u001b]0;title\\u0007b" in person.prompted()
        person.type("refuse\n")
        assert "gemini-cli: blocked: No." in person.prompted()
        person.type("hello again\n")
        assert "answer to hello again\r\n" in person.prompted()
        person.type("/quit\n")
        assert person.end() == 0


def test_the_commands(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note")
    with typed(["-T", "google_search"], tmp_path) as person:
        person.type("/help\n")
        assert re.search(r"/attach +FILE", person.prompted())
        person.type("/tools\n")
        assert "google_search\r\n" in person.prompted()
        person.type("/nonsense\n")
        assert "no command /nonsense" in person.prompted()
        person.type(f"/attach {tmp_path / 'note.txt'}\n")
        assert "note.txt (text) goes with the next message" in person.prompted()
        person.type("/system be terse\n")
        assert "the system instruction is set from the next message on" in person.prompted()
        person.type("hello\n")
        person.prompted()
        person.type("/usage\n")
        assert "total tokens" in person.prompted()
        person.type(f"/save {tmp_path / 'h.json'}\n")
        assert re.search(r"h.json has the conversation, \d steps", person.prompted())
        person.type("/new\n")
        assert "a new conversation begins" in person.prompted()
        person.type("\x04")
        assert person.end() == 0
    asked, *rest = json.loads((tmp_path / "h.json").read_bytes())
    assert [part["text"] for part in asked["content"]] == ["hello", "a note"]
    assert rest[-1]["type"] == "model_output"


def test_ctrl_c_stops_the_answer_and_keeps_the_session(tmp_path: Path) -> None:
    with typed(["--session", "dogs"], tmp_path) as person:
        person.type("hello\n")
        person.prompted()
        person.type("slow\n")
        person.see("begins")
        person.type("\x03")
        assert "stopped" in person.prompted()
        person.type("still there?\n")
        assert "answer to still there?" in person.prompted()
        person.type("\x04")
        assert person.end() == 0
    record = json.loads((Path(os.environ["HOME"]) / ".local/state/gemini-cli/sessions/dogs.json").read_bytes())
    turns = record["turns"]
    assert [turn["status"] for turn in turns] == ["completed", "cut", "completed"]
    assert turns[2]["previous"] == turns[0]["id"]


def test_ctrl_c_twice_leaves(tmp_path: Path) -> None:
    with typed([], tmp_path) as person:
        for ended in (False, True):
            person.type("half a message")
            person.see("message")
            until_it_waits(person.pid)  # Python's readline notices a signal only once it waits for the next key
            person.type("\x03")
            if not ended:
                person.prompted()
        assert person.end() == -signal.SIGINT


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it(tmp_path: Path, signum: int) -> None:
    with typed([], tmp_path) as person:
        os.kill(person.pid, signum)
        assert person.end() == -signum


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_leaves_the_terminal_as_it_was(number: signal.Signals, tmp_path: Path) -> None:
    with typed([], tmp_path) as person:
        until_it_waits(person.pid)
        assert not person.mode() & termios.ICANON  # readline edits the line
        os.kill(person.pid, number)
        assert person.end() == -number
        assert person.mode() & termios.ICANON
        assert person.mode() & termios.ECHO


def test_pasted_lines_are_one_message(tmp_path: Path) -> None:
    with typed([], tmp_path, "xterm") as person:
        person.type("\x1b[200~one\ntwo\nthree\x1b[201~")
        person.see("three")
        person.type("\n")
        assert "answer to one\r\ntwo\r\nthree" in person.see("> ")
        person.type("exit\n")
        assert person.end() == 0


def test_a_message_that_begins_with_a_slash(tmp_path: Path) -> None:
    with typed([], tmp_path) as person:
        person.type("/usr/bin\n")
        assert "hint: // begins a message with a slash" in person.prompted()
        person.type("//usr/bin\n")
        assert "answer to /usr/bin\r\n" in person.prompted()
        person.type("quit\n")
        assert person.end() == 0


def test_text_in_quotes_is_never_a_command(tmp_path: Path) -> None:
    with typed([], tmp_path) as person:
        for quoted, sent in (("/quit", "/quit"), ("/usr/bin", "/usr/bin"), ("//usr", "//usr"), ("\nquit\n", "quit")):
            person.type(f'"""{quoted}"""\n')
            assert f"answer to {sent}\r\n" in person.prompted()
        person.type("quit\n")
        assert person.end() == 0


def test_a_command_reads_and_writes_no_file_named_dash(tmp_path: Path) -> None:
    with typed([], tmp_path) as person:
        for line in ("/attach -", "/attach -;type=text/plain", "/save -"):
            person.type(f"{line}\n")
            assert f"usage: {line.split()[0]} FILE\r\n" in person.prompted()
        person.type("hello\n")
        assert "answer to hello\r\n" in person.prompted()
    assert not Path("-").exists()


def test_the_model_can_be_changed_and_a_session_tells_its_own(tmp_path: Path) -> None:
    with typed(["--session", "cats"], tmp_path) as person:
        person.type("/model\n")
        assert "/model NAME; now gemini-flash-latest" in person.prompted()
        person.type("/model gemini-2.5-pro\n")
        assert "the model is gemini-2.5-pro from the next message on" in person.prompted()
        person.type("hello\n")
        person.prompted()
        person.type("/quit\n")
        assert person.end() == 0
    command = [sys.executable, "-m", "gemini_cli", "chat", "--show", "cats", "--json"]
    shown = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert shown["settings"]["model"] == "gemini-2.5-pro"
    with Server(Emulator()) as server:
        environ = {**os.environ, "TERM": "dumb", "GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
        person = Typed(["--session", "cats"], environ)
        try:
            assert "session cats: 1 turn so far, with gemini-2.5-pro" in person.see("> ")
        finally:
            person.close()


def test_tab_completes_commands_and_files(tmp_path: Path) -> None:
    (tmp_path / "a note.txt").write_text("a note")
    with typed([], tmp_path) as person:
        person.type("/att\t")
        person.see("/attach ")
        person.type(f"{tmp_path}/a n\t")
        person.see("/a note.txt")
        person.type("\n")
        person.prompted()
        person.type("hello\n")
        assert "a note" in person.prompted()
