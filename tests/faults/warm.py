"""Forks runs of the program from a process that has imported it: warm.py FD, started by `program.Forge`.

A run is all that it is otherwise, its own process with its own environment, directory and descriptors, but for the
quarter of a second that Python needs to start. Each order on the socket is one datagram: argv, directory, environment,
and with it four descriptors: where to tell the process id and the status, and the three streams.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

import gemini_cli.__main__
import gemini_cli.answer
import gemini_cli.client.event_stream
import gemini_cli.dialogue
import gemini_cli.main
import gemini_cli.transport.http_transport


def ordered(door: socket.socket) -> bool:
    """In the process that is to be the run: true when it is time to run; in this one: false at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while True:
        order, descriptors, _, _ = socket.recv_fds(door, 1 << 18, 4)
        if not order:
            return False
        if os.fork() == 0:
            answer, *streams = descriptors
            if _kept(answer):
                _become(json.loads(order), streams)
                return True
        for descriptor in descriptors:
            os.close(descriptor)


def _kept(answer: int) -> bool:
    """True in the run; the keeper, its parent, tells its id and its status, and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (run := os.fork()) == 0:
        return True
    os.closerange(0, answer)
    os.write(answer, f"{run}\n".encode())
    _, status = os.waitpid(run, 0)
    os.write(answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: dict[str, Any], streams: list[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(3, 256)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = ["gemini-cli", *order["argv"]]


if __name__ == "__main__" and ordered(socket.socket(fileno=int(sys.argv[1]))):
    gemini_cli.__main__.start()
