"""Parts that the benchmarks share: a bare server, runs of programs and what they cost, tables of ratios.

Milliseconds depend on the machine and on who else uses it; ratios within one run are what to compare. The contestants
take turns, so that what disturbs one round disturbs all of them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = str(Path(sys.executable).with_name("gemini-cli"))
KEY = "bench-key-0123456789-abcdefghij"
DELTA = "twenty bytes of text"


class Cost(NamedTuple):
    """One run: seconds on the clock, seconds of processor time (children included), peak memory in MiB.

    Linux counts the memory of the process that starts another as the other's first; so this one imports little.
    """

    wall: float
    cpu: float
    peak: float


class Target(NamedTuple):
    """A ratio within one run, or MiB of memory, and the bound that it should keep."""

    name: str
    value: float
    bound: float
    at_least: bool = False  # the bound is a lower one

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def run(argv: Sequence[str], environ: Mapping[str, str], status: int = 0) -> Cost:
    """Run a program to its end, its output thrown away. It must end with `status`."""
    started = time.perf_counter()
    process = subprocess.Popen(
        argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, ended, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(ended)
    assert process.returncode == status, f"{argv[0]} ended with {process.returncode}"
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def take_turns(contestants: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """The median of each cost over so many rounds, after one that does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, contest in contestants.items():
            cost = contest()
            if number:
                costs[name].append(cost)
    return {name: Cost(*map(statistics.median, zip(*taken, strict=True))) for name, taken in costs.items()}


def target_table(targets: Iterable[Target]) -> str:
    """Each measured value beside its bound."""
    lines = [f"{'Targets':60}{'measured':>10}{'bound':>10}"]
    for target in targets:
        sign = ">=" if target.at_least else "<="
        missed = "" if target.met else "  missed"
        lines.append(f"  {target.name:58}{target.value:>10.2f}{sign:>5} {target.bound:<4g}{missed}")
    return "\n".join(lines)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"{title:34}" + "".join(f"{name:>10}" for name in header)]
    for name, *cells in rows:
        lines.append(f"  {name:32}" + "".join(f"{'' if cell is None else f'{cell:.2f}':>10}" for cell in cells))
    return "\n".join(lines)


MINIMAL = [sys.executable, str(Path(__file__).with_name("minimal.py"))]
MINIMAL_MAP = [sys.executable, str(Path(__file__).with_name("minimal_map.py"))]


def environment(**more: str) -> dict[str, str]:
    """A clean one, with a home of its own for the length of this process."""
    return {"PATH": os.environ["PATH"], "HOME": _HOME.name, "GEMINI_API_KEY": KEY, "GOOGLE_API_KEY": KEY, **more}


_HOME = tempfile.TemporaryDirectory(prefix="gemini-cli-bench-")


# The server ----------------------------------------------------------------------------------------------------------


@contextmanager
def running(serve: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """A server in a process of its own; what it sends through the pipe once it listens."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


class Order(NamedTuple):
    """How a stream comes, said in the input of the request: so many deltas, so many in a write, seconds between writes.

    `stamped`: each delta's text is the time at which it was sent, in nanoseconds of the monotonic clock.
    """

    deltas: int
    burst: int = 1
    pause: float = 0.0
    stamped: bool = False


def serve(pipe: Connection, certificate: str | None = None) -> None:
    """Answers every request at once, with bodies made before: a plain answer, or a stream as it is ordered."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = secured(certificate)
    plain = {"interactions": _answer("interactions", {"input": "hi"}), "models": _answer(_GENERATE, _CONTENTS)}
    pipe.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with context.wrap_socket(connection, server_side=True) if context else connection as client:
                _serve(client, plain)
        except OSError:
            pass  # it has gone, or it does not trust us


def _serve(client: socket.socket, plain: Mapping[str, bytes]) -> None:
    """One request a connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(client)
    head, _, body = data.partition(b"\r\n\r\n")
    size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < size:
        body += _received(client)
    asked = json.loads(body)
    if asked.get("stream"):
        _stream(client, _order(asked["input"]))
    else:
        client.sendall(plain["models" if b":generateContent" in head.partition(b"\r\n")[0] else "interactions"])


def _order(given: Any) -> Order:
    """The order in an input: its text, or the text of the last turn of a conversation."""
    while not isinstance(given, str):
        given = given[-1]["content"] if "content" in given[-1] else given[-1]["text"]
    return Order(*json.loads(given))


def _received(client: socket.socket) -> bytes:
    data = client.recv(65536)
    if not data:
        raise OSError("closed")
    return data


_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\n{}\r\nConnection: close\r\n\r\n"
_GENERATE = "models/gemini-flash-latest:generateContent"
_CONTENTS = {"contents": [{"parts": [{"text": "hi"}]}]}


def _answer(path: str, body: Mapping[str, Any]) -> bytes:
    """The emulator's answer, made once."""
    from gemini_cli.emulator.http.exchange import HttpRequest
    from gemini_cli.emulator.service import Emulator

    asked = json.dumps({"model": "gemini-flash-latest", **body} if path == "interactions" else body).encode()
    answer = b"".join(Emulator().handle(HttpRequest("POST", f"/v1beta/{path}", {}, asked)).body)
    return _HEAD.format("application/json", f"Content-Length: {len(answer)}").encode() + answer


def _stream(client: socket.socket, order: Order) -> None:
    client.sendall(_HEAD.format("text/event-stream", "Transfer-Encoding: chunked").encode())
    created = {"id": "v1_bench", "status": "in_progress", "object": "interaction"}
    client.sendall(_chunk(_frame({"event_type": "interaction.created", "interaction": created})))
    client.sendall(_chunk(_frame({"event_type": "step.start", "index": 0, "step": {"type": "model_output"}})))
    burst = _chunk(_delta(DELTA) * order.burst)
    for _ in range(order.deltas // order.burst):
        if order.pause:
            time.sleep(order.pause)
        client.sendall(_chunk(_delta(f"{time.monotonic_ns():019d}\n")) if order.stamped else burst)
    client.sendall(_chunk(_frame({"event_type": "step.stop", "index": 0})))
    completed = {**created, "status": "completed"}
    client.sendall(_chunk(_frame({"event_type": "interaction.completed", "interaction": completed})) + _chunk(b""))


def _delta(text: str) -> bytes:
    return _frame({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}})


def _frame(event: Mapping[str, Any]) -> bytes:
    return f"event: {event['event_type']}\ndata: {json.dumps(event)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    """One of HTTP's: what a server flushes at once."""
    return b"%x\r\n%b\r\n" % (len(data), data)


# Certificates --------------------------------------------------------------------------------------------------------


class Authority(NamedTuple):
    """A CA for localhost: the server's certificate with its key; whom to trust, among all that the system trusts."""

    server: str
    bundle: str  # one file
    hashed: str  # OpenSSL's directory of links


def authority(folder: Path) -> Authority | None:
    """Made by openssl; None where there is no openssl or no bundle of the system's."""
    system = Path(ssl.get_default_verify_paths().openssl_cafile)
    bundles = [path for path in (system, Path("/etc/ssl/certs/ca-certificates.crt")) if path.is_file()]
    if shutil.which("openssl") is None or not bundles:
        return None
    made = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-subj",
        "/CN=bench",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    _openssl(folder, "req", "-x509", *made, *names)
    certificate = (folder / "cert.pem").read_text()
    (folder / "server.pem").write_text(certificate + (folder / "key.pem").read_text())
    (folder / "bundle.pem").write_text(bundles[0].read_text() + certificate)
    (folder / "hashed").mkdir()
    name = _openssl(folder, "x509", "-noout", "-subject_hash", "-in", "cert.pem").strip()
    (folder / "hashed" / f"{name}.0").write_text(certificate)
    return Authority(*(str(folder / name) for name in ("server.pem", "bundle.pem", "hashed")))


def secured(certificate: str | None) -> ssl.SSLContext | None:
    """A server's side of TLS, if it has a certificate."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _openssl(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
