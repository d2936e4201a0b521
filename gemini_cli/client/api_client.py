"""The kinds of requests to the API.

`request_sender` sends them with retries, and `response_body` reads the responses.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from gemini_cli.api.api_error import StreamError
from gemini_cli.api.events import Event
from gemini_cli.client.failures import AttemptFailed, RedirectError
from gemini_cli.client.request_sender import ApiRequest, ClientSettings, ReadResult, RequestSender
from gemini_cli.client.response_body import BodyReader
from gemini_cli.errors import CliError, RejectedError, TemporaryError
from gemini_cli.transport.body import RequestContent
from gemini_cli.transport.errors import ERROR_LIMIT, BrokenBodyError

if TYPE_CHECKING:
    from gemini_cli.transport.http_client import Response


class UploadResponse(NamedTuple):
    """The response to one upload request.

    `headers` is empty if none arrived; `failure` is the error if the body is missing.
    """

    headers: Mapping[str, str]
    text: str
    failure: CliError | None


class ApiClient:
    """A client of the API, for one thread."""

    def __init__(self, settings: ClientSettings) -> None:
        self._http = settings.http
        self._endpoint = settings.endpoint
        self.version = settings.endpoint.version
        self._key = {"x-goog-api-key": settings.key} if settings.key else {}
        self.sleep = settings.policy.sleep
        self.retries = settings.policy.retries
        self.check_deadline = settings.deadline.check
        self.log = settings.log
        self._notice = settings.notice
        self._redacted = settings.redacted
        self._bodies = BodyReader(settings.http.chunks, settings.log, settings.redacted)
        self._sender = RequestSender(settings, self._bodies.read_error)
        self.refuse_key = self._sender.refuse_key
        self.wait_before_retry = self._sender.wait_before_retry

    @property
    def attempts(self) -> int:
        """The number of attempts of the latest request."""
        return self._sender.attempts

    @property
    def answers(self) -> int:
        """The number of requests that were answered with success."""
        return self._sender.answers

    @property
    def create_attempts(self) -> int:
        """The number of attempts of the latest create, once it is answered with success."""
        return self._sender.create_attempts

    def json(self, method: str, path: str, body: RequestContent = b"", *, repeatable: bool | None = None) -> str:
        """Return the text of a JSON response; a create is a POST that is not `repeatable`."""
        request = self._request(method, path, body, "application/json", patient=method == "POST" and not repeatable)
        text = self._decoded(self._sender.send(request, self._bodies.read_json, repeatable))
        self.log(2, "<", text)
        return text

    def watch_answer_size(self, watch: Callable[[int], None]) -> None:
        """Call `watch` with the size of a JSON response so far; it may wait."""
        self._bodies.on_size = watch

    @contextmanager
    def create_errors(self) -> Iterator[None]:
        """Complete the errors of a create, which is sent in the `with` block.

        A request that was answered with 200 may be billed, whatever is wrong with the answer.
        """
        answers = self.answers
        try:
            yield
        except CliError as failure:
            failure.attempts = self.attempts
            if failure.billed == "no" and self.answers > answers:
                failure.billed = "maybe"
            raise

    def complete_error(self, error: CliError) -> None:
        """Complete an error on this machine that followed the answer to a create."""
        if self.create_attempts:
            error.billed = "yes" if error.billed == "no" else error.billed
            error.attempts = error.attempts or self.create_attempts

    def delete(self, path: str) -> None:
        """Delete a resource; its response needs no body (api/README.md 1.8)."""
        request = self._request("DELETE", path, b"", "application/json")
        self._delete(request, lambda response: response.close())

    def events(self, method: str, path: str, body: RequestContent = b"") -> Generator[Event, None, None]:
        """Send a request, and return an iterator over the events of its response.

        Reading the events may raise BrokenBodyError. The caller closes the iterator: a signal that arrives while the
        garbage collector does it would be lost.
        """
        from gemini_cli.client.event_stream import read_api_events

        request = self._request(method, path, body, "text/event-stream")
        response = self._sender.send(request, self._bodies.check_events)
        return self._events(response, read_api_events(self._http.chunks(response), self._invalid_utf8))

    def content(self, path: str, headers: Mapping[str, str]) -> tuple[Response, Iterator[bytes]]:
        """Download a file: the response, which the caller closes, and its bytes.

        `headers` may request a range. The server answers with 302, the only redirect that is followed. The key is sent
        only to the same host, and to googleapis hosts over https.
        """
        request = self._request("GET", path, b"", "*/*")
        response = self._get_file(request._replace(headers={**request.headers, **headers}))
        return response, self._http.chunks(response)

    def call(self, method: str, path: str, body: RequestContent = b"") -> bytes | Iterator[bytes]:
        """Send any request: its JSON as a whole, or the pieces of another body.

        Reading the pieces may raise BrokenBodyError.
        """
        request = self._request(method, path, body, "*/*", patient=method == "POST")._replace(any_success=True)
        answer: bytes | Response
        if method == "DELETE":
            answer = self._delete(request, self._bodies.read_any) or b""
        elif method == "GET" and path.partition("?")[0].endswith(":download"):
            answer = self._get_file(request)
        else:
            answer = self._sender.send(request, self._bodies.read_any)
        return answer if isinstance(answer, bytes) else self._http.chunks(answer)

    def _delete(self, request: ApiRequest, read: Callable[[Response], ReadResult]) -> ReadResult | None:
        """Send a deletion, and return the result of `read`.

        A retry may get 404, because the request before it was carried out: the result is then None.
        """
        try:
            return self._sender.send(request, read, repeatable=True)
        except RejectedError as failure:
            if failure.http_status != 404 or failure.attempts == 1:
                raise
            return None

    def _get_file(self, request: ApiRequest) -> Response:
        try:
            return self._sender.send(request, self._bodies.check_file)
        except RedirectError as redirect:
            location = self._endpoint.may_move_to(request.url, redirect.location)
            if location is None:
                raise
            return self._sender.send(request._replace(url=location), self._bodies.check_file)

    def start_upload(self, headers: Mapping[str, str], body: bytes) -> UploadResponse:
        """Request an upload URL, without retries."""
        url = self._endpoint.upload_url("files")
        headers = {**self._upload_headers("application/json"), **self._key, **headers}
        return self._send_upload(ApiRequest("POST", url, headers, body))

    def upload(self, url: str, headers: Mapping[str, str], body: RequestContent = b"") -> UploadResponse:
        """Send one request to an upload URL, without retries and without the key.

        The next request depends on the bytes that the server has received; see `files.resumable_upload`.
        """
        headers = {**self._upload_headers("application/octet-stream"), **headers}
        return self._send_upload(ApiRequest("POST", url, headers, body))

    def may_upload_to(self, url: str) -> bool:
        return self._endpoint.may_have_key(url)

    @property
    def owner(self) -> str:
        """A digest of base URL and key, the name under which uploads are recorded."""
        from hashlib import sha256  # OpenSSL takes 5 ms

        return sha256(f"{self._endpoint.base}\0{self._key}".encode()).hexdigest()

    def _request(
        self, method: str, path: str, body: RequestContent, accept: str, *, patient: bool = False
    ) -> ApiRequest:
        headers = {**self._endpoint.headers(path, accept), **self._key}
        return ApiRequest(method, self._endpoint.url(path), headers, body, patient)

    def _upload_headers(self, content_type: str) -> dict[str, str]:
        return {**self._endpoint.headers("upload", "application/json"), "Content-Type": content_type}

    # Bodies -----------------------------------------------------------------------------------------------------------

    def _events(self, response: Response, events: Iterator[Event]) -> Generator[Event, None, None]:
        """Log the events, and redact secrets in the server's errors."""
        try:
            for event in events:
                self.log(2, "<", event.raw)
                yield Event.parse(self._redacted(event.raw), event.type) if event.type == "error" else event
        except StreamError as error:
            raise StreamError(error.error._replace(message=self._redacted(error.error.message))) from error
        except BrokenBodyError as error:
            raise BrokenBodyError(self._redacted(str(error))) from error
        finally:
            response.close()

    def _invalid_utf8(self) -> None:
        self._notice("the answer holds invalid UTF-8; it is shown as U+FFFD")

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode().removeprefix("\ufeff")
        except UnicodeDecodeError:
            self._invalid_utf8()
            return data.decode("utf-8", "replace")

    # Uploads ----------------------------------------------------------------------------------------------------------

    def _send_upload(self, request: ApiRequest) -> UploadResponse:
        try:
            return self._sender.send_once(request, self._upload_body)
        except AttemptFailed as failed:
            return UploadResponse(failed.headers, "", failed.failure)
        except RejectedError as failure:
            return UploadResponse({}, "", failure)

    def _upload_body(self, response: Response) -> UploadResponse:
        """Read the response to an upload request; its headers count without the body."""
        data = b""
        try:
            for chunk in self._http.chunks(response):
                data += chunk
                if len(data) > ERROR_LIMIT:
                    failure = RejectedError(f"an answer larger than {ERROR_LIMIT} bytes")
                    return UploadResponse(response.headers, "", failure)
        except BrokenBodyError as error:
            return UploadResponse(response.headers, "", TemporaryError(f"the answer is cut off: {error}"))
        finally:
            response.close()
        text = self._decoded(data)
        self.log(2, "<", text)
        return UploadResponse(response.headers, text, None)
