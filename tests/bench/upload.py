"""How fast is an upload, and in how much memory, beside `curl -T`?

    python -m tests.bench.upload [MIB] [ROUNDS]

Both send the same sparse file to a bare server that throws it away: curl in one request, we in chunks of 8 MiB. What
either takes for a file of one byte is its start and its end; the rest of its time is the sending.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.measure import PROGRAM, Cost, environment, run, running, table, take_turns
from tests.faults.sink import Sink


def serve(pipe: Connection) -> None:
    pipe.send(Sink().url)
    threading.Event().wait()


def contest(url: str, path: Path) -> dict[str, Callable[[], Cost]]:
    curl = ["curl", "-sSf", "-H", "Expect:", "-T", str(path), f"{url}/"]
    upload = [PROGRAM, "upload", "--mime", "video/mp4", str(path)]
    return {
        "curl -T": partial(run, curl, environment()),
        "upload": partial(run, upload, environment(GEMINI_BASE_URL=url)),
    }


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def main() -> None:
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory() as name, running(serve) as url:
        large = contest(url, sparse(Path(name, "large"), mib << 20))
        small = contest(url, sparse(Path(name, "small"), 1))
        costs = take_turns({**large, **{f"{who}, 1 byte": each for who, each in small.items()}}, rounds)
    rates = {who: mib / (costs[who].wall - costs[f"{who}, 1 byte"].wall) for who in large}
    rows = [
        (who, cost.wall, cost.cpu, cost.peak, rates.get(who), rates[who] / rates["curl -T"] if who in rates else None)
        for who, cost in costs.items()
    ]
    print(table(f"{mib} MiB", ("s", "CPU s", "peak MiB", "MiB/s", "of curl"), rows))


if __name__ == "__main__":
    main()
