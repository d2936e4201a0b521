"""Locks between processes: flock, which the kernel releases when its process ends."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gemini_cli.errors import InputError


def lock_file(descriptor: int, *, wait: bool) -> None:
    """Lock an open file.

    BlockingIOError if another process has it, OSError where files cannot be locked.
    """
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def unlock_file(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def lock_holder(descriptor: int) -> str:
    """The process that has locked the file, in messages.

    Linux lists the locks in `/proc/locks`.
    """
    file = os.fstat(descriptor)
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    with suppress(OSError, ValueError), open("/proc/locks", encoding="ascii", errors="replace") as locks:
        for line in locks:  # 1: FLOCK ADVISORY WRITE 4711 08:01:131 0 EOF
            _, kind, *_, process, locked, _, _ = line.split()
            if kind == "FLOCK" and locked == place:
                return f"process {process}"
    return "another process"


def hold_lock(path: Path, name: str, notice: Callable[[str], None]) -> int:
    """Open and lock the file; retry if it was unlinked between open() and flock().

    InputError if another process has it. `name` is the thing that is locked, in messages. Where the file system has no
    locks (some NFS servers, WSL), the work goes on without one, and `notice` says so.
    """
    while True:
        descriptor = _open(path)
        try:
            _lock(descriptor, name, notice)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            raise InputError(f"{path} is not a regular file; it is not changed") from None
        raise


def _lock(descriptor: int, name: str, notice: Callable[[str], None]) -> None:
    try:
        lock_file(descriptor, wait=False)
    except BlockingIOError:
        raise InputError(f"{name} is in use by {lock_holder(descriptor)}") from None
    except OSError as error:
        notice(f"{name} is not locked ({error.strerror}): do not use it in two processes at the same time")
