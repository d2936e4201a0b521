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
    Target,
    authority,
    environment,
    run,
    running,
    secured,
    table,
    take_turns,
    target_table,
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


def measure(
    title: str, url: str, folder: Path, mib: int, rounds: int, least: float, trusted: Authority | None = None
) -> list[Target]:
    """Print what each costs; `least` is the bound of our share of curl's throughput."""
    large = contest(url, sparse(folder / "large", mib << 20), trusted)
    small = contest(url, sparse(folder / "small", 1), trusted)
    costs = take_turns({**large, **{f"{who}, 1 byte": each for who, each in small.items()}}, rounds)
    rates = {who: mib / (costs[who].wall - costs[f"{who}, 1 byte"].wall) for who in large}
    rows = [
        (who, cost.wall, cost.cpu, cost.peak, rates.get(who), rates[who] / rates["curl -T"] if who in rates else None)
        for who, cost in costs.items()
    ]
    print(table(f"{mib} MiB, {title}", ("s", "CPU s", "peak MiB", "MiB/s", "of curl"), rows), end="\n\n", flush=True)
    return [
        Target(f"upload, {title}, throughput of curl -T", rates["upload"] / rates["curl -T"], least, at_least=True),
        Target(f"upload, {title}, peak MiB", costs["upload"].peak, 36),
    ]


def targets(mib: int = 1024, rounds: int = 7) -> list[Target]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(serve) as url:
            found = measure("http", url, folder, mib, rounds, 0.75)
        trusted = authority(folder)
        if trusted is None:
            print("TLS: not measured, there is no openssl or no bundle here")
            return found
        with running(serve, trusted.server) as url:
            return found + measure("TLS", url, folder, mib, rounds, 0.95, trusted)


if __name__ == "__main__":
    print(target_table(targets(*map(int, sys.argv[1:]))))
