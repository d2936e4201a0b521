"""Signals: one that comes at a moment when Python cannot raise an exception is not lost."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE

CALLBACK = """
import os, signal, sys, time, weakref
from gemini_cli.console import signals
from gemini_cli.errors import Interrupted

class Object:
    pass

signals.install_handlers()
object = Object()
reference = weakref.ref(object, lambda _: os.kill(os.getpid(), int(sys.argv[1])))
try:
    del object
    print("lost", flush=True)
    time.sleep(60)
except Interrupted as error:
    print(error.signum, flush=True)
    signals.exit_with_signal(error.signum)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_callback_is_sent_again(number: signal.Signals) -> None:
    command = [sys.executable, "-c", CALLBACK, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.stdout, done.stderr) == (f"lost\n{int(number)}\n", "")
    assert done.returncode == -number
