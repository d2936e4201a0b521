"""Coverage-guided fuzzing of a target, until it fails or time is over; needs the extra `fuzz`.

    python -m tests.fuzz TARGET [ARGUMENTS OF LIBFUZZER]

As in `python -m tests.fuzz stream_reader -max_total_time=60 corpus tests/fuzz/seeds/stream_reader`: what is found
goes into `corpus`, and the bytes that fail into `crash-…`.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gemini_cli", "yaml"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"python -m tests.fuzz {'|'.join(TARGETS)} [ARGUMENTS OF LIBFUZZER]")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
