"""Send one HTTP request over an httpx transport.

The transport is called directly, without `httpx.Client`, which keeps cookies and raises for a redirect whose Location
is not a URL even if redirects are not followed. httpx's exceptions end here, and continue as those of `errors`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import httpx

from gemini_cli.errors import DeadlineExceeded
from gemini_cli.transport.body import METHODS_WITH_BODY, RequestContent, StreamedBody
from gemini_cli.transport.errors import BrokenBodyError, NoResponseError, NotSentError, TransportError

# For annotations in packages that do not import httpx.
BaseTransport = httpx.BaseTransport
Response = httpx.Response

WRITE_SIZE = 256 * 1024  # bytes of the body that are sent, and must be taken within the idle timeout, at a time

# A transport raises these only if nothing of the request was sent, and other TransportErrors only if some of it was.
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


class Limits(NamedTuple):
    """Time limits in seconds; None for no limit.

    To connect, between two bytes, and until the first byte of the response to a `patient` request.
    """

    connect: float | None
    idle: float | None
    first_byte: float | None = None


class HttpClient:
    """Sends requests over `transport`; threads may share it."""

    def __init__(self, transport: httpx.BaseTransport, limits: Limits) -> None:
        self._transport = transport
        self._limits = limits

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: RequestContent = b"", *, patient: bool = False
    ) -> httpx.Response:
        """Send one request, and return the response when its headers have arrived.

        NotSentError if nothing was sent, NoResponseError if no response came. `patient`: wait for the
        first byte of the response for `limits.first_byte` instead of `limits.idle` seconds.
        """
        limits = self._limits
        request = _request(method, url, headers, body)
        request.extensions = {
            "timeout": httpx.Timeout(limits.idle, connect=limits.connect, pool=None).as_dict(),
            "first_byte_timeout": limits.first_byte if patient else limits.idle,
        }
        try:
            return self._transport.handle_request(request)
        except DeadlineExceeded as error:
            raise NoResponseError(error.message, timed_out=True) from error
        except httpx.TransportError as error:
            raise self._translated(request, error) from error

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the body as it arrives, without decompression, and close the response.

        BrokenBodyError if it breaks off.
        """
        stream = response.stream  # iter_bytes() would decompress, and costs two more layers for each chunk
        assert isinstance(stream, httpx.SyncByteStream)
        try:
            yield from stream
        except httpx.TransportError as error:
            raise BrokenBodyError(_reason(error, f"no byte came for {self._limits.idle or 0:g} s")) from error
        finally:
            response.close()

    def _translated(self, request: httpx.Request, error: httpx.TransportError) -> TransportError:
        host = request.url.netloc.decode()
        if not isinstance(error, NOT_SENT):
            seconds = request.extensions["first_byte_timeout"]
            silence = f"no byte came from {host} for {seconds or 0:g} s"
            timed_out = isinstance(error, httpx.TimeoutException)
            reason = _reason(error, silence)
            message = reason if timed_out else f"{host} broke the connection: {reason}"
            return NoResponseError(message, timed_out=timed_out)
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return NotSentError(f"cannot send a request to {str(request.url)!r}", permanent=True)
        if isinstance(error, httpx.ProxyError):
            status, _, reason = str(error).partition(" ")  # httpx's message is the status line's
            answered = int(status) if status.isdigit() else None
            return NotSentError(f"the proxy answered {error} to the CONNECT for {host}", proxy_status=answered)
        cause = _socket_error(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotSentError(f"{host}: the certificate is not trusted: {cause.verify_message}", permanent=True)
        return NotSentError(
            f"cannot connect to {host}: {_reason(error, f'no answer within {self._limits.connect or 0:g} s')}"
        )


def _request(method: str, url: str, headers: Mapping[str, str], body: RequestContent) -> httpx.Request:
    """Make a request; a permanent NotSentError if its URL or headers are not valid."""
    has_body = method in METHODS_WITH_BODY
    if has_body:
        size, content = (body.size, body.open_chunks()) if isinstance(body, StreamedBody) else (len(body), iter([body]))
        headers = {**headers, "Content-Length": str(size)}
    try:
        # h11 finds this only once connected, and its message quotes the value, which may be the key.
        if not all(word.isascii() and word.isprintable() for pair in headers.items() for word in pair):
            raise ValueError("a header must be printable ASCII")
        address = _parse_url(url)
        if not all(0 < len(label) < 64 for label in address.raw_host.removesuffix(b".").split(b".")):
            raise ValueError("the host name is not valid")
    except (httpx.InvalidURL, ValueError) as error:
        raise NotSentError(f"cannot send a request to {url!r}: {error}", permanent=True) from error
    return httpx.Request(method, address, headers=headers, content=_writes(content) if has_body else None)


_parse_url = lru_cache(maxsize=8)(httpx.URL)  # a fifth of the time of a request in `map`


def _writes(content: Iterator[bytes]) -> Iterator[bytes]:
    for piece in content:
        for start in range(0, len(piece), WRITE_SIZE):
            yield piece[start : start + WRITE_SIZE] if len(piece) > WRITE_SIZE else piece


def _socket_error(error: BaseException | None) -> OSError | None:
    """The error of the socket inside the errors of httpx and httpcore."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def _reason(error: httpx.TransportError, timeout: str) -> str:
    """The reason for users; `timeout` if a time limit of this program has passed.

    A time-out of the kernel has an error number.
    """
    cause = _socket_error(error)
    if cause is not None and cause.strerror:
        return cause.strerror
    return (
        timeout if isinstance(error, httpx.TimeoutException) else str(error).removesuffix(".") or type(error).__name__
    )
