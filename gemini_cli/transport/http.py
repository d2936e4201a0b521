"""The wire over sockets: the only module that imports httpcore.

httpcore is what httpx sends with: connections, TLS, proxies, HTTP/1.1. What httpx puts on top is not wanted here
(redirects, cookies, netrc, proxies for loopback, decompression, a bundle of certificates), and importing it would take
two thirds of the time of a bare interpreter that can speak HTTP.
"""

from __future__ import annotations

import functools
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlsplit

import httpcore

from gemini_cli.endpoint import Endpoint
from gemini_cli.errors import DeadlinePassed, InputError, UsageError
from gemini_cli.transport import route
from gemini_cli.transport.wire import Call, Cut, NeverSent, Pieces, Reply, Unanswered, WireFailure

Result = TypeVar("Result")

SAFE = "%/:?#[]@!$&'()*+,;=~|"  # what stands in a URL as it is
KEPT_ALIVE = 5.0  # seconds that a connection may be idle; servers close theirs later
HttpError = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class Limits(NamedTuple):
    """Seconds without progress before we give up; None for no limit."""

    connect: float | None
    idle: float | None


class HttpWire:
    """Connections to one host, a pool for each thread.

    A pool that sixteen threads share looks at all its connections for each request: a sixth of the time of `map`.
    """

    def __init__(self, endpoint: Endpoint, limits: Limits, ca_file: str | None, environ: Mapping[str, str]) -> None:
        self._host = endpoint.base.partition("://")[2].partition("/")[0]
        self._limits = limits
        self._trust = _trust(ca_file, environ) if endpoint.secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        proxy = route.proxy(endpoint, environ)
        self._proxy = _proxy(proxy.value) if proxy else None
        self._timeout = {"connect": limits.connect, "read": limits.idle, "write": limits.idle, "pool": limits.connect}
        self._own = threading.local()
        self._own.pool = self._pool()

    def send(self, call: Call) -> Reply:
        """The answer as soon as its headers are there."""
        progress = _Progress()
        body = call.body
        size, content = (body.size, body.make()) if isinstance(body, Pieces) else (len(body), body)
        try:
            url, host = _url(call.url)
        except ValueError as error:
            raise NeverSent(f"cannot ask {call.url!r}: {error}", hopeless=True) from error
        length = {"Content-Length": str(size)} if call.method == "POST" else {}
        headers = [*{"Host": host, **call.headers, **length}.items()]
        extensions = {"trace": progress.trace, "timeout": self._timeout}
        request = httpcore.Request(call.method, url, headers=headers, content=content, extensions=extensions)
        pool = self._of_this_thread()
        try:
            response = interruptible(lambda: pool.handle_request(request))
        except DeadlinePassed as error:
            raise (Unanswered if progress.sent else NeverSent)(error.message) from None
        except HttpError as error:
            raise self._failed(error, progress) from error
        reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
        return Reply(response.status, reason, _named(response.headers), self._chunks(response), response.close)

    def _pool(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(self._trust, self._proxy, keepalive_expiry=KEPT_ALIVE)

    def _of_this_thread(self) -> httpcore.ConnectionPool:
        if not hasattr(self._own, "pool"):
            self._own.pool = self._pool()
        pool: httpcore.ConnectionPool = self._own.pool
        return pool

    def _chunks(self, response: httpcore.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_stream()
        except httpcore.TimeoutException as error:
            raise Cut(f"no byte came for {self._limits.idle:g} s") from error
        except HttpError as error:
            raise Cut(_words(error)) from error
        finally:
            response.close()

    def _failed(self, error: Exception, progress: _Progress) -> WireFailure:
        if not progress.sent:
            certificate = _certificate_problem(error)
            if certificate:
                return NeverSent(f"{self._host}: {certificate}", hopeless=True)
            if isinstance(error, httpcore.TimeoutException):
                return NeverSent(f"cannot connect to {self._host}: no answer within {self._limits.connect:g} s")
            return NeverSent(f"cannot connect to {self._host}: {_words(error)}")
        if isinstance(error, httpcore.TimeoutException):
            return Unanswered(f"no byte came from {self._host} for {self._limits.idle:g} s")
        if not progress.fresh and isinstance(
            error, httpcore.ReadError | httpcore.WriteError | httpcore.RemoteProtocolError
        ):
            return NeverSent(f"{self._host} closed an idle connection")
        return Unanswered(f"{self._host} broke the connection: {_words(error)}")


@functools.lru_cache(maxsize=8)
def _url(text: str) -> tuple[httpcore.URL, str]:
    """With its `Host` header; taken apart once, where many requests go to the same place. ValueError if it is none."""
    parts = urlsplit(text)
    host = (parts.hostname or "").encode("idna").decode()
    if not host:
        raise ValueError("it names no host")
    target = quote(parts.path or "/", SAFE) + (f"?{quote(parts.query, SAFE)}" if parts.query else "")
    shown = f"[{host}]" if ":" in host else host
    url = httpcore.URL(scheme=parts.scheme, host=host, port=parts.port, target=target)
    return url, shown if parts.port is None else f"{shown}:{parts.port}"


def _proxy(text: str) -> httpcore.Proxy:
    """UsageError for what is none; it is not repeated, for it may hold a password."""
    try:
        parts = urlsplit(text)
        user = (unquote(parts.username).encode(), unquote(parts.password or "").encode()) if parts.username else None
        proxy = httpcore.Proxy(_url(text)[0], user)
    except ValueError:
        raise UsageError("what names the proxy is no URL") from None
    if parts.scheme not in ("http", "https", "socks5", "socks5h"):
        raise UsageError(f"{parts.scheme}:// is no proxy")
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise UsageError("a SOCKS proxy needs one more library: pip install socksio")
    return proxy


def _named(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """One that comes twice is one with a comma (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name = raw.decode("ascii").lower()
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


class _Progress:
    """How far a request came, told by httpcore's documented `trace` extension."""

    def __init__(self) -> None:
        self.fresh = False
        self.sent = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.fresh = True
        elif event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            self.sent = True


def interruptible(work: Callable[[], Result]) -> Result:
    """Do `work` where a signal or the deadline can end the wait for it.

    getaddrinfo blocks in C, and Python runs signal handlers only between instructions of the main thread. So the work
    is done in a thread, which is left behind if the wait ends early.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list[Result | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result


def _trust(ca_file: str | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    """What the user names, else OpenSSL's own paths: the system's trust store. certifi last."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    cafile, capath = route.trusted(ca_file, environ)
    try:
        if cafile or capath:
            context.load_verify_locations(cafile, capath)
            return context
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"cannot read certificates from {cafile or capath}: {error}") from None
    paths = ssl.get_default_verify_paths()
    if paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath):
        context.load_verify_locations(capath=paths.capath)  # hashed: read one by one when needed, 0.1 ms against 17
    elif paths.cafile:
        context.load_verify_locations(paths.cafile)
    else:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _certificate_problem(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return None


def _words(error: BaseException) -> str:
    """The innermost reason: "Connection refused" rather than "All connection attempts failed"."""
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    text = getattr(cause, "strerror", None) or str(cause) or str(error) or type(error).__name__
    return str(text)
