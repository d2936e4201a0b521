"""A connection waits for data in steps."""

from __future__ import annotations

import time
from typing import cast

import httpcore
import pytest

from gemini_cli.transport.network import SIGNAL_CHECK, Connection


class SlowStream(httpcore.NetworkStream):
    """Has data after a number of reads; keeps the time that each read may take."""

    def __init__(self, empty_reads: int) -> None:
        self.empty_reads = empty_reads
        self.timeouts: list[float] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(cast(float, timeout))
        if len(self.timeouts) <= self.empty_reads:
            raise httpcore.ReadTimeout("timed out")
        return b"data"


@pytest.mark.parametrize("timeout", [None, 100 * SIGNAL_CHECK])
def test_a_wait_for_data_is_made_of_short_ones(timeout: float | None) -> None:
    """A signal that comes just before one of them is handled after it."""
    stream = SlowStream(50)
    assert Connection(stream, time.monotonic).read(10, timeout) == b"data"
    assert len(stream.timeouts) == 51
    assert max(stream.timeouts) <= SIGNAL_CHECK


@pytest.mark.parametrize("timeout", [SIGNAL_CHECK / 3, SIGNAL_CHECK, 2.5 * SIGNAL_CHECK, 7 * SIGNAL_CHECK])
def test_all_steps_together_take_the_time_that_was_given(timeout: float) -> None:
    stream = SlowStream(1000)
    with pytest.raises(httpcore.ReadTimeout):
        Connection(stream, time.monotonic).read(10, timeout)
    assert sum(stream.timeouts) == pytest.approx(timeout)
    assert min(stream.timeouts) > 0
