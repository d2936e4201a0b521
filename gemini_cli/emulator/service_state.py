"""State shared by all handlers: store, clock, script, settings."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .model.script import Script

if TYPE_CHECKING:
    from .store import Store

# Seconds between two checks of a connection during a wait.
POLL_SECONDS = 0.05


class Pace(NamedTuple):
    """How long emulated work takes, in seconds."""

    background: float = 2.0
    processing: float = 1.0
    batch_pending: float = 0.5
    batch_running: float = 1.5


class ServiceState:
    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        script: Script,
        pace: Pace,
        output_cap: int,
        file_origin: str = "",
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self.script = script
        self.pace = pace
        self.output_cap = output_cap
        # The origin of the URIs of files; empty for the emulator's own.
        self.file_origin = file_origin
        self._path = path
        self._store: Store | None = None
        self._lock = threading.Lock()
        self._upload_locks: dict[str, threading.Lock] = {}
        self._numbers = itertools.count(1)

    def next_number(self) -> int:
        """The number of an answer, for ids that differ between equal requests."""
        return next(self._numbers)

    @property
    def store(self) -> "Store":
        """The store, opened at its first use because SQLite is slow to load."""
        with self._lock:
            if self._store is None:
                from .store import Store

                self._store = Store(self._path)
            return self._store

    def upload_lock(self, id: str) -> threading.Lock:
        """The lock of an upload, so that its chunks are stored one after the other."""
        with self._lock:
            return self._upload_locks.setdefault(id, threading.Lock())

    def wait(self, seconds: float) -> Iterator[bytes]:
        """Sleep in pieces; at the empty item after each a server checks the connection."""
        while seconds > 1e-9:  # not 0: the pieces of a float may not add up to it
            piece = min(POLL_SECONDS, seconds)
            self.sleep(piece)
            seconds -= piece
            yield b""

    def close(self) -> None:
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


def timestamp_seconds(at: float) -> str:
    """A time as Interactions writes it (api/README.md 6.4)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def timestamp_nanos(at: float) -> str:
    """A time as every other part of the API writes it (api/README.md 10.9)."""
    whole = int(at)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((at - whole) * 1e9):09d}Z"
