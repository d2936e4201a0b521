"""The program for scripts, forked from warm.py: forked.py SOCKET ARGV…, by a Python that loads next to nothing."""

import os
import signal
import sys

# Not from `socket`, which takes as long to load as all the rest.
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket
from array import array


def written(cwd: bytes, argv: list[bytes], environ: list[tuple[bytes, bytes]]) -> bytes:
    """An order to warm.py."""
    return b"\0".join([cwd, b"%d" % len(argv), *argv, *(b"%b=%b" % pair for pair in environ)])


def main() -> None:
    """Be what the run is: its streams, and its end."""
    path, *argv = map(os.fsencode, sys.argv[1:])
    door = socket(AF_UNIX, SOCK_SEQPACKET)
    door.connect(path)
    order = written(os.getcwdb(), argv, list(os.environb.items()))
    door.sendmsg([order], [(SOL_SOCKET, SCM_RIGHTS, array("i", [0, 1, 2]))])
    door.recv(32)
    status = int(door.recv(32))
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
