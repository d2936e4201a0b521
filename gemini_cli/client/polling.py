"""Poll a resource of the server until its processing ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

Polled = TypeVar("Polled")


class PollInterval(NamedTuple):
    """Seconds between two polls: first `first`, then times `factor`, up to `longest`."""

    first: float
    longest: float
    factor: float = 2.0


def poll_until_done(
    fetch: Callable[[], Polled],
    is_done: Callable[[Polled], bool],
    sleep: Callable[[float], None],
    interval: PollInterval,
    *,
    known: Polled | None = None,
) -> Polled:
    """Fetch until the result is done; a `known` state replaces the first fetch."""
    found = fetch() if known is None else known
    pause = interval.first
    while not is_done(found):
        sleep(pause)
        pause = min(pause * interval.factor, interval.longest)
        found = fetch()
    return found
