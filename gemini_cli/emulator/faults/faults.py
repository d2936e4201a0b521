"""Requested faults: the requests they apply to, and how often they are still due.

Besides its own arguments every fault takes `times` (1; `forever` never ends) and `on` (a request filter, or the kind
of a route).

Rule 1. Faults apply to requests in the order in which they were given, each to the first request it concerns.
Rule 2. A request takes at most one fault of a slot: `cut, cut` cuts two requests; `cut, no_event_ids` changes one.
Rule 3. A fault that replaces the response applies alone; given after others it waits for another request.
"""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..http.exchange import HttpRequest, HttpResponse
from ..http.routes import RouteMatch, wants_stream
from .fault_context import REQUEST_FILTERS, UPLOAD_END, FaultContext

if TYPE_CHECKING:
    from .fault_registry import FaultType

FOREVER = "forever"


class FaultSpec:
    """A fault with its arguments, as it was requested in `text`."""

    def __init__(self, text: str, type: "FaultType", arguments: dict[str, Any], times: int | None, on: str) -> None:
        self.text = text
        self.type = type
        self.times = times
        self._arguments = arguments
        self._on = on

    @classmethod
    def parse(cls, text: str) -> "FaultSpec":
        """Read the notation of fault_table; ValueError says what is wrong."""
        from .fault_table import parse_fault  # slow to import, and most runs have no fault

        type, arguments = parse_fault(text)
        times = arguments.pop("times", 1)
        if times == FOREVER:
            times = None
        elif not isinstance(times, int) or times < 1:
            raise ValueError(f"fault {text!r}: times is a number from 1 on, or {FOREVER}")
        on = str(arguments.pop("on", type.on))
        return cls(text, type, arguments, times, on)

    def concerns(self, kind: str, streamed: bool) -> bool:
        chosen = REQUEST_FILTERS.get(self._on)
        return chosen(kind, streamed) if chosen else kind == self._on

    def apply(self, context: FaultContext) -> HttpResponse:
        return self.type.effect(context, **self._arguments)


class FaultQueue:
    """The requested faults that are still due."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._specs: list[FaultSpec] = []
        self._used: set[FaultSpec] = set()
        self.add(*texts)

    def add(self, *texts: str) -> None:
        """Append faults; ValueError if one is wrong, then none is added."""
        specs = [FaultSpec.parse(text) for text in texts]
        with self._lock:
            self._specs += specs

    def take(self, match: RouteMatch, request: HttpRequest) -> list[FaultSpec]:
        """The faults for this request, innermost first; each is counted as used."""
        if not self._specs:
            return []
        kind, streamed = match.route.kind, wants_stream(match, request)
        if kind == "upload" and "finalize" in request.headers.get("x-goog-upload-command", ""):
            kind = UPLOAD_END
        with self._lock:
            chosen = _choose(each for each in self._specs if each.concerns(kind, streamed))
            for spec in chosen:
                self._count(spec)
        return sorted(chosen, key=lambda spec: spec.type.rank)

    def _count(self, spec: FaultSpec) -> None:
        self._used.add(spec)
        if spec.times is not None:
            spec.times -= 1
            if spec.times == 0:
                self._specs.remove(spec)

    def unused(self) -> list[str]:
        """The faults that are still due; one with times=forever only if it never applied."""
        with self._lock:
            return [each.text for each in self._specs if each.times is not None or each not in self._used]


def _choose(specs: Iterable[FaultSpec]) -> list[FaultSpec]:
    """Apply rules 2 and 3."""
    chosen: dict[str, FaultSpec] = {}
    for spec in specs:
        if spec.type.slot == "answer":
            if not chosen:
                return [spec]
        else:
            chosen.setdefault(spec.type.slot, spec)
    return list(chosen.values())
