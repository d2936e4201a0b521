"""Time and memory as the work grows: many rows, long streams, long conversations, large files.

    python -m tests.bench.growth [PART...]      map, stream, chat, upload, or all of them

Memory should stay level and time per unit of work the same. One run each; about ten minutes for all.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import map, upload
from tests.bench.measure import PROGRAM, Cost, Order, environment, run, running, serve, table


def measure(title: str, unit: str, environ: dict[str, str], commands: Sequence[tuple[float, str, list[str]]]) -> None:
    """Run each command once. `commands`: amount of work in units, name, argv."""
    rows = []
    for amount, name, argv in commands:
        cost: Cost = run(argv, environ)
        rows.append((name, cost.wall, cost.cpu, cost.cpu / amount * 1000, cost.peak))
    print(table(title, ("s", "CPU s", f"ms/{unit}", "peak MiB"), rows), end="\n\n", flush=True)


def grow_map(folder: Path) -> None:
    """Rows that are sent, then the same run again, which finds all of them in its checkpoint."""
    commands = []
    for count in (1_000, 10_000, 100_000):
        checkpoint = str(folder / f"checkpoint-{count}")
        rows = map.file_of_rows(folder, count)
        argv = [PROGRAM, "map", rows, "-p", "Summarise: {text}", "-j", str(map.JOBS), "--checkpoint", checkpoint]
        commands += [(count, f"{count:,} rows", argv), (count, f"{count:,} rows, all done before", argv)]
    with running(map.serve) as port:
        measure("map --checkpoint", "row", environment(GEMINI_BASE_URL=f"http://127.0.0.1:{port}"), commands)


def grow_stream(folder: Path) -> None:
    counts = (1_000, 50_000, 500_000)
    commands = [(count, f"{count:,} deltas", [PROGRAM, "stream", json.dumps(Order(count))]) for count in counts]
    with running(serve) as port:
        measure("stream", "delta", environment(GEMINI_BASE_URL=f"http://127.0.0.1:{port}"), commands)


def grow_chat(folder: Path) -> None:
    """Turns of one saved conversation, each a line on stdin; each answer is a stream of one delta."""
    turns = f"yes '{json.dumps(Order(1))}' | head -n"
    commands = [
        (count, f"{count:,} turns{no_store}", ["sh", "-c", f'{turns} {count} | "$0" chat {session}', PROGRAM])
        for count in (10, 1_000)
        for no_store, session in (("", f"--session s{count}"), (", --no-store", f"--no-store --session n{count}"))
    ]
    with running(serve) as port:
        measure("chat --session", "turn", environment(GEMINI_BASE_URL=f"http://127.0.0.1:{port}"), commands)


def grow_upload(folder: Path) -> None:
    commands = []
    for mib in (1, 1024, 8192):
        path = upload.sparse(folder / f"{mib}", mib << 20)
        commands.append((mib, f"{mib:,} MiB", [PROGRAM, "upload", "--mime", "video/mp4", str(path)]))
    with running(upload.serve) as url:
        measure("upload", "MiB", environment(GEMINI_BASE_URL=url), commands)


PARTS = {"map": grow_map, "stream": grow_stream, "chat": grow_chat, "upload": grow_upload}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
