"""How fast is the emulator, beside a bare http.server that answers a fixed body? Ratios within one run.

    python -m tests.bench.emulator [SECONDS]

Each server runs in a process of its own; a client with a few keep-alive connections asks as fast as it can. Small
creates are counted by the second, a stream of 10,000 deltas is timed. Absolute numbers depend on the machine; the
ratios are what to compare.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import NamedTuple

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.bench.measure import running

CONNECTIONS = 4
DELTAS = 10_000
SCRIPT = [{"when": "stream", "reply": "word " * DELTAS, "chunk": len("word ")}]


class Target(NamedTuple):
    port: int
    key: str


def bare(pipe: Connection) -> None:
    """http.server at its plainest: the answer of a small create, and of a stream of as many deltas, both fixed."""
    answer = json.dumps({"id": "v1_a", "status": "completed", "steps": [], "pad": "x" * 600}).encode()
    frame = b'event: step.delta\ndata: {"event_type":"step.delta","index":1,"delta":{"type":"text","text":"word "}}\n\n'

    class Fixed(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            if self.path.endswith("stream"):
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for _ in range(DELTAS):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fixed)
    pipe.send(Target(server.server_address[1], ""))
    server.serve_forever()


def emulated(pipe: Connection) -> None:
    server = Server(Emulator(script=SCRIPT), remember=None).start()
    pipe.send(Target(server.port, server.key))
    threading.Event().wait()


def post(connection: http.client.HTTPConnection, target: Target, body: dict[str, object], path: str = "") -> int:
    headers = {"content-type": "application/json", "x-goog-api-key": target.key}
    connection.request("POST", f"/v1beta/interactions{path}", json.dumps(body), headers)
    response = connection.getresponse()
    size = len(response.read())
    assert response.status == 200, response.status
    return size


def creates_a_second(target: Target, seconds: float, **body: object) -> float:
    """Small creates over a few connections."""
    counts = [0] * CONNECTIONS
    ends = time.monotonic() + seconds

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port)
        while time.monotonic() < ends:
            post(connection, target, {"model": "gemini-flash-latest", "input": "hi", **body})
            counts[place] += 1

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def stream_seconds(target: Target, path: str = "") -> float:
    """The median time of a stream of DELTAS deltas."""
    times = []
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", target.port)
        started = time.monotonic()
        size = post(connection, target, {"model": "gemini-flash-latest", "input": "stream", "stream": True}, path)
        times.append(time.monotonic() - started)
        assert size > DELTAS * 50, size
    return statistics.median(times)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with running(bare) as target:
        floor, floor_stream = creates_a_second(target, seconds), stream_seconds(target, "stream")
    with running(emulated) as target:
        stored = creates_a_second(target, seconds)
        stateless = creates_a_second(target, seconds, store=False)
        stream = stream_seconds(target)
    print(f"{'creates a second':28} {'':>8} {'of bare':>8}")
    for name, rate in (("bare http.server", floor), ("emulator, store", stored), ("emulator, store: false", stateless)):
        print(f"  {name:26} {rate:8.0f} {rate / floor:8.2f}")
    print(f"{f'stream of {DELTAS} deltas, ms':28}")
    for name, taken in (("bare http.server", floor_stream), ("emulator", stream)):
        print(f"  {name:26} {taken * 1000:8.0f} {taken / floor_stream:8.2f}")


if __name__ == "__main__":
    main()
