"""Validate values in a child process, to end it while a pattern backtracks.

Threads need this. The schema and each value are lines of JSON on the child's standard input, and each answer is one on
its output.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any

from gemini_cli.formats import strict_json

TIME_LIMIT = 10.0  # seconds for one value
CHECK_INTERVAL = 0.2  # seconds between two looks at the time and at the parent
TOO_SLOW = f"its patterns need more than {TIME_LIMIT:g} s"
CHILD_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; from gemini_cli.formats import schema_process; schema_process.serve()"
)


class SchemaProcess:
    """A child process that validates values.

    It is started for the first value, and ends with this object and with this process.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def mismatch(self, value: Any) -> str | None:
        """The reason why a value does not fit; None if it does."""
        request = _line(value)
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", CHILD_PROGRAM, *sys.path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={},
                    start_new_session=True,  # Ctrl-C is for the parent
                )
                self._end = weakref.finalize(self, _end, self._process)
                request = _line(self._schema) + request
            answer = self._exchange(self._process, request)
            if not answer:
                self._end()
                self._process = None
                return "the process that compares them ended"
        why: str | None = json.loads(answer)
        return why

    @staticmethod
    def _exchange(process: subprocess.Popen[bytes], request: bytes) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:
            return b""


def _line(value: Any) -> bytes:
    return strict_json.dumps(value).encode() + b"\n"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # a request that was not sent
                pipe.close()


class _TooSlow(BaseException):
    """Not an Exception, so that jsonschema does not catch it."""


def serve() -> None:
    """The child: answer requests until there are no more."""
    from gemini_cli.formats.json_schema import mismatch_finder

    parent, started = os.getppid(), 0.0

    def look(signum: int, frame: FrameType | None) -> None:
        if os.getppid() != parent:
            os._exit(1)
        if time.monotonic() - started > TIME_LIMIT:
            raise _TooSlow

    signal.signal(signal.SIGALRM, look)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])  # the thread that started this process blocks signals
    requests, answers = open(0, "rb", closefd=False), open(1, "wb", buffering=0, closefd=False)  # noqa: SIM115  until the end
    find_mismatch = mismatch_finder(strict_json.loads(requests.readline().decode()))
    for line in requests:
        value = strict_json.loads(line.decode())
        started = time.monotonic()
        why: str | None
        try:
            signal.setitimer(signal.ITIMER_REAL, CHECK_INTERVAL, CHECK_INTERVAL)
            why = find_mismatch(value)
        except _TooSlow:
            why = TOO_SLOW
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(why).encode() + b"\n")
