"""Read server-sent events (WHATWG HTML, 9.2) with httpx_sse, with limits."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator

import httpx
from httpx_sse import EventSource, ServerSentEvent

from gemini_cli.transport.errors import ERROR_LIMIT

EVENT_LIMIT = 64 * 1024 * 1024  # bytes of a line and of an event; some have several MB (api/README.md 7.13)
UNFRAMED = "unframed"  # the `event` for JSON at the end of the stream that is not an event


class EventTooLargeError(Exception):
    pass


def read_events(
    chunks: Iterable[bytes], on_invalid_utf8: Callable[[], None], *, limit: int = EVENT_LIMIT
) -> Iterator[ServerSentEvent]:
    """Yield the events with data; EventTooLargeError above `limit` bytes.

    A last event without a blank line counts if its data is a complete JSON object. A server that fails may write an
    error body, which is not an event, and end the stream: it becomes an event named UNFRAMED. Invalid UTF-8 becomes
    U+FFFD, and `on_invalid_utf8` is called once.
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
    """The chunks with LF for each line end, and a blank line at the end.

    Otherwise an event would wait for the LF that may follow a CR, and a last event without a blank line would be lost.
    `size` is the number of bytes since the last blank line or event, `tail` the bytes after the last blank line.
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
            if not chunk:
                continue
            if after_cr:
                chunk = chunk.removeprefix(b"\n")
            after_cr = chunk.endswith(b"\r")
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
        if chunk.endswith(b"\n\n"):  # most chunks are whole events
            self.size, self.tail = 0, b""
            return
        self.size = 0 if b"\n\n" in chunk else self.size + len(chunk)
        if self.size > self._limit:
            raise EventTooLargeError(f"an event larger than {self._limit} bytes")
        joined = self.tail + chunk
        *_, tail = joined.rpartition(b"\n\n")
        self.tail = tail if len(tail) <= ERROR_LIMIT else tail[-1:]


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:  # no character has begun in the chunk before
        return True
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
