"""Many prompts: `map` beside curl with as many requests at a time.

    python -m tests.bench.map [ROUNDS]

The server answers every POST after 20 ms. `curl --parallel` asks it from one process, `xargs -P curl` from a process
for each request, `map` and the least program on the same packages (minimal_map.py) from threads.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.measure import (
    MINIMAL_MAP,
    PROGRAM,
    Target,
    environment,
    run,
    running,
    table,
    take_turns,
    target_table,
)

JOBS = 16
LATENCY = 0.02  # seconds
ROWS = 2000
TEXT = {"type": "model_output", "content": [{"type": "text", "text": "A fixed answer of some forty characters."}]}
ANSWER = json.dumps({"id": "v1_a", "status": "completed", "steps": [TEXT], "usage": {"total_tokens": 58}}).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)


def serve(pipe: Connection) -> None:
    """Requests one after the other on a connection, each answered after the latency."""
    import asyncio  # 8 MiB, which would count as the contestants'

    class Bare(asyncio.Protocol):
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

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


def file_of_rows(folder: Path, count: int) -> str:
    path = folder / f"{count}.jsonl"
    with path.open("w") as file:
        file.writelines(f'{{"id":"row-{number}","text":"some text, number {number}"}}\n' for number in range(count))
    return str(path)


def over_loopback(url: str, folder: Path, rounds: int) -> list[Target]:
    body = folder / "body"
    body.write_text('{"model":"gemini-flash-latest","input":"Summarise: some text, number 7"}')
    address = f"{url}/v1beta/interactions"
    post = ["curl", "-s", "-o", "/dev/null", "-H", "content-type:application/json", "-d", f"@{body}"]
    asks = [PROGRAM, "map", file_of_rows(folder, ROWS), "-p", "Summarise: {text}", "-j", str(JOBS)]
    kept = str(folder / "kept")
    contestants = {
        "curl --parallel": [*post, "--parallel", "--parallel-max", str(JOBS), f"{address}?[1-{ROWS}]"],
        "xargs -P curl": ["sh", "-c", f"seq {ROWS} | xargs -P{JOBS} -I{{}} {' '.join(post)} {address}"],
        "minimal program": [*MINIMAL_MAP, str(JOBS), file_of_rows(folder, ROWS)],
        "map": asks,
        "map --checkpoint": ["sh", "-c", 'rm -f "$0" && exec "$@" --checkpoint "$0"', kept, *asks],
    }
    environ = environment(GEMINI_BASE_URL=url)
    costs = take_turns({name: partial(run, argv, environ) for name, argv in contestants.items()}, rounds)
    curl, xargs = costs["curl --parallel"], costs["xargs -P curl"]
    rows = [
        (name, cost.wall, cost.wall / curl.wall, cost.cpu / xargs.cpu, cost.cpu / ROWS * 1000, cost.peak)
        for name, cost in costs.items()
    ]
    header = ("s", "of curl", "CPU/xargs", "ms CPU/row", "peak MiB")
    print(table(f"{ROWS} rows, {JOBS} at a time", header, rows), end="\n\n", flush=True)
    ours, least = costs["map"], costs["minimal program"]
    return [
        Target("map, wall time of curl --parallel", ours.wall / curl.wall, 1.25),
        Target("map, CPU of the minimal program", ours.cpu / least.cpu, 1.3),
        Target("map, peak MiB", ours.peak, 35),
    ]


def targets(rounds: int = 5) -> list[Target]:
    with tempfile.TemporaryDirectory() as name, running(serve) as port:
        return over_loopback(f"http://127.0.0.1:{port}", Path(name), rounds)


if __name__ == "__main__":
    print(target_table(targets(*map(int, sys.argv[1:]))))
