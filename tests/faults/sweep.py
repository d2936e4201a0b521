"""Fail the k-th system call of one answer, for every k: a full disk, a failing one, a signal, a kill.

    python -m tests.faults.sweep          all of it: some minutes; needs strace, and leave to trace

strace counts the calls of each thread and spoils the k-th: `inject=CALL:error=…:when=k`, strace(1).
"""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .program import Home, Run, assert_always_true, command, run
from .setups import T, emulator

OLD = "the old answer\n"
KEPT = "kept/answer.txt"
STEPS = 3  # of a turn in a history: the question, a thought, the answer
ANSWERS: Mapping[str, list[str]] = {
    "session": ["chat", "--session", "s", "hi"],
    "file": ["stream", "-o", f"../{KEPT}", "hi"],
    "history": ["generate", "--history", "../kept/history.json", "hi"],
}
ENDS = ["signal=TERM", "signal=KILL"]
FAULTS: Mapping[str, list[str]] = {
    "write": ["error=ENOSPC", "error=EIO", *ENDS],
    "fsync": ["error=EIO", *ENDS],
    "rename": ["error=EACCES", "error=ENOSPC", *ENDS],
    "openat": ["error=ENOSPC", "error=EACCES", *ENDS],  # those that make a file
    "fchmod": ["error=EPERM"],
    "flock": ["error=ENOLCK"],
    "ftruncate": ["error=EIO"],
    "mkdir": ["error=EROFS"],
    "unlink": ["error=EACCES"],
}
STATUSES = {"error": (0, 13), "signal": (-signal.SIGTERM, -signal.SIGKILL)}
NOTICES = ("gemini-cli: session s is not locked (", "gemini-cli: -c cannot continue this answer: ")


class Spoiled(NamedTuple):
    """The k-th call of a name, in the run that gives one of the ANSWERS."""

    answer: str
    call: str
    fault: str
    k: int

    def __str__(self) -> str:
        return f"{self.answer}, {self.call} {self.k}, {self.fault}"


def possible() -> bool:
    """Whether strace is here, and may trace."""
    strace = shutil.which("strace")
    return (
        strace is not None and subprocess.run([strace, "-qq", "-o", "/dev/null", "true"], check=False).returncode == 0
    )


def spoil(what: Spoiled, path: Path) -> bool:
    """Whether there is a k-th call; if so, what must be true when it fails, and of the run after it."""
    home = Home(path)
    answer, history = path / KEPT, path / "kept" / "history.json"
    answer.parent.mkdir()
    answer.write_text(OLD)
    with emulator() as server:
        done, trace = traced(what.answer, home, server.url, what.call, f"inject={what.call}:{what.fault}:when={what.k}")
        if "INJECTED" not in trace and "SIG" not in trace:
            return False
        kept = answer.read_text()
        _assert_true(what, done, home, kept)
        after = run(command(*ANSWERS[what.answer]), home, home.environ(server.url))
        assert after.status == 0, after
    assert answer.read_text() == (f"{T}\n" if what.answer == "file" else OLD)
    assert not history.exists() or len(json.loads(history.read_text())) % STEPS == 0
    assert not list(path.rglob("*.tmp")), "the next good run left something beside its files"
    return True


def _assert_true(what: Spoiled, done: Run, home: Home, kept: str) -> None:
    assert done.status in STATUSES[what.fault.partition("=")[0]], done
    for record in (home.path / "home").rglob("*.json"):
        json.loads(record.read_text())
    if what.answer == "file":
        assert kept == f"{T}\n" or (kept == OLD and done.status != 0), kept
        assert done.stdout == b""
    else:
        assert kept == OLD
        assert_always_true(done, home, T)
    if done.status == 13:
        assert done.stderr.startswith("gemini-cli: output: cannot write ")
        assert done.stderr.count("\n") == 1
        assert not list(home.path.rglob("*.tmp"))
    else:
        assert done.stderr == "" or (done.stderr.startswith(NOTICES) and done.stderr.count("\n") == 1)


def traced(answer: str, home: Home, url: str, calls: str, *expressions: str) -> tuple[Run, str]:
    """A run under strace, and what that saw of these calls; always with the same imports, and so the same opens."""
    log = home.path / "trace"
    filters = [word for expression in (f"trace={calls}", *expressions) for word in ("-e", expression)]
    environ = home.environ(url, {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"})
    done = run(["strace", "-f", "-qq", "-o", str(log), *filters, *command(*ANSWERS[answer])], home, environ)
    return done, log.read_text("utf-8", "replace")


def places(answer: str, call: str, path: Path) -> Iterator[int]:
    """Every k; of the many files that are opened, those that are made."""
    if call != "openat":
        yield from itertools.count(1)
        return
    home = Home(path)
    (path / "kept").mkdir()
    with emulator() as server:
        _, trace = traced(answer, home, server.url, call)
    lines = trace.splitlines()
    own = [line for line in lines if line.split()[0] == lines[0].split()[0]]
    yield from (k for k, line in enumerate(own, 1) if "O_CREAT" in line)


def _sweep(answer: str, call: str, fault: str) -> list[str]:
    """Every k in turn; a line for each."""
    told: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        for k in places(answer, call, Path(directory) / "places"):
            what = Spoiled(answer, call, fault, k)
            try:
                if not spoil(what, Path(directory) / str(k)):
                    break
                told.append(f"{what}: true")
            except AssertionError as error:
                told.append(f"{what}: FALSE: {error}")
    return told


def main() -> int:
    if not possible():
        print("strace is not installed, or may not trace here")
        return 2
    sweeps = [(answer, call, fault) for answer in ANSWERS for call, faults in FAULTS.items() for fault in faults]
    with ThreadPoolExecutor(2) as pool:
        lines = [line for told in pool.map(lambda sweep: _sweep(*sweep), sweeps) for line in told]
    print("\n".join(lines))
    false = sum("FALSE" in line for line in lines)
    print(f"{len(lines)} calls failed in turn; {false} of the runs did not tell the truth")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
