"""A crew: threads that take tasks from one source, and put what came of each into one queue.

A task is taken when somebody is free for it, so the source is read no faster than the work goes. Nobody runs further
ahead of what was handed on than AHEAD tasks or HELD bytes, so a slow first task does not fill the memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

AHEAD = 1000
HELD = 32 * 1024 * 1024
TICK = 0.02  # seconds between two looks whether anybody is still at work, or a signal came just before we waited


class Sized(Protocol):
    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""


Task = TypeVar("Task")
Done = TypeVar("Done", bound=Sized)
Work = Callable[[Task], "Done | None"]


class Crew(Generic[Task, Done]):
    """`member` makes the work of one thread: a task in, what came of it out, or None for a task that was given back.

    `idle` is how many of those who have a task wait for something that a stopped crew does not wait for.
    """

    def __init__(
        self, tasks: Iterator[Task], member: Callable[[], Work[Task, Done]], size: int, idle: Callable[[], int]
    ):
        self._tasks = tasks
        self._member = member
        self._idle = idle
        self._source = threading.Lock()
        self._changed = threading.Condition()
        self._queue: SimpleQueue[Done | BaseException | None] = SimpleQueue()
        self._left = self._size = size
        self._taken = self._done = 0
        self._ahead = 0
        self._held = 0
        self._stopped = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[list[Done]]:
        """What is done, in lists of whatever is there, until the source is dry; raises what a thread raised."""
        for work in [self._member() for _ in range(self._size)]:
            threading.Thread(target=self._run, args=(work,), daemon=True).start()
        while self._left:
            yield self._arrived(TICK)
            if self._error is not None:
                raise self._error

    def stop(self, seconds: float) -> list[Done]:
        """Take no more tasks. What came of those that were taken, as far as it comes in that time."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        found: list[Done] = []
        ends = time.monotonic() + seconds
        while self._left and self._taken - self._done > self._idle() and time.monotonic() < ends:
            found += self._arrived(TICK)
        return found + self._arrived(0)

    def handed_on(self, done: Done) -> None:
        """It takes no more memory."""
        with self._changed:
            self._ahead -= 1
            self._held -= done.size
            self._changed.notify_all()

    def _arrived(self, timeout: float) -> list[Done]:
        found: list[Done] = []
        try:
            item = self._queue.get(timeout=timeout)
            while True:
                if item is None:
                    self._left -= 1
                elif isinstance(item, BaseException):
                    self._error = item
                else:
                    found.append(item)
                item = self._queue.get_nowait()
        except Empty:
            return found

    def _run(self, work: Work[Task, Done]) -> None:
        try:
            while (task := self._take()) is not None:
                done = work(task)
                if done is not None:
                    self._queue.put(done)
                with self._changed:
                    self._held += done.size if done is not None else 0
                    self._done += 1
        except BaseException as error:
            self._queue.put(error)
        self._queue.put(None)

    def _take(self) -> Task | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or (self._ahead < AHEAD and self._held < HELD))
            self._ahead += 1
        with self._source:
            task = None if self._stopped else next(self._tasks, None)
            self._taken += task is not None
            self._stopped = self._stopped or task is None
        return task
