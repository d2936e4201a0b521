"""How fast is an upload, and in how much memory, beside `curl -T`? Ratios within one run.

    python tests/bench/upload.py [MIB] [ROUNDS]

Both send the same sparse file to a bare server that throws it away, in turns. The server measures from the first
request to the last byte; `whole run` has the start of the process in it. The targets are 0.8 of curl and 45 MiB.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

FAULTS = Path(__file__).parents[1] / "faults"
KEY = "a-key-that-nobody-looks-at"


class Took(NamedTuple):
    """Seconds on the wire, seconds of the run, MiB at its peak."""

    sent: float
    run: float
    peak: float


@contextmanager
def sink() -> Iterator[tuple[str, IO[str]]]:
    """The URL of a server in a process of its own, and what it says of each body."""
    server = subprocess.Popen([sys.executable, str(FAULTS / "sink.py")], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip(), server.stdout
    finally:
        server.kill()
        server.wait()


def measured(argv: list[str], environ: Mapping[str, str], said: IO[str], size: int, folder: Path) -> Took:
    peak = folder / "peak"
    measure = [sys.executable, "-S", "-E", str(FAULTS / "measure.py"), str(peak)]
    started = time.monotonic()
    subprocess.run([*measure, *argv], env=dict(environ), check=True, stdout=subprocess.DEVNULL)
    run = time.monotonic() - started
    _, received, seconds = said.readline().split()
    assert int(received) == size, (received, size)
    return Took(float(seconds), run, int(peak.read_text()) / 1024)


def main() -> None:
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else 1024) << 20
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    curl: list[Took] = []
    ours: list[Took] = []
    with tempfile.TemporaryDirectory() as name, sink() as (url, said):
        folder, path = Path(name), Path(name, "film.mp4")
        with path.open("wb") as file:
            file.truncate(size)
        environ = {**os.environ, "HOME": name, "GEMINI_API_KEY": KEY, "GEMINI_BASE_URL": url}
        for _ in range(rounds):
            put = ["/usr/bin/env", "curl", "-sS", "-H", "Expect:", "-o", os.devnull, "-T", str(path), f"{url}/"]
            curl.append(measured(put, environ, said, size, folder))
            upload = [sys.executable, "-m", "gemini_cli", "upload", str(path)]
            ours.append(measured(upload, environ, said, size, folder))
    show(size, curl, ours)


def show(size: int, curl: list[Took], ours: list[Took]) -> None:
    print(f"{size >> 20} MiB, median and best of {len(ours)}  {'curl -T':>16} {'upload':>16} {'of curl':>14}")
    for field, title in (("sent", "on the wire, s"), ("run", "whole run, s")):
        one, other = ([float(getattr(took, field)) for took in each] for each in (curl, ours))
        ratios = statistics.median(one) / statistics.median(other), min(one) / min(other)
        cells = (f"{statistics.median(each):8.2f} {min(each):7.2f}" for each in (one, other))
        print(f"  {title:29} {' '.join(cells)} {ratios[0]:7.2f} {ratios[1]:6.2f}")
    peaks = (f"{max(took.peak for took in each):16.1f}" for each in (curl, ours))
    print(f"  {'peak memory, MiB':29} {' '.join(peaks)}")


if __name__ == "__main__":
    main()
