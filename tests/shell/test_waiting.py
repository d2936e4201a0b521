"""An impatient person at `interactions wait` and `watch`: the run goes on, or is cancelled; the signal ends us."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from gemini_cli.emulator.service_state import Pace
from tests.waiting import PATIENCE, until_it_waits


@pytest.mark.parametrize(
    ("argv", "says", "then"),
    [
        (["wait"], "waits for it again", "in_progress"),
        (["wait", "--cancel-on-interrupt"], ": cancelled", "cancelled"),
        (["watch"], "follows it again", "in_progress"),
    ],
)
def test_ctrl_c_while_waiting(argv: list[str], says: str, then: str) -> None:
    emulator = Emulator(pace=Pace(background=60))
    with Server(emulator) as server:
        environ = {**os.environ, "GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": server.key}
        program = [sys.executable, "-m", "gemini_cli"]
        started = [*program, "generate", "--background", "--agent", "deep-research-preview-04-2026", "hi"]
        run = subprocess.run(started, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        interaction_id = run.stdout.strip()
        command = [*program, "interactions", *argv, "-v", interaction_id]
        waiting = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert waiting.stderr is not None
            assert "-> 200" in waiting.stderr.readline()  # to its first request
            until_it_waits(waiting.pid)
            waiting.send_signal(signal.SIGINT)
            out, err = waiting.communicate(timeout=PATIENCE)
        finally:
            waiting.kill()
            waiting.wait()
        assert (waiting.returncode, out) == (-signal.SIGINT, "")
        assert says in err
        get = [*program, "interactions", "get", "--json", interaction_id]
        got = subprocess.run(get, env=environ, capture_output=True, text=True, check=False)
        assert f'"status":"{then}"' in got.stdout


CONTENT = '[{"type": "text", "text": "hi"}]'
ANSWER = f'{{"id": "i", "status": "completed", "steps": [{{"type": "model_output", "content": {CONTENT}}}]}}'
STARTED = "gemini-cli: `gemini-cli interactions watch i` prints its answer\r\n"
RUNNING = '{"id": "i", "status": "in_progress"}'


@pytest.mark.parametrize(
    ("argv", "shown_as", "body", "prints", "notice"),
    [
        (["generate", "hi"], "the answer", ANSWER, "hi\n", ""),
        (["generate", "--background", "hi"], "the server", RUNNING, "i\n", STARTED),
        (["tokens", "hi"], "the server", '{"totalTokens": 1}', "1\n", ""),
        (["models", "list"], "the server", '{"models": [{"name": "models/m"}]}', "m\t\t\t\n", ""),
        (["interactions", "get", "i"], "the server", ANSWER, "hi\n", ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_long_wait_is_shown_on_a_terminal(
    argv: list[str], shown_as: str, body: str, prints: str, notice: str
) -> None:
    answer = body.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
    ours, terminal = pty.openpty()
    with socket.create_server(("127.0.0.1", 0)) as listener, open(ours, "rb", buffering=0) as screen:
        listener.settimeout(PATIENCE)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environ = {**os.environ, "GEMINI_BASE_URL": url, "GEMINI_API_KEY": "k" * 39, "TERM": "xterm"}
        command = [sys.executable, "-m", "gemini_cli", *argv]
        run = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal)
        os.close(terminal)
        try:
            connection, _ = listener.accept()
            with connection:
                shown = b""
                while f"waiting for {shown_as} …".encode() not in shown:
                    shown += screen.read(1000)
                connection.sendall(head + answer)
                out, _ = run.communicate(timeout=PATIENCE)
        finally:
            run.kill()
            run.wait()
        assert (run.returncode, out) == (0, prints.encode())
        assert screen.read(1000).decode() == f"\r\x1b[K{notice}"
