"""The time limit of the whole run, with a timer that enforces it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from gemini_cli.errors import DeadlineExceeded

EXTENSION = 0.5  # seconds

Clock = Callable[[], float]
SetAlarm = Callable[[float], None]


class Deadline:
    """A limit of `seconds` after the first `start`; None for no limit.

    Retry policy uses `remaining`; the alarm ends the run.
    """

    def __init__(self, seconds: float | None, clock: Clock = time.monotonic, set_alarm: SetAlarm | None = None) -> None:
        self.seconds = seconds
        self._clock = clock
        self._set_alarm = set_alarm
        self._ends: float | None = None

    def start(self) -> None:
        if self.seconds is None or self._ends is not None:
            return
        self._ends = self._clock() + self.seconds
        if self._set_alarm:
            self._set_alarm(self.seconds)

    def remaining(self) -> float:
        """Seconds left; infinite without a limit or before the start."""
        return float("inf") if self._ends is None else self._ends - self._clock()

    def check(self) -> None:
        """DeadlineExceeded if the time is over.

        The alarm is raised only once, and its error may have been handled, for example to try another address.
        """
        if self.seconds is not None and self.remaining() <= 0:
            raise deadline_exceeded(self.seconds)


def deadline_exceeded(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"the time limit of {seconds:g} s for the whole run has passed (--timeout)")


def set_alarm(seconds: float) -> None:
    """Raise DeadlineExceeded in the main thread after this time.

    The timeout of a socket is for each read, so that a server could extend it without end. Outside the main thread, it
    is the only limit.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def ring(signum: int, frame: FrameType | None) -> None:
        raise deadline_exceeded(seconds)

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))


def extend_alarm() -> None:
    """Allow a little more time to write to stderr, whose reader may be slow."""
    if callable(signal.getsignal(signal.SIGALRM)):
        signal.setitimer(signal.ITIMER_REAL, signal.getitimer(signal.ITIMER_REAL)[0] + EXTENSION)


def cancel_alarm() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0)
