"""The entry point: the console script and `python -m gemini_cli`.

It does only what must happen before other modules are imported.
"""

import contextlib
import gc
import os
import signal
import sys

# Until `main` installs its handlers, Ctrl-C ends the process without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# `-m` puts the working directory first on the path, so a stray httpx.py or yaml.py in it would be imported.
with contextlib.suppress(OSError):  # a directory that was removed holds no modules
    sys.path[:] = [entry for entry in sys.path if entry not in ("", os.getcwd())]


def start() -> None:
    """Run the program without garbage collection during imports and at exit.

    There is no garbage then, and each collection takes 10 ms.
    """
    gc.disable()
    from gemini_cli.cli.app import main

    gc.freeze()
    gc.enable()
    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    start()
