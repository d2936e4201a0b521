"""How fast is `map`, beside curl with as many requests at a time? Ratios within one run.

    python tests/bench/map.py [ROWS] [ROUNDS]

A bare server on loopback answers every POST after 20 ms. `curl --parallel` asks it from one process, `xargs -P curl`
from a process for each request, `map` from threads. Seconds of wall time and of CPU are medians over the rounds, which
are interleaved; the peak memory is the largest seen. Last, the memory of a dry run of a hundred times as many rows.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

JOBS = 16
LATENCY = 0.02
TEXT = {"type": "model_output", "content": [{"type": "text", "text": "A fixed answer of some forty characters."}]}
ANSWER = json.dumps({"id": "v1_a", "status": "completed", "steps": [TEXT], "usage": {"total_tokens": 58}}).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)


class Bare(asyncio.Protocol):
    """Requests one after the other on a connection, each answered after the latency."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data
        head, end, body = self.heard.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
            self.heard = b""
            asyncio.get_running_loop().call_later(LATENCY, self.transport.write, REPLY)


def serve(pipe: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def serving() -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


class Cost(NamedTuple):
    wall: float
    cpu: float
    peak_mib: float


def measure(argv: list[str], environ: dict[str, str]) -> Cost:
    """What a command and all its children take."""
    started = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere)
        _, status, used = os.wait4(process.pid, 0)
    assert status == 0, (argv, status)
    return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    program = [sys.executable, "-m", "gemini_cli", "map"]
    with serving() as url, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        rows, many, body = directory / "rows", directory / "many", directory / "body"
        rows.write_text("".join(f'{{"id":"row-{n}","text":"some text, number {n}"}}\n' for n in range(count)))
        body.write_text('{"model":"gemini-flash-latest","input":"Summarise: some text, number 7"}')
        address = f"{url}/v1beta/interactions"
        post = f"curl -s -o /dev/null -H content-type:application/json -d @{body}"
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "GEMINI_BASE_URL": url,
            "GEMINI_API_KEY": "a-key-for-the-bench-0123456789",
        }
        asks = [*program, str(rows), "-p", "Summarise: {text}", "-j", str(JOBS)]
        contenders = {
            "curl --parallel": [*post.split(), "--parallel", "--parallel-max", str(JOBS), f"{address}?[1-{count}]"],
            "map": asks,
            "map --checkpoint": ["sh", "-c", 'rm -f "$0" && exec "$@" --checkpoint "$0"', f"{directory}/kept", *asks],
            "xargs -P curl": ["sh", "-c", f"seq {count} | xargs -P{JOBS} -I{{}} {post} {address}"],
        }
        costs: dict[str, list[Cost]] = {contender: [] for contender in contenders}
        for _ in range(rounds):
            for contender, argv in contenders.items():
                costs[contender].append(measure(argv, environ))
        medians = {
            contender: Cost(*(statistics.median(values) for values in zip(*found, strict=True)))
            for contender, found in costs.items()
        }
        curl, xargs = medians["curl --parallel"], medians["xargs -P curl"]
        print(f"{count} rows, {JOBS} at a time")
        print(f"{'':24} {'wall s':>8} {'of curl':>8} {'CPU s':>8} {'of xargs':>8} {'MiB':>6}")
        for contender, cost in medians.items():
            peak = max(each.peak_mib for each in costs[contender])
            ratios = f"{cost.wall:8.2f} {cost.wall / curl.wall:8.2f} {cost.cpu:8.2f} {cost.cpu / xargs.cpu:8.3f}"
            print(f"  {contender:22} {ratios} {peak:6.0f}")
        with many.open("w") as file:
            for n in range(count * 100):
                file.write(f'{{"id":"row-{n}","text":"some text, number {n}"}}\n')
        for file_of_rows, times in ((rows, 1), (many, 100)):
            cost = measure([*program, str(file_of_rows), "-p", "Summarise: {text}", "-n"], environ)
            dry = f"dry run of {count * times}"
            print(f"  {dry:22} {cost.wall:8.2f} {'':8} {cost.cpu:8.2f} {'':8} {cost.peak_mib:6.0f}")


if __name__ == "__main__":
    main()
