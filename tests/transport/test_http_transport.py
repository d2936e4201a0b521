"""The real transport on loopback: certificates, proxies, connections that are used again, waits that are interrupted.

Faults from end to end are in tests/faults.
"""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType

import pytest

from gemini_cli.errors import DeadlineExceeded, InputError, UsageError
from gemini_cli.transport import http_transport
from gemini_cli.transport.body import StreamedBody
from gemini_cli.transport.deadline import cancel_alarm, set_alarm
from gemini_cli.transport.errors import BrokenBodyError, NoResponseError, NotSentError
from gemini_cli.transport.http_client import HttpClient, Limits
from gemini_cli.transport.http_transport import HttpTransport
from gemini_cli.transport.network import IDLE_CLOSE, interruptible
from gemini_cli.transport.tls import TrustStore
from tests.faults.raw_server import RawServer, http
from tests.faults.setups import certificate

LIMITS = Limits(10, 10)  # seconds that a busy machine does not reach

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
PART = b"HTTP/1.1 200 O"

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl for a certificate")


def client(
    limits: Limits = LIMITS,
    *,
    ca: Path | None = None,
    proxy: str | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> HttpClient:
    transport = HttpTransport(TrustStore(str(ca) if ca else None), limits, proxy, clock)
    TRANSPORTS.append(transport)
    return HttpClient(transport, limits)


TRANSPORTS: list[HttpTransport] = []


@pytest.fixture(autouse=True)
def closed_transports() -> Iterator[None]:
    yield
    while TRANSPORTS:
        TRANSPORTS.pop().close()


def fetch(http: HttpClient, url: str, method: str = "POST", body: bytes | StreamedBody = b"{}") -> bytes:
    return b"".join(http.chunks(http.send(method, url, {}, body)))


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """`serve` gets the first connection, in a thread of its own; the address as HOST:PORT."""

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(60)
        assert not thread.is_alive()


# Waits that Python cannot interrupt -----------------------------------------------------------------------------------


def test_a_wait_that_python_cannot_interrupt_ends_with_the_deadline() -> None:
    """As in getaddrinfo, the thread does not see the signal."""
    held = threading.Event()
    before = signal.getsignal(signal.SIGALRM)
    try:
        set_alarm(0.05)
        with pytest.raises(DeadlineExceeded):
            interruptible(lambda: held.wait(60))
        assert not held.is_set()
    finally:
        cancel_alarm()
        signal.signal(signal.SIGALRM, before)
        held.set()


def test_results_and_errors_of_interruptible_work_come_through() -> None:
    assert interruptible(lambda: 7) == 7
    with pytest.raises(KeyError):
        interruptible(lambda: dict[str, int]()["x"])


# Connections that are used again --------------------------------------------------------------------------------------


class Server:
    """Accepts one connection after the other; gives each its list of answers, one a request, and closes it."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.closed = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"
        self._thread = threading.Thread(target=self._serve, args=connections, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.join(60)
        self._listener.close()
        assert kind or not self._thread.is_alive(), "the server waits for a connection"

    def _serve(self, *connections: list[bytes]) -> None:
        for answers in connections:
            connection, _ = self._listener.accept()
            with connection:
                for answer in answers:
                    request = b""
                    while not request.endswith(b"{}"):
                        request += connection.recv(100_000)
                    connection.sendall(answer)
            self.closed.release()


def test_a_response_leaves_its_connection_for_the_next_request() -> None:
    with Server([OK, CHUNKED, OK, OK]) as server:
        http = client()
        assert [fetch(http, server.url) for _ in range(4)] == [b"a"] * 4


def test_a_connection_is_new_after_connection_close() -> None:
    with Server([CLOSING], [OK]) as server:
        http = client()
        assert [fetch(http, server.url) for _ in range(2)] == [b"a"] * 2


@pytest.mark.parametrize("first", [OK, CHUNKED], ids=["content-length", "chunked"])
@pytest.mark.parametrize(
    "more", [b"garbage", OK[:-1] + b"b", CHUNKED.replace(b"a\r\n0", b"b\r\n0"), b"0\r\n\r\n", b"\r\n"]
)
def test_bytes_after_a_response_never_become_the_next_one(first: bytes, more: bytes) -> None:
    with Server([first, first + more], [OK]) as server:
        http = client()
        assert [fetch(http, server.url) for _ in range(3)] == [b"a"] * 3


def test_a_zero_chunk_in_another_spelling_does_not_hide_an_injected_response() -> None:
    injected = CHUNKED.replace(b"\r\n0\r\n", b"\r\n00\r\n") + CHUNKED.replace(b"a\r\n0", b"b\r\n0")
    with Server([injected], [OK]) as server:
        http = client()
        assert [fetch(http, server.url) for _ in range(2)] == [b"a"] * 2


def test_a_response_that_was_closed_unread_gives_nothing_to_the_next() -> None:
    with Server([OK[:-1] + b"b"], [OK]) as server:
        http = client()
        first = http.send("POST", server.url, {}, b"{}")
        first.close()
        assert fetch(http, server.url) == b"a"


def test_a_connection_is_new_when_a_response_did_not_come_to_its_end() -> None:
    with Server([OK.replace(b": 1", b": 2")], [OK]) as server:
        http = client()
        http.send("POST", server.url, {}, b"{}").close()
        assert fetch(http, server.url) == b"a"


def test_a_connection_is_new_when_the_last_one_was_idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "KEEP_ALIVE", 0.0)
    with Server([OK], [OK]) as server:
        http = client()
        assert [fetch(http, server.url) for _ in range(2)] == [b"a"] * 2


def test_threads_share_their_connections() -> None:
    with Server([OK, OK]) as server:
        http = client()
        fetch(http, server.url)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(fetch, http, server.url).result(60) == b"a"


def test_a_reused_connection_that_closes_before_any_byte_has_not_sent_the_request() -> None:
    """On a new connection, or after a byte, the request may have been carried out."""
    with Server([OK, b""], [b""], [OK, PART]) as server:
        http = client()
        fetch(http, server.url)
        with pytest.raises(NotSentError, match="closed an idle connection"):
            fetch(http, server.url)
        with pytest.raises(NoResponseError, match=r"without sending a response\Z"):
            fetch(http, server.url)
        fetch(http, server.url)
        with pytest.raises(NoResponseError, match="broke the connection"):
            fetch(http, server.url)


def test_a_reused_connection_that_closes_late_may_have_carried_the_request_out() -> None:
    now = [0.0]
    with Server([OK, b""]) as server:
        http = client(clock=lambda: now.append(now[-1] + IDLE_CLOSE) or now[-1])  # type: ignore[func-returns-value]
        fetch(http, server.url)
        with pytest.raises(NoResponseError, match="without sending a response"):
            fetch(http, server.url)


def test_a_body_that_ends_early_is_broken() -> None:
    with Server([OK.replace(b": 1", b": 2")]) as server, pytest.raises(BrokenBodyError, match="without sending"):
        fetch(client(), server.url)


# Silence, and requests that cannot be sent ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 1 << 30])
def test_a_server_that_takes_no_bytes_or_sends_none_is_given_up(size: int) -> None:
    body = StreamedBody(size, lambda: iter([bytes(min(size, 1 << 20))] * max(size >> 20, 1)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NoResponseError, match=r"no byte came from 127\.0\.0\.1:\d+ for 0\.05 s"):
            client(Limits(10, 0.05)).send("POST", url, {}, body)


def test_a_patient_request_waits_longer_for_the_first_byte_only() -> None:
    released, given_up = threading.Event(), threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        released.wait(60)
        connection.sendall(OK[:-1])
        given_up.wait(60)

    with listening(serve) as address:
        http = client(Limits(10, 0.05, first_byte=None))
        timer = threading.Timer(0.3, released.set)  # six times the idle limit
        timer.start()
        response = http.send("POST", f"http://{address}", {}, b"{}", patient=True)
        with pytest.raises(BrokenBodyError, match=r"no byte came for 0\.05 s"):
            list(http.chunks(response))
        given_up.set()


def test_an_answer_to_a_body_that_the_server_reads_no_further_is_read() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        answered.wait(60)

    answered = threading.Event()
    body = StreamedBody(1 << 30, lambda: iter([bytes(1 << 20)] * 1024))
    with listening(serve) as address:
        try:
            response = client(Limits(10, 0.5)).send("POST", f"http://{address}", {}, body)
            response.close()
            assert response.status_code == 413
        finally:
            answered.set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:x/", "ftp://127.0.0.1/", *(f"https://{host}/x" for host in
                                 ("a..b", ".example", "x" * 64))])  # fmt: skip
def test_a_url_that_cannot_be_asked_fails_for_good(url: str) -> None:
    with pytest.raises(NotSentError) as caught:
        client(proxy="http://127.0.0.1:1").send("GET", url, {})
    assert caught.value.permanent


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\n", "a\0", "a\rb", "ü", "a\x0cb"])
def test_a_header_cannot_become_two_and_is_not_quoted(value: str) -> None:
    with pytest.raises(NotSentError, match="printable ASCII") as caught:
        client().send("GET", "http://127.0.0.1:1/", {"A": f"secret{value}"})
    assert caught.value.permanent
    assert "secret" not in str(caught.value)


# TLS ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ca_file", ["/no/such/file", __file__])
def test_certificates_that_cannot_be_read_are_an_input_error(ca_file: str) -> None:
    with pytest.raises(InputError, match="certificates"):
        TrustStore(ca_file).load()


@pytest.mark.parametrize("ca_directory", [None, "/etc/ssl/certs"])
def test_the_trust_store_is_the_systems_unless_a_directory_is_named(ca_directory: str | None) -> None:
    TrustStore(None, ca_directory).load()


@needs_openssl
@pytest.mark.parametrize("announced", [True, False])
def test_over_tls_a_body_without_a_length_ends_with_close_notify_only(announced: bool, tmp_path: Path) -> None:
    """RFC 8446, 6.1: without it, a third party may have cut the connection."""
    theirs = certificate(tmp_path)

    def serve(connection: socket.socket) -> None:
        with theirs.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1000)
            secured.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf a file")
            if announced:
                with suppress(OSError):
                    secured.unwrap()

    with listening(serve) as address:
        http = client(ca=tmp_path / "certificate.pem")
        chunks = http.chunks(http.send("GET", f"https://{address}/x", {}))
        assert next(chunks) == b"half a file"
        with nullcontext() if announced else pytest.raises(BrokenBodyError):
            assert next(chunks, None) is None


@needs_openssl
def test_an_unknown_certificate_is_not_trusted(tmp_path: Path) -> None:
    theirs = certificate(tmp_path)
    with RawServer(gets=[http(b"file")], tls=theirs) as server:
        with pytest.raises(NotSentError, match="not trusted") as caught:
            fetch(client(), f"{server.url}/x", "GET")
        assert caught.value.permanent
        assert fetch(client(ca=tmp_path / "certificate.pem"), f"{server.url}/x", "GET") == b"file"
        assert len(server.requests) == 1


# Proxies --------------------------------------------------------------------------------------------------------------


class Tunnel:
    """A proxy for one connection: `greet` reads the request for a tunnel, which leads to itself (`answer` over TLS)."""

    def __init__(self, tls: ssl.SSLContext, greet: Callable[[socket.socket], None], *, secure: bool = False) -> None:
        self._tls = tls
        self._greet = greet
        self._secure = secure
        self.requests: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        if not self._secure:
            self._greet(connection)
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                self.requests.append(secured.recv(1000))
                secured.sendall(OK)
            return
        with self._tls.wrap_socket(connection, server_side=True) as outer:
            self._greet(outer)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            inner = self._tls.wrap_bio(incoming, outgoing, server_side=True)

            def until_done(step: Callable[[], bytes | int | None]) -> bytes | int | None:
                while True:
                    try:
                        result = step()
                    except ssl.SSLWantReadError:
                        outer.sendall(outgoing.read())
                        incoming.write(outer.recv(65536))
                    else:
                        outer.sendall(outgoing.read())
                        return result

            until_done(inner.do_handshake)
            request = until_done(lambda: inner.read(1000))
            assert isinstance(request, bytes)
            self.requests.append(request)
            until_done(lambda: inner.write(OK))


def connect(asked: list[bytes]) -> Callable[[socket.socket], None]:
    def greet(connection: socket.socket) -> None:
        asked.append(connection.recv(1000))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 p\r\n\r\n")

    return greet


def socks5(asked: list[bytes]) -> Callable[[socket.socket], None]:
    """RFC 1928 with user name and password (RFC 1929)."""

    def greet(connection: socket.socket) -> None:
        assert connection.recv(100)[0] == 5
        connection.sendall(b"\x05\x02")
        asked.append(connection.recv(100))
        connection.sendall(b"\x01\x00")
        asked.append(connection.recv(100))
        connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x09")

    return greet


@needs_openssl
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_tls_goes_through_the_tunnel_of_a_connect_proxy(scheme: str, tmp_path: Path) -> None:
    asked: list[bytes] = []
    proxy = Tunnel(certificate(tmp_path), connect(asked), secure=scheme == "https")
    with listening(proxy.serve) as address:
        http = client(ca=tmp_path / "certificate.pem", proxy=f"{scheme}://me:secret@{address}")
        assert fetch(http, "https://127.0.0.1:9/", "GET") == b"a"
    assert asked[0].startswith(b"CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n")
    credentials = base64.b64encode(b"me:secret")
    assert b"\r\nProxy-Authorization: Basic " + credentials + b"\r\n" in asked[0]
    assert proxy.requests == [b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n"]


@needs_openssl
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_tls_goes_through_a_socks_proxy(scheme: str, tmp_path: Path) -> None:
    asked: list[bytes] = []
    proxy = Tunnel(certificate(tmp_path), socks5(asked))
    with listening(proxy.serve) as address:
        http = client(ca=tmp_path / "certificate.pem", proxy=f"{scheme}://me:secret@{address}")
        assert fetch(http, "https://127.0.0.1:9/", "GET") == b"a"
    assert asked == [b"\x01\x02me\x06secret", b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x09"]
    assert proxy.requests == [b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 407),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503),
        (b"not HTTP\r\n\r\n", None),
        (b"", None),
    ],
)
def test_a_tunnel_that_a_proxy_does_not_make_means_not_sent(answer: bytes, status: int | None) -> None:
    """The CONNECT to the proxy is a request, too; that it was sent does not mean that the request was."""

    def serve(connection: socket.socket) -> None:
        assert connection.recv(1000).startswith(b"CONNECT api.example:443")
        connection.sendall(answer)

    with listening(serve) as address, pytest.raises(NotSentError) as caught:
        client(proxy=f"http://{address}").send("POST", "https://api.example/v1beta/interactions", {}, b"{}")
    assert caught.value.proxy_status == status


# httpcore leaves the socket of a failed SOCKS handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_silent_proxy_is_given_up_after_the_connect_timeout(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NotSentError, match=r"cannot connect to api\.example"):
            client(Limits(0.05, None), proxy=proxy).send("POST", "https://api.example/", {}, b"{}")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1:1",
        "http://[::1",
        "http://",
        "http://u:secret@:1",
        "http://u:secret/2@proxy:1",
        "http://u:secret@p:x",
    ],
)
def test_a_url_that_is_not_a_proxys_is_a_usage_error_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="must be like http://HOST:PORT") as caught:
        client(proxy=url)
    assert "secret" not in str(caught.value)
