"""Faults of terminals, signals, pipes and closed descriptors (tests/README.md, 48, 49, 51 to 56).

The program runs as a process, with the emulator behind it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.waiting import until, until_it_connects, until_it_waits

from .program import Home, Process, Run, assert_always_true, command, killed_at_the_end, run, shell
from .setups import DELTAS, T, Target, deaf_port, emulated, emulator

BOTH = ("generate", "stream")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "fault")


# The terminal ---------------------------------------------------------------------------------------------------------

# OSC 52, OSC 8, a title, SGR, CSI as one C1 character, NUL, BS, DEL, CR, and text that is turned round.
ACTING = [
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b]8;;http://evil.test\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]0;title\x07",
    "\x1b[31mred",
    "\x9b2J",
    "\x00",
    "\b\b",
    "\x7f",
    "\rover",
    "\u202eturned\u2066\u200f\u061c",
]
HOSTILE = "before " + " ".join(ACTING) + "\tü\nafter"
CONTROLS = {char for char in HOSTILE if char < " " or "\x7f" <= char < "\xa0" or char in "\u202e\u2066\u200f\u061c"} - {
    "\n",
    "\t",
}


@pytest.mark.parametrize(
    ("name", "orders", "chunk"),
    [
        ("generate", [], 8),
        ("stream", [], 8),
        ("stream", [], 1),
        ("stream", ["cut(9)"], 3),
        ("stream", ["cut(9)", "replay_from_start"], 3),
    ],
)
def test_48_nothing_from_the_server_acts_on_a_terminal(name: str, orders: list[str], chunk: int, place: Home) -> None:
    with emulator(*orders, reply=HOSTILE, chunk=chunk) as server:
        done, shown = _on_a_terminal(command(name, "hi"), place, place.environ(server.url))
    assert done.status == 0
    assert done.stderr == ""
    assert CONTROLS.isdisjoint(shown)
    assert shown.startswith("before ")
    assert shown.endswith("\tü\nafter\n")
    for char in CONTROLS:
        assert f"{ord(char):02x}" in shown, "it has no visible form"


def _on_a_terminal(argv: list[str], place: Home, environ: dict[str, str]) -> tuple[Run, str]:
    """A run whose stdout is a terminal that passes every byte on, and what the terminal got."""
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        process = Process(argv, place, environ, stdout=slave)
        os.close(slave)
        log = b""
        try:
            while piece := os.read(master, 65536):
                log += piece
        except OSError as error:  # what Linux says when the last writer has closed
            if error.errno != errno.EIO:
                raise
        return process.finish(), log.decode()
    finally:
        os.close(master)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("chunk", [1, 8])
def test_49_a_pipe_gets_the_exact_bytes(name: str, chunk: int, place: Home) -> None:
    with emulator(reply=HOSTILE, chunk=chunk) as server:
        done = run(command(name, "hi"), place, place.environ(server.url))
    assert done.status == 0
    assert_always_true(done, place, HOSTILE)


@pytest.mark.parametrize("name", BOTH)
def test_49_a_file_gets_the_exact_bytes(name: str, place: Home, tmp_path: Path) -> None:
    with emulator(reply=HOSTILE) as server, (tmp_path / "out").open("wb") as out:
        done = Process(command(name, "hi"), place, place.environ(server.url), stdout=out).finish()
    assert done.status == 0
    assert (tmp_path / "out").read_bytes() == HOSTILE.encode() + b"\n"


# Signals --------------------------------------------------------------------------------------------------------------

# Where it happens, what is run, how to wait for the moment, and what is on stdout by then.
Moment = tuple[Target, list[str], Callable[[Process, Target], None], bytes]


@contextmanager
def mid_stream() -> Iterator[Moment]:
    beginning = "".join(DELTAS[:2]).encode()
    with emulated("stall(2)")() as scene:
        yield scene, ["stream"], lambda process, _: process.read_until(beginning), beginning


@contextmanager
def mid_stream_to_a_file() -> Iterator[Moment]:
    with emulated("stall(2)")() as scene:
        yield scene, ["stream", "-o", "../answer.txt"], _asked, b""


@contextmanager
def waiting_for_an_answer() -> Iterator[Moment]:
    with emulated("silence")() as scene:
        yield scene, ["generate"], _asked, b""


@contextmanager
def sleeping_in_a_retry() -> Iterator[Moment]:
    with emulated("rate_limit(300)")() as scene:
        yield scene, ["generate"], _asked, b""


@contextmanager
def connecting() -> Iterator[Moment]:
    with deaf_port() as scene:
        yield scene, ["stream"], _connecting, b""


def _asked(process: Process, scene: Target) -> None:
    until(lambda: len(scene.requests) > 0)
    until_it_waits(process.popen.pid)  # it has heard what there is to hear


def _connecting(process: Process, scene: Target) -> None:
    until_it_connects(process.popen.pid, int(scene.url.rpartition(":")[2]))


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        *((mid_stream, number) for number in SIGNALS),
        (mid_stream_to_a_file, signal.SIGINT),
        (mid_stream_to_a_file, signal.SIGTERM),
        (waiting_for_an_answer, signal.SIGINT),
        (sleeping_in_a_retry, signal.SIGINT),
        (sleeping_in_a_retry, signal.SIGHUP),
        (connecting, signal.SIGINT),
        (connecting, signal.SIGTERM),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value.name,
)
def test_51_and_52_dies_by_the_signal_at_once(
    number: signal.Signals, moment: Callable[[], AbstractContextManager[Moment]], place: Home
) -> None:
    with moment() as (scene, arguments, wait_for_it, beginning):
        process = Process(command(*arguments, "hi"), place, place.environ(scene.url))
        with killed_at_the_end(process):
            wait_for_it(process, scene)
            process.kill(number)
            done = process.finish()
    assert done.status == -number
    assert done.stderr == ""
    assert done.stdout == beginning
    assert_always_true(done, place, T)
    assert not list(place.path.glob("*answer.txt*")), "a file was left beside its place"


WHILE_IMPORTING = """
import os, signal, sys
def end(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        os.kill(os.getpid(), signal.{signal})
sys.addaudithook(end)
"""


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("typer", signal.SIGINT),
        ("gemini_cli.cli.context", signal.SIGINT),
        ("httpx", signal.SIGINT),
        ("httpx", signal.SIGTERM),
        ("gemini_cli.client.event_stream", signal.SIGHUP),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_51_dies_by_the_signal_while_it_starts(
    module: str, number: signal.Signals, place: Home, tmp_path: Path
) -> None:
    """The impatient press ^C before there is anything to see."""
    (tmp_path / "hook").mkdir()
    hook = WHILE_IMPORTING.format(module=module, signal=number.name)
    (tmp_path / "hook" / "sitecustomize.py").write_text(hook)
    with emulator() as server:
        environ = place.environ(server.url, {"PYTHONPATH": str(tmp_path / "hook")})
        done = run(command("stream", "hi"), place, environ)
    assert done.status == -number
    assert (done.stdout, done.stderr) == (b"", "")


def _unread(pipe: IO[bytes]) -> int:
    """Bytes that nobody took out of it yet."""
    count = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_51_dies_by_the_signal_while_it_reads_stdin(number: signal.Signals, place: Home) -> None:
    process = Process(command("generate"), place, place.environ("http://127.0.0.1:9"), stdin=subprocess.PIPE)
    with killed_at_the_end(process):
        stdin = process.popen.stdin
        assert stdin is not None
        with stdin:
            stdin.write(b"half a prompt")
            until(lambda: not _unread(stdin))
            process.kill(number)
            done = process.finish()
    assert done.status == -number
    assert (done.stdout, done.stderr) == (b"", "")


HANGING_LOOKUP = """
import ctypes, socket
def hang(*arguments, **more):
    open({hangs!r}, "x").close()
    while True:
        ctypes.CDLL(None).sleep(60)  # in C, as getaddrinfo waits: no signal handler of Python runs meanwhile
socket.getaddrinfo = hang
"""


@pytest.mark.parametrize("number", [None, signal.SIGINT], ids=["the deadline", "SIGINT"])
def test_52_a_name_that_is_looked_up_for_ever(number: signal.Signals | None, place: Home, tmp_path: Path) -> None:
    (tmp_path / "hook").mkdir()
    hangs = tmp_path / "hangs"
    (tmp_path / "hook" / "sitecustomize.py").write_text(HANGING_LOOKUP.format(hangs=str(hangs)))
    environ = place.environ("https://service.invalid", {"PYTHONPATH": str(tmp_path / "hook")})
    process = Process(command("stream", "--timeout", "600" if number else "1", "hi"), place, environ)
    with killed_at_the_end(process):
        if number:
            until(hangs.exists)
            process.kill(number)
        done = process.finish()
    assert done.status == (-number if number else 5)
    assert done.stderr.count("\n") == (0 if number else 1)
    assert done.stdout == b""


# Pipes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_53_a_reader_that_leaves_ends_the_run(more: list[str], place: Home) -> None:
    reply = "".join(f"line {number}\n" for number in range(2000))
    with emulator(reply=reply, pace=0.02) as server:
        process = Process(command("stream", *more, "hi"), place, place.environ(server.url))
        with killed_at_the_end(process):
            head = subprocess.Popen(["head", "-1"], stdin=process.popen.stdout, stdout=subprocess.PIPE)
            assert process.popen.stdout is not None
            process.popen.stdout.close()
            process.popen.stdout = None
            first, _ = head.communicate()
            done = process.finish()
            until(lambda: server.hangups)
    assert done.status == -signal.SIGPIPE
    assert done.stderr == ""
    assert first == b"line 0\n" or more


def test_53_generate_too(place: Home) -> None:
    """Output that does not fit into the pipe meets a reader that has left."""
    with emulator(reply="x" * 200_000) as server:
        process = Process(command("generate", "hi"), place, place.environ(server.url))
        with killed_at_the_end(process):
            assert process.popen.stdout is not None
            process.popen.stdout.read(1)
            process.popen.stdout.close()
            process.popen.stdout = None
            done = process.finish()
    assert done.status == -signal.SIGPIPE
    assert done.stderr == ""


def asked(name: str, place: Home) -> str:
    """The argument that asks "hi" of `map`, and of the other commands."""
    (place.path / "rows.jsonl").write_text('"hi"\n')
    return "../rows.jsonl" if name == "map" else "hi"


def said(name: str, stdout: bytes) -> str:
    return str(json.loads(stdout)["text"]) if name == "map" and stdout else stdout.decode().removesuffix("\n")


@pytest.mark.parametrize("name", [*BOTH, "map"])
def test_a_slow_reader_of_a_nonblocking_pipe_loses_nothing(name: str, place: Home) -> None:
    reply = "".join(f"{number} " for number in range(30_000))
    with emulator(reply=reply, chunk=50_000) as server:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        process = Process(command(name, asked(name, place)), place, place.environ(server.url), stdout=writing)
        os.close(writing)
        with killed_at_the_end(process), os.fdopen(reading, "rb", buffering=0) as pipe:
            got = b""
            while piece := pipe.read(8192):
                got += piece
                time.sleep(0.005)
            done = process.finish()
    assert done.status == 0
    assert done.stderr == ""
    assert got.endswith(b"\n")
    assert said(name, got) == reply


@pytest.mark.parametrize("name", BOTH)
def test_the_deadline_ends_a_run_whose_stdout_nobody_reads(name: str, place: Home) -> None:
    with emulator(reply="x" * 200_000, chunk=50_000) as server:
        reading, writing = os.pipe()
        process = Process(command(name, "--timeout", "2", "hi"), place, place.environ(server.url), stdout=writing)
        os.close(writing)
        with killed_at_the_end(process):
            done = process.finish()
            os.close(reading)
    assert done.status == 8
    assert done.stderr.count("\n") == 1
    assert done.seconds >= 2


# Descriptors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_54_a_full_disk(name: str, place: Home) -> None:
    with emulator() as server:
        done = run(shell(">/dev/full", name, "hi"), place, place.environ(server.url))
        assert len(server.requests) == 1
    assert done.status == 13
    assert done.stderr == "gemini-cli: output: cannot write to stdout: No space left on device\n"
    assert_always_true(done, place, T)


@pytest.mark.parametrize("name", BOTH)
def test_54_a_full_disk_behind_a_flag(name: str, place: Home) -> None:
    with emulator() as server:
        done = run(command(name, "-o", "/dev/full", "hi"), place, place.environ(server.url))
    assert done.status == 13
    assert done.stderr.count("\n") == 1
    assert Path("/dev/full").exists()
    assert_always_true(done, place, T)


@pytest.mark.parametrize("name", ["generate", "stream", "map"])
@pytest.mark.parametrize("closed", [[n for n in range(3) if bits & 1 << n] for bits in range(1, 8)], ids=str)
def test_55_closed_descriptors(closed: list[int], name: str, place: Home) -> None:
    """Without stdout nothing is asked, and no socket takes its number; the other two are not needed."""
    redirections = " ".join("<&-" if number == 0 else f"{number}>&-" for number in closed)
    with emulator() as server:
        done = run(shell(redirections, name, asked(name, place)), place, place.environ(server.url))
        assert len(server.requests) == (0 if 1 in closed else 1)
    assert done.status == (13 if 1 in closed else 0)
    assert done.stderr.count("\n") == (1 if 1 in closed and 2 not in closed else 0)
    assert said(name, done.stdout) == ("" if 1 in closed else T)
    assert_always_true(done, place, done.stdout.decode())


@pytest.mark.parametrize(
    ("redirection", "name", "words"),
    [
        ("<&-", "generate", ["-"]),
        ("<&-", "stream", []),
        ("<&-", "stream", ["-f", "-"]),
        ("</dev/null", "stream", ["-"]),
        ("</dev/null", "generate", []),
        ("</dev/null", "generate", ["-f", "-"]),
    ],
)
def test_55_no_prompt_on_stdin(redirection: str, name: str, words: list[str], place: Home) -> None:
    with emulator() as server:
        done = run(shell(redirection, name, *words), place, place.environ(server.url))
        assert len(server.requests) == 0
    assert done.status == 2
    assert ("stdin, which is closed" if redirection == "<&-" and words else "no prompt") in done.stderr
    assert done.stderr.count("\n") == 1
    assert_always_true(done, place, "")


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    "locale",
    [
        {"LANG": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"},
    ],
    ids=["LANG=C", "no UTF-8 mode", "POSIX"],
)
def test_56_text_is_utf8_whatever_the_locale_says(locale: dict[str, str], name: str, place: Home) -> None:
    prompt = "Grüße 🥊"
    with emulator() as server:
        done = run(command(name, prompt), place, place.environ(server.url, locale))
        sent = json.loads(server.requests[0].body)
    assert done.status == 0
    assert_always_true(done, place, T)
    assert done.stderr == ""
    assert sent["input"] == prompt
