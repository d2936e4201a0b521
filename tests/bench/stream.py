"""A stream of 50,000 small deltas: what reading it costs, and how long a delta takes from the server to stdout.

    python -m tests.bench.stream [ROUNDS]

Beside `curl -N | sed -u | jq --unbuffered`, which is what one would write without us, and beside the least program on
the same packages (minimal.py). A delta's way is timed from the server's clock in its text to the byte in our pipe.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from tests.bench.measure import (
    MINIMAL,
    PROGRAM,
    Cost,
    Order,
    Target,
    environment,
    run,
    running,
    serve,
    table,
    take_turns,
    target_table,
)

LONG = Order(50_000)
BURSTS = Order(50_000, burst=16)
SLOW = Order(200, pause=0.005, stamped=True)

JQ = """jq --unbuffered -rj 'select(.delta.type == "text").delta.text'"""
PIPELINE = "curl | sed | jq, live"
STAMP = re.compile(rb"\d{19}")


def curl(url: str, order: Order) -> list[str]:
    body = json.dumps({"model": "m", "input": json.dumps(order), "stream": True})
    return ["curl", "-sSfN", "-H", "content-type: application/json", "-d", body, f"{url}/v1beta/interactions"]


def ours(order: Order) -> list[str]:
    return [PROGRAM, "stream", json.dumps(order)]


def readers(url: str, order: Order) -> dict[str, Callable[[], Cost]]:
    environ = environment(GEMINI_BASE_URL=url)
    contestants: dict[str, Callable[[], Cost]] = {
        "gemini-cli stream": partial(run, ours(order), environ),
        "minimal program": partial(run, [*MINIMAL, "--stream", json.dumps(order)], environ),
    }
    if shutil.which("jq"):
        pipeline = f"\"$@\" | sed -un 's/^data: //p' | {JQ}"
        contestants[PIPELINE] = partial(run, ["bash", "-c", pipeline, "bash", *curl(url, order)], environ)
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


def reading_targets(url: str, rounds: int) -> Iterator[Target]:
    for title, order in (("50,000 deltas, each a write", LONG), ("50,000 deltas, 16 a write", BURSTS)):
        costs = take_turns(readers(url, order), rounds)
        least, ours = costs["minimal program"], costs["gemini-cli stream"]
        rows = [
            (name, cost.cpu, cost.cpu / least.cpu, cost.wall / least.wall, cost.peak) for name, cost in costs.items()
        ]
        print(table(title, ("CPU s", "of minimal", "wall of it", "peak MiB"), rows), end="\n\n", flush=True)
        if order is LONG:
            yield Target("stream, CPU of the minimal program", ours.cpu / least.cpu, 1.3)
            yield Target("stream, peak MiB", ours.peak, 36)
            if PIPELINE in costs:
                yield Target("stream, CPU of the live pipeline", ours.cpu / costs[PIPELINE].cpu, 0.85)


def delay_targets(url: str, rounds: int) -> Iterator[Target]:
    environ = environment(GEMINI_BASE_URL=url)
    taken: dict[str, list[tuple[float, float]]] = {"curl -N": [], "gemini-cli stream": []}
    for _ in range(max(3, rounds // 3)):
        taken["curl -N"].append(delays(curl(url, SLOW), environ))
        taken["gemini-cli stream"].append(delays(ours(SLOW), environ))
    medians = {
        name: [statistics.median(column) * 1000 for column in zip(*each, strict=True)] for name, each in taken.items()
    }
    print(
        table("From the server to stdout", ("first, ms", "later, ms"), [(name, *row) for name, row in medians.items()])
    )
    (curl_first, curl_later), (first, later) = medians["curl -N"], medians["gemini-cli stream"]
    yield Target("first delta, ms more than curl -N", first - curl_first, 0.5)
    yield Target("later delta, ms more than curl -N", later - curl_later, 0.25)


def targets(rounds: int = 21) -> list[Target]:
    with running(serve) as port:
        url = f"http://127.0.0.1:{port}"
        return [*reading_targets(url, rounds), *delay_targets(url, rounds)]


if __name__ == "__main__":
    print(target_table(targets(*map(int, sys.argv[1:]))))
