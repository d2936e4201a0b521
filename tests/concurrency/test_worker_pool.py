"""The pool of threads: its start, also under signals, and its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from gemini_cli.concurrency.worker_pool import ThreadLimitError, WorkerPool
from gemini_cli.errors import Interrupted


def doubled(pool: WorkerPool[int, int]) -> list[int]:
    return sorted(result for results in pool.results() for result in results)


def change_start(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None]) -> None:
    """Call `before` with the number of a thread that is about to be started."""
    numbers = iter(range(100))

    class Thread(threading.Thread):
        def start(self) -> None:
            before(next(numbers))
            super().start()

    monkeypatch.setattr(threading, "Thread", Thread)


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_tasks_are_done_in_as_many_threads_as_the_system_allows(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    def refuse(number: int) -> None:
        if number >= limit:
            raise RuntimeError("can't start new thread")

    change_start(monkeypatch, refuse)
    assert doubled(WorkerPool(iter(range(1, 50)), lambda: lambda task: 2 * task, 4)) == list(range(2, 100, 2))


def test_no_thread_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> None:
        raise RuntimeError("can't start new thread")

    change_start(monkeypatch, refuse)
    with pytest.raises(ThreadLimitError):
        doubled(WorkerPool(iter([1]), lambda: lambda task: task, 4))


def test_no_task_is_taken_before_all_threads_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    change_start(monkeypatch, begun.append)

    def tasks() -> Iterator[int]:
        assert begun == list(range(8))
        yield 1

    assert doubled(WorkerPool(tasks(), lambda: lambda task: task, 8)) == [1]


def test_a_signal_during_the_start_is_raised_after_it_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(number: int, frame: object) -> None:
        raise Interrupted(number)

    def signal_at_the_second(number: int) -> None:
        if number == 1:
            os.kill(os.getpid(), signal.SIGUSR1)

    before, mask = signal.signal(signal.SIGUSR1, end), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    threads = threading.active_count()
    change_start(monkeypatch, signal_at_the_second)
    pool = WorkerPool(iter([1, 2, 3]), lambda: lambda task: task, 3)
    try:
        with pytest.raises(Interrupted):
            doubled(pool)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert threading.active_count() <= threads + 3
    pool.join()
    assert threading.active_count() == threads


def test_the_threads_leave_signals_to_the_main_thread() -> None:
    blocked = [mask for masks in _masks().results() for mask in masks]
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGALRM} <= set(blocked[0])


def _masks() -> WorkerPool[int, set[int | signal.Signals]]:
    return WorkerPool(iter([1]), lambda: lambda task: signal.pthread_sigmask(signal.SIG_BLOCK, ()), 1)
