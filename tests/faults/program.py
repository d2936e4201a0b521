"""The real program as a process: its command line in, what it did out. And what must be true of every run."""

from __future__ import annotations

import atexit
import base64
import functools
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from tests.waiting import PATIENCE

from .forked import written

CANARY = "AIza/Canary+Key=0123456789abcdefghijklm"
CANARY_FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode().rstrip("="), quote(CANARY, safe=""))
PROGRAM = [sys.executable, "-m", "gemini_cli"]
MEASURE = str(Path(__file__).with_name("measure.py"))
WARM = str(Path(__file__).with_name("warmup.py"))
FORKED = str(Path(__file__).with_name("forked.py"))


class Run(NamedTuple):
    """`status` as subprocess has it: negative for the signal that ended the process. `ended` is time.monotonic's."""

    status: int
    stdout: bytes
    stderr: str
    seconds: float
    ended: float
    peak_mib: float | None = None


class Home:
    """The part of a machine that a run sees: an empty working directory, a home, a clean environment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cwd = path / "cwd"
        for name in ("cwd", "home"):
            (path / name).mkdir(parents=True, exist_ok=True)

    def environ(self, url: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        home = self.path / "home"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "LANG": "C.UTF-8",
            "GEMINI_API_KEY": CANARY,
            "GEMINI_BASE_URL": url,
            **(extra or {}),
        }

    def left_behind(self) -> Iterator[Path]:
        return (path for path in self.path.rglob("*") if path.is_file())


def command(*arguments: str) -> list[str]:
    return [*PROGRAM, *arguments]


def shell(redirections: str, *arguments: str) -> list[str]:
    """The program with its descriptors changed by a shell, as in `<&-` or `>/dev/full`."""
    return ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *command(*arguments)]


class Forked:
    """A run that was forked from warm.py: of subprocess.Popen what `Process` uses."""

    stdin = None

    def __init__(self, pid: int, answer: socket.socket, stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdout: IO[bytes] | None = stdout
        self._answer = answer
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self._status is None:
            self._answer.settimeout(timeout)
            self._status = int(self._answer.recv(32))
            self._answer.close()
        return self._status

    def send_signal(self, number: int) -> None:
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forge:
    """Starts runs of the program that need not import it first; one for all tests."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="forge-")
        self._path = f"{self._directory.name}/door"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.bind(self._path)
            door.listen(64)
            argv = [sys.executable, WARM, str(door.fileno())]
            self._warm = subprocess.Popen(argv, pass_fds=[door.fileno()], stdin=subprocess.PIPE)

    def close(self) -> None:
        self._warm.communicate()
        self._directory.cleanup()

    def start(self, argv: list[str], cwd: Path, environ: Mapping[str, str], stderr: IO[bytes]) -> Forked:
        pairs = [(os.fsencode(name), os.fsencode(value)) for name, value in environ.items()]
        order = written(os.fsencode(cwd), [os.fsencode(word) for word in argv], pairs)
        answer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        answer.connect(self._path)
        reading, writing = os.pipe()
        with open(os.devnull, "rb") as stdin, os.fdopen(writing, "wb") as stdout:
            socket.send_fds(answer, [order], [stream.fileno() for stream in (stdin, stdout, stderr)])
        return Forked(int(answer.recv(32)), answer, os.fdopen(reading, "rb", buffering=0))

    def command(self) -> list[str]:
        """Of the program, for a shell that starts it."""
        return [sys.executable, "-I", "-S", FORKED, self._path]


_making_it = threading.Lock()


def forge() -> Forge | None:
    """The same one for every thread. None where there is no such socket, so that each run starts by itself."""
    with _making_it:
        return _forge()


@functools.cache
def _forge() -> Forge | None:
    if not hasattr(socket, "SOCK_SEQPACKET") or sys.platform != "linux":
        return None
    forge = Forge()
    atexit.register(forge.close)
    return forge


def on_the_path(directory: Path) -> str:
    """A PATH that begins with a directory in which the program is, for scripts that call it by its name."""
    started = forge()
    script = directory / "gemini-cli"
    directory.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(started.command() if started else PROGRAM)} "$@"\n')
    script.chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


class Process:
    """A run under way; one that does not end is killed after PATIENCE, and its status is not the expected one."""

    def __init__(
        self,
        argv: list[str],
        home: Home,
        environ: Mapping[str, str],
        *,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        forge: Forge | None = None,
    ) -> None:
        self._errors = home.path / f"stderr-{time.monotonic_ns()}"
        self.started = time.monotonic()
        with self._errors.open("wb") as stderr:
            self.popen: subprocess.Popen[bytes] | Forked
            if forge and argv[: len(PROGRAM)] == PROGRAM:
                self.popen = forge.start(argv[len(PROGRAM) :], home.cwd, environ, stderr)
            else:
                self.popen = subprocess.Popen(
                    argv, cwd=home.cwd, env=dict(environ), stdin=stdin, stdout=stdout, stderr=stderr, bufsize=0
                )
        self._stdout = b""
        self._watchdog = threading.Timer(PATIENCE, self.popen.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def read_until(self, enough: bytes) -> None:
        """Read stdout until that is in it, or it ends."""
        assert self.popen.stdout is not None
        while enough not in self._stdout and (piece := self.popen.stdout.read(65536)):
            self._stdout += piece

    def kill(self, number: signal.Signals) -> None:
        """Send the signal, and wait until the process has ended."""
        self.popen.send_signal(number)
        self.popen.wait(PATIENCE)

    def finish(self) -> Run:
        if self.popen.stdout is not None:
            with self.popen.stdout:
                while piece := self.popen.stdout.read(1 << 20):
                    self._stdout += piece
        status = self.popen.wait()
        ended = time.monotonic()
        self._watchdog.cancel()
        said = self._errors.read_text("utf-8", "surrogateescape")
        return Run(status, self._stdout, said, ended - self.started, ended)


def run(argv: list[str], home: Home, environ: Mapping[str, str]) -> Run:
    return Process(argv, home, environ).finish()


def run_forked(argv: list[str], home: Home, environ: Mapping[str, str]) -> Run:
    """Where it is not the start of the program that is looked at."""
    return Process(argv, home, environ, forge=forge()).finish()


def run_measured(argv: list[str], home: Home, environ: Mapping[str, str]) -> Run:
    """With the peak memory. Through a small process of its own, because a child's peak begins with its parent's."""
    peak = home.path / "peak"
    done = run([sys.executable, "-S", "-E", MEASURE, str(peak), *argv], home, environ)
    return done._replace(peak_mib=int(peak.read_text()) / 1024)


@contextmanager
def killed_at_the_end(process: Process) -> Iterator[Process]:
    """No test leaves a process behind, however it ends."""
    try:
        yield process
    finally:
        with suppress(OSError):
            process.popen.kill()
        process.popen.wait()
        if process.popen.stdout is not None:
            process.popen.stdout.close()


def assert_always_true(done: Run, home: Home, answer: str, *, kept: Iterable[str] = ()) -> None:
    """Assert what holds after every fault. `kept`: the files that the run may leave in its working directory."""
    assert "Traceback" not in done.stderr
    for form in CANARY_FORMS:
        assert form not in done.stderr, "the key is on stderr"
        assert form.encode() not in done.stdout, "the key is on stdout"
        assert [path for path in home.left_behind() if form.encode() in path.read_bytes()] == [], "the key is in a file"
    assert [char for char in done.stderr if char < " " and char != "\n"] == [], "a control character on stderr"
    whole = answer.encode() + (b"\n" if answer and not answer.endswith("\n") else b"")
    assert whole.startswith(done.stdout), "stdout is not a prefix of the answer"
    if done.status == 0:
        assert done.stdout == whole
    assert sorted(path.name for path in home.cwd.iterdir()) == sorted(kept), "something was left in the directory"
