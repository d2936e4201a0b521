"""One question, one short answer: how long it takes, beside what it could not take less than, and beside others.

    python -m tests.bench.startup [ROUNDS]

The floor is an interpreter that imports what an HTTP client of the standard library needs, and does nothing with it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.bench.measure import (
    MINIMAL,
    PROGRAM,
    Cost,
    Target,
    authority,
    environment,
    run,
    running,
    serve,
    table,
    take_turns,
    target_table,
)

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
        "minimal program": contest([*MINIMAL, "hi"], GEMINI_BASE_URL=url),
        "gemini-cli generate": contest([PROGRAM, "generate", "hi"], GEMINI_BASE_URL=url),
    }
    if importlib.util.find_spec("google") is None or importlib.util.find_spec("google.genai") is None:
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


def measure(title: str, contestants: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Print what each costs, and return it."""
    costs = take_turns(contestants, rounds)
    floor = costs["floor"]
    rows = [
        (name, cost.wall * 1000, cost.wall / floor.wall, cost.cpu / floor.cpu, cost.peak)
        for name, cost in costs.items()
    ]
    print(table(title, ("ms", "of floor", "CPU of it", "peak MiB"), rows), end="\n\n", flush=True)
    return costs


def without_network_targets(rounds: int) -> Iterator[Target]:
    costs = measure("Without a network", without_network(), rounds)
    for name in ("--help", "a usage error", "--dry-run"):
        yield Target(f"{name}, of the floor", costs[name].wall / costs["floor"].wall, 1.85)


def loopback_targets(rounds: int) -> Iterator[Target]:
    with running(serve) as port:
        costs = measure("Over loopback", over_loopback(f"http://127.0.0.1:{port}"), rounds)
    ours = costs["gemini-cli generate"]
    bounds = {
        "floor": 3.3,
        "minimal program": 0.9,
        "SDK interactions.create": 0.16,
        "SDK generate_content": 0.25,
    }
    for name, bound in bounds.items():
        if name in costs:
            yield Target(f"one short answer, of {name}", ours.wall / costs[name].wall, bound)
    yield Target("one short answer, peak MiB", ours.peak, 30)


def tls_targets(rounds: int) -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as folder:
        trusted = authority(Path(folder))
        if trusted is None:
            print("TLS: not measured, there is no openssl or no bundle here")
            return
        with running(serve, trusted.server) as port:
            url = f"https://127.0.0.1:{port}"
            costs = measure("Over TLS", over_tls(url, trusted.bundle, trusted.hashed), rounds)
    for name, bound in (("hashed directory", 3.1), ("whole bundle", 3.8)):
        yield Target(f"over TLS, {name}, of the floor", costs[f"generate, {name}"].wall / costs["floor"].wall, bound)


def targets(rounds: int = 21) -> list[Target]:
    return [*without_network_targets(rounds), *loopback_targets(rounds), *tls_targets(rounds)]


if __name__ == "__main__":
    print(target_table(targets(*map(int, sys.argv[1:]))))
