"""Errors of one HTTP request, by how far it got, because that decides whether it may be sent again.

TransportError
  NotSentError      the request did not leave: safe to repeat
  NoResponseError   sent, at least in part, and no response came: the server may have carried it out
  BrokenBodyError   the response began, and its body broke off
"""

from __future__ import annotations


class TransportError(Exception):
    """A request failed below HTTP; the message is for users."""


class NotSentError(TransportError):
    """`permanent`: another try would end in the same way. `proxy_status`: the proxy's answer to CONNECT, if any."""

    def __init__(self, message: str, *, permanent: bool = False, proxy_status: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.proxy_status = proxy_status


class NoResponseError(TransportError):
    """`timed_out`: a time limit of this program ended the wait."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class BrokenBodyError(TransportError):
    pass
