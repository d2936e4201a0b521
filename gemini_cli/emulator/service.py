"""The emulator itself: finds the route, checks the key, lets faults happen, and turns refusals into bodies."""

import os
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, cast

from .errors import Problem, missing_key, wrong_key
from .faults.faults import Faults, Order, Scene
from .http.exchange import JSON_UTF8, SSE, Call, Reply, Request, dump, pretty
from .http.routes import Match, find, streams
from .model.script import Script
from .service_state import Pace, World

Handler = Callable[[World, Request], Reply]

# What an in-memory caller that names no host is talking to.
OWN_NAME = "https://generativelanguage.googleapis.com"
FAULT_HEADER, TOKEN_HEADER = "x-emulator-fault", "x-emulator-token"


class Emulator:
    """`handle(call)` answers as the API would.

    `state` is an SQLite file, shared between processes, or None for memory; `script` a YAML file, its content as a
    list, or nothing; `faults` are orders like "refuse(503, times=2)". Without `key` every key and none is good.
    `token` is what the header X-Emulator-Token must say before X-Emulator-Fault is obeyed; without one it never is.
    Unknown fault names and bad scripts are a ValueError here, before anything is asked.
    """

    def __init__(
        self,
        *,
        state: str | os.PathLike[str] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        script: Script | str | os.PathLike[str] | list[Any] | None = None,
        faults: Iterable[str] = (),
        key: str | None = None,
        token: str | None = None,
        pace: Pace | None = None,
        output_cap: int = 65_536,
    ) -> None:
        self.key = key
        self.token = token
        # What a door speaks, for the URLs that answers contain.
        self.scheme = "http"
        self.faults = Faults(faults)
        # Requests that no route knows: a test should look at them, Server does.
        self.unknown: list[str] = []
        self._world = World(state, clock, sleep, Script.of(script), pace or Pace(), output_cap)
        for line in self._world.script.lines:
            for text in line.faults:
                Order.parse(text)

    def handle(self, call: Call) -> Reply:
        """Answer one call. Raises ConnectionResetError where a fault breaks the connection before any answer."""
        match = find(call.method, call.target)
        if match is None:
            path = call.target.partition("?")[0]
            self.unknown.append(f"{call.method} {path}")
            return _refusal(Problem(404, "Method not found.", front=True), None)
        try:
            self._check_key(match, call)
            orders = self._orders(match, call)
        except Problem as problem:
            return _refusal(problem, match)
        return self._scene(match, call, self._carry_out).with_faults(orders).proceed(call)

    def leftovers(self) -> list[str]:
        """What a clean run has none of: faults never spent, script lines never spoken, requests not understood."""
        spent = [f"fault not spent: {text}" for text in self.faults.unspent()]
        asked = [f"unknown request: {text}" for text in self.unknown]
        return spent + asked + self._world.script.unspoken()

    def close(self) -> None:
        self._world.close()

    def _check_key(self, match: Match, call: Call) -> None:
        if self.key is None or match.route.keyless:
            return
        given = call.headers.get("x-goog-api-key") or match.query.get("key")
        if not given:
            raise missing_key()
        if given != self.key:
            raise wrong_key()

    def _orders(self, match: Match, call: Call) -> list[Order]:
        """The faults of this call, the innermost first."""
        asked = call.headers.get(FAULT_HEADER)
        if asked:
            if not self.token or call.headers.get(TOKEN_HEADER) != self.token:
                raise Problem(403, f"{FAULT_HEADER} needs the right {TOKEN_HEADER}.", front=True)
            try:
                ordered = [Order.parse(asked)]
            except ValueError as error:
                raise Problem(400, str(error), front=True) from error
        else:
            ordered = []
        return ordered + self.faults.taken(match, call)

    def _carry_out(self, call: Call) -> Reply:
        match = find(call.method, call.target)
        assert match is not None  # the call was routed once already, and faults change no path
        origin = f"{self.scheme}://{call.headers['host']}" if "host" in call.headers else OWN_NAME
        request = Request(call, origin + match.base, match.version, match.path, match.query, [])
        try:
            reply = _handler(match.route.handler)(self._world, request)
        except Problem as problem:
            return _refusal(problem, match)
        orders = [Order.parse(text) for text in request.ordered]
        return self._scene(match, call, lambda call: reply).with_faults(orders).proceed(call)

    def _scene(self, match: Match, call: Call, proceed: Callable[[Call], Reply]) -> Scene:
        streamed = streams(match, call)
        return Scene(call, match.route.kind, match.route.interactions, streamed, self._world.wait, proceed)


def _handler(name: str) -> Handler:
    module, _, function = name.partition(".")
    # getattr gives Any; routes.py names only functions of this shape; a test looks.
    return cast(Handler, getattr(import_module(f".api.{module}", __package__), function))


def _refusal(problem: Problem, match: Match | None) -> Reply:
    """The body of the right family; every error says its charset (traffic.md 16)."""
    if match is not None and match.route.interactions and not problem.front:
        return Reply(problem.status, {"content-type": JSON_UTF8}, (dump(problem.interaction_body()),))
    # With alt=sse the older family says event-stream and sends plain JSON all the same (traffic.md 59).
    streamed = match is not None and match.route.kind == "generate_stream"
    if match is not None and streamed and match.query.get("alt") == "sse":
        return Reply(problem.status, {"content-type": SSE}, (pretty(problem.rpc_body()),))
    # Without it the array that was to come holds the error.
    body = [problem.rpc_body()] if streamed else problem.rpc_body()
    return Reply(problem.status, {"content-type": JSON_UTF8}, (pretty(body),))
