"""The second door: an Emulator on a loopback port, speaking HTTP/1.1.

    with Server(Emulator(faults=["refuse(503)"])) as server:
        ...  # server.url, server.key, server.requests

Leaving the block without an exception fails when a fault was not spent or a request was not understood.
It binds 127.0.0.1, and ::1 where there is one; nothing else is possible.
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
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import Problem
from ..service import Emulator
from . import http_limits as guard
from .exchange import JSON_UTF8, Call, Reply, pretty

if TYPE_CHECKING:
    import ssl

PIECE = 1 << 16
# How long, and over how many pieces, a refused body is still read.
LINGER, LINGER_READS = 0.5, 64


class Seen(NamedTuple):
    """A call that came in, its body cut to what the server remembers, and when (time.monotonic)."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float


class Left(Exception):
    """The other side of a connection is gone, or we are going."""


class Server:
    """Serves until closed. `key` is demanded of every caller: the emulator's own, or a new one of 39 characters.

    `tls` makes it https, with whatever certificate the context has. `log` gets one line for each answered request,
    without query and headers, so without a key. `remember` is how many bytes of each body stay in `requests`; None
    keeps no requests at all, for a server that runs for long.
    """

    def __init__(
        self,
        emulator: Emulator | None = None,
        *,
        port: int = 0,
        ipv6: bool = False,
        tls: "ssl.SSLContext | None" = None,
        log: Callable[[str], None] | None = None,
        remember: int | None = 1 << 20,
    ) -> None:
        self.emulator = emulator or Emulator()
        if self.emulator.key is None:
            self.emulator.key = "emulator-" + os.urandom(15).hex()
        if self.emulator.token is None:
            self.emulator.token = os.urandom(16).hex()
        self.key: str = self.emulator.key
        self.token: str = self.emulator.token
        self.requests: list[Seen] = []
        # Moments (time.monotonic) at which a client left before its answer was over.
        self.hangups: list[float] = []
        # What went wrong in the emulator itself.
        self.failures: list[str] = []
        self.log = log
        self.remember = remember
        self.stopping = threading.Event()
        self._started = False
        self.tls = tls
        self._listeners = [_Listener(("127.0.0.1", port), self)]
        self.port: int = self._listeners[0].server_address[1]
        if ipv6 and socket.has_ipv6:
            self._listeners += _listener6(self.port, self)
        self.emulator.scheme = "https" if tls else "http"
        self.url = f"{self.emulator.scheme}://127.0.0.1:{self.port}"

    def start(self) -> "Server":
        self._started = True
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        """End at once, whatever is being sent."""
        self.stopping.set()
        for listener in self._listeners:
            if self._started:
                listener.shutdown()  # which waits for ever for a loop that never ran
            listener.server_close()
            listener.hang_up()
        self.emulator.close()

    def assert_clean(self) -> None:
        """AssertionError for a fault that was ordered and not spent, a request not understood, or a bug of ours."""
        left = self.failures + self.emulator.leftovers()
        if left:
            raise AssertionError("; ".join(left))

    def note(self, call: Call) -> None:
        if self.remember is not None:
            self.requests.append(Seen(*call[:3], call.body[: self.remember], time.monotonic()))

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            self.assert_clean()


class _Listener(ThreadingHTTPServer):
    """One listening socket; knows its open connections so that close() can end them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: Server, family: int = socket.AF_INET) -> None:
        self.address_family = family
        self.owner = owner
        self._open: set[socket.socket] = set()
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Not HTTPServer's: that one asks the resolver for our name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.owner.tls:
            # The handshake waits for the connection's own thread, so that a slow client blocks nobody.
            request = self.owner.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks between requests is nothing to talk about."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.owner.failures.append(repr(error))
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        for connection in tuple(self._open):
            with suppress(OSError):  # the other side may just have closed it
                connection.shutdown(socket.SHUT_RDWR)


def _listener6(port: int, owner: Server) -> list[_Listener]:
    try:
        return [_Listener(("::1", port), owner, socket.AF_INET6)]
    except OSError:
        return []  # a machine without ::1, as many containers are


class _Connection(BaseHTTPRequestHandler):
    """One connection: reads calls, writes replies, and breaks off where a reply says so."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener
    _unread = False

    def _answer(self) -> None:
        started, status, owner = time.monotonic(), 0, self.server.owner
        try:
            reply = self._reply()
            status = reply.status
            self._send(reply)
        except Left:
            owner.hangups.append(time.monotonic())
            self.close_connection = True
        except ConnectionResetError:
            self._reset()
        except ConnectionAbortedError:
            self.close_connection = True
        if owner.log:
            took = (time.monotonic() - started) * 1000
            owner.log(f"{self.command} {self.path.partition('?')[0]} {status} {took:.0f} ms")

    # http.server looks the method up under these names.
    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = do_HEAD = do_OPTIONS = _answer  # noqa: N815

    def _reply(self) -> Reply:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            guard.check(self.command, self.path, headers)
            call = Call(self.command, self.path, headers, self._body(headers))
        except Problem as problem:
            # The body was not read, so the connection cannot be used again.
            self.close_connection = self._unread = True
            return Reply(problem.status, {"content-type": JSON_UTF8}, (pretty(problem.rpc_body()),))
        self.server.owner.note(call)
        return self.server.owner.emulator.handle(call)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self._read(int(headers.get("content-length", "0")))
        pieces, total = [], 0
        while size := self._chunk_size():
            total += size
            if total > guard.BODY_LIMIT:
                raise guard.too_large()
            pieces.append(self._read(size))
            self.rfile.readline(4)
        while self.rfile.readline(PIECE).strip():
            pass
        return b"".join(pieces)

    def _chunk_size(self) -> int:
        line = self.rfile.readline(100)
        if not line:
            raise Left
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise Problem(400, "The chunked body is malformed.") from error

    def _read(self, size: int) -> bytes:
        """Exactly so many bytes: half a body is nobody's request."""
        data = self.rfile.read(size)
        if len(data) < size:
            raise Left
        return data

    def _send(self, reply: Reply) -> None:
        if reply.raw:
            self.close_connection = True
            for item in reply.body:
                self._write(item)
            return
        chunked = False
        headers = dict(reply.headers)
        if "content-length" in headers:
            self.close_connection = True  # a fault set it, and it may not be true
        elif isinstance(reply.body, tuple):
            headers["content-length"] = str(sum(map(len, reply.body)))
        elif self.request_version == "HTTP/1.1":
            headers["transfer-encoding"], chunked = "chunked", True
        else:
            self.close_connection = True
        self._send_items(self._head(reply.status, headers), reply, chunked)

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

    def _send_items(self, head: bytes, reply: Reply, chunked: bool) -> None:
        """The head leaves with the first item: one packet for a short answer."""
        for item in self._items(reply):
            framed = b"%x\r\n%b\r\n" % (len(item), item) if chunked and item else item
            self._write(head + framed)
            head = b""
        if head or chunked:
            self._write(head + (b"0\r\n\r\n" if chunked else b""))

    def _items(self, reply: Reply) -> Iterator[bytes]:
        return iter(()) if self.command == "HEAD" else iter(reply.body)

    def _write(self, data: bytes) -> None:
        """Send, or for an empty item look whether anybody is there."""
        try:
            if data:
                self.connection.sendall(data)
            elif self._gone():
                raise Left
        except OSError as error:
            raise Left from error

    def _gone(self) -> bool:
        if self.server.owner.stopping.is_set():
            return True
        readable, _, _ = select.select([self.connection], [], [], 0)
        # One cannot peek through TLS; a client that says anything while it is answered says goodbye.
        return bool(readable) and (bool(self.server.owner.tls) or self.connection.recv(1, socket.MSG_PEEK) == b"")

    def _reset(self) -> None:
        """Close with RST, not FIN: zero linger, and no reader left that would keep the socket open."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def finish(self) -> None:
        """After a refusal read on for a moment: closing over unread bytes would reset the refusal away."""
        if self._unread:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)
                self.connection.settimeout(LINGER)
                for _ in range(LINGER_READS):
                    if not self.connection.recv(PIECE):
                        break
        super().finish()

    def log_message(self, format: str, *arguments: object) -> None:
        """http.server would print on stderr, query and all."""
