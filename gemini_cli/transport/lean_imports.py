"""Import httpx without the optional modules that this program does not use."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The command line of httpx, which imports click, rich and pygments, and the backends for asynchronous programs. httpx
# and httpcore import them only if they are installed; without them the import is at least 40 ms faster.
OPTIONAL = ("httpx._main", "anyio", "trio")


@contextmanager
def lean_imports() -> Iterator[None]:
    """Let imports of OPTIONAL fail, and collect no garbage, since imports make none."""
    collecting = gc.isenabled()
    left_out = [name for name in OPTIONAL if name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]  # None makes an import an ImportError
    gc.disable()
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]
        if collecting:
            gc.freeze()
            gc.enable()
