"""Errors of one HTTP request, by its progress, which decides about a retry.

TransportError
  NotSentError      nothing was sent: safe to repeat
  NoResponseError   sent, at least in part, and no response came: the server may have carried it out
  BrokenBodyError   the response began, and its body broke off
"""

from __future__ import annotations

ERROR_LIMIT = 64 * 1024  # bytes of an error body


class TransportError(Exception):
    """A request failed below HTTP; the message is for users."""


class NotSentError(TransportError):
    """Nothing of the request was sent.

    `permanent`: a retry would fail in the same way. `proxy_status`: the response of the proxy to CONNECT, if any.
    """

    def __init__(self, message: str, *, permanent: bool = False, proxy_status: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.proxy_status = proxy_status


class NoResponseError(TransportError):
    """No response came. `timed_out`: a time limit of this program ended the wait."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class BrokenBodyError(TransportError):
    pass
