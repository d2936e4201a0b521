"""Who may send now: one gate for all workers of a run.

Rule 1. At most `most` requests are under way. After a 429 it is half of that, and nobody sends before the time that the
server named; each `limit` of answers in a row lets one more through, up to `most` again.
Rule 2. With a rate, requests begin no closer than its spacing.
Rule 3. A closed gate lets nobody through any more; who waits at it hears `LimiterClosed`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from gemini_cli.transport.deadline import Clock


class LimiterClosed(Exception):
    """The run ends; what has not been sent is not sent."""


class AdaptiveLimiter:
    """A block `with gate:` is one request under way. `spacing`: seconds between two starts, 0 for no limit."""

    def __init__(self, most: int, spacing: float, sleep: Callable[[float], None], clock: Clock) -> None:
        self._most = most
        self._spacing = spacing
        self._sleep = sleep
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = float(most)
        self._inside = 0
        self._paused = 0  # who was told by the server to wait, and keeps the others waiting
        self._next = float("-inf")
        self._closed = False
        self.waiting = 0  # who is neither inside nor gone

    def __enter__(self) -> AdaptiveLimiter:
        while (wait := self._enter()) > 0:
            with self._changed:
                self.waiting += 1
            self._sleep(wait)
            with self._changed:
                self.waiting -= 1
        return self

    def _enter(self) -> float:
        """Seconds until the next start may be, which are then to be waited outside; 0 for who is inside."""
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
        """From inside: step out for so long. `all_workers`: the server refused the rate, so the others wait as well."""
        with self._changed:
            self._inside -= 1
            self.waiting += 1
            if all_workers:
                if not self._paused:  # more of the same burst says nothing new
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
                self._inside += 1  # the block that we were called from goes out once more
            raise

    def record_success(self) -> None:
        """A request was answered."""
        with self._changed:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
