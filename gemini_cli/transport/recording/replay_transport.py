"""Answer from a recording, as an httpx transport: nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from gemini_cli.transport.recording.file_format import (
    REQUEST_BODY_LIMIT,
    BodyRecorder,
    RecordedResponse,
    Redact,
    describe_request,
)
from gemini_cli.transport.recording.replay import Recording


class ReplayTransport(httpx.BaseTransport):
    """Answers from `recorded`; RejectedError for a request that is not in it.

    `redact` removes the secrets of this run, as it was done for the recording.
    """

    def __init__(self, recorded: Recording, redact: Redact) -> None:
        self._recorded = recorded
        self._redact = redact

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = BodyRecorder(REQUEST_BODY_LIMIT)
        assert isinstance(request.stream, httpx.SyncByteStream)
        for chunk in request.stream:
            body.add(chunk)
        url = request.url
        described = describe_request(request.method, url.raw_path.decode(), request.headers, body, self._redact)
        found = self._recorded.find(described, f"{url.scheme}://{url.netloc.decode()}")
        if found.lost is not None:
            raise httpx.ReadError(found.lost)
        return httpx.Response(found.status, headers=found.headers, stream=_Body(found))


class _Body(httpx.SyncByteStream):
    def __init__(self, response: RecordedResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        for _, piece in self._response.pieces:
            yield piece
        if self._response.cut is not None:
            raise httpx.ReadError(self._response.cut)
