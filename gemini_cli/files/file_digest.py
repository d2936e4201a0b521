"""The SHA-256 of a local file, computed while the file is sent."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

from gemini_cli.errors import InputError
from gemini_cli.files.local_file import SAMPLE, LocalFile

HASHED = 1024 * 1024  # bytes hashed at a time: meanwhile the thread holds the lock that the sending needs
HEAD_START = 3.0  # seconds that the sending has before the hashing begins
LOWEST = 19  # the lowest priority


class FileDigest:
    """The SHA-256 of a file, computed in a thread of low priority.

    Hashing takes several times as long as sending over loopback, and less than sending over any other line. So the
    thread waits a little: a file that is sent by then needs the processor more, and on a slow line it catches up.
    """

    def __init__(self, source: LocalFile) -> None:
        from hashlib import sha256  # OpenSSL takes 5 ms

        self._source = source
        self._digest = sha256()
        self._offset = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._begin, daemon=True)
        if source.size > SAMPLE:  # a small file is hashed faster than a thread starts
            self._thread.start()

    def hex(self) -> str:
        """Hash the rest in the calling thread, and return the digest."""
        self.stop()
        for piece in self._rest():
            self._add(piece)
        return self._digest.hexdigest()

    def stop(self) -> None:
        """Stop the thread; the file is not read any more when this returns."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _begin(self) -> None:
        if self._stopped.wait(HEAD_START):
            return
        if sys.platform == "linux":  # threads have their own priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
        with suppress(InputError):  # `hex` raises it again
            for piece in self._rest():
                self._add(piece)
                if self._stopped.is_set():
                    return

    def _rest(self) -> Iterator[bytes]:
        return self._source.read_chunks(self._offset, self._source.size - self._offset, HASHED)

    def _add(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._offset += len(piece)
