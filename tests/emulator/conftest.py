from collections.abc import Iterator

import pytest

from gemini_cli.emulator import Emulator

from .door import Clock, Door


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Iterator[Door]:
    """An emulator in memory whose time is the test's."""
    emulator = Emulator(clock=clock, sleep=clock.sleep)
    yield Door(emulator)
    emulator.close()
