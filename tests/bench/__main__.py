"""All benchmarks that have targets, one after the other, and a table of the targets at the end.

    python -m tests.bench [ROUNDS]

Run it on a machine that does nothing else, with an installation that is not editable. It takes about half an hour;
fewer rounds take less. The other modules of this package measure what has no target.
"""

import platform
import sys
from datetime import date

from tests.bench import map, startup, stream, upload
from tests.bench.measure import target_table


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    targets = [
        *startup.targets(rounds),
        *stream.targets(rounds),
        *map.targets(rounds),
        *upload.targets(rounds=rounds),
    ]
    print(f"\n{date.today()}, Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print(target_table(targets))
    return 0 if all(target.met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
