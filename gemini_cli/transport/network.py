"""The network backend for httpcore.

A signal can interrupt the look-up of a name, and each wait for data. A connection knows whether bytes follow a
response, and whether the server closed it while it was idle.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpcore

WorkResult = TypeVar("WorkResult")

SIGNAL_CHECK = 0.1  # seconds that a signal may wait which came just before a call of the system
IDLE_CLOSE = 1.0  # seconds; a connection that ends this early was idle, and the server did not get the request


class NetworkBackend(httpcore.SyncBackend):
    """Connects in a way that signals can interrupt.

    `handshake_timeout`: seconds for steps to which httpcore gives no limit, as with SOCKS proxies.
    """

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
        name: Any = host.encode()  # a text would import the codec for international names, which takes 3 ms
        connect = super().connect_tcp
        stream = interruptible(lambda: connect(name, port, timeout, local_address, socket_options))
        return Connection(stream, self._clock, self._handshake_timeout)


class Connection(httpcore.NetworkStream):
    """A network stream that keeps track of the response to the latest request."""

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
        except httpcore.WriteTimeout as error:  # the server may have responded and stopped reading
            if self._stream.get_extra_info("is_readable"):
                raise httpcore.WriteError(str(error)) from error
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = self._read_in_steps(max_bytes, timeout or self._handshake_timeout)
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

    def _read_in_steps(self, max_bytes: int, timeout: float | None) -> bytes:
        """Read in short waits: the handler of a signal runs between them.

        A signal just before a call of the system does not end that call.
        """
        left = math.inf if timeout is None else timeout
        while True:
            step = min(left, SIGNAL_CHECK)
            try:
                return self._stream.read(max_bytes, step)
            except httpcore.ReadTimeout:
                left -= step
                if left <= 0:
                    raise

    def _closed_while_idle(self) -> bool:
        """True if the server closed a reused connection before the latest request arrived.

        Then the connection ends soon, and without a byte.
        """
        return self._reused and not self._received and self._clock() - self._written_at < IDLE_CLOSE

    def ended_exactly(self, content_length: int | None) -> bool:
        """True if no byte follows the response.

        `content_length` is None for a chunked response. h11 would read the bytes as the next response.
        """
        head_size = self._head.find(b"\r\n\r\n") + 4
        if content_length is not None:
            return self._received == head_size + content_length
        status_lines = 1 if self._received == len(self._latest) else 0
        ends = self._latest.count(b"0\r\n\r\n") == 1 and self._latest.endswith(b"0\r\n\r\n")
        return ends and self._latest.count(b"HTTP/") == status_lines

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Connection:
        name: Any = (server_hostname or "").encode()  # as in connect_tcp
        return Connection(self._stream.start_tls(ssl_context, name, timeout), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def interruptible(work: Callable[[], WorkResult]) -> WorkResult:
    """Run `work` in a thread, so that a signal or the deadline can end the wait.

    getaddrinfo blocks in C, and Python runs signal handlers only between instructions of the main thread. The thread
    goes on if the wait ends early.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list[WorkResult | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(SIGNAL_CHECK)  # with a limit, since a signal just before the call does not end it
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result
