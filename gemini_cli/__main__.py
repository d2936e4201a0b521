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

# `-m` and PYTHONPATH put the working directory on the path, so a stray httpx.py or yaml.py in it would be imported.
# It stays if it is one of Python's own directories, or has this package.
with contextlib.suppress(OSError):  # a directory that was removed holds no modules
    here = os.path.join(os.getcwd(), "")
    package = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
    if here != package and not here.startswith(tuple(f"{prefix}/lib" for prefix in (sys.prefix, sys.base_prefix))):
        sys.path[:] = [entry for entry in sys.path if entry and os.path.join(entry, "") != here]


def start() -> None:
    """Run the program without garbage collection during imports and at exit.

    There is no garbage then, and each collection takes 10 ms.
    """
    gc.disable()
    from gemini_cli.config.process_memory import forbid_core_files

    forbid_core_files()  # the imports take most of the time of the start, and the key is in the environment
    from gemini_cli.cli.app import main

    gc.freeze()
    gc.enable()
    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    start()
