"""INT, TERM and HUP unwind the run, so that files beside their place are removed; then we die by the signal."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gemini_cli.errors import Interrupted

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
ECHO = 0.2  # seconds in which another signal is the first one again: timeout(1) sends it to us and to our group


def install_handlers() -> None:
    """Raise Interrupted in the main thread for the next one; a second one, but for an echo, does not wait for us."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and `&` set it
            signal.signal(number, _end)


@contextmanager
def end_immediately() -> Iterator[None]:
    """While there is nothing to unwind, TERM and HUP end us directly: readline would notice them at the next key."""
    heard = [number for number in ENDING if number != signal.SIGINT and signal.getsignal(number) is _end]
    for number in heard:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, _end)


def exit_with_signal(signum: int) -> None:
    """End as the signal would have ended us, so that a shell sees it."""
    sys.stdout = sys.stderr = None  # nothing may be written or complained about any more
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _end(signum: int, frame: FrameType | None) -> None:
    sys.unraisablehook = lambda _: None  # where Python would tell of a second signal that came at the same moment
    unwound = time.monotonic() + ECHO

    def end_at_once(signum: int, frame: FrameType | None) -> None:
        if time.monotonic() > unwound:
            exit_with_signal(signum)

    for number in ENDING:
        signal.signal(number, end_at_once)
    raise Interrupted(signum)
