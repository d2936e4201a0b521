"""Send a request: log it, repeat it where that is safe, and map its errors.

A request is retried if it was not sent, if the server refused it temporarily, or if it has no effect and got no
response. A create (a POST with an effect) that got no response may have been carried out and billed: it is retried
only with --retry-unknown. Resuming an answer is not a retry; see `interactions`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import unquote

from gemini_cli.api.api_error import read_api_error
from gemini_cli.client.failures import AttemptFailed, RedirectError, http_failure, no_response, not_sent
from gemini_cli.client.response_body import LogFunction
from gemini_cli.config.endpoint import Endpoint
from gemini_cli.errors import (
    CliError,
    IncompleteError,
    InputError,
    TemporaryError,
    UnknownOutcomeError,
)
from gemini_cli.transport import retry
from gemini_cli.transport.body import RequestContent, StreamedBody, holds
from gemini_cli.transport.deadline import Deadline
from gemini_cli.transport.errors import NoResponseError, NotSentError
from gemini_cli.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from gemini_cli.transport.http_client import HttpClient, Response

ReadResult = TypeVar("ReadResult")

OnRetry = Callable[[CliError, float], None]  # called with the reason and the seconds to wait; it waits


class ApiRequest(NamedTuple):
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


class ClientSettings(NamedTuple):
    """The connection, the limits and the callbacks of a client of the API.

    Threads may share all but `on_retry` and `waiting`: the first gets the reason and the seconds, and waits before a
    retry; the second shows that a response is awaited. `gateway_headers` are sent to the origin of the endpoint only.
    `redacted` removes secrets from the server's error messages, which are printed and stored.
    """

    http: HttpClient
    endpoint: Endpoint
    key: str | None
    deadline: Deadline
    policy: RetryPolicy
    gateway_headers: Mapping[str, str] = MappingProxyType({})
    log: LogFunction = lambda level, *parts: None
    notice: Callable[[str], None] = lambda text: None
    redacted: Callable[[str], str] = lambda text: text
    on_retry: OnRetry | None = None
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext


class RequestSender:
    """Sends the requests of one API client.

    `attempts` is the number for the latest request, `answers` that of requests that were answered with success.
    """

    def __init__(self, settings: ClientSettings, read_error: Callable[[Response], bytes]) -> None:
        self._settings = settings
        self._http = settings.http
        self._key = settings.key
        self._deadline = settings.deadline
        self._policy = settings.policy
        self._log = settings.log
        self._read_error = read_error
        self.attempts = 0
        self.answers = 0
        self.create_attempts = 0  # of the latest create, once it is answered with success

    def send(
        self, request: ApiRequest, read: Callable[[Response], ReadResult], repeatable: bool | None = None
    ) -> ReadResult:
        """Send a request with retries, and return the result of `read`.

        `repeatable`: it has no effect; if None, the method tells.
        """
        self._deadline.start()
        effect_free = request.method not in ("POST", "PATCH") if repeatable is None else repeatable
        self.attempts = unknowns = late = 0
        self.create_attempts = self.create_attempts if effect_free else 0
        while True:
            self.attempts += 1
            try:
                with self._settings.waiting():
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

    def send_once(self, request: ApiRequest, read: Callable[[Response], ReadResult]) -> ReadResult:
        """Send a request once that has no effect, and return the result of `read`.

        AttemptFailed if that fails.
        """
        self._deadline.start()
        return self._attempt(request, True, read)

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
        self._log(1, f"waiting {wait:.1f} s before try {attempts + 1}")
        (self._settings.on_retry or self._sleep)(failure, wait)

    def _sleep(self, failure: CliError, seconds: float) -> None:
        self._policy.sleep(seconds)

    def refuse_key(self, body: RequestContent, url: str = "") -> None:
        """InputError if a request holds the API key in clear."""
        if self._key and (self._key in url or self._key in unquote(url) or holds(body, self._key.encode())):
            raise InputError("the request holds the API key in clear; it is not sent")

    def _attempt(self, request: ApiRequest, effect_free: bool, read: Callable[[Response], ReadResult]) -> ReadResult:
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
        except (UnknownOutcomeError, IncompleteError) as broken:  # the body broke off
            if effect_free:
                raise AttemptFailed(TemporaryError(broken.message), policy.retries) from broken
            if isinstance(broken, UnknownOutcomeError):
                raise AttemptFailed(broken, policy.retry_unknown) from broken
            raise

    def _response(self, request: ApiRequest, effect_free: bool) -> Response:
        """Send a request once, and return the response of any status."""
        policy = self._policy
        self.refuse_key(request.body, request.url)
        started = time.monotonic()
        extra = self._settings.gateway_headers if self._settings.endpoint.is_origin_of(request.url) else {}
        self._log_request(request, extra)
        headers = {**request.headers, **extra}
        try:
            response = self._http.send(request.method, request.url, headers, request.body, patient=request.patient)
        except (NotSentError, NoResponseError) as error:
            self._log(1, f"{request.method} {request.url} -> {error}")
            if isinstance(error, NotSentError):
                raise AttemptFailed(not_sent(error), policy.retries) from error
            if effect_free:
                raise AttemptFailed(TemporaryError(str(error)), policy.retries) from error
            raise AttemptFailed(no_response(str(error), timed_out=error.timed_out), policy.retry_unknown) from error
        elapsed = time.monotonic() - started
        self._log(1, f"{request.method} {request.url} -> {response.status_code} ({elapsed:.2f} s)")
        self._log(2, "\n".join(f"< {name}: {value}" for name, value in response.headers.items()))
        return response

    def _log_request(self, request: ApiRequest, secret_headers: Iterable[str]) -> None:
        headers = {**request.headers, **dict.fromkeys(secret_headers, "[redacted]")}
        self._log(2, "\n".join(f"> {name}: {value}" for name, value in headers.items()))
        if isinstance(request.body, StreamedBody):
            self._log(2, f"> ({request.body.size} bytes)")
        elif request.body:
            self._log(2, ">", request.body)

    def _http_failure(self, request: ApiRequest, response: Response) -> CliError:
        if 300 <= response.status_code < 400:
            response.close()
            return RedirectError(response.status_code, response.headers.get("location", ""))
        reason = self._settings.redacted(response.reason_phrase)
        error = read_api_error(self._read_error(response), response.status_code, reason)
        failure = http_failure(error, response.status_code, request.url, self._key or "")
        failure.retry_after_s = retry.server_retry_delay(response.headers, error.retry_delays(), self._policy.now())
        return failure
