"""Locks between processes."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from gemini_cli.errors import InputError


def hold_lock(path: Path, what: str) -> int:
    """The descriptor of a lock that is held and in its place: one that its holder has just removed locks out nobody."""
    while True:
        descriptor = _opened(path)
        try:
            _hold(descriptor, what)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            raise InputError(f"{path} is not a regular file; it is left alone") from None
        raise


def _hold(descriptor: int, name: str) -> None:
    """The kernel's own lock goes with its process, however that ends; the number in the file is for people."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing is locked
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        raise InputError(f"{name} is in use by process {holder or 'unknown'}") from None
    except OSError as error:  # a file system without locks
        raise InputError(f"{name} cannot be locked: {error.strerror}") from None
    with suppress(OSError):  # a full disk keeps the number, not the lock
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
