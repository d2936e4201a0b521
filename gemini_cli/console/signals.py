"""INT, TERM and HUP: clean up, then end the process by the same signal."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gemini_cli.errors import Interrupted

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ECHO = 0.2  # seconds in which a second signal is the same one: timeout(1) sends it to process and group
RESEND = 0.01  # seconds between two attempts to send a signal again whose exception was lost


def install_handlers() -> None:
    """Raise Interrupted for the next signal; a second one ends the process at once."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and `&` set it
            signal.signal(number, _end)


@contextmanager
def end_immediately() -> Iterator[None]:
    """End the process at once at TERM or HUP, while readline waits for a line.

    The terminal is restored. readline has its own mode, and would notice a signal only at the next key. So both signals
    are blocked, and a thread waits for them.
    """
    waited = {number for number in ENDING if number != signal.SIGINT and signal.getsignal(number) is _end}
    if not waited:
        yield
        return
    restore, done = _terminal_restorer(), threading.Event()

    def watch() -> None:
        number = signal.sigwait(waited)
        if not done.is_set():
            restore()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
            os.kill(os.getpid(), number)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    for number in waited:
        signal.signal(number, signal.SIG_DFL)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        signal.pthread_kill(watcher.ident or 0, min(waited))  # wakes it; only it waits for the signal
        watcher.join()
        for number in waited:
            signal.signal(number, _end)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _terminal_restorer() -> Callable[[], None]:
    """A function that gives the terminal on stdin the mode that it has now."""
    import termios

    try:
        mode = termios.tcgetattr(0)
    except (OSError, termios.error):
        return lambda: None

    def restore() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])  # it may be a background process by now
        termios.tcsetattr(0, termios.TCSANOW, mode)

    return restore


def exit_with_signal(signum: int) -> None:
    """End the process by the signal, so that a shell sees it."""
    sys.stdout = sys.stderr = None  # nothing may be written or complained about any more
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _end(signum: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code is _send_again.__code__:
            return  # an exception would be lost again; the signal is sent until there is none
        frame = frame.f_back
    sys.unraisablehook = _send_again
    unwound = time.monotonic() + ECHO

    def end_at_once(signum: int, frame: FrameType | None) -> None:
        if time.monotonic() > unwound:
            exit_with_signal(signum)

    for number in ENDING:
        signal.signal(number, end_at_once)
    raise Interrupted(signum)


def _send_again(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal again if Python could not raise its exception.

    It came while a callback of a weak reference or a `__del__` ran; an import has such callbacks. Other errors of the
    time after a signal are not shown.
    """
    if not isinstance(lost.exc_value, Interrupted):
        return
    number = lost.exc_value.signum
    install_handlers()

    def send() -> None:
        while signal.getsignal(number) is _end:  # which is replaced when it raises the exception
            time.sleep(RESEND)
            os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()
