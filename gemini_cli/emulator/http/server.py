"""An HTTP/1.1 server on a loopback port for an Emulator.

    with Server(Emulator(faults=["refuse(503)"])) as server:
        ...  # server.url, server.key, server.requests

The block fails at its end if a fault or a script line was not used, or a request had no route. The server binds
127.0.0.1, and on request ::1, but no other address.
"""

import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ErrorResponse
from ..sandboxes import Sandbox, Sandboxes
from ..service import Emulator
from . import http_limits
from .error_format import error_to_response
from .exchange import HttpRequest, HttpResponse
from .request_log import SHOWN_BODY_LIMIT, RecordedRequest

if TYPE_CHECKING:
    import ssl

R = TypeVar("R")

READ_SIZE = 1 << 16
# A line of a chunked body: a size with an extension, or a trailer.
LINE_LIMIT = 8192
# Connections that have not sent a request yet; with more of them the oldest is closed.
NEW_CONNECTIONS = 256
# A connection without requests is closed after this many times `read_seconds`.
IDLE_FACTOR = 4
TRAILER_LINES = 64
# Limits for reading the rest of a body that was refused.
DRAIN_SECONDS, LINGER_READS = 0.5, 64


class ClientGone(Exception):
    """The client has closed the connection, or the server stops."""


class Server:
    """A server in threads of its own.

    Every request needs `key`: the emulator's, or a new one of 39 characters.

    With `tls` the scheme is https. `log` gets a line for each response, without query and headers, so without the key.
    `remember` is the number of bytes of each body that stay in `requests`; None records no requests. `on_request` gets
    each request with the name of its sandbox. A client has `read_seconds` for the head of a request and for each piece
    of its body.
    """

    def __init__(
        self,
        emulator: Emulator | None = None,
        *,
        port: int = 0,
        ipv6: bool = False,
        tls: "ssl.SSLContext | None" = None,
        log: Callable[[str], None] | None = None,
        remember: int | None = SHOWN_BODY_LIMIT,
        on_request: Callable[[str, RecordedRequest], None] | None = None,
        read_seconds: float = 30.0,
    ) -> None:
        self.emulator = emulator or Emulator()
        if self.emulator.key is None:
            self.emulator.key = "emulator-" + os.urandom(15).hex()
        if self.emulator.token is None:
            self.emulator.token = os.urandom(16).hex()
        self.key: str = self.emulator.key
        self.token: str = self.emulator.token
        self.sandboxes = Sandboxes(self.emulator, remember, on_request)
        self.requests = self.sandboxes.default.requests
        # Times (time.monotonic) at which a client closed its connection during a response.
        self.hangups: list[float] = []
        # Exceptions in the emulator itself.
        self.failures: list[str] = []
        self.log = log
        self.read_seconds = read_seconds
        self.stopping = threading.Event()
        self._started = False
        self.tls = tls
        self._listeners = [_Listener(("127.0.0.1", port), self)]
        self.port: int = self._listeners[0].server_address[1]
        if ipv6 and socket.has_ipv6:
            self._listeners += _listener6(self.port, self)
        self.emulator.scheme = "https" if tls else "http"
        self.url = f"{self.emulator.scheme}://127.0.0.1:{self.port}"

    def environ(self, sandbox: Sandbox | None = None) -> dict[str, str]:
        """Environment variables that lead clients to this server, or to a sandbox.

        Each client reads its own; the man page of `emulator` says which. There is only one of GEMINI_API_KEY and
        GOOGLE_API_KEY, because the official SDKs warn of both.
        """
        url = self.url + (sandbox or self.sandboxes.default).path
        return {
            "GEMINI_BASE_URL": url,
            "GOOGLE_GEMINI_BASE_URL": url,
            "GEMINI_API_BASE": f"{url}/v1beta",
            "GEMINI_API_KEY": self.key,
            "GOOGLE_GENERATIVE_AI_API_KEY": self.key,
            "GEMINI_EMULATOR_TOKEN": self.token,
        }

    def start(self) -> "Server":
        self._started = True
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        """Stop at once, also during a response."""
        self.stopping.set()
        for listener in self._listeners:
            if self._started:
                listener.shutdown()  # would wait forever for a loop that was not started
            listener.server_close()
            listener.hang_up()
        self.sandboxes.close()

    def assert_clean(self) -> None:
        """Raise AssertionError for leftovers and for exceptions in the emulator."""
        left = self.failures + self.sandboxes.leftovers()
        if left:
            raise AssertionError("; ".join(left))

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            self.assert_clean()


class _Listener(ThreadingHTTPServer):
    """A listening socket, and the deadlines of its connections for the next read."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: Server, family: int = socket.AF_INET) -> None:
        self.address_family = family
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._new: dict[socket.socket, None] = {}
        self._deadlines: dict[socket.socket, float] = {}
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Not HTTPServer.server_bind, which asks the resolver for the host's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.owner.tls:
            # The handshake runs in the connection's thread, so that a slow client does not block others.
            request = self.owner.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        self._open.add(request)
        self._new[request] = None
        self.set_deadline(request, self.owner.read_seconds)
        if len(self._new) > NEW_CONNECTIONS:
            oldest = next(iter(self._new))
            self._new.pop(oldest, None)
            _shut(oldest)
        super().process_request(request, client_address)

    def set_deadline(self, connection: socket.socket, seconds: float | None) -> None:
        """Close the connection after this time, unless the deadline is changed before."""
        if seconds is None:
            self._deadlines.pop(connection, None)
        else:
            self._deadlines[connection] = time.monotonic() + seconds

    def request_arrived(self, connection: socket.socket) -> None:
        self._new.pop(connection, None)
        self.set_deadline(connection, None)

    def service_actions(self) -> None:
        now = time.monotonic()
        for connection, deadline in tuple(self._deadlines.items()):
            if now > deadline:
                self.set_deadline(connection, None)
                _shut(connection)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        self._new.pop(request, None)
        self.set_deadline(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Record exceptions, except for a connection that breaks between requests."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.owner.failures.append(repr(error))
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        for connection in tuple(self._open):
            _shut(connection)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the client may have closed it
        connection.shutdown(socket.SHUT_RDWR)


def _listener6(port: int, owner: Server) -> list[_Listener]:
    try:
        return [_Listener(("::1", port), owner, socket.AF_INET6)]
    except OSError:
        return []  # many containers have no ::1


class _Connection(BaseHTTPRequestHandler):
    """A connection: read requests and write responses."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener
    _unread = False

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.server.set_deadline(self.connection, IDLE_FACTOR * self.server.owner.read_seconds)

    def handle_expect_100(self) -> bool:
        """Send 100 Continue not here, but when the body is read."""
        return True

    def _answer(self) -> None:
        started, status, owner = time.monotonic(), 0, self.server.owner
        try:
            response = self._respond()
            status = response.status
            self._send(response)
        except ClientGone:
            owner.hangups.append(time.monotonic())
            self.close_connection = True
        except ConnectionResetError:
            self._reset()
        except ConnectionAbortedError:
            self.close_connection = True
        if owner.log:
            took = (time.monotonic() - started) * 1000
            owner.log(f"{self.command} {self.path.partition('?')[0]} {status} {took:.0f} ms")

    # The names that http.server calls.
    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = do_HEAD = do_OPTIONS = _answer  # noqa: N815

    def _respond(self) -> HttpResponse:
        owner, port = self.server.owner, self.server.server_address[1]
        self.server.request_arrived(self.connection)
        try:
            headers = http_limits.check_request_head(self.command, self.path, self.headers.items(), port)
            sandbox, head = owner.sandboxes.route(HttpRequest(self.command, self.path, headers))
            refused = self._emulated(sandbox.refuse_early, head)
            request = head if refused else head._replace(body=self._body(headers))
        except ErrorResponse as error:
            # The body was not read, so the connection cannot be used again.
            self.close_connection = self._unread = True
            return error_to_response(error, "json")
        finally:
            self.server.set_deadline(self.connection, None)
        owner.sandboxes.record(sandbox, request)
        if refused and (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers):
            self.close_connection = self._unread = True
        if refused:
            return refused
        return self._emulated(sandbox.handle, request)

    def _emulated(self, handle: Callable[[HttpRequest], R], request: HttpRequest) -> R | HttpResponse:
        """The response of the emulator; 500 if its files cannot be used."""
        try:
            return handle(request)
        except ConnectionError:  # of a fault
            raise
        except OSError as error:
            self.server.owner.failures.append(repr(error))
            return error_to_response(ErrorResponse(500, f"The emulator cannot use its files: {error}"), "json")

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "transfer-encoding" not in headers:
            return self._read(int(headers.get("content-length", "0")))
        pieces, total = [], 0
        while size := http_limits.parse_chunk_size(self._line()):
            total += size
            if total > http_limits.BODY_LIMIT:
                raise http_limits.body_too_large()
            pieces.append(self._read(size))
            if self._line() != b"\r\n":
                raise http_limits.malformed_chunk()
        for _ in range(TRAILER_LINES):
            if self._line() == b"\r\n":
                return b"".join(pieces)
        raise http_limits.malformed_chunk()

    def _line(self) -> bytes:
        """A line of a chunked body; ClientGone at the end of the connection."""
        self.server.set_deadline(self.connection, self.server.owner.read_seconds)
        line = self.rfile.readline(LINE_LIMIT)
        if not line:
            raise ClientGone
        return line

    def _read(self, size: int) -> bytes:
        """Exactly `size` bytes; ClientGone if the client sends fewer or is too slow."""
        pieces = []
        while size:
            self.server.set_deadline(self.connection, self.server.owner.read_seconds)
            piece = self.rfile.read(min(size, READ_SIZE))
            if not piece:
                raise ClientGone
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _send(self, response: HttpResponse) -> None:
        if response.raw:
            self.close_connection = True
            for item in response.body:
                self._write(item)
            return
        chunked = False
        headers = dict(response.headers)
        if "content-length" in headers:
            self.close_connection = True  # set by a fault, and perhaps wrong
        elif isinstance(response.body, tuple):
            headers["content-length"] = str(sum(map(len, response.body)))
        elif self.request_version == "HTTP/1.1":
            headers["transfer-encoding"], chunked = "chunked", True
        else:
            self.close_connection = True
        self._send_items(self._head(response.status, headers), response, chunked)

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Emulated"
        lines = [
            f"HTTP/1.1 {status} {phrase}",
            "server: gemini-cli-emulator",
            f"date: {self.date_time_string()}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["connection: close"] if self.close_connection else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _send_items(self, head: bytes, response: HttpResponse, chunked: bool) -> None:
        """Send the head together with the first item: one packet for a short response."""
        for item in self._items(response):
            framed = b"%x\r\n%b\r\n" % (len(item), item) if chunked and item else item
            self._write(head + framed)
            head = b""
        if head or chunked:
            self._write(head + (b"0\r\n\r\n" if chunked else b""))

    def _items(self, response: HttpResponse) -> Iterator[bytes]:
        return iter(()) if self.command == "HEAD" else iter(response.body)

    def _write(self, data: bytes) -> None:
        """Send the data; for an empty item only check the connection."""
        try:
            if data:
                self.connection.sendall(data)
            elif self._gone():
                raise ClientGone
        except OSError as error:
            raise ClientGone from error

    def _gone(self) -> bool:
        if self.server.owner.stopping.is_set():
            return True
        readable, _, _ = select.select([self.connection], [], [], 0)
        # TLS data cannot be peeked at; during a response a TLS client sends only the end of the connection.
        return bool(readable) and (bool(self.server.owner.tls) or self.connection.recv(1, socket.MSG_PEEK) == b"")

    def _reset(self) -> None:
        """Close with RST: zero linger, and no open reader that would keep the socket open."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def finish(self) -> None:
        """Read the rest of a refused request: to close with unread bytes is a reset."""
        if self._unread:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)
                self.connection.settimeout(DRAIN_SECONDS)
                for _ in range(LINGER_READS):
                    if not self.connection.recv(READ_SIZE):
                        break
        super().finish()

    def log_message(self, format: str, *arguments: object) -> None:
        """Suppress the log of http.server, which prints queries on stderr."""
