"""Keep the memory of this process, and the key in it, from other processes."""

from __future__ import annotations

import contextlib
import sys

PR_SET_DUMPABLE = 4  # linux/prctl.h


def close_process_memory() -> None:
    """Make the process non-dumpable (Linux, prctl(2)).

    `/proc/PID/environ` and `mem` are closed to other processes of the same user. It holds until the end; a child
    becomes dumpable again when it executes its own program.
    """
    if sys.platform == "linux":
        import ctypes  # 2 ms

        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def forbid_core_files() -> None:
    """Let no crash of this process write its memory into a file; children inherit it."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        # 0 would do for a file, but not for a program that is given cores; 1 is too small for both (core(5)).
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (1 if most else 0, most))
