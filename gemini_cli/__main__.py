"""The way in, as `python -m gemini_cli` and as the console script: what must happen before anything is imported."""

import contextlib
import gc
import os
import signal
import sys

# Until `main` listens for signals, Ctrl-C shall end us as it ends any program, not with a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# `-m` puts the working directory first on the path, where a stray httpx.py or yaml.py would be run as ours.
with contextlib.suppress(OSError):  # one that is gone holds nothing to run
    sys.path[:] = [entry for entry in sys.path if entry not in ("", os.getcwd())]


def start() -> None:
    """Collecting garbage finds none while modules load, nor at the end, and would cost 10 ms each time."""
    gc.disable()
    from gemini_cli.main import main

    gc.freeze()
    gc.enable()
    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    start()
