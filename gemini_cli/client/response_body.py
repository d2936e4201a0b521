"""Read the bodies of responses: JSON whole, files and events as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from gemini_cli.api.api_error import parse_api_error
from gemini_cli.client.failures import EVENTS_HINT, no_response
from gemini_cli.errors import DeadlineExceeded, IncompleteError, RejectedError
from gemini_cli.transport.errors import ERROR_LIMIT, BrokenBodyError, TransportError

if TYPE_CHECKING:
    from gemini_cli.transport.http_client import Response

ANSWER_LIMIT = 256 * 1024 * 1024  # bytes of a JSON answer


class LogFunction(Protocol):
    """Log at level 1 (a line per request) or 2 (headers and bodies).

    The parts are decoded and joined only if they are printed.
    """

    def __call__(self, level: int, *parts: str | bytes) -> None: ...


class BodyReader:
    """Checks the type of a response, and reads its body with `chunks`."""

    def __init__(
        self, chunks: Callable[[Response], Iterator[bytes]], log: LogFunction, redacted: Callable[[str], str]
    ) -> None:
        self._chunks = chunks
        self._log = log
        self._redacted = redacted
        self.on_size: Callable[[int], None] = lambda size: None

    def read_error(self, response: Response) -> bytes:
        """Read an error body, or the part of it that arrives."""
        data = b""
        try:
            for chunk in self._chunks(response):
                data += chunk[: ERROR_LIMIT - len(data)]
                if len(data) >= ERROR_LIMIT:
                    break
        except (TransportError, DeadlineExceeded):
            pass  # the status is known; only the message is missing
        finally:
            response.close()
        self._log(2, "<", data)
        return self._redacted(data.decode("utf-8", "replace")).encode()

    def read_json(self, response: Response) -> bytes:
        """Read the body of a JSON response, which is not empty."""
        body = self._read_whole(response, "application/json")
        if not body:
            raise RejectedError("the response is empty")
        return body

    def _read_whole(self, response: Response, media_type: str) -> bytes:
        """Read a body of this type.

        UnknownOutcomeError if it ends before its first byte, IncompleteError if it ends later.
        """
        pieces: list[bytes] = []
        size = 0
        try:
            _expect_type(response, media_type)
            for chunk in self._chunks(response):
                pieces.append(chunk)
                size += len(chunk)
                self.on_size(size)
                if size > ANSWER_LIMIT:
                    raise RejectedError(f"an answer larger than {ANSWER_LIMIT} bytes")
        except (BrokenBodyError, DeadlineExceeded) as error:
            if not b"".join(pieces).strip():
                raise no_response(str(error), timed_out=isinstance(error, DeadlineExceeded)) from error
            raise IncompleteError(f"the answer is cut off: {error}", billed="yes") from error
        finally:
            response.close()
        return b"".join(pieces)

    def read_any(self, response: Response) -> bytes | Response:
        """Read JSON, refuse HTML and events, and return another response unread."""
        found = _media_type(response)
        if found == "text/event-stream":
            response.close()
            raise RejectedError("the answer is a stream of events", hint=EVENTS_HINT)
        return self._read_whole(response, found) if found == "application/json" else self.check_file(response)

    def check_events(self, response: Response) -> Response:
        """Check that the response is a stream of events, and return it unread."""
        try:
            _expect_type(response, "text/event-stream")
        except RejectedError as failure:
            if _media_type(response) == "application/json":
                error = parse_api_error(self.read_error(response).decode())
                failure.message += f": {error.message}" if error and error.message else ""
            response.close()
            raise
        return response

    def check_file(self, response: Response) -> Response:
        """Check that the response is not HTML of a proxy, and return it unread."""
        try:
            _refuse_compression(response)
            if _media_type(response) == "text/html":
                raise RejectedError("not the API's answer: text/html instead of a file")
        except RejectedError:
            response.close()
            raise
        return response


def _expect_type(response: Response, media_type: str) -> None:
    """Raise RejectedError for another media type, such as HTML of a proxy."""
    _refuse_compression(response)
    found = _media_type(response)
    if found != media_type:
        raise RejectedError(f"not the API's answer: {found or 'no content type'} instead of {media_type}")


def _refuse_compression(response: Response) -> None:
    encoding = response.headers.get("content-encoding", "")
    if encoding.strip().lower() not in ("", "identity"):  # RFC 9110, 8.4.1
        raise RejectedError(f"the answer is compressed ({encoding}), which was not asked for")


def _media_type(response: Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()
