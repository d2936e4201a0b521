"""The emulator: authentication, routing, faults, error responses."""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, cast
from urllib.parse import parse_qsl

from .errors import ErrorResponse, invalid_json, invalid_key, missing_key, two_keys
from .faults.fault_context import BYTES_RANK, FaultContext, Proceed
from .faults.faults import FaultQueue, FaultSpec
from .http.error_format import error_to_response
from .http.exchange import KEY_HEADER, ApiRequest, HttpRequest, HttpResponse
from .http.routes import RouteMatch, find_route, response_form, wants_stream
from .http.sse_frames import events_to_array
from .model.script import Script
from .service_state import Pace, ServiceState

Handler = Callable[[ServiceState, ApiRequest], HttpResponse]

# The origin of URLs in responses where the request has no Host.
DEFAULT_ORIGIN = "https://generativelanguage.googleapis.com"
# The first requests without a route that are reported; a program may send a million.
UNKNOWN_LIMIT = 100
FAULT_HEADER, TOKEN_HEADER = "x-emulator-fault", "x-emulator-token"


class Emulator:
    """Answer requests as the API would, through `handle`.

    `state` is an SQLite file, shared between processes, or None for memory. `script` is a YAML file, its content as a
    list, or None. `faults` are written like "refuse(503, times=2)". Without `key`, requests need no key. The header
    X-Emulator-Fault works only in requests whose X-Emulator-Token equals `token`. `file_host` is the host in the URIs
    of files, for clients that refuse loopback addresses there. ValueError: an unknown fault, a script with a mistake,
    or an invalid host.
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
        file_host: str = "",
    ) -> None:
        self.key = key
        self.token = token
        # The scheme of URLs in responses.
        self.scheme = "http"
        origin = file_origin(file_host)
        self._settings: dict[str, Any] = {
            "clock": clock,
            "sleep": sleep,
            "pace": pace,
            "output_cap": output_cap,
            "file_host": file_host,
        }
        self._new_state: Callable[[Script], ServiceState] = lambda script: ServiceState(
            state, clock, sleep, script, pace or Pace(), output_cap, origin
        )
        self._initial = checked_script(script), tuple(faults)
        # Leftovers from before the last reset.
        self._past: list[str] = []
        self._was_reset = False
        self._begin()

    def _begin(self) -> None:
        script, faults = self._initial
        self.faults = FaultQueue(faults)
        # Requests without a route.
        self.unknown: list[str] = []
        self._state = self._new_state(Script(script.lines))
        # Whether there was a request, a fault or a script since then.
        self._touched = False

    def empty_copy(self) -> "Emulator":
        """An emulator in memory with the same settings and keys, and nothing else."""
        copy = Emulator(key=self.key, token=self.token, **self._settings)
        copy.scheme = self.scheme
        return copy

    def reset(self) -> list[str]:
        """Begin again with the first script and faults; return the strict leftovers.

        Objects in memory are forgotten; those in a state file stay.
        """
        leftovers = self._leftovers(strict=True) if self._touched else []
        self._past += leftovers
        self._was_reset = True
        self._begin()  # the old state is not closed: a request may still use it
        return leftovers

    def add_faults(self, texts: Iterable[str]) -> None:
        """Add faults; ValueError if one is wrong, then none is added."""
        self.faults.add(*texts)
        self._touched = True

    def replace_script(self, source: Script | str | os.PathLike[str] | list[Any]) -> None:
        """Use this script from now on; ValueError if it has a mistake."""
        script = checked_script(source)
        if self._touched:
            self._past += _script_leftovers(self._state.script, strict=True)
        self._state.script = script
        self._touched = True

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; ConnectionResetError if a fault breaks the connection."""
        self._touched = True
        match = find_route(request.method, request.target)
        if match is None:
            self._add_unknown(request)
            return error_to_response(ErrorResponse(404, "Method not found.", front_end=True), "json")
        try:
            self._check_key(match, request)
            faults = self._take_faults(match, request)
        except ErrorResponse as error:
            return error_to_response(error, response_form(match))
        response = self._with_faults(faults, match, request, self._carry_out)
        return events_to_array(response) if response_form(match) == "array" else response

    def _add_unknown(self, request: HttpRequest) -> None:
        if len(self.unknown) < UNKNOWN_LIMIT:
            self.unknown.append(f"{request.method} {request.target.partition('?')[0]}")

    def refuse_early(self, head: HttpRequest) -> HttpResponse | None:
        """The error for an unknown route, key or upload, before the body is read."""
        match = find_route(head.method, head.target)
        if match is None:
            return self.handle(head)
        try:
            self._check_key(match, head)
            if match.route.keyless:
                from .api.files import check_upload

                check_upload(self._state, match.query["upload_id"])
        except ErrorResponse as error:
            return error_to_response(error, response_form(match))
        return None

    def leftovers(self, *, strict: bool = False) -> list[str]:
        """Unused faults, unknown requests, and script lines whose `times` are not used up.

        If `strict`, also script lines that were never used, requests that no script line matched, and all of these from
        before a reset.
        """
        past = self._past if strict else []
        return past + (self._leftovers(strict) if self._touched or not self._was_reset else [])

    def _leftovers(self, strict: bool) -> list[str]:
        faults = [f"fault not used: {text}" for text in self.faults.unused()]
        requests = [f"unknown request: {text}" for text in self.unknown]
        return faults + requests + _script_leftovers(self._state.script, strict)

    def close(self) -> None:
        self._state.close()

    def admits(self, request: HttpRequest) -> bool:
        """Whether a request has the key or the token."""
        key = _given_key(request, dict(parse_qsl(request.target.partition("?")[2])))
        token = request.headers.get(TOKEN_HEADER)
        return self.key in (None, key) or (token is not None and token == self.token)

    def _check_key(self, match: RouteMatch, request: HttpRequest) -> None:
        if self.key is None or match.route.keyless:
            return
        if request.headers.get(KEY_HEADER) and match.query.get("key"):
            raise two_keys()
        key = _given_key(request, match.query)
        if not key:
            raise missing_key()
        if key != self.key:
            raise invalid_key()

    def _take_faults(self, match: RouteMatch, request: HttpRequest) -> list[FaultSpec]:
        """The faults of the request, innermost first."""
        text = request.headers.get(FAULT_HEADER)
        if not text:
            return self.faults.take(match, request)
        if not self.token or request.headers.get(TOKEN_HEADER) != self.token:
            raise ErrorResponse(403, f"{FAULT_HEADER} needs the right {TOKEN_HEADER}.", front_end=True)
        try:
            spec = FaultSpec.parse(text)
        except ValueError as error:
            raise ErrorResponse(400, str(error), front_end=True) from error
        return [spec, *self.faults.take(match, request)]

    def _carry_out(self, request: HttpRequest) -> HttpResponse:
        match = find_route(request.method, request.target)
        assert match is not None  # routed before, and faults change no path
        origin = f"{self.scheme}://{request.headers['host']}" if "host" in request.headers else DEFAULT_ORIGIN
        routed = ApiRequest(request, origin + match.base, match.version, match.path, match.query, [])
        try:
            response = _handler(match.route.handler)(self._state, routed)
        except RecursionError:
            return error_to_response(invalid_json("Message too deep."), response_form(match))
        except ErrorResponse as error:
            return error_to_response(error, response_form(match))
        faults = [FaultSpec.parse(text) for text in routed.script_faults]
        return self._with_faults(faults, match, request, lambda request: response)

    def _with_faults(
        self, faults: list[FaultSpec], match: RouteMatch, request: HttpRequest, proceed: Proceed
    ) -> HttpResponse:
        if not faults:
            return proceed(request)
        form = response_form(match)
        context = FaultContext(request, match.route.kind, form, wants_stream(match, request), self._state.wait, proceed)
        effects = [fault.apply for fault in faults]
        inner = sum(fault.type.rank < BYTES_RANK for fault in faults)
        if form == "array" and inner < len(faults):
            # Faults of content change events; faults of bytes change the array.
            effects.insert(inner, lambda context: events_to_array(context.proceed(context.request)))
        return context.with_faults(effects).proceed(request)


def _given_key(request: HttpRequest, query: Mapping[str, str]) -> str | None:
    """The key in the header or the query (api/README.md 1.4)."""
    return request.headers.get(KEY_HEADER) or query.get("key")


def checked_script(source: Script | str | os.PathLike[str] | list[Any] | None) -> Script:
    """The script; ValueError for a mistake in it or in its faults."""
    script = Script.load(source)
    for number, line in enumerate(script.lines, 1):
        for text in line.faults:
            try:
                FaultSpec.parse(text)
            except ValueError as error:
                raise ValueError(f"script line {number}: {error}") from None
    return script


def _script_leftovers(script: Script, strict: bool) -> list[str]:
    return script.unused_lines(strict=strict) + (script.unmatched_requests() if strict else [])


def file_origin(host: str) -> str:
    """The origin for a host or an origin; ValueError if it is neither."""
    origin = host if "://" in host or not host else f"https://{host}"
    if origin and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", origin):
        raise ValueError(f"file host {host!r}: expected a host name or an origin such as {DEFAULT_ORIGIN}")
    return origin


def _handler(name: str) -> Handler:
    module, _, function = name.partition(".")
    # A cast because getattr gives Any; a test compares the signatures of all handlers in routes.py.
    return cast(Handler, getattr(import_module(f".api.{module}", __package__), function))
