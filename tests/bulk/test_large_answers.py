"""Large answers are read by one worker at a time; small ones are not held up."""

from __future__ import annotations

import threading

from gemini_cli.bulk.large_answers import SHARED_BYTES, LargeAnswers
from tests.waiting import PATIENCE

SHARE = SHARED_BYTES // 2


def test_one_large_answer_is_admitted_at_a_time() -> None:
    large = LargeAnswers(2)
    order: list[str] = []
    small_done, ended = threading.Event(), threading.Event()

    def second() -> None:
        large.admit(SHARE)
        order.append("small")
        small_done.set()
        large.admit(SHARE + 1)
        order.append("second")
        large.release()
        ended.set()

    large.admit(SHARE + 1)
    large.admit(SHARE + 2)  # the same answer has grown
    threading.Thread(target=second, daemon=True).start()
    assert small_done.wait(PATIENCE)
    order.append("first")
    large.release()
    assert ended.wait(PATIENCE)
    assert order == ["small", "first", "second"]
    large.release()  # without an answer
    large.admit(SHARE + 1)
