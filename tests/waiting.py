"""Wait for what happens, never for a time; give up only when even a busy machine would have been done long ago."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PATIENCE = 60.0  # seconds
OPENING = "02"  # a connection that waits for the answer to its SYN, in /proc/net/tcp


def until(happened: Callable[[], object]) -> None:
    """Return when it has happened."""
    ends = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < ends, f"it did not happen within {PATIENCE:g} s"
        time.sleep(0.01)


def ended(pid: int) -> bool:
    """Whether a process has ended, even if its parent has not asked for its status yet."""
    try:
        return _stat(Path(f"/proc/{pid}/stat"))[0] == "Z"
    except OSError:
        return True


def until_it_waits(pid: int) -> None:
    """Return when every thread of a process waits for something, and has stopped computing."""
    seen: list[list[list[str]]] = []

    def waits() -> bool:
        assert not ended(pid), "it ended instead"
        threads = [_stat(path) for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        seen.append([[state, *fields[10:12]] for state, *fields in threads])  # with the time it took of a processor
        return seen[-5:] == [seen[-1]] * 5 and all(state == "S" for state, *_ in threads)

    until(waits)


def until_it_connects(pid: int, port: int) -> None:
    """Return when a process has asked for a connection to a port of loopback, and nobody has answered."""
    wanted = f"0100007F:{port:04X}"

    def connects() -> bool:
        rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
        opening = {f"socket:[{row[9]}]" for row in rows if row[2:4] == [wanted, OPENING]}
        return not opening.isdisjoint(_targets(Path(f"/proc/{pid}/fd").iterdir()))

    until(connects)


def _targets(links: Iterable[Path]) -> set[str]:
    found = set()
    for link in links:
        try:
            found.add(os.readlink(link))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def _stat(path: Path) -> list[str]:
    """The state, and what stands behind it in proc(5); the name before it may hold spaces."""
    return path.read_text().rpartition(")")[2].split()
