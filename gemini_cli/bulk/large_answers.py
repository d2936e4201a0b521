"""Limit the memory that answers take while they are read and converted.

An answer takes several times its size. Up to its share of SHARED_BYTES, each worker reads freely; beyond that, one
worker at a time does, and the others wait without reading.
"""

from __future__ import annotations

import threading

SHARED_BYTES = 64 * 1024 * 1024  # of answers in memory, beside one large answer
LEAST_SHARE = 1024 * 1024  # bytes of a worker, so that many workers do not wait for each other


class LargeAnswers:
    """Shared by the workers of a run, which are `jobs` threads."""

    def __init__(self, jobs: int) -> None:
        self._share = max(SHARED_BYTES // jobs, LEAST_SHARE)
        self._lock = threading.Lock()
        self._owner: int | None = None

    def admit(self, size: int) -> None:
        """Wait until this thread may read beyond `size` bytes of its answer."""
        if size > self._share and self._owner != threading.get_ident():
            self._lock.acquire()
            self._owner = threading.get_ident()

    def release(self) -> None:
        """The answer of this thread is out of memory."""
        if self._owner == threading.get_ident():
            self._owner = None
            self._lock.release()
