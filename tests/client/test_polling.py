"""Polling: how often, and how long between two polls."""

from __future__ import annotations

import pytest

from gemini_cli.client.polling import PollInterval, poll_until_done


@pytest.mark.parametrize(
    ("known", "fetched", "sleeps"),
    [(None, 5, [1.0, 3.0, 4.0, 4.0]), (0, 5, [1.0, 3.0, 4.0, 4.0, 4.0]), (5, 0, [])],
)
def test_it_polls_until_the_end_with_growing_pauses(known: int | None, fetched: int, sleeps: list[float]) -> None:
    states = iter(range(1, 6))
    slept: list[float] = []
    found = poll_until_done(
        lambda: next(states), lambda state: state == 5, slept.append, PollInterval(1.0, 4.0, 3.0), known=known
    )
    assert (found, slept) == (5, sleeps)
    assert 5 - len(list(states)) == fetched
