"""Record the exchanges of another httpx transport."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx

from gemini_cli.errors import DeadlineExceeded, Interrupted
from gemini_cli.transport.http_client import NOT_SENT
from gemini_cli.transport.recording import file_format
from gemini_cli.transport.recording.file_format import BodyRecorder, Redact

Finish = Callable[[dict[str, Any]], None]


class RecordTransport(httpx.BaseTransport):
    """Sends requests over `transport`, and appends a line for each exchange.

    A line is appended when the exchange has ended. `redact` removes secrets from a text. `close` records the responses
    that were not read to their end; a signal that ends the run leaves them out.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport,
        append: Callable[[bytes], None],
        redact: Redact,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._append = append
        self._redact = redact
        self._clock = clock
        self._run = os.urandom(4).hex()
        self._open: dict[_RecordedBody, None] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = _SentBody(request.stream)
        passed = httpx.Request(
            request.method, request.url, headers=request.headers, stream=sent, extensions=request.extensions
        )
        try:
            response = self._transport.handle_request(passed)
        except (httpx.TransportError, DeadlineExceeded) as error:
            if not isinstance(error, NOT_SENT):
                self._append(self._line(request, sent, {"lost": self._reason(error)}))
            raise
        origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
        about = {
            "status": response.status_code,
            "headers": file_format.response_headers(response.headers, origin, self._redact),
        }
        assert isinstance(response.stream, httpx.SyncByteStream)
        body = _RecordedBody(response.stream, self._clock)

        def finish(cut: BaseException | None) -> None:
            with self._lock:
                self._open.pop(body, None)
            events = response.headers.get("content-type", "").startswith("text/event-stream")
            fields = body.received.response_fields(self._redact, events=events)
            broken = {"cut": self._reason(cut)} if cut is not None else {}
            self._append(self._line(request, sent, {**about, **fields, **broken}))

        body.finish = finish
        with self._lock:
            self._open[body] = None
        response.stream = body
        return response

    def close(self) -> None:
        for body in tuple(self._open):
            body.close()
        self._transport.close()

    def _line(self, request: httpx.Request, sent: _SentBody, response: dict[str, Any]) -> bytes:
        target, whole = request.url.raw_path.decode(), sent.whole()
        described = file_format.describe_request(request.method, target, request.headers, whole, self._redact)
        return file_format.recording_line(self._run, described, response)

    def _reason(self, error: BaseException) -> str:
        return self._redact(str(error)) or type(error).__name__


class _SentBody(httpx.SyncByteStream):
    """The body of a request, which is recorded while it is sent."""

    def __init__(self, stream: Any) -> None:
        self._chunks: Iterator[bytes] = iter(stream)
        self._sent = BodyRecorder(file_format.REQUEST_BODY_LIMIT)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._sent.add(chunk)
            yield chunk

    def whole(self) -> BodyRecorder:
        """The body, with what a server did not wait for."""
        for _ in self:
            pass
        return self._sent


class _RecordedBody(httpx.SyncByteStream):
    """The body of a response; calls `finish` once, with the error that cut it off."""

    finish: Callable[[BaseException | None], None]

    def __init__(self, stream: Iterable[bytes], clock: Callable[[], float]) -> None:
        self.received = BodyRecorder(file_format.RESPONSE_BODY_LIMIT)
        self._stream = stream
        self._clock = clock
        self._began = clock()
        self._finished = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                now = self._clock()
                self.received.add(chunk, now - self._began)
                self._began = now
                yield chunk
        except (httpx.TransportError, DeadlineExceeded) as error:
            self._end(error)
            raise
        except Interrupted:
            self._finished = True  # a later run would be answered with half of it
            raise
        self._end(None)

    def close(self) -> None:
        if isinstance(self._stream, httpx.SyncByteStream):
            self._stream.close()
        if isinstance(sys.exc_info()[1], Interrupted):
            self._finished = True  # likewise, if the signal came between two chunks
        self._end(None)

    def _end(self, cut: BaseException | None) -> None:
        if not self._finished:
            self._finished = True
            self.finish(cut)
