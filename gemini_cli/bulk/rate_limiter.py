"""Adaptive concurrency (AIMD) and rate limit, shared by all workers of a run.

Rule 1. At most `most` requests are in flight. A 429 halves the limit and pauses all workers until Retry-After; as many
answers in a row as the limit raise it by one, up to `most`.
Rule 2. With a rate, requests start no closer together than its spacing.
Rule 3. A closed limiter lets no request start; a worker that waits gets `LimiterClosed`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from gemini_cli.transport.deadline import Clock


class LimiterClosed(Exception):
    """The run ends; rows that were not sent are not sent."""


class AdaptiveLimiter:
    """A context manager around one request in flight.

    `spacing`: seconds between two starts, 0 for no limit.
    """

    def __init__(self, most: int, spacing: float, sleep: Callable[[float], None], clock: Clock) -> None:
        self._most = most
        self._spacing = spacing
        self._sleep = sleep
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = float(most)
        self._inside = 0
        self._paused = 0  # workers that wait after a 429, while the others wait too
        self._next = float("-inf")
        self._closed = False
        self.waiting = 0  # workers that wait to start

    def __enter__(self) -> AdaptiveLimiter:
        while (wait := self._enter()) > 0:
            with self._changed:
                self.waiting += 1
            self._sleep(wait)
            with self._changed:
                self.waiting -= 1
        return self

    def _enter(self) -> float:
        """Return 0 if the request may start, otherwise the seconds to wait and try again."""
        with self._changed:
            if not self._open():
                self.waiting += 1
                self._changed.wait_for(self._open)
                self.waiting -= 1
            if self._closed:
                raise LimiterClosed
            if (wait := self._next - self._clock()) > 0:
                return wait
            self._next = self._clock() + self._spacing
            self._inside += 1
            return 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def _open(self) -> bool:
        return self._closed or (not self._paused and self._inside < int(self._limit))

    def pause(self, seconds: float, *, all_workers: bool) -> None:
        """Wait inside of the block, without counting as a request in flight.

        `all_workers`: the server refused the rate, so the other workers wait as well.
        """
        with self._changed:
            self._inside -= 1
            self.waiting += 1
            if all_workers:
                if not self._paused:  # further 429 of one burst do not halve the limit again
                    self._limit = max(1.0, int(self._limit) / 2)
                self._paused += 1
            self._changed.notify_all()
        try:
            self._sleep(seconds)
        finally:
            with self._changed:
                self.waiting -= 1
                self._paused -= all_workers
                self._changed.notify_all()
        try:
            self.__enter__()
        except LimiterClosed:
            with self._changed:
                self._inside += 1  # `__exit__` of the calling block subtracts one again
            raise

    def record_success(self) -> None:
        """Count a request that was answered."""
        with self._changed:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
