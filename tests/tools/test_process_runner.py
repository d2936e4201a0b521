"""Commands for calls as real processes: what goes in and comes out, how they end, and what they cannot reach."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from gemini_cli.config.executables import find_executable
from gemini_cli.config.process_memory import close_process_memory
from gemini_cli.errors import Interrupted
from gemini_cli.tools.process_runner import (
    KILL_GRACE,
    MAX_PARALLEL,
    OUTPUT_LIMIT,
    ProcessResult,
    ProcessSpec,
    process_environment,
    run_processes,
)
from tests.waiting import PATIENCE, ended, until

LONG = 86_000  # seconds of sleep that nobody waits for
ENVIRON = process_environment(os.environ, ())


def command(*argv: str, timeout: float | None = PATIENCE) -> ProcessSpec:
    file = find_executable(argv[0], ".", os.environ)
    assert file is not None
    return ProcessSpec(list(argv), file, ENVIRON, timeout)


def shell(script: str, timeout: float | None = PATIENCE) -> ProcessSpec:
    return command("sh", "-c", script, timeout=timeout)


def only(ran: ProcessSpec, given: bytes = b"{}") -> ProcessResult:
    return run_processes([(ran, given)])[0]


def until_gone(path: str) -> None:
    """Return when the process has ended whose number is in a file."""
    until(lambda: ended(int(Path(path).read_text())))


@pytest.mark.parametrize(
    ("script", "given", "output", "failure"),
    [
        ("cat", b'{"a":1}', b'{"a":1}', None),
        ("cat | wc -c | tr -d ' '", b"x" * 1_000_000, b"1000000\n", None),
        ("true", b"x" * 1_000_000, b"", None),
        ("exec <&-; sleep 0.05; echo unread", b"x" * 1_000_000, b"unread\n", None),
        ("printf '\\377\\000'", b"", b"\xff\0", None),
        ("echo partly; exit 3", b"", b"partly\n", "it ended with exit status 3"),
        ("kill -9 $$", b"", b"", "it was ended by signal 9"),
        ("exec >&- 2>&-; sleep 0.05", b"", b"", None),
    ],
)
def test_what_goes_in_and_comes_out(script: str, given: bytes, output: bytes, failure: str | None) -> None:
    finished = only(shell(script), given)
    assert (finished.output, finished.failure, finished.cut) == (output, failure, False)


def test_stderr_is_kept_apart() -> None:
    finished = only(shell("echo out; echo err >&2"))
    assert (finished.output, finished.errors) == (b"out\n", b"err\n")


def test_100_mb_are_read_to_their_end_and_kept_to_the_limit() -> None:
    finished = only(shell("head -c 100000000 /dev/zero; echo end >&2"))
    assert (len(finished.output), finished.cut, finished.failure) == (OUTPUT_LIMIT, True, None)
    assert finished.errors == b"end\n"


def test_what_is_exactly_the_limit_is_not_cut() -> None:
    assert not only(shell(f"head -c {OUTPUT_LIMIT} /dev/zero")).cut


def test_what_cannot_be_executed_is_a_failure() -> None:
    Path("no-program").write_text("#!/no/such/interpreter\n")
    Path("no-program").chmod(0o755)
    for file in ("./no-program", "gone"):
        assert "cannot be run" in str(only(ProcessSpec(["x"], file, ENVIRON, 5.0)).failure)


@pytest.mark.parametrize(
    ("script", "least"),
    [
        (f"sleep {LONG}", 0.0),
        ("yes", 0.0),
        (f"exec >&- 2>&- <&-; sleep {LONG}", 0.0),
        (f"sleep {LONG} & echo $! >child; wait", 0.0),
        (f"trap '' TERM; echo $$ >child; sleep {LONG}", KILL_GRACE),
    ],
)
def test_a_timeout_ends_the_whole_group(script: str, least: float) -> None:
    Path("child").write_text(str(2**22 + 1))
    began = time.monotonic()
    finished = only(shell(script, timeout=1.0))
    assert finished.failure == "it did not end within 1 s"
    assert time.monotonic() - began >= 1.0 + least
    until_gone("child")


def test_a_command_may_end_in_its_own_way_when_its_time_is_over() -> None:
    assert only(shell("trap 'echo bye; exit' TERM; while :; do sleep 0.02; done", timeout=1.0)).output == b"bye\n"


@pytest.mark.parametrize(("session", "survives"), [("", False), ("setsid", True)])
def test_who_keeps_the_pipe_open_does_not_hold_us(session: str, survives: bool) -> None:
    sleeper = f"{session} sh -c 'echo $$ >child; exec sleep {LONG}' &"
    script = f"{sleeper} until [ -s child ]; do sleep 0.01; done; echo done"
    assert only(shell(script)).output == b"done\n"
    if not survives:
        until_gone("child")
        return
    child = int(Path("child").read_text())
    assert not ended(child), "it was waited for"
    os.kill(child, signal.SIGKILL)


def test_several_run_at_the_same_time_and_are_told_in_their_order() -> None:
    """Each waits for the next to end, the last for the first to begin."""
    begin, end = "echo >begun-{n}; until [ -e {before} ]; do sleep 0.01; done", "echo {n}; echo >ended-{n}"
    before = ["ended-1", "ended-2", "ended-3", "begun-0"]
    scripts = [f"{begin}; {end}".format(n=n, before=file) for n, file in enumerate(before)]
    finished = run_processes([(shell(script), b"") for script in scripts])
    assert [each.output for each in finished] == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_many_commands_have_few_threads() -> None:
    before, most, over = threading.active_count(), 0, threading.Event()

    def count() -> None:
        nonlocal most
        while not over.is_set():
            most = max(most, threading.active_count())

    counting = threading.Thread(target=count)
    counting.start()
    finished = run_processes([(command("true"), b"")] * 100)
    over.set()
    counting.join()
    assert [each.failure for each in finished] == [None] * 100
    assert before < most <= before + 1 + MAX_PARALLEL


def interrupt_when_they_run(number: int, *paths: str) -> None:
    until(lambda: all(Path(path).exists() and Path(path).read_text() for path in paths))
    os.kill(os.getpid(), number)


def test_a_signal_ends_them_before_it_ends_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object) -> None:
        raise Interrupted(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, end)
    threading.Thread(target=interrupt_when_they_run, args=[signal.SIGUSR1, "one", "two"]).start()
    stubborn, plain = f"trap '' TERM; echo $$ >one; sleep {LONG}", f"echo $$ >two; sleep {LONG}"
    try:
        with pytest.raises(Interrupted):
            run_processes([(shell(stubborn), b""), (shell(plain), b"")])
    finally:
        signal.signal(signal.SIGUSR1, before)
    until_gone("one")
    until_gone("two")


def test_a_signal_at_any_moment_ends_them_at_once_and_is_heard() -> None:
    """Before they are started, while they are, and when all are waited for."""

    def end(number: int, frame: object) -> None:
        raise Interrupted(number)

    def rung(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        run_processes([(shell(f"sleep {LONG}"), b"")] * 2)

    close_process_memory()  # its import has callbacks, in which an exception is lost; `console.signals` sends it again
    before, mask = signal.signal(signal.SIGALRM, end), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    moment = random.Random(7)
    try:
        for _ in range(60):
            with pytest.raises(Interrupted):
                rung(moment.uniform(0.0001, 0.005))
            assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_child_gets_our_signal_mask_and_a_living_sigpipe() -> None:
    """Its parent's threads have blocked signals for a moment, and ignore SIGPIPE for ever."""
    status = only(command("grep", "-E", "SigBlk|SigIgn", "/proc/self/status")).output.decode().split()
    assert int(status[1], 16) == 0
    assert not int(status[3], 16) & (1 << (signal.SIGPIPE - 1))


def test_it_has_a_session_of_its_own_and_no_terminal() -> None:
    assert only(shell('test $(cut -d" " -f6 /proc/self/stat) = $$ && ! (: </dev/tty) 2>/dev/null')).failure is None


def test_no_descriptor_of_ours_is_inherited() -> None:
    with open("ours", "w") as file:
        os.set_inheritable(file.fileno(), True)
        found = only(shell("ls /proc/self/fd")).output.split()
    assert len(found) == 4  # the three, and the one that lists them


def test_the_environment_is_made_from_nothing() -> None:
    environ = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "LC_X": "1", "GEMINI_API_KEY": "k", "A": "1", "LCX": "2"}
    assert process_environment(environ, []) == {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "LC_X": "1"}
    assert process_environment(environ, ["A", "MISSING"])["A"] == "1"


def test_a_program_is_found_beside_its_declaration_or_on_the_path(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "here" / "tool").chmod(0o755)
    here = str(tmp_path / "here")
    assert find_executable("./tool", here, {}) == f"{here}/tool"
    assert find_executable("../here/tool", str(tmp_path / "there"), {}) == f"{here}/tool"
    assert find_executable("tool", "/", {"PATH": f"/nowhere:{here}"}) == f"{here}/tool"
    for word, directory, path in (
        ("./tool", str(tmp_path / "there"), ""),  # it may not be executed
        ("./gone", here, ""),
        ("..", here, ""),
        ("tool", here, "/nowhere"),
    ):
        assert find_executable(word, directory, {"PATH": path}) is None


@pytest.mark.parametrize("path", ["", ".", "bin", "/nowhere:.:"])
def test_a_relative_path_entry_finds_nothing(path: str) -> None:
    for name in ("tool", "bin/tool"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("#!/bin/sh\n")
        Path(name).chmod(0o755)
    assert find_executable("tool", ".", {"PATH": path}) is None
