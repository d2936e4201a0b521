"""Threads that take tasks from one source, and put the results into one queue.

A task is taken when a thread is free, so the source is read no faster than the work is done. At most MAX_AHEAD tasks or
MAX_HELD_BYTES bytes of results are ahead of the released ones, so that a slow first task does not fill the memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

MAX_AHEAD = 1000
MAX_HELD_BYTES = 32 * 1024 * 1024
QUEUE_CHECK = 0.02  # seconds between two checks for running threads, and for a signal that came just before the wait


class Sized(Protocol):
    @property
    def size(self) -> int:
        """The bytes that the result takes in memory."""


Task = TypeVar("Task")
TaskResult = TypeVar("TaskResult", bound=Sized)
Work = Callable[[Task], "TaskResult | None"]


class WorkerPool(Generic[Task, TaskResult]):
    """Runs tasks in `size` threads.

    `make_worker` makes the function of one thread: it takes a task, and returns its result, or None for a task that was
    not done. `idle` is the number of threads that have a task, but wait for something that a stopped pool does not wait
    for.
    """

    def __init__(
        self,
        tasks: Iterator[Task],
        make_worker: Callable[[], Work[Task, TaskResult]],
        size: int,
        idle: Callable[[], int],
    ):
        self._tasks = tasks
        self._make_worker = make_worker
        self._idle = idle
        self._source = threading.Lock()
        self._changed = threading.Condition()
        self._queue: SimpleQueue[TaskResult | BaseException | None] = SimpleQueue()
        self._left = self._size = size
        self._taken = self._done = 0
        self._ahead = 0
        self._held_bytes = 0
        self._stopped = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[list[TaskResult]]:
        """Yield lists of results until all tasks are done; raise a thread's exception."""
        for work in [self._make_worker() for _ in range(self._size)]:
            threading.Thread(target=self._run, args=(work,), daemon=True).start()
        while self._left:
            yield self._get_results(QUEUE_CHECK)
            if self._error is not None:
                raise self._error

    def stop(self, seconds: float) -> list[TaskResult]:
        """Take no more tasks; return the results that come within so many seconds."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        found: list[TaskResult] = []
        ends = time.monotonic() + seconds
        while self._left and self._taken - self._done > self._idle() and time.monotonic() < ends:
            found += self._get_results(QUEUE_CHECK)
        return found + self._get_results(0)

    def release(self, done: TaskResult) -> None:
        """Count a result as out of memory."""
        with self._changed:
            self._ahead -= 1
            self._held_bytes -= done.size
            self._changed.notify_all()

    def _get_results(self, timeout: float) -> list[TaskResult]:
        found: list[TaskResult] = []
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

    def _run(self, work: Work[Task, TaskResult]) -> None:
        try:
            while (task := self._next_task()) is not None:
                done = work(task)
                if done is not None:
                    self._queue.put(done)
                with self._changed:
                    self._held_bytes += done.size if done is not None else 0
                    self._done += 1
        except BaseException as error:
            self._queue.put(error)
        self._queue.put(None)

    def _next_task(self) -> Task | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or (self._ahead < MAX_AHEAD and self._held_bytes < MAX_HELD_BYTES)
            )
            self._ahead += 1
        with self._source:
            task = None if self._stopped else next(self._tasks, None)
            self._taken += task is not None
            self._stopped = self._stopped or task is None
        return task
