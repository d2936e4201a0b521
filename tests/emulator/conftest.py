from collections.abc import Iterator

import pytest

from gemini_cli.emulator.service import Emulator

from .in_memory_client import Clock, InMemoryClient


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[InMemoryClient]:
    """A client of an emulator in memory, with the clock of the test."""
    emulator = Emulator(clock=clock, sleep=clock.sleep)
    yield InMemoryClient(emulator)
    emulator.close()
