"""Forks runs of the program from a process that has imported it: warm.py FD, started by `program.Forge`.

A run is all that it is otherwise, its own process with its own environment, directory and descriptors, but for the
quarter of a second that Python needs to start. FD is a socket that listens. Each connection orders one run, in one
message (see `written` in forked.py) that carries its three streams; the answers are the process id and the status.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import select
import signal
import socket
import sys

import gemini_cli
import gemini_cli.__main__

LARGEST = 1 << 18  # bytes of an order


def ordered(door: socket.socket) -> bool:
    """In the process that is to be the run: true when it is time to run; in this one: false when stdin ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
        connection, _ = door.accept()
        order, streams, _, _ = socket.recv_fds(connection, LARGEST, 3)
        answer = connection.detach()
        if os.fork() == 0:
            _be_the_run_or_keep_it(answer)
            _become(order, streams)
            return True
        for descriptor in (answer, *streams):
            os.close(descriptor)
    return False


def _be_the_run_or_keep_it(answer: int) -> None:
    """Return in the run; the keeper, its parent, tells its id and its status, and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (run := os.fork()) == 0:
        return
    os.closerange(0, answer)
    os.closerange(answer + 1, 256)
    os.write(answer, str(run).encode())
    _, status = os.waitpid(run, 0)
    os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(order: bytes, streams: list[int]) -> None:
    cwd, count, *words = order.split(b"\0")
    argv, environ = words[: int(count)], words[int(count) :]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.chdir(cwd)
    os.environb.clear()
    for pair in environ:
        name, _, value = pair.partition(b"=")
        os.environb[name] = value
    sys.argv = ["gemini-cli", *map(os.fsdecode, argv)]


def load() -> None:
    """Import all of the program, for every run."""
    for module in pkgutil.walk_packages(gemini_cli.__path__, "gemini_cli."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    gc.freeze()


if __name__ == "__main__":
    load()
    if ordered(socket.socket(fileno=int(sys.argv[1]))):
        gemini_cli.__main__.start()
