"""The wire over sockets: whom it trusts, the proxy, connections that are used again, waits that are interrupted.

How an answer is read: test_connection.py. Faults from end to end: tests/faults.
"""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from gemini_cli.body import Pieces
from gemini_cli.deadline import Clock, arm_alarm, disarm
from gemini_cli.endpoint import Endpoint, endpoint, is_loopback
from gemini_cli.errors import DeadlinePassed, InputError, Rejected, UsageError
from gemini_cli.files.source import Source
from gemini_cli.settings import Settings
from gemini_cli.transport import http as http_module
from gemini_cli.transport import route
from gemini_cli.transport.address import Origin, Proxy
from gemini_cli.transport.connection import Connection, Limits, connect, request_head
from gemini_cli.transport.http import AT_ONCE, KEPT_ALIVE, HttpWire, interruptible
from gemini_cli.transport.wire import Call, Cut, NeverSent, Unanswered

from .faults.rawserver import RawServer, http
from .faults.scenes import certificate

LIMITS = Limits(10, 10)  # none that a busy machine reaches


def at(url: str) -> Endpoint:
    return endpoint(Settings(base_url=url), {})


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "http://low:1"),
        ({"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ({"HTTP_PROXY": "http://plain:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.example"}, "http://p:1"),
    ],
)
def test_the_proxy_is_the_one_curl_would_take(environ: dict[str, str], proxy: str | None) -> None:
    found = route.proxy(at("https://api.example"), environ)
    assert (found.value if found else None) == proxy


@pytest.mark.parametrize("ca_file", ["/no/such/file", __file__])
def test_certificates_that_cannot_be_read_are_an_input_error(ca_file: str) -> None:
    with pytest.raises(InputError, match="certificates"):
        HttpWire(at("https://api.example"), LIMITS, ca_file, {})


@pytest.mark.parametrize("environ", [{}, {"SSL_CERT_DIR": "/etc/ssl/certs"}])
def test_the_trust_store_is_the_systems(environ: dict[str, str]) -> None:
    HttpWire(at("https://api.example"), LIMITS, None, environ)


def test_a_wait_that_python_cannot_interrupt_ends_with_the_deadline() -> None:
    """As getaddrinfo would: a thread that holds on, whatever signals come."""
    held = threading.Event()
    before = signal.getsignal(signal.SIGALRM)
    started = time.monotonic()
    try:
        arm_alarm(0.05)
        with pytest.raises(DeadlinePassed):
            interruptible(lambda: held.wait(5))
    finally:
        disarm()
        signal.signal(signal.SIGALRM, before)
        held.set()
    assert time.monotonic() - started < 2


def test_what_the_work_raises_or_returns_comes_through() -> None:
    assert interruptible(lambda: 7) == 7
    with pytest.raises(KeyError):
        interruptible(lambda: dict[str, int]()["x"])


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("LOCALHOST", True),
        ("0.0.0.0", False), ("localhost.example", False), ("127.0.0.1.example", False), ("10.0.0.1", False),
    ],
)  # fmt: skip
def test_loopback_is_what_cannot_leave_the_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://localhost.example", "http://[2001:db8::1]/x"])
def test_cleartext_to_elsewhere_is_rejected(url: str) -> None:
    with pytest.raises(Rejected, match="cleartext"):
        at(url)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x", "https://", "https://x:port", "https://x?y", "https://x y", "https://u@x"]
)
def test_what_is_no_base_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        at(url)


@pytest.mark.parametrize("version", ["a/b", "v1?x", "v1\nx", "..", "ü"])
def test_what_is_no_version_is_a_usage_error(version: str) -> None:
    with pytest.raises(UsageError):
        endpoint(Settings(api_version=version), {})
    with pytest.raises(UsageError):
        endpoint(Settings(), {"GEMINI_API_REVISION": version})


def test_a_path_prefix_is_kept() -> None:
    assert at("http://127.0.0.1:1/proxy/").url("interactions") == "http://127.0.0.1:1/proxy/v1beta/interactions"
    assert endpoint(Settings(api_version="beta"), {}).version == "v1beta"


# Connections that are used again --------------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"
PART = b"HTTP/1.1 200 O"


class Server:
    """Takes a connection after the other; on each it answers so many requests, and closes it. b"" is no answer."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.closed = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, args=connections, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.join(5)
        self._listener.close()
        assert kind or not self._thread.is_alive(), "the server waits for a connection"

    def _serve(self, *connections: list[bytes]) -> None:
        for answers in connections:
            connection, _ = self._listener.accept()
            with connection:
                for answer in answers:
                    assert b"\r\n\r\n" in connection.recv(100_000)
                    connection.sendall(answer)
            self.closed.release()

    def asks(self, clock: Clock = lambda: 0.0) -> Callable[..., bytes]:
        """What asks it over one wire; the answer's body."""
        wire = HttpWire(at(self.url), LIMITS, None, {}, clock)

        def ask(body: bytes | Pieces = b"{}") -> bytes:
            reply = wire.send(Call("POST", f"{self.url}/x", {}, body))
            data = b"".join(reply.chunks)
            reply.close()
            reply.close()  # any number of times
            return data

        return ask


def test_an_answer_leaves_its_connection_for_the_next_request() -> None:
    with Server([OK, OK, OK]) as server:
        ask = server.asks()
        assert [ask(), ask(), ask()] == [b"a"] * 3


def test_a_connection_is_new_after_one_that_the_server_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    def recording(*arguments: Any) -> Connection:
        made.append(connect(*arguments))
        return made[-1]

    monkeypatch.setattr(http_module, "connect", recording)
    with Server([LAST], [OK], [OK]) as server:
        ask = server.asks()
        assert [ask(), ask()] == [b"a"] * 2
        until = time.monotonic() + 5
        while made[-1].quiet:  # the end was sent; on a busy machine it is a while on its way
            assert time.monotonic() < until
        assert ask() == b"a"
    assert len(made) == 3


def test_a_reply_that_was_closed_unread_gives_nothing_of_the_next_answer() -> None:
    with Server([OK[:-1] + b"b", OK]) as server:
        wire = HttpWire(at(server.url), LIMITS, None, {})
        call = Call("POST", f"{server.url}/x", {}, b"{}")
        first = wire.send(call)
        first.close()
        second = wire.send(call)
        assert b"".join(first.chunks) == b"b"
        assert b"".join(second.chunks) == b"a"


def test_a_connection_is_new_when_an_answer_did_not_come_to_its_end() -> None:
    with Server([OK.replace(b": 1", b": 2")], [OK]) as server:
        wire = HttpWire(at(server.url), LIMITS, None, {})
        call = Call("POST", f"{server.url}/x", {}, b"{}")
        wire.send(call).close()
        assert b"".join(wire.send(call).chunks) == b"a"


def test_a_connection_is_new_when_the_last_one_was_idle_for_long() -> None:
    times = iter([0.0, KEPT_ALIVE - 0.1, 5.0, 10.0, 10.0 + KEPT_ALIVE, 20.0])
    with Server([OK, OK], [OK]) as server:
        ask = server.asks(lambda: next(times))
        assert [ask(), ask(), ask()] == [b"a"] * 3


def test_each_thread_has_its_own_connection() -> None:
    with Server([OK], [OK]) as server:
        ask = server.asks()
        ask()
        with ThreadPoolExecutor(1) as other:
            assert other.submit(ask).result(5) == b"a"


def test_a_used_connection_that_closes_before_any_byte_has_not_sent_the_request() -> None:
    """cli.md 6: such a create is repeated; on a new connection, or after a byte, it may have been carried out."""
    with Server([OK, b""], [b""], [OK, PART]) as server:
        ask = server.asks()
        ask()
        with pytest.raises(NeverSent, match="closed an idle connection"):
            ask()
        with pytest.raises(Unanswered, match="without an answer"):
            ask()
        ask()
        with pytest.raises(Unanswered, match="in the middle"):
            ask()


def test_a_used_connection_that_closes_late_may_have_been_worked_for() -> None:
    times = iter([0.0, 1.0, 1.0, 1.0 + AT_ONCE])
    with Server([OK, b""]) as server:
        ask = server.asks(lambda: next(times))
        ask()
        with pytest.raises(Unanswered, match="without an answer"):
            ask()


def test_an_answer_that_ends_early_is_cut() -> None:
    with Server([OK.replace(b": 1", b": 2")]) as server, pytest.raises(Cut, match="in the middle"):
        server.asks()()


def test_a_server_that_takes_no_bytes_or_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    limits = Limits(10, 0.05)
    sparse, size = tmp_path / "sparse", 1 << 30
    with sparse.open("wb") as file:
        file.truncate(size)
    source = Source.of(str(sparse))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        wire = HttpWire(at(url), limits, None, {})
        for body in (
            b"{}",
            Pieces(size, lambda: iter([bytes(1 << 20)] * 1024)),
            Pieces(size, lambda: source.stretches(0, size)),
        ):
            with pytest.raises(Unanswered, match=r"no byte came from 127\.0\.0\.1:\d+ for 0\.05 s"):
                wire.send(Call("POST", url, {}, body))


@pytest.mark.parametrize("url", ["http://127.0.0.1:x/", "ftp://127.0.0.1/"])
def test_what_cannot_be_asked_is_hopeless(url: str) -> None:
    with pytest.raises(NeverSent) as caught:
        HttpWire(at("http://127.0.0.1:1"), LIMITS, None, {}).send(Call("GET", url, {}))
    assert caught.value.hopeless


# TLS, and proxies -----------------------------------------------------------------------------------------------------


needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl for a certificate")


@needs_openssl
@pytest.mark.parametrize("announced", [True, False])
def test_over_tls_only_an_end_that_is_announced_is_one(announced: bool, tmp_path: Path) -> None:
    """RFC 8446, 6.1: anybody on the way can end a connection."""
    theirs = certificate(tmp_path)

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with theirs.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1000)
            secured.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf a file")
            if announced:
                with suppress(OSError):
                    secured.unwrap()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        wire = HttpWire(at(url), LIMITS, str(tmp_path / "certificate.pem"), {})
        chunks = wire.send(Call("GET", f"{url}/x", {})).chunks
        assert next(chunks) == b"half a file"
        with nullcontext() if announced else pytest.raises(Cut):
            assert next(chunks, None) is None
        thread.join(5)


def test_a_host_that_is_none_is_hopeless_over_tls_too() -> None:
    wire = HttpWire(at("https://api.example"), LIMITS, None, {"HTTPS_PROXY": "http://127.0.0.1:1"})
    for host in ("a..b", ".example", "x" * 64):
        with pytest.raises(NeverSent) as caught:
            wire.send(Call("GET", f"https://{host}/x", {}))
        assert caught.value.hopeless


@needs_openssl
def test_a_redirect_to_https_is_trusted_by_the_same_rules(tmp_path: Path) -> None:
    """A download may lead from a gateway on loopback to the service's own host (cli.md 6)."""
    theirs = certificate(tmp_path)
    with RawServer(gets=[http(b"file")], tls=theirs) as server:
        call = Call("GET", f"{server.url}/x", {})
        with pytest.raises(NeverSent, match="not trusted"):
            HttpWire(at("http://127.0.0.1:1"), LIMITS, None, {}).send(call)
        known = HttpWire(at("http://127.0.0.1:1"), LIMITS, str(tmp_path / "certificate.pem"), {})
        assert b"".join(known.send(call).chunks) == b"file"


@needs_openssl
def test_tls_goes_through_the_tunnel_of_a_proxy(tmp_path: Path) -> None:
    theirs = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    asked: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        asked.append(connection.recv(1000))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 p\r\n\r\n")
        with theirs.wrap_socket(connection, server_side=True) as secured:
            asked.append(secured.recv(1000))
            secured.sendall(OK)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        proxy = Proxy.parse(f"http://me:secret@127.0.0.1:{listener.getsockname()[1]}")
        connection = connect(Origin("https", "127.0.0.1", 9), proxy, lambda: trust, LIMITS)
        connection.ask(request_head("GET", "/", {"Host": "127.0.0.1:9"}))
        assert connection.head().status == 200
        assert b"".join(connection.body()) == b"a"
        connection.close()
        thread.join(5)
    credentials = b"Proxy-Authorization: Basic bWU6c2VjcmV0"
    assert asked[0] == b"CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n" + credentials + b"\r\n\r\n"
    assert asked[1] == b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", b""], ids=["refused", "closed"])
def test_a_tunnel_that_a_proxy_does_not_make_means_never_sent(answer: bytes) -> None:
    """The proxy's CONNECT is a request too; that it left does not mean that ours did."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1000).startswith(b"CONNECT api.example:443")
                connection.sendall(answer)

        thread = threading.Thread(target=refuse)
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        wire = HttpWire(at("https://api.example"), LIMITS, None, {"HTTPS_PROXY": proxy})
        with pytest.raises(NeverSent, match=r"cannot connect to api\.example by way of 127\.0\.0\.1:\d+: "):
            wire.send(Call("POST", "https://api.example/v1beta/interactions", {}, b"{}"))
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://127.0.0.1:1", "socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://", "http://u:secret@:1"),
        *(
            "http://u:secret/2@proxy:1",
            "http://u:sec\u2100ret@proxy:1",
            "http://u:[secret@proxy:1",
            "http://u:secret@p:x",
        ),
    ],
)
def test_a_proxy_that_cannot_be_asked_is_a_usage_error_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="proxy") as caught:
        HttpWire(at("https://api.example"), LIMITS, None, {"ALL_PROXY": url})
    assert "secret" not in str(caught.value)
    assert "sec\u2100ret" not in str(caught.value)
