"""The seam below the transport: a Call goes in, a Reply comes out. Policy above, sockets (or the emulator) below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from gemini_cli.body import Content
from gemini_cli.errors import Failure
from gemini_cli.refusal import Refusal

INVALID_UTF8 = "the answer holds invalid UTF-8; it is shown as U+FFFD"


class Call(NamedTuple):
    """One request. `headers` include the key; nothing else of it does."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Content = b""


class Reply(NamedTuple):
    """An answer whose status line and headers came (names in lower case); `chunks` are the body as it arrives.

    Reading `chunks` raises Cut when the connection breaks. `close` may be called at any time, more than once.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None]


class Told(NamedTuple):
    """What came of a request that is made once: headers, if they came, and the body's text or why there is none."""

    headers: Mapping[str, str]
    text: str
    failure: Failure | None


class WireFailure(Exception):
    """What went wrong below, in words for people."""


class NeverSent(WireFailure):
    """The request did not leave: safe to repeat. `hopeless` if another try would end the same way."""

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class Unanswered(WireFailure):
    """Sent, or partly sent, and no status line came: nobody knows whether it was carried out."""


class Cut(WireFailure):
    """The answer began, and its connection broke or fell silent; `said` is what the server said of it, if anything."""

    def __init__(self, message: str, said: Refusal | None = None) -> None:
        super().__init__(message)
        self.said = said


class Wire(Protocol):
    def send(self, call: Call) -> Reply: ...
