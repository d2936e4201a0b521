"""Do the faults end as soon as they should? The upper bounds of time that the tests do not assert, one run at a time.

    python -m tests.bench.faults [WORD]      the rows of tests/faults/table.txt whose names have WORD in them, or all

The bounds are those of a machine that does nothing else. Status 1 if one was exceeded.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT
from typing import NamedTuple

from tests.faults.program import Home, Process, command, killed_at_the_end
from tests.faults.test_faults import CASES, Case, carry_out, runnable
from tests.faults.test_process_faults import (
    Moment,
    connecting,
    mid_stream,
    mid_stream_to_a_file,
    sleeping_in_a_retry,
    waiting_for_an_answer,
)

AT_ONCE = 0.3  # seconds from a signal to the end
MOMENTS = (mid_stream, mid_stream_to_a_file, waiting_for_an_answer, sleeping_in_a_retry, connecting)


class Measured(NamedTuple):
    """Seconds, and how many there may be."""

    name: str
    took: float
    most: float


def bounded(case: Case) -> bool:
    row = case.row
    return runnable(case) and bool(row.gaps or row.seconds or row.timeout is not None)


def measured(case: Case, path: Path) -> Iterator[Measured]:
    """The waits between requests, and the whole; one second more than --timeout allows."""
    row, outcome = case.row, carry_out(case, path)
    for number, (gap, (_, most)) in enumerate(zip(outcome.gaps, row.gaps, strict=False), 1):
        yield Measured(f"{case.id}: wait {number}", gap, most)
    if row.seconds:
        yield Measured(case.id, outcome.seconds, row.seconds[1])
    elif row.timeout is not None:
        yield Measured(case.id, outcome.seconds, row.timeout + 1)


def signalled(moment: Moment, home: Home) -> float:
    """Seconds from SIGINT to the end of the process."""
    scene, arguments, until_then, _ = moment
    process = Process(command(*arguments, "hi"), home, home.environ(scene.url))
    with killed_at_the_end(process):
        until_then(process, scene)
        sent = time.monotonic()
        process.kill(SIGINT)
        return time.monotonic() - sent


def measurements(word: str, place: Path) -> Iterator[Measured]:
    for number, case in enumerate(case for case in CASES if word in case.id and bounded(case)):
        yield from measured(case, place / str(number))
    for moment in MOMENTS:
        name = f"SIGINT, {moment.__name__.replace('_', ' ')}"
        if word in name:
            with moment() as scene:
                yield Measured(name, signalled(scene, Home(place / name)), AT_ONCE)


def main() -> int:
    late = 0
    with tempfile.TemporaryDirectory() as place:
        for name, took, most in measurements(" ".join(sys.argv[1:]), Path(place)):
            late += took > most
            print(f"{name:60}{took:8.2f} of {most:5.2f} s{'  LATE' if took > most else ''}", flush=True)
    print(f"{late} took too long")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
