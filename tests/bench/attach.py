"""How much memory does an attachment cost that goes inline? Peak of the whole program, beside one without it.

    python -m tests.bench.attach [MEGABYTES] [ROUNDS]

The target is less than three times the file and 40 MB.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measure import PROGRAM, environment, run, running, serve, table, take_turns

MB = 1000 * 1000


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as place, running(serve) as port:
        picture = Path(place, "a.png")
        with picture.open("wb") as file:
            for _ in range(size):  # not at once: what we hold would count as theirs
                file.write(os.urandom(MB))
        asks = {"without an attachment": [], f"with one of {size} MB": ["--inline", "-a", str(picture)]}
        environ = environment(GEMINI_BASE_URL=f"http://127.0.0.1:{port}")
        costs = take_turns(
            {who: partial(run, [PROGRAM, "generate", *flags, "hi"], environ) for who, flags in asks.items()}, rounds
        )
    megabytes = {who: cost.peak * 1024 * 1024 / MB for who, cost in costs.items()}
    alone = megabytes["without an attachment"]
    rows = [(who, cost.wall, megabytes[who], (megabytes[who] - alone) / size) for who, cost in costs.items()]
    print(table("One question", ("s", "peak MB", "files more"), rows))


if __name__ == "__main__":
    main()
