"""One question, one short answer: how long it takes, beside what it could not take less than, and beside others.

    python -m tests.bench.startup [ROUNDS]

The floor is an interpreter that imports what an HTTP client of the standard library needs, and does nothing with it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.bench.measure import PROGRAM, Cost, authority, environment, run, running, serve, table, take_turns

FLOOR = [sys.executable, "-c", "import ssl, http.client, json"]
BODY = json.dumps({"model": "gemini-flash-latest", "input": "hi"})
SDK = "import sys; from google import genai; client = genai.Client(http_options={'base_url': sys.argv[1]})\n"
INTERACTION = SDK + "print(client.interactions.create(model='gemini-flash-latest', input='hi').output_text)"
CONTENT = SDK + "print(client.models.generate_content(model='gemini-flash-latest', contents='hi').text)"


def curl(url: str, *more: str) -> list[str]:
    return ["curl", "-sSf", *more, "-H", "content-type: application/json", "-d", BODY, f"{url}/v1beta/interactions"]


def contest(argv: Sequence[str], status: int = 0, **environ: str) -> Callable[[], Cost]:
    return partial(run, argv, environment(**environ), status)


def without_network() -> dict[str, Callable[[], Cost]]:
    return {
        "floor": contest(FLOOR),
        "--version": contest([PROGRAM, "--version"]),
        "--help": contest([PROGRAM, "--help"]),
        "generate --help": contest([PROGRAM, "generate", "--help"]),
        "a usage error": contest([PROGRAM, "generate", "--no-such-flag"], 2),
        "--dry-run": contest([PROGRAM, "generate", "--dry-run", "hi"]),
        "--offline": contest([PROGRAM, "generate", "--offline", "hi"]),
    }


def over_loopback(url: str) -> dict[str, Callable[[], Cost]]:
    contestants = {
        "floor": contest(FLOOR),
        "curl": contest(curl(url)),
        "gemini-cli generate": contest([PROGRAM, "generate", "hi"], GEMINI_BASE_URL=url),
    }
    if importlib.util.find_spec("google.genai") is None:
        return contestants
    return {
        **contestants,
        "SDK interactions.create": contest([sys.executable, "-c", INTERACTION, url]),
        "SDK generate_content": contest([sys.executable, "-c", CONTENT, url]),
    }


def over_tls(url: str, bundle: str, hashed: str) -> dict[str, Callable[[], Cost]]:
    generate = [PROGRAM, "generate", "hi"]
    return {
        "floor": contest(FLOOR),
        "curl, whole bundle": contest(curl(url, "--cacert", bundle)),
        "generate, whole bundle": contest(generate, GEMINI_BASE_URL=url, SSL_CERT_FILE=bundle),
        "generate, hashed directory": contest(generate, GEMINI_BASE_URL=url, SSL_CERT_DIR=hashed),
    }


def told(title: str, contestants: Mapping[str, Callable[[], Cost]], rounds: int) -> None:
    costs = take_turns(contestants, rounds)
    floor = costs["floor"]
    rows = [
        (name, cost.wall * 1000, cost.wall / floor.wall, cost.cpu / floor.cpu, cost.peak)
        for name, cost in costs.items()
    ]
    print(table(title, ("ms", "of floor", "CPU of it", "peak MiB"), rows), end="\n\n", flush=True)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    told("Without a network", without_network(), rounds)
    with running(serve) as port:
        told("Over loopback", over_loopback(f"http://127.0.0.1:{port}"), rounds)
    with tempfile.TemporaryDirectory() as folder:
        trusted = authority(Path(folder))
        if trusted is None:
            print("TLS: not measured, there is no openssl or no bundle here")
            return
        with running(serve, trusted.server) as port:
            told("Over TLS", over_tls(f"https://127.0.0.1:{port}", trusted.bundle, trusted.hashed), rounds)


if __name__ == "__main__":
    main()
