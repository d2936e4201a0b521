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

from tests.bench.measure import (
    PROGRAM,
    Authority,
    Cost,
    authority,
    environment,
    run,
    running,
    secured,
    table,
    take_turns,
)
from tests.faults.null_server import NullServer


def serve(pipe: Connection, certificate: str | None = None) -> None:
    pipe.send(NullServer(tls=secured(certificate)).url)
    threading.Event().wait()


def contest(url: str, path: Path, trusted: Authority | None) -> dict[str, Callable[[], Cost]]:
    curl = ["curl", "-sSf", "-H", "Expect:", *(["--cacert", trusted.bundle] if trusted else []), "-T", str(path)]
    trust = {"SSL_CERT_DIR": trusted.hashed} if trusted else {}
    upload = [PROGRAM, "upload", "--mime", "video/mp4", str(path)]
    return {
        "curl -T": partial(run, [*curl, f"{url}/"], environment()),
        "upload": partial(run, upload, environment(GEMINI_BASE_URL=url, **trust)),
    }


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def told(title: str, url: str, folder: Path, mib: int, rounds: int, trusted: Authority | None = None) -> None:
    large = contest(url, sparse(folder / "large", mib << 20), trusted)
    small = contest(url, sparse(folder / "small", 1), trusted)
    costs = take_turns({**large, **{f"{who}, 1 byte": each for who, each in small.items()}}, rounds)
    rates = {who: mib / (costs[who].wall - costs[f"{who}, 1 byte"].wall) for who in large}
    rows = [
        (who, cost.wall, cost.cpu, cost.peak, rates.get(who), rates[who] / rates["curl -T"] if who in rates else None)
        for who, cost in costs.items()
    ]
    print(table(f"{mib} MiB, {title}", ("s", "CPU s", "peak MiB", "MiB/s", "of curl"), rows), end="\n\n", flush=True)


def main() -> None:
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(serve) as url:
            told("http", url, folder, mib, rounds)
        trusted = authority(folder)
        if trusted is None:
            print("TLS: not measured, there is no openssl or no bundle here")
            return
        with running(serve, trusted.server) as url:
            told("TLS", url, folder, mib, rounds, trusted)


if __name__ == "__main__":
    main()
