"""A stream of 50,000 small deltas: what reading it costs, and how long a delta takes from the server to stdout.

    python -m tests.bench.stream [ROUNDS]

Beside `curl -N | sed -u | jq --unbuffered`, which is what one would write without us, and beside the least that reads
the same with httpx and json. A delta's way is timed from the server's clock in its text to the byte in our pipe.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tests.bench.measure import PROGRAM, Cost, Order, environment, run, running, serve, table, take_turns

LONG = Order(50_000)
BURSTS = Order(50_000, burst=16)
SLOW = Order(200, pause=0.005, stamped=True)

MINIMAL = """
import json, os, sys, httpx
body = {"model": "m", "input": sys.argv[2], "stream": True}
with httpx.Client(trust_env=False, timeout=60) as client, client.stream("POST", sys.argv[1], json=body) as response:
    for line in response.iter_lines():
        if line.startswith("data: "):
            event = json.loads(line[6:])
            if event["event_type"] == "step.delta":
                os.write(1, event["delta"]["text"].encode())
"""
JQ = """jq --unbuffered -rj 'select(.delta.type == "text").delta.text'"""
STAMP = re.compile(rb"\d{19}")


def curl(url: str, order: Order) -> list[str]:
    body = json.dumps({"model": "m", "input": json.dumps(order), "stream": True})
    return ["curl", "-sSfN", "-H", "content-type: application/json", "-d", body, f"{url}/v1beta/interactions"]


def ours(order: Order) -> list[str]:
    return [PROGRAM, "stream", json.dumps(order)]


def minimal(url: str, order: Order) -> list[str]:
    return [sys.executable, "-c", MINIMAL, f"{url}/v1beta/interactions", json.dumps(order)]


def readers(url: str, order: Order) -> dict[str, Callable[[], Cost]]:
    environ = environment(GEMINI_BASE_URL=url)
    contestants: dict[str, Callable[[], Cost]] = {
        "gemini-cli stream": partial(run, ours(order), environ),
        "httpx and json, minimal": partial(run, minimal(url, order), environ),
    }
    if shutil.which("jq"):
        pipeline = f"\"$@\" | sed -un 's/^data: //p' | {JQ}"
        contestants["curl | sed | jq, live"] = partial(
            run, ["bash", "-c", pipeline, "bash", *curl(url, order)], environ
        )
    return contestants


def delays(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds from the server's clock to our pipe: of the first delta, and the median of the later ones."""
    found = []
    with subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        while data := process.stdout.read(65536):
            now = time.monotonic_ns()
            found += [(now - int(stamp)) / 1e9 for stamp in STAMP.findall(data)]
    assert len(found) == SLOW.deltas
    return found[0], statistics.median(found[1:])


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with running(serve) as port:
        url = f"http://127.0.0.1:{port}"
        for title, order in (("50,000 deltas, each a write", LONG), ("50,000 deltas, 16 a write", BURSTS)):
            costs = take_turns(readers(url, order), rounds)
            floor = costs["httpx and json, minimal"]
            rows = [
                (name, cost.cpu, cost.cpu / floor.cpu, cost.wall / floor.wall, cost.peak)
                for name, cost in costs.items()
            ]
            print(table(title, ("CPU s", "of httpx", "wall of it", "peak MiB"), rows), end="\n\n", flush=True)
        environ = environment(GEMINI_BASE_URL=url)
        taken: dict[str, list[tuple[float, float]]] = {"curl -N": [], "gemini-cli stream": []}
        for _ in range(max(3, rounds // 3)):
            taken["curl -N"].append(delays(curl(url, SLOW), environ))
            taken["gemini-cli stream"].append(delays(ours(SLOW), environ))
        rows = [
            (name, *(statistics.median(column) * 1000 for column in zip(*each, strict=True)))
            for name, each in taken.items()
        ]
        print(table("From the server to stdout", ("first, ms", "later, ms"), rows))


if __name__ == "__main__":
    main()
