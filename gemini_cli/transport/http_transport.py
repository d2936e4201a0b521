"""The real httpx transport: httpcore's connection pool with a network backend and a trust store of our own.

`httpx.HTTPTransport` takes no network backend, so this class stands in its place. It keeps one promise more: the errors
in `http_client.NOT_SENT` are raised exactly if nothing of the request was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from gemini_cli.errors import DeadlinePassed, UsageError
from gemini_cli.transport.http_client import NOT_SENT, Limits
from gemini_cli.transport.network import Connection, NetworkBackend
from gemini_cli.transport.tls import TrustStore

KEEP_ALIVE = 5.0  # seconds a connection may be idle; servers close theirs later


class HttpTransport(httpx.BaseTransport):
    """HTTP/1.1 over TCP and TLS, by way of `proxy` (a URL) if there is one. Threads share its connections."""

    def __init__(
        self,
        trust: TrustStore,
        limits: Limits,
        proxy: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        socks = proxy is not None and proxy.startswith("socks")
        self._connect_timeout = limits.connect
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            proxy=_parse_proxy(proxy, trust) if proxy else None,
            max_connections=None,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=NetworkBackend(limits.connect if socks else None, clock),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """`extensions["first_byte_timeout"]`: seconds to wait for the response to begin; then the read timeout."""
        progress = _Progress(request.extensions, self._connect_timeout)
        try:
            with _as_httpx_errors():
                response = self._pool.handle_request(_core_request(request, progress))
        except (httpx.TransportError, DeadlinePassed) as error:
            if progress.sent or isinstance(error, NOT_SENT):
                raise
            timed_out = isinstance(error, httpx.TimeoutException)
            raise (httpx.ConnectTimeout if timed_out else httpx.ConnectError)(str(error)) from error
        progress.response_began()
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Progress:
    """Follows a request by httpcore's `trace` extension, and gives each phase its time limit.

    httpcore looks the limits up when a phase begins. The CONNECT to a proxy is traced as a request, too.
    """

    def __init__(self, extensions: Mapping[str, Any], connect_timeout: float | None) -> None:
        limits = extensions["timeout"]
        self.sent = False
        self._idle = limits["read"]
        self._first_byte = extensions.get("first_byte_timeout", limits["read"])
        self.timeout = {**limits, "read": connect_timeout, "write": connect_timeout}

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            self.sent = True
            self.timeout |= {"read": self._first_byte, "write": self._idle}

    def response_began(self) -> None:
        self.timeout["read"] = self._idle


class _Body(httpx.SyncByteStream):
    """The body of a response. Its connection is used again only if nothing followed the body."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._response.iter_stream()
        connection = self._response.extensions["network_stream"]
        if isinstance(connection, Connection) and not connection.ended_exactly(_content_length(self._response)):
            connection.close()  # the pool notices, and drops it

    def close(self) -> None:
        self._response.close()


def _content_length(response: httpcore.Response) -> int | None:
    lengths = [value for name, value in response.headers if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else None


def _core_request(request: httpx.Request, progress: _Progress) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions={"timeout": progress.timeout, "trace": progress},
    )


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """httpx's exceptions have the names of httpcore's."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error


def _parse_proxy(url: str, trust: TrustStore) -> httpcore.Proxy:
    """UsageError for a URL that is not a proxy's. The message does not repeat it: it may hold a password."""
    try:
        proxy = httpx.Proxy(url)
        if not proxy.url.host or not 0 < (proxy.url.port or 1) < 65536:
            raise ValueError("no host")
        if proxy.url.scheme.startswith("socks"):
            import socksio  # noqa: F401
    except ImportError:
        raise UsageError("the proxy: SOCKS needs the package socksio (the extra `socks`)") from None
    except (httpx.InvalidURL, ValueError):
        raise UsageError("the proxy: not a URL with http://, https://, socks5:// or socks5h://") from None
    secure = proxy.url.scheme == "https"
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, ssl_context=trust if secure else None)
