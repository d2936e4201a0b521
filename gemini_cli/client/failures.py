"""Errors of one attempt to send a request, and checks of its response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gemini_cli.api.api_error import ApiError
from gemini_cli.errors import AuthError, CliError, RejectedError, TemporaryError, UnknownOutcomeError
from gemini_cli.transport import retry
from gemini_cli.transport.errors import NotSentError

if TYPE_CHECKING:
    pass

PROXY_HINT = "the proxy's URL holds its user name and password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
EVENTS_HINT = "gemini-cli stream --json prints the events of a model, and checks that they are complete"
STANDARD_KEY_HINT = "standard keys (AIza…) are being refused; create an auth key (AQ.…) in AI Studio"
EXPIRED_FILE_HINT = "files live 48 hours; if it has expired, upload it again"  # api/README.md 10.8, 10.15
KEY_HINT = "check the key, its restrictions and its project in AI Studio"
_FILE_WORDS = r"\bfiles/|\bthe [Ff]ile\b"
_KEY_WORDS = r"(?i)\bapi key\b|\bproject\b|\bbeen used\b|\bdisabled\b|\bblocked\b|\bsuspended\b|\bmodel\b|\blocation\b"


class ProxyRefusedError(RejectedError):
    """A proxy refused to connect, for good."""


class RedirectError(RejectedError):
    """A redirect to `location`, which only downloads follow."""

    def __init__(self, http_status: int, location: str) -> None:
        super().__init__(
            f"the server answered with a redirect ({http_status}), which is not followed", http_status=http_status
        )
        self.location = location


class AttemptFailed(Exception):
    """One attempt failed.

    After a temporary error, the request may be retried up to `limit` times.
    """

    def __init__(self, failure: CliError, limit: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.headers = headers or {}
        self.limit = limit if isinstance(failure, TemporaryError | UnknownOutcomeError) else 0


def not_sent(error: NotSentError) -> CliError:
    """Make the error for a request that was not sent.

    Of a proxy, 407 is about its password, 5xx is temporary, and other statuses are final.
    """
    if error.proxy_status == 407:
        return AuthError(str(error), hint=PROXY_HINT)
    if error.proxy_status is not None and not retry.retry_limit(error.proxy_status, 1):
        return ProxyRefusedError(str(error))
    return RejectedError(str(error)) if error.permanent else TemporaryError(str(error))


def no_response(reason: str, *, timed_out: bool = False) -> UnknownOutcomeError:
    """Make the error for a create that was sent and got no response."""
    hint = "wait longer with --timeout (and --idle-timeout), or start it with --background and fetch it later"
    return UnknownOutcomeError(
        f"{reason}; the request was sent and may have been carried out and billed",
        hint=hint if timed_out else None,
        billed="maybe",
    )


def http_failure(error: ApiError, status: int, url: str, key: str) -> CliError:
    """Make the error for a response with this status; `key` is the one that was sent."""
    failure = error.to_cli_error(status)
    url = url.partition("?")[0]  # an upload's query is a secret (api/README.md 10.3)
    if status == 404 and error.code is None:  # not the API's own (api/README.md 11.24)
        failure.message += f" ({url})"
    if isinstance(failure, AuthError) and status in (400, 401) and error.refuses_standard_key(key):
        failure.hint = STANDARD_KEY_HINT
    if status == 403:
        failure.hint = _permission_hint(error, url)
    return failure


def _permission_hint(error: ApiError, url: str) -> str | None:
    """The hint for status 403, also that of an expired file (api/README.md 10.15)."""
    if re.search(_FILE_WORDS, error.message):
        return EXPIRED_FILE_HINT
    if error.reasons or re.search(_KEY_WORDS, error.message):
        return KEY_HINT
    return EXPIRED_FILE_HINT if "/files/" in url else None
