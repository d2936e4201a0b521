"""An attachment over a socket: what it costs in memory, and a file that changes while it is on its way."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.faults.program import Home, run, run_measured

GENERATE = [sys.executable, "-m", "gemini_cli", "generate", "--no-stdin"]
MB = 1000 * 1000


def test_a_large_picture_is_not_held_in_memory(tmp_path: Path) -> None:
    home = Home(tmp_path / "run")
    (home.cwd / "a.png").write_bytes(bytes(15 * MB))
    with Server(Emulator(), remember=0) as server:
        environ = {**home.environ(server.url), "GEMINI_API_KEY": server.key}
        alone = run_measured([*GENERATE, "look"], home, environ)
        done = run_measured([*GENERATE, "-a", "a.png", "look"], home, environ)
    assert b"image/png, 15000000 bytes" in done.stdout
    assert alone.peak_mib is not None
    assert done.peak_mib is not None
    assert done.peak_mib < alone.peak_mib + 5


def test_a_file_that_is_cut_while_it_is_sent_is_told_as_that(tmp_path: Path) -> None:
    home = Home(tmp_path / "run")
    picture = home.cwd / "a.png"
    picture.write_bytes(bytes(15 * MB))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def read_some() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(1)
                os.truncate(picture, 1)
                while peer.recv(MB):
                    pass

        threading.Thread(target=read_some, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        done = run([*GENERATE, "-a", "a.png", "look"], home, home.environ(url))
    assert (done.status, done.stdout) == (3, b"")
    assert done.stderr == "gemini-cli: input: a.png changed while it was being sent\n"
