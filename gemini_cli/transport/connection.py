"""A connection: one request at a time goes out, its answer comes in (HTTP/1.1, RFC 9112).

The only module that imports httptools, which is llhttp, the strict reader of HTTP that Node.js has; sockets and TLS are
Python's own. What else a client does (pools for many hosts, redirects, cookies, decompression) is not wanted here, and
its price is paid for each request: httpcore takes seven times the time for a small one.

Whatever goes wrong is an OSError: TimeoutError if nothing moved for too long, Broken if the other side speaks no HTTP
or ends before its answer does.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from itertools import chain
from typing import Any, NamedTuple

import httptools

from gemini_cli.body import Piece, Stretch
from gemini_cli.transport.address import Origin, Proxy

READ = 64 * 1024
STEP = 256 * 1024  # bytes that must get away within the time limit
BARREN_LIMIT = 100 * 1024  # bytes that come in a row and are no body: headers, trailers, and whatever else goes on


class Limits(NamedTuple):
    """Seconds without progress before we give up; None for no limit."""

    connect: float | None
    idle: float | None


class Broken(ConnectionError):
    """The other side ended in the middle, or what it says is no HTTP."""


class Head(NamedTuple):
    """What an answer says before its body. Names are in lower case; one that comes twice is one with a comma."""

    status: int
    reason: str
    headers: Mapping[str, str]


def connect(origin: Origin, proxy: Proxy | None, trust: Callable[[], ssl.SSLContext], limits: Limits) -> Connection:
    """A new connection, by way of the proxy if there is one; for https with TLS, and whom to `trust`."""
    first = proxy.origin if proxy else origin
    host: Any = first.host.encode()  # as in `start_tls`
    connection = Connection(socket.create_connection((host, first.port), limits.connect), origin)
    try:
        if proxy:
            _make_tunnel(connection, proxy)
        if origin.scheme == "https":
            connection.start_tls(trust())
        connection.wait_no_longer_than(limits.idle)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tunnel(connection: Connection, proxy: Proxy) -> None:
    """RFC 9110, 9.3.6."""
    authority = connection.origin.authority
    credentials = {"Proxy-Authorization": proxy.credentials} if proxy.credentials else {}
    connection.ask(request_head("CONNECT", authority, {"Host": authority, **credentials}))
    status, reason, _ = connection.head()
    if not 200 <= status < 300:
        raise Broken(f"the proxy answered {status} {reason}")


def request_head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """ValueError for a header that cannot be one."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "\r\n"]
    text = "\r\n".join(lines)
    if not text.isascii() or len(text.splitlines()) != len(lines) or "\0" in text:
        raise ValueError("a header must be a line of ASCII")
    return text.encode()


class Connection:
    """`origin` is who answers, perhaps behind a proxy."""

    def __init__(self, sock: socket.socket, origin: Origin) -> None:
        self.origin = origin
        self._socket = sock
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = _Answer()
        self._barren = 0

    def start_tls(self, trust: ssl.SSLContext) -> None:
        """An end that nobody announced (RFC 8446, 6.1) is no end of an answer, but an error."""
        host: Any = self.origin.host.encode()  # as text, it would load the codec of international names: 3 ms
        self._socket = trust.wrap_socket(self._socket, server_hostname=host, suppress_ragged_eofs=False)

    def wait_no_longer_than(self, seconds: float | None) -> None:
        """For each step of what follows."""
        self._socket.settimeout(seconds)

    def ask(self, head: bytes, body: bytes | Iterable[Piece] = b"") -> None:
        """Send a request. Who breaks off while we send may have answered already; that is for `head` to find out."""
        self._answer, self._barren = _Answer(), 0
        if isinstance(body, bytes):
            head, body = (head + body, ()) if len(body) <= READ else (head, (body,))
        for piece in chain((head,), body):
            try:
                if isinstance(piece, bytes):
                    self._send(piece)
                else:
                    self._send_stretch(piece)
            except (ConnectionError, ssl.SSLError):
                return
            except TimeoutError:  # who takes no more may have answered, too
                if self.quiet:
                    raise
                return

    def head(self) -> Head:
        """Wait for the answer. Those that only announce one (1xx) are passed over."""
        while not self._answer.headed:
            self._read()
        return Head(self._answer.status, self._answer.reason, self._answer.headers)

    def body(self) -> Iterator[bytes]:
        """The body of this answer as it comes: in one piece what came together."""
        return self._body(self._answer)

    def _body(self, answer: _Answer) -> Iterator[bytes]:
        while True:
            if answer.body:
                yield answer.taken()
            if answer.ended:
                return
            self._read()

    @property
    def answering(self) -> bool:
        """Whether a byte of the answer came."""
        return self._answer.begun

    @property
    def reusable(self) -> bool:
        """Whether the answer is over, and another request may follow."""
        return self._answer.ended and self._answer.keeps_alive and self._answer.fault is None

    @property
    def quiet(self) -> bool:
        """Whether nothing came since the answer. What comes unasked is the end of the connection, or no good."""
        if not hasattr(select, "poll"):  # Windows, where select takes any number
            return not select.select([self._socket], [], [], 0)[0]
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._socket.close()

    @cached_property
    def _buffer(self) -> memoryview:
        return memoryview(bytearray(STEP))

    def __del__(self) -> None:
        """One that is left for another request goes with its thread."""
        self.close()

    def _send(self, data: bytes | memoryview) -> None:
        """With the time limit for each step; `sendall`, and TLS, have it for the whole that they are given."""
        left = memoryview(data)
        while left:
            left = left[self._socket.send(left[:STEP]) :]

    def _send_stretch(self, stretch: Stretch) -> None:
        """The kernel takes the bytes from the file, with the time limit for each step. For TLS they are read.

        Either is what makes an upload as fast as curl's: new memory for what is read costs a third of the time.
        """
        if not isinstance(self._socket, ssl.SSLSocket):  # it has a `sendfile` too, of 8 KiB at a time
            try:
                self._socket.sendfile(stretch, stretch.tell(), stretch.left)
            except OSError as error:
                if isinstance(error, ConnectionError) or error.errno is None:
                    raise  # else it may be the file's, and who reads on will meet it
        while stretch.left:
            self._send(self._buffer[: stretch.readinto(self._buffer)])

    def _read(self) -> None:
        if self._answer.fault is not None:  # after all that came before it
            raise self._answer.fault
        data = self._socket.recv(READ)
        if data:
            self._answer.feed(data)
        else:
            self._answer.end()
        self._barren = 0 if self._answer.body else self._barren + len(data)
        if self._barren > BARREN_LIMIT:
            raise Broken(f"more than {BARREN_LIMIT} bytes of headers")


HEAD, END = "head", "end"


class _Answer:
    """One answer, as far as it came.

    llhttp calls nothing that is written in Python: a signal whose handler raises there would be taken for an error of
    the parser's, and be lost. So it only notes what it finds, and we read that when it is done.
    """

    def __init__(self) -> None:
        self.begun = self.headed = self.ended = self.keeps_alive = False
        self.fault: Broken | None = None
        self.status = 0
        self.reason = ""
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self._raw = b""  # what came and is not yet past the head
        self._noted: list[str | bytes] = []
        self.on_headers_complete = partial(self._noted.append, HEAD)
        self.on_body = self._noted.append
        self.on_message_complete = partial(self._noted.append, END)
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self.begun = True
        if not self.headed:
            self._raw += data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.fault = Broken(f"this is not HTTP: {error}")
        for note in self._noted:
            if self.ended:
                self.fault = Broken("more came than was asked for")
                break
            if isinstance(note, bytes):
                self.body.append(note)
            elif note is END:
                self.ended = self.headed
            else:
                self._read_head()
        self._noted.clear()

    def end(self) -> None:
        """The other side says no more: how a body without a length ends (RFC 9112, 6.3)."""
        self.keeps_alive = False
        if not self.begun:
            raise Broken("the connection was closed without an answer")
        if not self.headed or "content-length" in self.headers or "transfer-encoding" in self.headers:
            raise Broken("the connection was closed in the middle of the answer")
        self.ended = True

    def taken(self) -> bytes:
        data = b"".join(self.body)
        self.body.clear()
        return data

    def _read_head(self) -> None:
        """What llhttp has found to be one: it is taken at its word about lines, colons and characters."""
        head, _, self._raw = self._raw.lstrip(b"\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, reason = f"{first}  ".split(" ", 2)
        if int(status) < 200:
            return
        for line in lines:
            raw, _, value = line.partition(":")
            name, value = raw.lower(), value.strip(" \t")
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        self.headed, self.status, self.reason = True, int(status), reason.strip()
        self.keeps_alive = version == "HTTP/1.1" and "close" not in self.headers.get("connection", "").lower()
