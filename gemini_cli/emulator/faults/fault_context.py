"""The request of a fault, and the filters of requests."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..http.exchange import HttpRequest, HttpResponse
from ..http.routes import ResponseForm

Proceed = Callable[[HttpRequest], HttpResponse]
GENERATING_ROUTES = ("create", "generate", "generate_stream")
# Slots in the order in which faults are applied, innermost first; any other slot comes before these.
SLOT_ORDER = ("end", "text", "bytes", "answer")
BYTES_RANK = SLOT_ORDER.index("bytes") + 1
UPLOAD_END = "upload_end"  # the last chunk of an upload


class FaultContext(NamedTuple):
    """One request; `proceed` gives its response without the fault."""

    request: HttpRequest
    route_kind: str
    form: ResponseForm
    streamed: bool
    wait: Callable[[float], Iterator[bytes]]
    proceed: Proceed

    @property
    def is_interactions(self) -> bool:
        return self.form == "interactions"

    def with_faults(self, effects: Iterable[Callable[["FaultContext"], HttpResponse]]) -> "FaultContext":
        """Wrap `proceed` in the effects; the first one is the innermost."""
        context = self
        for effect in effects:
            context = context._replace(proceed=_apply_effect(effect, context))
        return context


def _apply_effect(effect: Callable[[FaultContext], HttpResponse], context: FaultContext) -> Proceed:
    return lambda request: effect(context._replace(request=request))


# The values of `on`: whether a fault concerns a request, by its route's kind and whether it streams.
REQUEST_FILTERS: dict[str, Callable[[str, bool], bool]] = {
    "any": lambda kind, streamed: True,
    "asks": lambda kind, streamed: kind in GENERATING_ROUTES,
    "streams": lambda kind, streamed: streamed,
    "resumes": lambda kind, streamed: streamed and kind == "get",
    "plain": lambda kind, streamed: not streamed and kind in (*GENERATING_ROUTES, "get"),
    "answers": lambda kind, streamed: kind in (*GENERATING_ROUTES, "get"),
    "upload": lambda kind, streamed: kind in ("upload", UPLOAD_END),
    UPLOAD_END: lambda kind, streamed: kind == UPLOAD_END,
}
