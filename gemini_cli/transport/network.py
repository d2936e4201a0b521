"""httpcore's network backend, with what the promises about retries and signals need of it.

Looking up a name can be interrupted; a connection knows whether bytes follow a response, and whether the server closed
it while it was idle.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpcore

Result = TypeVar("Result")

SIGNAL_CHECK = 0.1  # seconds
IDLE_CLOSE = 1.0  # seconds; a server that closes an idle connection does so before it can have worked on a request


class NetworkBackend(httpcore.SyncBackend):
    """`handshake_timeout`: seconds for a step that httpcore gives no limit, as it does with SOCKS proxies."""

    def __init__(self, handshake_timeout: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._handshake_timeout = handshake_timeout
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Connection:
        name: Any = host.encode()  # as text it would load the codec of international names, which takes 3 ms
        connect = super().connect_tcp
        stream = interruptible(lambda: connect(name, port, timeout, local_address, socket_options))
        return Connection(stream, self._clock, self._handshake_timeout)


class Connection(httpcore.NetworkStream):
    """A network stream that remembers what came back since the latest request was written."""

    def __init__(
        self, stream: httpcore.NetworkStream, clock: Callable[[], float], handshake_timeout: float | None = None
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._handshake_timeout = handshake_timeout
        self._reused = False
        self._written_at = 0.0
        self._received = 0  # bytes
        self._head = b""  # up to the end of the headers, and perhaps more
        self._latest = b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._received:
            self._reused, self._received, self._head = True, 0, b""
        self._written_at = self._clock()
        try:
            self._stream.write(buffer, timeout or self._handshake_timeout)
        except httpcore.WriteTimeout as error:  # the server may have answered, and read no further
            if self._stream.get_extra_info("is_readable"):
                raise httpcore.WriteError(str(error)) from error
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = self._stream.read(max_bytes, timeout or self._handshake_timeout)
        except httpcore.ReadError as error:
            if self._closed_while_idle():
                raise httpcore.ConnectError("the server closed an idle connection") from error
            raise
        if not data and self._closed_while_idle():
            raise httpcore.ConnectError("the server closed an idle connection")
        self._received += len(data)
        self._latest = data
        if b"\r\n\r\n" not in self._head:
            self._head += data
        return data

    def _closed_while_idle(self) -> bool:
        """True if a reused connection ends before a byte: it was closed before the latest request arrived."""
        return self._reused and not self._received and self._clock() - self._written_at < IDLE_CLOSE

    def ended_exactly(self, content_length: int | None) -> bool:
        """True if no byte follows the response, which has a Content-Length or is chunked (None).

        h11 would take what follows for the beginning of the next response.
        """
        head_size = self._head.find(b"\r\n\r\n") + 4
        if content_length is not None:
            return self._received == head_size + content_length
        status_lines = 1 if self._received == len(self._latest) else 0
        return self._latest.endswith(b"0\r\n\r\n") and self._latest.count(b"HTTP/") == status_lines

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Connection:
        name: Any = (server_hostname or "").encode()  # as in connect_tcp
        return Connection(self._stream.start_tls(ssl_context, name, timeout), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def interruptible(work: Callable[[], Result]) -> Result:
    """Do `work` in a thread, so that a signal or the deadline can end the wait for it.

    getaddrinfo blocks in C, and Python runs signal handlers only between instructions of the main thread. The thread is
    left behind if the wait ends early.
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
        thread.join(SIGNAL_CHECK)  # not without a limit: a signal that comes just before it blocks does not wake it
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result
