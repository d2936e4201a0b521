"""Send requests to the API: authentication, retries, and error mapping.

A request is retried if it was not sent, if the server refused it temporarily, or if it has no effect and got no
response. A create (a POST with an effect) that got no response may have been carried out and billed: it is retried
only with --retry-unknown. Resuming an answer is not a retry; see `interactions`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gemini_cli.api import errors
from gemini_cli.api.errors import StreamError
from gemini_cli.api.events import Event
from gemini_cli.client.failures import (
    AttemptFailed,
    RedirectError,
    no_response,
    not_sent,
)
from gemini_cli.client.response_body import ERROR_LIMIT, BodyReader, LogFunction
from gemini_cli.config.endpoint import Endpoint
from gemini_cli.errors import (
    AuthError,
    CliError,
    IncompleteError,
    InputError,
    RejectedError,
    TemporaryError,
    UnknownOutcomeError,
)
from gemini_cli.transport import retry
from gemini_cli.transport.body import RequestContent, StreamedBody, holds
from gemini_cli.transport.deadline import Deadline
from gemini_cli.transport.errors import BrokenBodyError, NoResponseError, NotSentError
from gemini_cli.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from gemini_cli.transport.http_client import HttpClient, Response

STANDARD_KEY_HINT = "standard keys (AIza…) are being refused; create an auth key (AQ.…) in AI Studio"
EXPIRED_FILE_HINT = "files live 48 hours; if it has expired, upload it again"  # api/README.md 10.8, 10.15
KEY_HINT = "check the key, its restrictions and its project in AI Studio"
_FILE_WORDS = r"\bfiles/|\bthe [Ff]ile\b"
_KEY_WORDS = r"(?i)\bapi key\b|\bproject\b|\bbeen used\b|\bdisabled\b|\bblocked\b|\bsuspended\b|\bmodel\b|\blocation\b"

ReadResult = TypeVar("ReadResult")

OnRetry = Callable[[CliError, float], None]  # called with the reason and the seconds to wait; it waits


class UploadResponse(NamedTuple):
    """The response to one upload request.

    `headers` is empty if none arrived; `failure` is the error if the body is missing.
    """

    headers: Mapping[str, str]
    text: str
    failure: CliError | None


class _Request(NamedTuple):
    """An HTTP request.

    `patient`: only the deadline limits the time before the first byte, because models may think for minutes.
    `any_success`: the server may answer with any status from 200 to 299.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: RequestContent = b""
    patient: bool = False
    any_success: bool = False

    def succeeds(self, status: int) -> bool:
        """True for 200, a part that was asked for, and a deletion without a body."""
        if status == 206:
            return "Range" in self.headers
        return status == 200 or (200 < status < 300 and (self.any_success or (status, self.method) == (204, "DELETE")))


class ApiClient:
    """A client of the API, for one thread.

    Threads may share `http`, the endpoint and the deadline.
    """

    def __init__(
        self,
        http: HttpClient,
        endpoint: Endpoint,
        key: str | None,
        deadline: Deadline,
        policy: RetryPolicy,
        *,
        gateway_headers: Mapping[str, str] | None = None,
        log: LogFunction = lambda level, *parts: None,
        notice: Callable[[str], None] = lambda text: None,
        on_retry: OnRetry | None = None,
        redacted: Callable[[str], str] = lambda text: text,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self.version = endpoint.version
        self._key = {"x-goog-api-key": key} if key else {}
        self._gateway_headers = gateway_headers or {}
        self._deadline = deadline
        self._policy = policy
        self.sleep = policy.sleep
        self._on_retry: OnRetry = on_retry or (lambda failure, seconds: self.sleep(seconds))
        self.retries = policy.retries
        self.attempts = 0  # of the latest request
        self.answers = 0  # requests that were answered with 200
        self.create_attempts = 0  # of the latest create, once it is answered with 200
        self.check_deadline = deadline.check
        self.log = log
        self._notice = notice
        self._waiting = waiting  # shows that a response is awaited
        self._bodies = BodyReader(http.chunks, log, redacted)
        self._redacted = redacted  # for the server's error messages, which are printed and stored

    def json(self, method: str, path: str, body: RequestContent = b"", *, repeatable: bool | None = None) -> str:
        """Return the text of a JSON response; a create is a POST that is not `repeatable`."""
        request = self._request(method, path, body, "application/json", patient=method == "POST" and not repeatable)
        text = self._decoded(self._send(request, repeatable, self._bodies.read_json))
        self.log(2, "<", text)
        return text

    def watch_answer_size(self, watch: Callable[[int], None]) -> None:
        """Call `watch` with the size of a JSON response so far; it may wait."""
        self._bodies.on_size = watch

    @contextmanager
    def create(self) -> Iterator[None]:
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

    def events(self, method: str, path: str, body: RequestContent = b"") -> Iterator[Event]:
        """Send a request, and return an iterator over the events of its response.

        Reading the events may raise BrokenBodyError.
        """
        from gemini_cli.client.event_stream import read_api_events

        response = self._send(self._request(method, path, body, "text/event-stream"), None, self._bodies.check_events)
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
        found: bytes | Response
        if method == "DELETE":
            found = self._delete(request, self._bodies.read_any) or b""
        elif method == "GET" and path.partition("?")[0].endswith(":download"):
            found = self._get_file(request)
        else:
            found = self._send(request, None, self._bodies.read_any)
        return found if isinstance(found, bytes) else self._http.chunks(found)

    def _delete(self, request: _Request, read: Callable[[Response], ReadResult]) -> ReadResult | None:
        """Send a deletion, and return the result of `read`.

        A retry may get 404, because the request before it was carried out: the result is then None.
        """
        try:
            return self._send(request, True, read)
        except RejectedError as failure:
            if failure.http_status != 404 or failure.attempts == 1:
                raise
            return None

    def _get_file(self, request: _Request) -> Response:
        try:
            return self._send(request, True, self._bodies.check_file)
        except RedirectError as redirect:
            location = self._endpoint.may_move_to(request.url, redirect.location)
            if location is None:
                raise
            return self._send(request._replace(url=location), True, self._bodies.check_file)

    def start_upload(self, headers: Mapping[str, str], body: bytes) -> UploadResponse:
        """Request an upload URL, without retries."""
        url = self._endpoint.upload_url("files")
        headers = {**self._upload_headers("application/json"), **self._key, **headers}
        return self._send_upload(_Request("POST", url, headers, body))

    def upload(self, url: str, headers: Mapping[str, str], body: RequestContent = b"") -> UploadResponse:
        """Send one request to an upload URL, without retries and without the key.

        The next request depends on the bytes that the server has received; see `files.resumable_upload`.
        """
        headers = {**self._upload_headers("application/octet-stream"), **headers}
        return self._send_upload(_Request("POST", url, headers, body))

    def refuse_key(self, body: RequestContent, url: str = "") -> None:
        """InputError if a request holds the API key in clear."""
        key = self._key.get("x-goog-api-key")
        if key and (key in url or holds(body, key.encode())):
            raise InputError("the request holds the API key in clear; it is not sent")

    def may_upload_to(self, url: str) -> bool:
        return self._endpoint.may_have_key(url)

    @property
    def owner(self) -> str:
        """A digest of base URL and key, the name under which uploads are recorded."""
        from hashlib import sha256  # OpenSSL takes 5 ms

        return sha256(f"{self._endpoint.base}\0{self._key}".encode()).hexdigest()

    def wait_before_retry(self, failure: CliError, attempts: int) -> None:
        """Wait before the next attempt, or raise `failure` if the deadline is sooner."""
        hint = failure.retry_after_s
        if hint is None:
            wait = retry.backoff(attempts, self._policy.random)
        else:
            wait = hint * (1 + self._policy.random(0, retry.JITTER))
        if wait >= self._deadline.remaining():
            if hint is not None:
                failure.message += f" (come back in {hint:g} s; the limit for this run is {self._deadline.seconds:g} s)"
            raise failure
        self.log(1, f"waiting {wait:.1f} s before try {attempts + 1}")
        self._on_retry(failure, wait)

    def _request(self, method: str, path: str, body: RequestContent, accept: str, *, patient: bool = False) -> _Request:
        headers = {**self._endpoint.headers(path, accept), **self._key}
        return _Request(method, self._endpoint.url(path), headers, body, patient)

    def _upload_headers(self, content_type: str) -> dict[str, str]:
        return {**self._endpoint.headers("upload", "application/json"), "Content-Type": content_type}

    # Attempts ---------------------------------------------------------------------------------------------------------

    def _send(self, request: _Request, repeatable: bool | None, read: Callable[[Response], ReadResult]) -> ReadResult:
        """Send a request with retries, and return the result of `read`."""
        self._deadline.start()
        effect_free = request.method not in ("POST", "PATCH") if repeatable is None else repeatable
        self.attempts = unknowns = late = 0
        self.create_attempts = self.create_attempts if effect_free else 0
        while True:
            self.attempts += 1
            try:
                with self._waiting():
                    return self._attempt(request, effect_free, read)
            except AttemptFailed as failed:
                failure, limit = failed.failure, failed.limit
            except CliError as error:
                error.attempts = self.attempts
                raise
            failure.attempts = self.attempts
            unknowns += isinstance(failure, UnknownOutcomeError)
            if unknowns and failure.billed == "no":
                failure.billed = "maybe"  # an attempt before it may have been carried out
            late += failure.http_status == 504
            spent = unknowns if isinstance(failure, UnknownOutcomeError) else self.attempts
            if failure.http_status == 504 and self.attempts <= self._policy.retries:
                spent = late  # 504 is retried once, independently of other errors
            if spent > limit:
                raise failure from None
            self.wait_before_retry(failure, self.attempts)

    def _attempt(self, request: _Request, effect_free: bool, read: Callable[[Response], ReadResult]) -> ReadResult:
        """Send a request once, and return the result of `read`.

        AttemptFailed, with the number of attempts allowed, if it may be retried.
        """
        policy = self._policy
        response = self._response(request, effect_free)
        if not request.succeeds(response.status_code):
            limit = retry.retry_limit(response.status_code, policy.retries)
            failure = self._http_failure(request, response)
            if not effect_free and response.is_success:  # another status than 200 says that it was carried out
                failure.billed = "maybe"
            raise AttemptFailed(failure, limit, response.headers)
        self.answers += 1
        self.create_attempts = self.create_attempts if effect_free else self.attempts
        try:
            return read(response)
        except (UnknownOutcomeError, IncompleteError) as failure:  # the body broke off
            if effect_free:
                raise AttemptFailed(TemporaryError(failure.message), policy.retries) from failure
            if isinstance(failure, UnknownOutcomeError):
                raise AttemptFailed(failure, policy.retry_unknown) from failure
            raise

    def _response(self, request: _Request, effect_free: bool) -> Response:
        """Send a request once, and return the response of any status."""
        retries = self._policy.retries
        self.refuse_key(request.body, request.url)
        started = time.monotonic()
        extra = self._gateway_headers if self._endpoint.is_origin_of(request.url) else {}
        self._log_request(request, extra)
        headers = {**request.headers, **extra}
        try:
            response = self._http.send(request.method, request.url, headers, request.body, patient=request.patient)
        except NotSentError as error:
            self.log(1, f"{request.method} {request.url} -> {error}")
            failure = not_sent(error)
            raise AttemptFailed(failure, retries) from error
        except NoResponseError as error:
            self.log(1, f"{request.method} {request.url} -> {error}")
            if effect_free:
                raise AttemptFailed(TemporaryError(str(error)), retries) from error
            failure = no_response(str(error), timed_out=error.timed_out)
            raise AttemptFailed(failure, self._policy.retry_unknown) from error
        elapsed = time.monotonic() - started
        self.log(1, f"{request.method} {request.url} -> {response.status_code} ({elapsed:.2f} s)")
        self.log(2, "\n".join(f"< {name}: {value}" for name, value in response.headers.items()))
        return response

    def _log_request(self, request: _Request, secret_headers: Iterable[str]) -> None:
        headers = {**request.headers, **dict.fromkeys(secret_headers, "[redacted]")}
        self.log(2, "\n".join(f"> {name}: {value}" for name, value in headers.items()))
        if isinstance(request.body, StreamedBody):
            self.log(2, f"> ({request.body.size} bytes)")
        elif request.body:
            self.log(2, ">", request.body)

    def _http_failure(self, request: _Request, response: Response) -> CliError:
        if 300 <= response.status_code < 400:
            response.close()
            return RedirectError(response.status_code, response.headers.get("location", ""))
        reason = self._redacted(response.reason_phrase)
        error = errors.read_api_error(self._bodies.read_error(response), response.status_code, reason)
        failure = error.to_cli_error(response.status_code)
        url = request.url.partition("?")[0]  # an upload's query is a secret (api/README.md 10.3)
        if response.status_code == 404 and error.code is None:  # not the API's own (api/README.md 11.24)
            failure.message += f" ({url})"
        key = self._key.get("x-goog-api-key", "")
        if isinstance(failure, AuthError) and response.status_code in (400, 401) and error.refuses_standard_key(key):
            failure.hint = STANDARD_KEY_HINT
        if response.status_code == 403:
            failure.hint = _permission_hint(error, url)
        failure.retry_after_s = retry.server_retry_delay(response.headers, error.retry_delays(), self._policy.now())
        return failure

    # Bodies -----------------------------------------------------------------------------------------------------------

    def _events(self, response: Response, events: Iterator[Event]) -> Iterator[Event]:
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

    def _send_upload(self, request: _Request) -> UploadResponse:
        self._deadline.start()
        try:
            return self._attempt(request, True, self._upload_body)
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


def _permission_hint(error: errors.ApiError, url: str) -> str | None:
    """The hint for status 403, also that of an expired file (api/README.md 10.15)."""
    if re.search(_FILE_WORDS, error.message):
        return EXPIRED_FILE_HINT
    if error.reasons or re.search(_KEY_WORDS, error.message):
        return KEY_HINT
    return EXPIRED_FILE_HINT if "/files/" in url else None
