"""The wire over sockets: a connection for each thread that asks, and what it means when one fails."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple, TypeVar

from gemini_cli.body import Pieces
from gemini_cli.deadline import Clock
from gemini_cli.endpoint import Endpoint
from gemini_cli.errors import DeadlinePassed, InputError, UsageError
from gemini_cli.transport import route
from gemini_cli.transport.address import Origin, Proxy, taken_apart
from gemini_cli.transport.connection import Connection, Limits, connect, request_head
from gemini_cli.transport.wire import Call, Cut, NeverSent, Reply, Unanswered, WireFailure

Result = TypeVar("Result")

CLOSED = (ConnectionError, ssl.SSLEOFError)
TICK = 0.1  # seconds
AT_ONCE = 1.0  # seconds; who closes an idle connection does so before it can have worked on what we ask
KEPT_ALIVE = 5.0  # seconds that a connection may be quiet; servers close theirs later


class HttpWire:
    """A request goes over the connection that its thread's last answer left, or else over a new one."""

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits,
        ca_file: str | None,
        environ: Mapping[str, str],
        clock: Clock = time.monotonic,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._trust = cache(lambda: _trust(ca_file, environ))
        if endpoint.secure:
            self._trust()  # what cannot be read is said now
        self._proxy = _proxy(endpoint, environ)
        self._own = threading.local()

    def send(self, call: Call) -> Reply:
        """The answer as soon as its headers are there."""
        body = call.body
        size, content = (body.size, body.make()) if isinstance(body, Pieces) else (len(body), body)
        length = {"Content-Length": str(size)} if call.method == "POST" else {}
        try:
            origin, target = taken_apart(call.url)
            head = request_head(call.method, target, {"Host": origin.host_field, **call.headers, **length})
        except ValueError as error:
            raise NeverSent(f"cannot ask {call.url!r}: {error}", hopeless=True) from error
        reused = self._take(origin)
        connection = reused or self._connected(origin)
        asked = self._clock() if reused else 0.0
        try:
            connection.ask(head, content)
            status, reason, headers = connection.head()
        except BaseException as error:
            connection.close()
            if reused and isinstance(error, CLOSED) and not connection.answering and self._clock() - asked < AT_ONCE:
                raise NeverSent(f"{origin.host_field} closed an idle connection") from error
            if isinstance(error, OSError | DeadlinePassed):
                raise self._unanswered(origin, error) from error
            raise
        unfinished = [connection]

        def close() -> None:
            while unfinished:
                self._leave(unfinished.pop())

        return Reply(status, reason, headers, self._chunks(connection.body(), close), close)

    def _take(self, origin: Origin) -> Connection | None:
        """What this thread's last answer left, if it leads there and can still be used."""
        left: _Left | None = getattr(self._own, "left", None)
        self._own.left = None
        if left is None:
            return None
        connection, since = left
        if connection.origin == origin and self._clock() - since < KEPT_ALIVE and connection.quiet:
            return connection
        connection.close()
        return None

    def _connected(self, origin: Origin) -> Connection:
        try:
            return interruptible(lambda: connect(origin, self._proxy, self._trust, self._limits))
        except DeadlinePassed as error:
            raise NeverSent(error.message) from None
        except ssl.SSLCertVerificationError as error:
            reason = f"the certificate is not trusted: {error.verify_message}"
            raise NeverSent(f"{origin.host_field}: {reason}", hopeless=True) from error
        except OSError as error:
            way = f"{origin.host_field} by way of {self._proxy.origin.authority}" if self._proxy else origin.host_field
            reason = f"no answer within {self._limits.connect or 0:g} s" if _timed_out(error) else _words(error)
            raise NeverSent(f"cannot connect to {way}: {reason}") from error

    def _unanswered(self, origin: Origin, error: OSError | DeadlinePassed) -> WireFailure:
        if isinstance(error, DeadlinePassed):
            return Unanswered(error.message)
        if _timed_out(error):
            return Unanswered(f"no byte came from {origin.host_field} for {self._limits.idle or 0:g} s")
        return Unanswered(f"{origin.host_field} broke the connection: {_words(error)}")

    def _chunks(self, body: Iterator[bytes], close: Callable[[], None]) -> Iterator[bytes]:
        try:
            yield from body
        except OSError as error:
            reason = f"no byte came for {self._limits.idle or 0:g} s" if _timed_out(error) else _words(error)
            raise Cut(reason) from error
        finally:
            close()

    def _leave(self, connection: Connection) -> None:
        if connection.reusable and getattr(self._own, "left", None) is None:
            self._own.left = _Left(connection, self._clock())
        else:
            connection.close()


class _Left(NamedTuple):
    """A connection that nobody uses, since then."""

    connection: Connection
    since: float


def _proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    said = route.proxy(endpoint, environ)
    try:
        return Proxy.parse(said.value) if said else None
    except ValueError as error:
        raise UsageError(f"the proxy: {error}") from None


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
    while thread.is_alive():
        thread.join(TICK)  # not for ever: a signal that comes just before it blocks does not wake it
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result


def _trust(ca_file: str | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    """What the user names, else OpenSSL's own paths: the system's trust store. certifi last."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
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


def _timed_out(error: OSError) -> bool:
    """Whether it was our own limit; the kernel's has a number."""
    return isinstance(error, TimeoutError) and error.errno is None


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
