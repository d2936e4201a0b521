"""A bare, fast server that takes uploads and throws them away: for memory, for speed, and for what happens meanwhile.

It knows the protocol's happy path, and PUT.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

READ = 1 << 20


class NullServer:
    """`meanwhile` is called with the bytes that came of an upload so far, after each read."""

    def __init__(
        self, meanwhile: Callable[[int], None] = lambda count: None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.commands: list[str] = []
        self._tls = tls
        self._meanwhile = meanwhile
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # wakes the accept
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        received = 0
        buffer, surplus = memoryview(bytearray(READ)), b""
        with suppress(OSError, EOFError), self._secured(connection) as connection:
            while True:
                method, headers, size, surplus = _head(connection, surplus)
                command = headers.get("x-goog-upload-command", "")
                self.commands.append(command or method)
                if command in ("start", ""):
                    received = 0
                left, surplus = size - len(surplus[:size]), surplus[size:]
                while left:
                    count = connection.recv_into(buffer[: min(READ, left)])
                    if not count:
                        return
                    left -= count
                    if command.startswith("upload"):
                        self._meanwhile(received + size - left)
                received += size if command != "start" else 0
                connection.sendall(self._answer(command, received))

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _answer(self, command: str, received: int) -> bytes:
        if command == "upload, finalize":
            file = {"name": "files/sunk", "sizeBytes": str(received), "state": "ACTIVE"}
            return _http(json.dumps({"file": file}).encode(), "x-goog-upload-status: final")
        if command == "start":
            return _http(b"", f"x-goog-upload-url: {self.url}/upload?upload_id=sunk", "x-goog-upload-status: active")
        return _http(b"", f"x-goog-upload-status: {'cancelled' if command == 'cancel' else 'active'}")


def _head(connection: socket.socket, data: bytes) -> tuple[str, dict[str, str], int, bytes]:
    """Method, headers, size of the body, and what came of it already."""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            raise EOFError
        data += piece
    head, _, surplus = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first.split(" ")[0], headers, int(headers.get("content-length", "0")), surplus


def _http(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
