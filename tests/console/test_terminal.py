"""The three streams: every byte, no control character, no secret."""

from __future__ import annotations

import base64
import json
import os
import signal
import threading
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.console.terminal import Terminal
from gemini_cli.console.visible import VISIBLE
from gemini_cli.errors import InputError, Interrupted, OutputError, RejectedError
from tests.harness import Pipe
from tests.waiting import PATIENCE, until


class Failing(Pipe):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, data: object) -> int:
        raise self._error


def terminal(*, tty: bool = False) -> tuple[Terminal, Pipe, Pipe]:
    out, err = Pipe(terminal=tty), Pipe(terminal=tty)
    return Terminal(Pipe(), out, err), out, err


FORBIDDEN = {chr(code) for code in VISIBLE}


@given(st.lists(st.text(st.characters() | st.sampled_from(sorted(FORBIDDEN)), max_size=20), max_size=5))
def test_no_control_reaches_a_terminal_however_the_text_is_split(pieces: list[str]) -> None:
    shown, out, _ = terminal(tty=True)
    for piece in pieces:
        shown.write(piece)
    written = out.getvalue().decode()
    assert not FORBIDDEN & set(written)
    whole, out, _ = terminal(tty=True)
    whole.write("".join(pieces))
    assert out.getvalue().decode() == written


@given(st.text())
def test_a_pipe_gets_the_text_to_the_byte(text: str) -> None:
    piped, out, _ = terminal()
    piped.write(text)
    assert out.getvalue() == text.encode()


@given(st.text(st.characters() | st.sampled_from("\n\r\t\x1b\u2028")))
def test_a_message_is_one_line_without_controls(text: str) -> None:
    told, _, err = terminal()
    told.print_error(RejectedError(text), as_json=False)
    line = err.getvalue().decode()
    assert line.endswith("\n")
    assert len((line + "x").splitlines()) == 2
    assert not (FORBIDDEN | {"\t"}) & set(line[:-1])


def test_a_secret_is_never_shown_in_any_spelling() -> None:
    key = "Ab/+=%&$0123456789012345"
    told, _, err = terminal()
    told.add_secret(key)
    told.verbose = 2
    for spelling in (key, base64.b64encode(key.encode()).decode(), quote(key, safe="")):
        told.print_error(RejectedError(f"x {spelling} x"), as_json=False)
        told.print_error(RejectedError(f"x {spelling} x"), as_json=True)
        told.log(2, spelling)
        told.print_notice(spelling)
        told.print_thought(spelling)
        assert spelling not in err.getvalue().decode()


@pytest.mark.parametrize("number", [28, 5, 9, 122])
def test_what_cannot_be_written_is_an_output_error(number: int) -> None:
    full = Terminal(Pipe(), Failing(OSError(number, os.strerror(number))), Pipe())
    with pytest.raises(OutputError, match=os.strerror(number)):
        full.write("x")
    with pytest.raises(OutputError):
        Terminal(Pipe(), None, Pipe()).write("x")


def test_a_reader_that_left_ends_the_run_by_sigpipe() -> None:
    with pytest.raises(Interrupted) as ended:
        Terminal(Pipe(), Failing(BrokenPipeError(32, "gone")), Pipe()).write("x")
    assert ended.value.signum == signal.SIGPIPE


def test_a_broken_stderr_is_no_failure() -> None:
    mute = Terminal(Pipe(), Pipe(), Failing(BrokenPipeError(32, "gone")))
    mute.print_error(RejectedError("x"), as_json=False)
    mute.print_notice("x")


def test_a_slow_non_blocking_stdout_loses_no_byte() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = os.urandom(1_000_000)
    got = bytearray()

    def drain() -> None:
        time.sleep(0.05)
        while piece := os.read(reader, 5000):
            got.extend(piece)

    thread = threading.Thread(target=drain)
    thread.start()
    with open(writer, "wb", buffering=0) as raw:
        Terminal(Pipe(), raw, Pipe()).write_bytes(data)
    thread.join()
    os.close(reader)
    assert bytes(got) == data


def test_stdin_is_read_to_its_end_however_slow_it_comes() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)

    def feed() -> None:
        for piece in (b"slow ", b"and ", b"whole"):
            time.sleep(0.02)
            os.write(writer, piece)
        os.close(writer)

    thread = threading.Thread(target=feed)
    thread.start()
    with open(reader, "rb", buffering=0) as raw:
        assert Terminal(raw, Pipe(), Pipe()).stdin.read(100) == b"slow and whole"
    thread.join()


def test_stdin_has_a_limit_and_may_be_closed() -> None:
    with pytest.raises(InputError, match="more than 10 bytes"):
        Terminal(Pipe(b"x" * 11), Pipe(), Pipe()).stdin.read(10)
    assert Terminal(None, Pipe(), Pipe()).stdin.read(10) == b""


def test_notices_are_said_once_and_not_when_quiet() -> None:
    told, _, err = terminal()
    told.print_notice("a")
    told.print_notice("a")
    told.quiet = True
    told.print_notice("b")
    assert err.getvalue() == b"gemini-cli: a\n"


def test_a_message_starts_on_a_line_of_its_own_where_both_streams_meet() -> None:
    both, out, err = terminal(tty=True)
    both.write("half a line")
    both.print_error(RejectedError("x"), as_json=False)
    assert (out.getvalue(), err.getvalue()) == (b"half a line", b"\ngemini-cli: rejected: x\n")
    apart, _, err = terminal()
    apart.write("half a line")
    apart.print_error(RejectedError("x"), as_json=False)
    assert err.getvalue() == b"gemini-cli: rejected: x\n"


@pytest.mark.parametrize(
    ("environ", "tty", "coloured"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
        ({"CLICOLOR_FORCE": "0"}, False, False),
    ],
)
def test_colour_follows_the_usual_variables(environ: dict[str, str], tty: bool, coloured: bool) -> None:
    err = Pipe(terminal=tty)
    Terminal(Pipe(), Pipe(), err, environ).print_thought("x")
    assert (b"\x1b[2m" in err.getvalue()) is coloured


def test_under_json_every_message_is_an_object() -> None:
    told, _, err = terminal()
    told.json_lines, told.verbose = True, 2
    told.add_secret("a-secret-of-20-characters")
    told.print_notice("a\n\x1b[2J\u2028 a-secret-of-20-characters")
    told.print_thought("two\nlines")
    told.print_line("usage: 3")
    told.log(1, "step")
    told.log(2, "header")
    told.print_error(RejectedError("no", hint="do"), as_json=True)
    lines = [json.loads(line) for line in err.getvalue().splitlines()]
    assert lines[:5] == [
        {"notice": "a\n\x1b[2J\u2028 [redacted]"},
        {"thought": "two\nlines"},
        {"notice": "usage: 3"},
        {"log": "step"},
        {"log": "header"},
    ]
    assert lines[5]["error"]["hint"] == "do"
    assert b"\x1b" not in err.getvalue()


WAITING = "gemini-cli: waiting for the answer …"


def xterm(**streams: Pipe) -> tuple[Terminal, Pipe]:
    err = Pipe(terminal=True)
    return Terminal(Pipe(), streams.get("out", Pipe()), err, {"TERM": "xterm"}), err


@pytest.mark.parametrize("output", ["answer", "notice", "nothing"])
def test_a_long_wait_is_shown_until_there_is_output(output: str) -> None:
    terminal, err = xterm()
    with terminal.waiting("the answer", delay=0):
        until(lambda: err.getvalue().decode() == WAITING)
        if output == "answer":
            terminal.write("hi")
        if output == "notice":
            terminal.print_notice("hi")
    then = "gemini-cli: hi\n" if output == "notice" else ""
    assert err.getvalue().decode() == WAITING + "\r\x1b[K" + then


def test_a_short_wait_is_not_shown() -> None:
    terminal, err = xterm()
    with terminal.waiting("the answer", delay=PATIENCE):
        terminal.write("hi")
    assert err.getvalue() == b""


@pytest.mark.parametrize("setting", ["quiet", "verbose", "json_lines"])
def test_a_wait_is_not_shown_among_other_messages(setting: str) -> None:
    terminal, err = xterm()
    setattr(terminal, setting, 1)
    threads = threading.active_count()
    with terminal.waiting("the answer", delay=0):
        assert threading.active_count() == threads
    assert err.getvalue() == b""


def test_a_wait_is_not_shown_off_a_terminal() -> None:
    err = Pipe()
    threads = threading.active_count()
    with Terminal(Pipe(), Pipe(), err, {"TERM": "xterm"}).waiting("the answer", delay=0):
        assert threading.active_count() == threads
    assert err.getvalue() == b""


def test_a_wait_within_another_or_within_a_line_is_not_shown() -> None:
    terminal, err = xterm()
    with terminal.waiting("the answer", delay=PATIENCE), terminal.waiting("the server", delay=0):
        threads = threading.active_count()
        with terminal.waiting("the server", delay=0):
            assert threading.active_count() == threads
    assert err.getvalue() == b""
    terminal, err = xterm(out=Pipe(terminal=True))
    terminal.write("half a line")
    with terminal.waiting("the server", delay=0):
        until(lambda: threading.active_count() == threads - 1)
    assert err.getvalue() == b""
    terminal.write("\n")
    with terminal.waiting("the server", delay=0):
        until(lambda: err.getvalue().decode() == "gemini-cli: waiting for the server …")


def test_the_summary_of_a_progress_remains() -> None:
    terminal, err = xterm()
    with terminal.progress("map", 2, "rows") as progress:
        progress.advance(2)
        progress.summary = "2 rows"
    assert err.getvalue().endswith(b"gemini-cli: 2 rows\n")
