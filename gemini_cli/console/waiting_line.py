"""A line on a terminal that shows that the program waits."""

from __future__ import annotations

import threading
from collections.abc import Callable

ERASE_LINE = "\r\x1b[K"


class WaitingLine:
    """Writes `text` after `delay` seconds, from another thread; erases it at the end."""

    def __init__(self, write: Callable[[str], None], text: str, delay: float) -> None:
        self._write = write
        self._text = text
        self._lock = threading.Lock()
        self._is_shown = self._has_ended = False
        self._timer = threading.Timer(delay, self._show)
        self._timer.daemon = True
        self._timer.start()

    def _show(self) -> None:
        with self._lock:
            if not self._has_ended:
                self._write(self._text)
                self._is_shown = True

    def end(self) -> None:
        """Erase the line for good; later calls do nothing."""
        self._timer.cancel()
        with self._lock:
            if self._is_shown:
                self._write(ERASE_LINE)
            self._is_shown, self._has_ended = False, True
