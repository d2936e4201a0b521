"""Run commands in parallel. Independent of models and calls.

1. A command is a list of words, and never a line for a shell. Its environment holds a few variables, and those that its
declaration lists. The key is not among them, and the memory of this process, which may hold a copy of the first
environment, is closed to processes of the same user.
2. A command has its own process group. However it ends (by itself, by its timeout, or with the run), the rest of the
group is killed. A process that left the group with `setsid` is not killed, and not waited for.
3. stdin carries the arguments; a command need not read them. stdout and stderr are kept up to a limit, and read on
beyond it.
4. Commands are started and followed in the threads of a pool, because a signal or the deadline may interrupt the main
thread between the start of a child and the moment its process id is known.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, NamedTuple

from gemini_cli.concurrency.worker_pool import ThreadLimitError, WorkerPool
from gemini_cli.config.process_memory import close_process_memory

OUTPUT_LIMIT = 1024 * 1024  # bytes of stdout that are kept
ERRORS_LIMIT = 16 * 1024  # bytes of stderr
KILL_GRACE = 1.0  # seconds between TERM and KILL
CHILD_CHECK = 0.02  # seconds between two checks whether a child has ended or is to be ended
PIPE_READ_SIZE = 64 * 1024
MAX_PARALLEL = 32  # commands, and the threads that follow them; the others wait

KEPT_VARIABLES = re.compile(r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|USER")


class ProcessSpec(NamedTuple):
    """A command: `argv` as it was written, `file` as it is executed.

    `timeout` in seconds, None for no limit.
    """

    argv: list[str]
    file: str
    environ: Mapping[str, str]
    timeout: float | None


class ProcessResult(NamedTuple):
    """The output of a command, and the reason if it failed.

    `cut`: stdout was longer than the limit.
    """

    output: bytes
    errors: bytes
    failure: str | None
    cut: bool


def process_environment(environ: Mapping[str, str], listed: Iterable[str]) -> dict[str, str]:
    """The environment of a command."""
    names = set(listed)
    return {name: value for name, value in environ.items() if KEPT_VARIABLES.fullmatch(name) or name in names}


def run_processes(jobs: Sequence[tuple[ProcessSpec, bytes]]) -> list[ProcessResult]:
    """Run commands in parallel, each with its stdin; return results in the same order.

    An exception that ends the wait, such as that of a signal or the deadline, ends the commands first.
    """
    if not jobs:
        return []
    close_process_memory()
    ended: dict[int, ProcessResult] = {}
    stop = threading.Event()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def work(job: tuple[int, tuple[ProcessSpec, bytes]]) -> tuple[int, ProcessResult]:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # inherited by the child
        index, (command, stdin) = job
        return index, _run(command, stdin, stop)

    pool = WorkerPool(enumerate(jobs), lambda: work, min(MAX_PARALLEL, len(jobs)))
    try:
        for results in pool.results():
            ended.update(results)
    except ThreadLimitError as error:
        return [ProcessResult(b"", b"", f"it cannot be run: {error}", cut=False)] * len(jobs)
    finally:
        stop.set()
        pool.join()
    return [ended[index] for index in range(len(jobs))]


def _run(command: ProcessSpec, stdin: bytes, stop: threading.Event) -> ProcessResult:
    try:
        process = subprocess.Popen(
            command.argv,
            executable=command.file,
            env=command.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return ProcessResult(b"", b"", f"it cannot be run: {getattr(error, 'strerror', None) or error}", cut=False)
    with contextlib.closing(_Exchange(process, stdin)) as exchange:
        try:
            in_time = exchange.until_ended(command.timeout, stop)
            if not in_time and not stop.is_set():
                _signal_group(process, signal.SIGTERM)
                exchange.until_ended(KILL_GRACE, stop)
        finally:
            _signal_group(process, signal.SIGKILL)
        # It has ended at once, unless it belongs to another user now (sudo) and cannot be killed.
        exchange.until_ended(KILL_GRACE)
        if not stop.is_set():
            exchange.drain()
    failure = _failure(process.returncode) if in_time else f"it did not end within {command.timeout or 0:g} s"
    return ProcessResult(bytes(exchange.output.data), bytes(exchange.errors.data), failure, exchange.output.cut)


def _failure(status: int) -> str | None:
    if status == 0:
        return None
    return f"it ended with exit status {status}" if status > 0 else f"it was ended by signal {-status}"


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(OSError):  # the group is empty
        os.killpg(process.pid, number)


class CappedOutput:
    """The first `limit` bytes of a pipe; `cut` if there were more."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self.cut = False
        self._limit = limit

    def read(self, pipe: int) -> bool:
        """Read the available bytes; False at the end."""
        piece = os.read(pipe, PIPE_READ_SIZE)
        room = self._limit - len(self.data)
        self.data += piece[:room]
        self.cut = self.cut or len(piece) > room
        return bool(piece)


class _Exchange:
    """The pipes of a child, read and written without waiting for the other end."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes) -> None:
        self._process = process
        self._stdin = memoryview(stdin)
        self._selector = selectors.DefaultSelector()
        self.output, self.errors = CappedOutput(OUTPUT_LIMIT), CappedOutput(ERRORS_LIMIT)
        self._register(process.stdin, selectors.EVENT_WRITE, self._write_stdin)
        self._register(process.stdout, selectors.EVENT_READ, self.output.read)
        self._register(process.stderr, selectors.EVENT_READ, self.errors.read)

    def _register(self, pipe: IO[bytes] | None, event: int, move: Callable[[int], bool]) -> None:
        """Call `move` when the pipe is ready, until it returns False."""
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, event, (pipe, move))

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._close_pipe(key.data[0])
        self._selector.close()

    def until_ended(self, seconds: float | None, stop: threading.Event | None = None) -> bool:
        """Serve the pipes until the child ends, the time is over, or `stop` is set.

        Returns whether the child has ended.
        """
        ends = float("inf") if seconds is None else time.monotonic() + seconds
        while self._process.poll() is None:
            if (stop and stop.is_set()) or time.monotonic() >= ends:
                return False
            if self._selector.get_map():
                self._move(CHILD_CHECK)
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(CHILD_CHECK)
        return True

    def drain(self) -> None:
        """Read the rest of a dead child's pipes.

        Limited in time: another process that holds a pipe may write without end.
        """
        ends = time.monotonic() + KILL_GRACE
        while time.monotonic() < ends and self._move(0):
            pass

    def _move(self, seconds: float) -> bool:
        """Move bytes within so many seconds; return whether there were any."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            pipe, move = key.data
            if not move(key.fd):
                self._close_pipe(pipe)
        return bool(ready)

    def _close_pipe(self, pipe: IO[bytes]) -> None:
        self._selector.unregister(pipe)
        pipe.close()

    def _write_stdin(self, pipe: int) -> bool:
        """Write more; False when all is written, or the reader has gone."""
        try:
            self._stdin = self._stdin[os.write(pipe, self._stdin[:PIPE_READ_SIZE]) :]
        except BrokenPipeError:
            return False
        return bool(self._stdin)
