"""Import httpx without the optional parts that this program does not use."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# httpx's command line, which loads click, rich and pygments, and the backends of asynchronous programs. httpx and
# httpcore import them only if they are installed; where they are, leaving them out saves 40 ms and more.
OPTIONAL = ("httpx._main", "anyio", "trio")


@contextmanager
def lean_imports() -> Iterator[None]:
    """Let imports of OPTIONAL fail as if not installed, and collect no garbage meanwhile, as there is none."""
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
