"""Faults on order: how an order is written, which call it falls on, and when it is used up.

An order is `name` or `name(argument, key=value)`; bare words are strings. Every fault also takes
`times` (1; `forever` never ends) and `on` (which calls; one of ON below, or a kind of routes.py).

Rule 1. Orders fall on calls in the order they were given, each on the first call it concerns.
Rule 2. A call takes at most one fault of a slot, so `cut, cut` cuts twice, and `cut, no_event_ids` falls on one call.
Rule 3. A fault in place of an answer comes alone; ordered after others it waits for a call of its own.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..http.exchange import Call, Reply
from ..http.routes import Match, streams

if TYPE_CHECKING:
    from .fault_table import Row

ASKS = ("create", "generate", "generate_stream")
UPLOAD_END = "upload_end"  # the chunk that ends an upload
FOREVER = "forever"


class Scene(NamedTuple):
    """Where a fault happens: the call, and how to go on as if there were none."""

    call: Call
    kind: str
    interactions: bool
    streamed: bool
    wait: Callable[[float], Iterator[bytes]]
    proceed: Callable[[Call], Reply]

    def with_faults(self, orders: Iterable["Order"]) -> "Scene":
        """The first order is the innermost."""
        scene = self
        for order in orders:
            scene = scene._replace(proceed=order.bound(scene))
        return scene


ON: dict[str, Callable[[str, bool], bool]] = {
    "any": lambda kind, streamed: True,
    "asks": lambda kind, streamed: kind in ASKS,
    "streams": lambda kind, streamed: streamed,
    "resumes": lambda kind, streamed: streamed and kind == "get",
    "plain": lambda kind, streamed: not streamed and kind in (*ASKS, "get"),
    "answers": lambda kind, streamed: kind in (*ASKS, "get"),
    "upload": lambda kind, streamed: kind in ("upload", UPLOAD_END),
    UPLOAD_END: lambda kind, streamed: kind == UPLOAD_END,
}


class Order:
    """One order: a row of the table with its arguments."""

    def __init__(self, text: str, row: "Row", arguments: dict[str, Any], times: int | None, on: str) -> None:
        self.text = text
        self.row = row
        self.times = times
        self._arguments = arguments
        self._on = on

    @classmethod
    def parse(cls, text: str) -> "Order":
        """A ValueError says what is wrong, with the nearest name for an unknown one."""
        from .fault_table import ROWS, read

        name, arguments = read(text)
        row = ROWS[name]
        times = arguments.pop("times", 1)
        if times == FOREVER:
            times = None
        elif not isinstance(times, int) or times < 1:
            raise ValueError(f"fault {text!r}: times is a number from 1 on, or {FOREVER}")
        on = str(arguments.pop("on", row.on))
        return cls(text, row, arguments, times, on)

    def concerns(self, kind: str, streamed: bool) -> bool:
        chosen = ON.get(self._on)
        return chosen(kind, streamed) if chosen else kind == self._on

    def bound(self, scene: Scene) -> Callable[[Call], Reply]:
        return lambda call: self.row.effect(scene._replace(call=call), **self._arguments)


class Faults:
    """The standing orders, and what is left of them."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._orders: list[Order] = []
        self._used: set[Order] = set()
        for text in texts:
            self.order(text)

    def order(self, text: str) -> None:
        """One more, after all others."""
        found = Order.parse(text)
        with self._lock:
            self._orders.append(found)

    def taken(self, match: Match, call: Call) -> list[Order]:
        """The orders that fall on this call, the innermost first; they are counted."""
        if not self._orders:
            return []
        kind, streamed = match.route.kind, streams(match, call)
        if kind == "upload" and "finalize" in call.headers.get("x-goog-upload-command", ""):
            kind = UPLOAD_END
        with self._lock:
            chosen = _chosen(each for each in self._orders if each.concerns(kind, streamed))
            for order in chosen:
                self._count(order)
        return sorted(chosen, key=lambda order: order.row.rank)

    def _count(self, order: Order) -> None:
        self._used.add(order)
        if order.times is not None:
            order.times -= 1
            if order.times == 0:
                self._orders.remove(order)

    def unspent(self) -> list[str]:
        """Orders with times left; one that lasts for ever is spent once it was used."""
        with self._lock:
            return [each.text for each in self._orders if each.times is not None or each not in self._used]


def _chosen(orders: Iterable[Order]) -> list[Order]:
    """Rules 2 and 3."""
    chosen: dict[str, Order] = {}
    for order in orders:
        if order.row.slot == "answer":
            if not chosen:
                return [order]
        else:
            chosen.setdefault(order.row.slot, order)
    return list(chosen.values())
