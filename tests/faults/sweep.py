"""Fail the k-th system call of one answer, for every k: a full disk, a failing one, a signal, a kill.

    python -m tests.faults.sweep          all of it: some minutes; needs strace, and leave to trace

strace counts the calls of each thread and spoils the k-th: `inject=CALL:error=…:when=k`, strace(1).
"""

from __future__ import annotations

import itertools
import json
import re
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
ROWS = 3
ANSWERS: Mapping[str, list[str]] = {
    "session": ["chat", "--session", "s", "hi"],
    "file": ["stream", "-o", f"../{KEPT}", "hi"],
    "history": ["generate", "--history", "../kept/history.json", "hi"],
    "map": ["map", "../rows", "-p", "{_}", "-j", "1", "--checkpoint", "../kept/rows", "--retry-unknown", "1"],
    "upload": ["upload", "../film.mp4"],
    "record": ["stream", "--record", "../kept/recording", "hi"],
    "results": ["batch", "results", "JOB", "-o", f"../{KEPT}"],
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
FAILURES = ("gemini-cli: output: cannot write ", "gemini-cli: output: ../kept/recording is not complete: ")
NOTICES = (
    "gemini-cli: session s is not locked (",
    "gemini-cli: the upload of ../film.mp4 is not locked (",
    "gemini-cli: -c cannot continue this answer: ",
)


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
    with emulator() as server:
        argv = prepared(what.answer, home, server.url)
        done, trace = traced(argv, home, server.url, what.call, f"inject={what.call}:{what.fault}:when={what.k}")
        if "INJECTED" not in trace and "SIG" not in trace:
            return False
        kept = answer.read_text()
        _assert_true(what, done, home, kept)
        after = run(command(*argv), home, home.environ(server.url))
        assert after.status == 0, after
        creates = sum(request.target.endswith("/interactions") for request in server.requests)
    match what.answer:
        case "file":
            assert answer.read_text() == f"{T}\n"
        case "results":
            assert_rows(answer.read_bytes(), complete=True)
        case "map":
            assert_rows(after.stdout, complete=True)
            assert creates == ROWS or (creates == ROWS + 1 and done.status != 0), "an answered row was sent again"
        case "record":
            assert answer.read_text() == OLD
            replay = command("stream", "--replay", "../kept/recording", "hi")  # may answer as the run that failed
            assert_always_true(run(replay, home, home.environ(server.url)), home, T)
        case _:
            assert answer.read_text() == OLD
    assert not history.exists() or len(json.loads(history.read_text())) % STEPS == 0
    assert not list(path.rglob("*.tmp")), "the next good run left something beside its files"
    return True


def prepared(answer: str, home: Home, url: str) -> list[str]:
    """Make the files and the job that the command needs, and return its arguments."""
    kept = home.path / KEPT
    kept.parent.mkdir()
    kept.write_text(OLD)
    (home.path / "rows").write_text("".join(f'"row {number}"\n' for number in range(ROWS)))
    (home.path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(1000))
    if answer != "results":
        return ANSWERS[answer]
    environ = home.environ(url)
    job = run(command("batch", "submit", "../rows", "-p", "{_}"), home, environ).stdout.decode().strip()
    assert run(command("batch", "wait", job), home, environ).status == 0
    return [job if word == "JOB" else word for word in ANSWERS[answer]]


def assert_rows(data: bytes, *, complete: bool) -> None:
    """Assert that these rows are ok; all of them if `complete`, else the first ones, and perhaps a part of one."""
    lines = data.split(b"\n")
    rows = [json.loads(line) for line in lines[:-1]]
    assert all(row["ok"] and row["text"] == T for row in rows), rows
    assert (len(rows), lines[-1]) == (ROWS, b"") if complete else len(rows) <= ROWS, data


def _assert_true(what: Spoiled, done: Run, home: Home, kept: str) -> None:
    if what.call == "flock" and done.stderr.startswith("gemini-cli: input: ../kept/rows cannot be locked: "):
        assert (done.status, done.stdout) == (3, b"")  # before anything is sent
        return
    assert done.status in STATUSES[what.fault.partition("=")[0]], done
    for record in (home.path / "home").rglob("*.json"):
        json.loads(record.read_text())
    match what.answer:
        case "file":
            assert kept == f"{T}\n" or (kept == OLD and done.status != 0), kept
            assert_always_true(done, home, "")
        case "results":
            assert_always_true(done, home, "")
            if done.status == 0 or kept != OLD:
                assert_rows(kept.encode(), complete=True)
        case "map":
            assert kept == OLD
            assert_rows(done.stdout, complete=done.status == 0)
            assert_always_true(done, home, done.stdout.decode("utf-8", "ignore"))
        case "upload":
            assert kept == OLD
            name = done.stdout.decode().removesuffix("\n")
            assert re.fullmatch("files/[a-z0-9-]+", name) or (name == "" and done.status != 0), name
        case _:
            assert kept == OLD
            assert_always_true(done, home, T)
    if done.status == 13:
        lost = what.call == "write" and done.stderr == ""  # strace counts for each thread: the message failed, too
        assert lost or done.stderr.startswith(FAILURES)
        assert lost or done.stderr.count("\n") == 1
        assert not list(home.path.rglob("*.tmp"))
    else:
        assert done.stderr == "" or (done.stderr.startswith(NOTICES) and done.stderr.count("\n") == 1)


def traced(argv: list[str], home: Home, url: str, calls: str, *expressions: str) -> tuple[Run, str]:
    """A run under strace, and what that saw of these calls; always with the same imports, and so the same opens."""
    log = home.path / "trace"
    filters = [word for expression in (f"trace={calls}", *expressions) for word in ("-e", expression)]
    environ = home.environ(url, {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"})
    done = run(["strace", "-f", "-qq", "-o", str(log), *filters, *command(*argv)], home, environ)
    return done, log.read_text("utf-8", "replace")


def places(answer: str, call: str, path: Path) -> Iterator[int]:
    """Every k; of the many files that are opened, those that are made."""
    if call != "openat":
        yield from itertools.count(1)
        return
    home = Home(path)
    with emulator() as server:
        _, trace = traced(prepared(answer, home, server.url), home, server.url, call)
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
