"""What every part of the service shares: the state, the time, the script, and a few numbers."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .model.script import Script

if TYPE_CHECKING:
    from .store import Store

# How long a reader waits between two looks, in seconds.
TICK = 0.05


class Pace(NamedTuple):
    """How long pretended work takes, in seconds of the clock."""

    background: float = 2.0
    processing: float = 1.0
    batch_pending: float = 0.5
    batch_running: float = 1.5


class World:
    def __init__(
        self,
        state: str | os.PathLike[str] | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        script: Script,
        pace: Pace,
        output_cap: int,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self.script = script
        self.pace = pace
        self.output_cap = output_cap
        self._state = state
        self._store: Store | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> "Store":
        """Opened when first needed: a question with `store: false` never does, and SQLite is slow to load."""
        with self._lock:
            if self._store is None:
                from .store import Store

                self._store = Store(self._state)
            return self._store

    def wait(self, seconds: float) -> Iterator[bytes]:
        """Sleep in short pieces; each yields an empty item, so that a door can see whether anybody still reads."""
        while seconds > 1e-9:  # not 0: the pieces of a float need not add up to it
            piece = min(TICK, seconds)
            self.sleep(piece)
            seconds -= piece
            yield b""

    def close(self) -> None:
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


def seconds_stamp(at: float) -> str:
    """The Interactions family's time: whole seconds (reference.md 6)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def nano_stamp(at: float) -> str:
    """Every other family's time: with nanoseconds (traffic.md 88)."""
    whole = int(at)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((at - whole) * 1e9):09d}Z"
