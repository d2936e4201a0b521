"""A server for what an HTTP server would not do: each answer is a function that is given the socket.

It reads one request from a connection, answers it and closes. Requests are remembered; so are connections, for those
that must never be reached.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

Answer = Callable[[socket.socket, threading.Event], None]
JSON = "application/json"
SSE = "text/event-stream"


class Request(NamedTuple):
    method: str
    target: str
    body: bytes
    at: float


class RawServer:
    """`posts` and `gets` are the answers in order; the last of each is given again and again."""

    def __init__(
        self,
        posts: Sequence[Answer] = (),
        gets: Sequence[Answer] = (),
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._answers: Mapping[str, list[Answer]] = {"POST": list(posts), "GET": list(gets)}
        self._tls = tls
        self._stopping = threading.Event()
        self._listener = socket.create_server((host, 0), backlog=16)
        self.url = f"{'https' if tls else 'http'}://{host}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> RawServer:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        with suppress(OSError):  # wakes the accept
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:  # ssl's errors are among them
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with secured:
                request = _read(secured)
                self.requests.append(request)
                answers = self._answers[request.method]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                answer(secured, self._stopping)


def _read(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionAbortedError("no request came")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, target, _ = first.split(" ")
    return Request(method, target, body, time.monotonic())


# Answers --------------------------------------------------------------------------------------------------------------


def http(
    body: bytes,
    content_type: str = JSON,
    *,
    status: str = "200 OK",
    length: int | None = None,
    drip: tuple[bytes, float] | None = None,
) -> Answer:
    """An answer; `length` is another Content-Length than the true one (0: none), `drip` a piece sent after the body
    again and again with a pause of so many seconds."""

    def answer(connection: socket.socket, stopping: threading.Event) -> None:
        announced = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nconnection: close\r\n"
        head += f"content-length: {announced}\r\n" if announced else ""
        connection.sendall(head.encode() + b"\r\n" + body)
        if drip:
            piece, pause = drip
            while not stopping.wait(pause):
                connection.sendall(piece)

    return answer


def events(*payloads: dict[str, Any] | bytes) -> bytes:
    """A stream of events; bytes are put in as they are."""
    frames = (
        each if isinstance(each, bytes) else b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\n\n"
        for each in payloads
    )
    return b"".join(frames)


def stream(*payloads: dict[str, Any] | bytes, **more: Any) -> Answer:
    """A stream that ends, cleanly for HTTP, after these events."""
    return http(events(*payloads), SSE, **{"length": 0, **more})


def bare(data: bytes) -> Answer:
    """These bytes, which are no HTTP, and the end."""

    def answer(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(data)

    return answer
