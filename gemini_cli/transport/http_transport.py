"""The httpx transport for the network: httpcore with a backend and a trust store.

`httpx.HTTPTransport` has no argument for a network backend, so this class replaces it. It also raises the errors in
`http_client.NOT_SENT` exactly if nothing of the request was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from gemini_cli.errors import DeadlineExceeded, UsageError
from gemini_cli.transport.http_client import NOT_SENT, Limits
from gemini_cli.transport.network import Connection, NetworkBackend
from gemini_cli.transport.tls import TrustStore

KEEP_ALIVE = 5.0  # seconds a connection may be idle; servers close theirs later


class HttpTransport(httpx.BaseTransport):
    """HTTP/1.1 over TCP and TLS, through `proxy` (a URL) if given.

    Threads may share it.
    """

    def __init__(
        self,
        trust: TrustStore,
        limits: Limits,
        proxy: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        socks = proxy is not None and proxy.startswith("socks")
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            proxy=_parse_proxy(proxy, trust) if proxy else None,
            max_connections=None,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=NetworkBackend(limits.connect if socks else None, clock),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response when its headers have arrived.

        `extensions["first_byte_timeout"]`: seconds to wait for them; later the read timeout applies.
        """
        progress = _Progress(request.extensions)
        try:
            with _as_httpx_errors():
                response = self._pool.handle_request(_core_request(request, progress))
        except (httpx.TransportError, DeadlineExceeded) as error:
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
    """Follows a request by the `trace` extension of httpcore, and sets timeouts.

    httpcore reads the timeouts when a phase begins. CONNECT to a proxy is traced as a request too.
    """

    def __init__(self, extensions: Mapping[str, Any]) -> None:
        limits = extensions["timeout"]
        self.sent = False
        self._handshake: httpcore.NetworkStream
        self._idle = limits["read"]
        self._first_byte = extensions.get("first_byte_timeout", limits["read"])
        self.timeout = {**limits, "read": limits["connect"], "write": limits["connect"]}

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            self.sent = True
            self.timeout |= {"read": self._first_byte, "write": self._idle}
        elif event.endswith(".setup_socks5_connection.started"):
            self._handshake = info["stream"]
        elif event.endswith(".setup_socks5_connection.failed"):
            self._handshake.close()  # httpcore would leave it open

    def response_began(self) -> None:
        self.timeout["read"] = self._idle


class _Body(httpx.SyncByteStream):
    """The body of a response; it closes the connection if bytes follow the body."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._response.iter_stream()
        connection = self._response.extensions["network_stream"]
        if isinstance(connection, Connection) and not connection.ended_exactly(_content_length(self._response)):
            connection.close()  # the pool then removes it

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
    """Convert exceptions of httpcore to those of httpx, which have the same names."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error


def _parse_proxy(url: str, trust: TrustStore) -> httpcore.Proxy:
    """Parse the URL of a proxy; UsageError without the URL, which may hold a password."""
    try:
        proxy = httpx.Proxy(url)
        if not proxy.url.host or not 0 < (proxy.url.port or 1) < 65536:
            raise ValueError("no host")
        if proxy.url.scheme.startswith("socks"):
            import socksio  # noqa: F401
    except ImportError:
        raise UsageError("the proxy: SOCKS needs the Python package socksio (the extra `socks`)") from None
    except (httpx.InvalidURL, ValueError):
        raise UsageError(
            "the proxy: its URL must be like http://HOST:PORT; https, socks5 and socks5h are allowed too"
        ) from None
    secure = proxy.url.scheme == "https"
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, ssl_context=trust if secure else None)
