"""Run the table in table.txt: the program as a process against a server that misbehaves.

Many rows wait for something, so all that were selected run in a few threads, and a test fetches its outcome; but only
two of them start at a time, since some have a second to come to their request. Rows that load the machine themselves
run afterwards, one by one. How long a row may take at most is not asserted here: `python -m tests.bench.faults`.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.waiting import ended

from .program import Home, Process, Run, assert_always_true, command, forge, run, run_measured
from .setups import Asked, Target, at, emulator
from .table import ANY, EMPTY, PREFIX, TABLE, Row

PATIENT, BUSY = 24, 2  # threads for the rows that mostly wait, and for the others
starting = threading.Semaphore(2)


class Case(NamedTuple):
    """A row with one of its commands: a word, and flags that choose the family."""

    row: Row
    command: str

    @property
    def id(self) -> str:
        return f"{self.row.fault.zfill(2)} {self.row.name}, {self.command}"


class Outcome(NamedTuple):
    run: Run
    home: Home
    requests: list[Asked]
    trespasses: int
    leftovers: list[str]

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.requests)

    @property
    def seconds(self) -> float:
        """How long it took from the first request on, or from the start where no request came.

        Not the time that Python takes to start: that is long when many start at once on a small machine.
        """
        return self.run.ended - self.requests[0].at if self.requests else self.run.seconds

    @property
    def gaps(self) -> list[float]:
        return [later.at - earlier.at for earlier, later in pairwise(self.requests)]


CASES = [Case(row, name) for row in TABLE for name in row.commands]


def carry_out(case: Case, path: Path) -> Outcome:
    home = Home(path)
    argv = command(*case.command.split(), *case.row.flags, "--", "hi")
    with case.row.stage() as scene:
        environ = home.environ(scene.url, scene.environ)
        done = (
            run_measured(argv, home, environ) if case.row.mib is not None else _run_in_turn(argv, home, environ, scene)
        )
        trespasses = sum(server.connections for server in scene.forbidden)
        return Outcome(done, home, list(scene.requests), trespasses, scene.leftovers())


def _run_in_turn(argv: list[str], home: Home, environ: dict[str, str], scene: Target) -> Run:
    """While others wait, it does not start before two at most are on their way to their first request."""
    with starting:
        process = Process(argv, home, environ, forge=forge())
        enough = process.started + 1  # for those that never come to one
        while not scene.requests and not ended(process.popen.pid) and time.monotonic() < enough:
            time.sleep(0.01)
    return process.finish()


Outcomes = dict[str, "Future[Outcome]"]


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """The future of every selected case, by its id. The longest are started first; the quiet ones have no company."""
    callspecs = [getattr(item, "callspec", None) for item in request.session.items]
    selected = [spec.params["case"] for spec in callspecs if spec and "case" in spec.params]
    company = [case for case in selected if not case.row.quiet and runnable(case)]
    with ThreadPoolExecutor(PATIENT) as patient, ThreadPoolExecutor(BUSY) as busy:
        yield {
            case.id: (patient if _patience(case) else busy).submit(carry_out, case, tmp_path_factory.mktemp("fault"))
            for case in sorted(company, key=_patience, reverse=True)
        }


def runnable(case: Case) -> bool:
    return case.row.name != "self-signed certificate" or shutil.which("openssl") is not None


def _patience(case: Case) -> float:
    """About how long it waits: between its requests, or for its limits of time."""
    row = case.row
    limits = [float(row.flags[place + 1]) for place, flag in enumerate(row.flags) if flag.endswith("-timeout")]
    return sum(gap[1] for gap in row.gaps) or sum(limits) or (row.timeout or 0) or 1.0 * ((row.posts or 1) - 1)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_fault(case: Case, outcomes: Outcomes, tmp_path: Path) -> None:
    row = case.row
    if not runnable(case):
        pytest.skip("openssl, which makes the certificate, is not installed")
    if row.quiet:
        wait(outcomes.values())
        outcome = carry_out(case, tmp_path / "fault")
    else:
        outcome = outcomes[case.id].result()
    done = outcome.run
    assert done.status in row.statuses, done
    assert_always_true(done, outcome.home, row.answer)
    _assert_stderr(done.stderr, row)
    _assert_stdout(done.stdout.decode(), row)
    if row.posts is not None:
        assert outcome.count("POST") == row.posts, outcome.requests
    if row.gets is not None:
        assert outcome.count("GET") == row.gets, outcome.requests
    assert outcome.leftovers == []
    assert outcome.trespasses == 0, "a connection was made where none may be"
    assert len(outcome.gaps) >= len(row.gaps)
    for gap, (least, _) in zip(outcome.gaps, row.gaps, strict=False):
        assert least <= gap, outcome.gaps
    if row.seconds:
        assert row.seconds[0] <= done.seconds
    if row.mib is not None:
        assert done.peak_mib is not None
        assert done.peak_mib <= row.mib


def _assert_stderr(stderr: str, row: Row) -> None:
    expected = row.stderr
    if expected.lines is not None:
        lines = [line for line in stderr.splitlines() if "hint: " in expected.words or not line.startswith("hint: ")]
        assert len(lines) == expected.lines, stderr
        assert not stderr or stderr.endswith("\n")
    for word in expected.words:
        assert word in stderr
    for word in expected.never:
        assert word not in stderr
    if expected.longest is not None:
        assert max(map(len, stderr.splitlines())) <= expected.longest


def _assert_stdout(stdout: str, row: Row) -> None:
    """That it is a prefix of the answer was seen already."""
    if row.stdout == EMPTY:
        assert stdout == ""
    elif row.stdout == PREFIX:
        assert stdout != ""
    elif row.stdout != ANY:
        assert stdout == row.answer + "\n"


def test_every_case_has_its_own_name() -> None:
    """By which its outcome is found."""
    assert len({case.id for case in CASES}) == len(CASES)


def test_waits_are_jittered(outcomes: Outcomes) -> None:
    """4: two runs differ."""
    runs = [future.result() for name, future in outcomes.items() if name.startswith("04 429 for ever")]
    if len(runs) < 2:
        pytest.skip("the two rows of fault 4 were not selected")
    one, other = (outcome.gaps for outcome in runs)
    assert any(abs(gap - same) > 0.01 for gap, same in zip(one, other, strict=True))


WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open({log!r}, "a") as log:
            print(event, arguments, file=log)
sys.addaudithook(watch)
"""


@pytest.mark.parametrize("name", ["generate", "stream"])
@pytest.mark.parametrize("host", ["example.test", "localhost.example.test", "192.0.2.1", "127.0.0.1.example.test"])
def test_27_cleartext(name: str, host: str, tmp_path: Path) -> None:
    """6 or 3, "cleartext", and not even the name is looked up."""
    home = Home(tmp_path / "fault")
    log = _watched(tmp_path)
    done = run(command(name, "hi"), home, home.environ(f"http://{host}", {"PYTHONPATH": str(tmp_path / "watch")}))
    assert done.status in (3, 6)
    assert_always_true(done, home, "")
    assert done.stderr.count("\n") == 1
    assert "cleartext" in done.stderr
    assert not log.exists()


def test_27_the_watch_sees_connections(tmp_path: Path) -> None:
    """So that its silence above means something."""
    home = Home(tmp_path / "fault")
    log = _watched(tmp_path)
    with at("http://127.0.0.1:9")() as scene:
        run(
            command("generate", "--retries", "0", "hi"),
            home,
            home.environ(scene.url, {"PYTHONPATH": str(tmp_path / "watch")}),
        )
    assert "socket.connect" in log.read_text()


def _watched(path: Path) -> Path:
    """An audit hook for the program, in a folder for PYTHONPATH; the file in which it writes what it saw."""
    (path / "watch").mkdir()
    log = path / "connections"
    (path / "watch" / "sitecustomize.py").write_text(WATCH.format(log=str(log)))
    return log


@pytest.mark.parametrize("before", [None, b"the old answer\n"])
@pytest.mark.parametrize("orders", [["cut(2)"], ["finish(incomplete)"], ["bad_json(2)"]])
def test_output_file_is_whole_or_untouched(before: bytes | None, orders: list[str], tmp_path: Path) -> None:
    """A failed answer changes nothing, and leaves nothing beside it."""
    home = Home(tmp_path / "fault")
    target = tmp_path / "kept" / "answer.txt"
    target.parent.mkdir()
    if before is not None:
        target.write_bytes(before)
    with emulator(*orders) as server:
        argv = command("stream", "--no-store", "-o", str(target), "hi")
        done = run(argv, home, home.environ(server.url))
    assert done.status == 8
    assert_always_true(done, home, "")
    assert [path.read_bytes() for path in target.parent.iterdir()] == ([] if before is None else [before])


def test_json_errors_say_what_the_table_says(tmp_path: Path) -> None:
    """With --json an error is one object, and its facts are those of the run."""
    home = Home(tmp_path / "fault")
    with emulator("rate_limit(3600)") as server:
        done = run(command("generate", "--json", "--timeout", "10", "hi"), home, home.environ(server.url))
    told = json.loads(done.stderr)
    assert told["exit_status"] == done.status == 5
    assert told["error"]["retry_after_s"] == 3600
    assert told["error"]["http_status"] == 429
    assert told["error"]["retryable"] is True
    assert told["error"]["attempts"] == 1
