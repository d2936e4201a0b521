"""A run of the program: its streams, its environment, and its dependencies."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import CliError
from gemini_cli.transport.deadline import Clock, SetAlarm

if TYPE_CHECKING:
    from gemini_cli.transport.http_client import BaseTransport


def uniform_random(low: float, high: float) -> float:
    import random  # 5 ms, and most runs never wait

    return random.uniform(low, high)


class Dependencies(NamedTuple):
    """Time, randomness and the httpx transport, which tests replace."""

    sleep: Callable[[float], None] = time.sleep
    random: Callable[[float, float], float] = uniform_random
    now: Callable[[], float] = time.time
    clock: Clock = time.monotonic
    set_alarm: SetAlarm | None = None
    transport: Callable[[], BaseTransport] | None = None


class Program:
    """The object of the Typer context.

    `json_errors` is None until the options are parsed. `may_have_sent` is set before the first request. `finish` ends
    the recording of the run; OutputError, once, if it is not complete. `complete_error` adds
    what is known of the latest request to an error.
    """

    def __init__(self, terminal: Terminal, environ: Mapping[str, str], dependencies: Dependencies) -> None:
        self.terminal = terminal
        self.environ = environ
        self.dependencies = dependencies
        self.json_errors: bool | None = None
        self.may_have_sent = False
        self.complete_error: Callable[[CliError], None] = lambda error: None
        self.finish: Callable[[], None] = lambda: None
