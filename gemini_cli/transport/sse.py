"""Server-sent events (WHATWG HTML, 9.2), decoded by httpx_sse; what it leaves to its caller is guarded here."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator

import httpx
from httpx_sse import EventSource, ServerSentEvent

EVENT_LIMIT = 64 * 1024 * 1024  # bytes of a line and of an event; some have several MB (api/README.md 7.13)
TAIL_LIMIT = 64 * 1024  # bytes kept of an error body
UNFRAMED = "unframed"  # the `event` of a JSON text that ends the stream without being an event


class EventTooLargeError(Exception):
    pass


def read_events(
    chunks: Iterable[bytes], on_invalid_utf8: Callable[[], None], *, limit: int = EVENT_LIMIT
) -> Iterator[ServerSentEvent]:
    """Events that have data, in their order; EventTooLargeError for one of more than `limit` bytes.

    A last event without its blank line counts if its data is a whole JSON object. A server that fails in the middle may
    write an error body, which is no event, and end: that comes as an event named UNFRAMED. Each piece of invalid UTF-8
    becomes U+FFFD, and `on_invalid_utf8` is called once.
    """
    guarded = _GuardedChunks(chunks, on_invalid_utf8, limit)
    response = httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=guarded, default_encoding="utf-8-sig"
    )
    for event in EventSource(response).iter_sse():
        guarded.size = 0
        if event.data and (not guarded.ended or _is_object(event.data)):
            yield event
    if guarded.tail.lstrip().startswith((b"{", b"[")):
        yield ServerSentEvent(UNFRAMED, guarded.tail.decode("utf-8", "replace"))


class _GuardedChunks:
    """The chunks with LF for every line end, so that no event waits for the LF that may follow a CR.

    They end with a blank line, which completes an event that lacks one. `size` are bytes since the last blank line or
    event, `tail` is what stands after the last blank line.
    """

    def __init__(self, chunks: Iterable[bytes], on_invalid_utf8: Callable[[], None], limit: int) -> None:
        self._chunks = chunks
        self._on_invalid_utf8 = on_invalid_utf8
        self._limit = limit
        self.size = 0
        self.tail = b""
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        after_cr = False
        utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        for chunk in self._chunks:
            if after_cr:
                chunk = chunk.removeprefix(b"\n")
            after_cr = chunk.endswith(b"\r") if chunk else after_cr
            if b"\r" in chunk:
                chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            self._measure(chunk)
            if utf8 is not None and not _decodes(utf8, chunk):
                utf8 = None
                self._on_invalid_utf8()
            if chunk:
                yield chunk
        self.ended = True
        yield b"\n\n"

    def _measure(self, chunk: bytes) -> None:
        self.size = 0 if b"\n\n" in chunk else self.size + len(chunk)
        if self.size > self._limit:
            raise EventTooLargeError(f"an event larger than {self._limit} bytes")
        joined = self.tail + chunk
        *_, tail = joined.rpartition(b"\n\n")
        self.tail = tail if len(tail) <= TAIL_LIMIT else tail[-1:]


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
