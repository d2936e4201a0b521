"""Threads that take tasks from one source, and put the results into one queue.

A task is taken when a thread is free, so the source is read no faster than the work is done. Signals are blocked in the
threads: the main thread handles them, and may be interrupted at any moment. So it waits in a queue that is written in
C, since an exception inside of a semaphore of Python would leave that locked.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

MAX_AHEAD = 1000
MAX_HELD_BYTES = 32 * 1024 * 1024
QUEUE_CHECK = 0.02  # seconds between two checks for running threads, and for a signal that came just before the wait

Task = TypeVar("Task")
TaskResult = TypeVar("TaskResult")
Work = Callable[[Task], "TaskResult | None"]


class ThreadLimitError(Exception):
    """The system allows no more threads."""


class WorkerPool(Generic[Task, TaskResult]):
    """Runs tasks in `size` threads, or in as many as the system allows.

    `make_worker` makes the function of one thread: it takes a task, and returns its result, or None for a task that was
    not done. `idle` is the number of threads that have a task, but wait for something that a stopped pool does not wait
    for.

    With `size_of`, the bytes of a result, the caller releases each result. At most MAX_AHEAD tasks or MAX_HELD_BYTES
    bytes of results are then ahead of the released ones, so that a slow first task does not fill the memory.
    """

    def __init__(
        self,
        tasks: Iterator[Task],
        make_worker: Callable[[], Work[Task, TaskResult]],
        size: int,
        *,
        idle: Callable[[], int] = lambda: 0,
        size_of: Callable[[TaskResult], int] | None = None,
    ):
        self._tasks = tasks
        self._make_worker = make_worker
        self._size = size
        self._idle = idle
        self._size_of = size_of
        self._source = threading.Lock()
        self._changed = threading.Condition()
        self._queue: SimpleQueue[TaskResult | BaseException | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._left = 0  # threads that have not ended
        self._taken = self._done = 0
        self._ahead = 0
        self._held_bytes = 0
        self._stopped = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[list[TaskResult]]:
        """Yield lists of results until all tasks are done; raise a thread's exception.

        ThreadLimitError if no thread can be started.
        """
        self._start([self._make_worker() for _ in range(self._size)])
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

    def join(self) -> None:
        """Take no more tasks, and wait until all threads have ended."""
        self.stop(0)
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join()

    def release(self, done: TaskResult) -> None:
        """Count a result as out of memory."""
        with self._changed:
            self._ahead -= 1
            self._held_bytes -= self._bytes(done)
            self._changed.notify_all()

    def _start(self, works: list[Work[Task, TaskResult]]) -> None:
        """Start the threads.

        No signal interrupts this, so that it is known which ones are started. A thread may unblock signals when it has
        its first task, which would let one in; so no thread gets a task before all are started. A context manager could
        not restore the signals: an exception may come before the first line of its exit.
        """
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        with self._source:
            try:
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # a signal just before may raise here
                for work in works:
                    thread = threading.Thread(target=self._run, args=(work,), daemon=True)
                    self._threads.append(thread)  # a signal that another thread of the program gets may raise below
                    thread.start()
                    self._left += 1
            except RuntimeError as error:  # the limit of threads
                self._threads.pop()
                if not self._threads:
                    raise ThreadLimitError("the limit of threads is reached") from error
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)

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
                    self._held_bytes += self._bytes(done) if done is not None else 0
                    self._done += 1
        except BaseException as error:
            self._queue.put(error)
        self._queue.put(None)

    def _next_task(self) -> Task | None:
        with self._changed:
            self._changed.wait_for(self._may_go_on)
            self._ahead += 1
        with self._source:
            task = None if self._stopped else next(self._tasks, None)
            self._taken += task is not None
            self._stopped = self._stopped or task is None
        return task

    def _may_go_on(self) -> bool:
        full = self._ahead >= MAX_AHEAD or self._held_bytes >= MAX_HELD_BYTES
        return self._stopped or self._size_of is None or not full

    def _bytes(self, done: TaskResult) -> int:
        return 0 if self._size_of is None else self._size_of(done)
