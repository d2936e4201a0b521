"""The loopback port: HTTP/1.1, its guard, and connections that break (issue 3, items 1 and 5)."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator import Emulator
from gemini_cli.emulator.errors import Problem
from gemini_cli.emulator.guard import BODY_LIMIT, check
from gemini_cli.emulator.server import Server
from tests.waiting import PATIENCE, until

from .door import MODEL, delta_text, events

CREATE = {"model": MODEL, "input": "Hi"}
STREAM = {**CREATE, "stream": True}
TARGET = "/v1/interactions"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def connect(server: Server) -> "closing[http.client.HTTPConnection]":
    return closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE))


def ask(
    server: Server, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    sent = {"x-goog-api-key": server.key, "content-type": "application/json", **(headers or {})}
    with connect(server) as connection:
        connection.request(method, target, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def raw(server: Server, request: bytes) -> bytes:
    """Send bytes and read until the server closes or a second passes."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=1)) as sock:
        sock.sendall(request)
        received = b""
        try:
            while piece := sock.recv(65536):
                received += piece
        except TimeoutError:
            pass
        return received


def test_the_address_is_loopback_and_the_key_is_random(server: Server) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert len(server.key) == 39
    assert server.key.isprintable()
    other = Server()
    assert other.key != server.key
    other.close()


def test_one_connection_serves_many_requests(server: Server) -> None:
    with connect(server) as connection:
        for _ in range(3):
            connection.request(
                "POST", TARGET, json.dumps(CREATE), {"x-goog-api-key": server.key, "content-type": "application/json"}
            )
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["status"]) == (200, "completed")
            local = connection.sock.getsockname() if connection.sock else None
            assert local is not None
    assert [(seen.method, seen.target) for seen in server.requests] == [("POST", TARGET)] * 3


def test_each_flush_is_a_chunk_of_its_own(server: Server) -> None:
    body = json.dumps(STREAM).encode()
    head = f"POST {TARGET} HTTP/1.1\r\nhost: localhost\r\nx-goog-api-key: {server.key}\r\nconnection: close\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    received = raw(server, head.encode() + body)
    headers, _, rest = received.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in headers
    assert b"content-type: text/event-stream" in headers
    chunks = []
    while size := int(rest.partition(b"\r\n")[0], 16):
        rest = rest.partition(b"\r\n")[2]
        chunks.append(rest[:size])
        rest = rest[size + 2 :]
    assert all(chunk.startswith(b"event: ") and chunk.endswith(b"\n\n") for chunk in chunks)
    assert delta_text(events(b"".join(chunks))).startswith("Emulator: turn 1,")


def test_an_http_1_0_client_gets_the_stream_unchunked(server: Server) -> None:
    body = json.dumps(STREAM).encode()
    head = f"POST {TARGET} HTTP/1.0\r\nhost: localhost\r\nx-goog-api-key: {server.key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    received = raw(server, head.encode() + body)
    assert len(events(received.partition(b"\r\n\r\n")[2])) > 5


def test_a_chunked_request_is_understood(server: Server) -> None:
    body = json.dumps(CREATE).encode()
    with connect(server) as connection:
        headers = {"x-goog-api-key": server.key, "content-type": "application/json"}
        connection.request("POST", TARGET, iter([body[:9], body[9:]]), headers, encode_chunked=True)
        assert connection.getresponse().status == 200


def test_the_server_demands_its_key(server: Server) -> None:
    assert ask(server, "POST", TARGET, CREATE, {"x-goog-api-key": ""})[0] == 403
    assert ask(server, "POST", TARGET, CREATE, {"x-goog-api-key": "x"})[0] == 400


# --- the guard


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:1234"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "[::1]"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://localhost"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "Application/JSON; charset=utf-8"}, 200),
    ],
)
def test_the_guard(server: Server, headers: dict[str, str], status: int) -> None:
    found, answered, body = ask(server, "POST", TARGET, CREATE, headers)
    assert found == status
    assert not any(name.lower().startswith("access-control") for name in answered)
    if status != 200:
        assert json.loads(body)["error"]["code"] == status
        assert len(server.requests) == 0


def test_a_preflight_gets_nothing(server: Server) -> None:
    assert ask(server, "OPTIONS", TARGET, None, {"origin": "http://x"})[0] == 403


def test_bodies_that_are_too_large_are_refused_unread(server: Server) -> None:
    assert ask(server, "POST", TARGET, None, {"content-length": str(BODY_LIMIT + 1)})[0] == 413
    assert ask(server, "POST", TARGET, None, {"content-length": "-1"})[0] == 400


def test_chunks_of_an_upload_need_no_json_type() -> None:
    headers = {"host": "localhost", "content-length": "5", "content-type": "text/plain"}
    check("POST", "/upload/v1/files?upload_id=x", headers)
    with pytest.raises(Problem) as caught:
        check("POST", "/upload/v1/files", headers)
    assert caught.value.status == 415


def test_a_refusal_reaches_a_client_that_is_still_sending(server: Server) -> None:
    with connect(server) as connection:
        body = b"x" * (2 << 20)
        connection.request("POST", TARGET, body, {"x-goog-api-key": server.key, "content-type": "text/plain"})
        assert connection.getresponse().status == 415


def test_half_a_body_is_no_request(server: Server) -> None:
    head = f"POST {TARGET} HTTP/1.1\r\nhost: localhost\r\nx-goog-api-key: {server.key}\r\n"
    head += "content-type: application/json\r\n"
    for announced in (
        "content-length: 100\r\n\r\n{}",
        "transfer-encoding: chunked\r\n\r\n5\r\n{}",
        "content-length: 1\r\n\r\n",
    ):
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as sock:
            sock.sendall((head + announced).encode())
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(100) == b""
    bad = raw(server, (head + "transfer-encoding: chunked\r\n\r\nzz\r\n").encode())
    assert bad.startswith(b"HTTP/1.1 400 ")
    assert len(server.requests) == 0


# --- breaking off


def test_a_cut_is_a_reset(server: Server) -> None:
    server.emulator.faults.order("cut(after=1)")
    with connect(server) as connection:
        connection.request(
            "POST", TARGET, json.dumps(STREAM), {"x-goog-api-key": server.key, "content-type": "application/json"}
        )
        answer = connection.getresponse()
        with pytest.raises(ConnectionResetError):
            answer.read()


def test_a_close_without_the_last_chunk(server: Server) -> None:
    server.emulator.faults.order("cut(after=1, how=close)")
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "POST", TARGET, STREAM)


def test_a_clean_cut_is_whole_for_http(server: Server) -> None:
    server.emulator.faults.order("cut_clean(after=1)")
    assert b"completed" not in ask(server, "POST", TARGET, STREAM)[2]


def test_a_reset_before_the_answer(server: Server) -> None:
    server.emulator.faults.order("reset")
    with pytest.raises(ConnectionResetError):
        ask(server, "POST", TARGET, CREATE)


def test_silence_lasts_until_the_client_leaves(server: Server) -> None:
    server.emulator.faults.order("silence")
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.3)) as connection:
        connection.request(
            "POST", TARGET, json.dumps(CREATE), {"x-goog-api-key": server.key, "content-type": "application/json"}
        )
        with pytest.raises(TimeoutError):
            connection.getresponse()
    until(lambda: server.hangups)


def test_a_client_that_leaves_a_stall_is_noticed(server: Server) -> None:
    server.emulator.faults.order("stall(after=1)")
    with connect(server) as connection:
        connection.request(
            "POST", TARGET, json.dumps(STREAM), {"x-goog-api-key": server.key, "content-type": "application/json"}
        )
        answer = connection.getresponse()
        while b'"type":"text"' not in answer.readline():
            pass
        answer.close()
    until(lambda: server.hangups)


def test_a_body_shorter_than_promised(server: Server) -> None:
    server.emulator.faults.order("short_body")
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "POST", TARGET, CREATE)


def test_headers_that_drip(server: Server) -> None:
    server.emulator.faults.order("drip_headers(seconds=0.05)")
    body = json.dumps(CREATE)
    head = f"POST {TARGET} HTTP/1.1\r\nhost: localhost\r\nx-goog-api-key: {server.key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as sock:
        sock.sendall(head.encode())
        begun = b"".join(sock.recv(4096) for _ in range(3))
    assert b"HTTP/1.1 200 OK".startswith(begun[:15])
    assert b"\r\n\r\n" not in begun


def test_closing_ends_what_is_being_sent() -> None:
    server = Server(Emulator(faults=["stall(after=0)"])).start()
    ended = threading.Event()

    def read() -> None:
        try:
            ask(server, "POST", TARGET, STREAM)
        except (OSError, http.client.HTTPException):
            ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    until(lambda: len(server.requests) == 1)
    server.close()
    reader.join(PATIENCE)
    assert ended.is_set()


# --- bookkeeping


def test_leaving_the_block_fails_for_what_is_left() -> None:
    with pytest.raises(AssertionError, match="fault not spent: cut"), Server(Emulator(faults=["cut"])):
        pass
    with pytest.raises(AssertionError, match="unknown request: GET /nonsense"), Server() as server:
        ask(server, "GET", "/nonsense")


def test_another_failure_is_not_hidden() -> None:
    with pytest.raises(KeyError), Server(Emulator(faults=["cut"])):
        raise KeyError


def test_what_is_logged_has_no_key() -> None:
    lines: list[str] = []
    with Server(log=lines.append) as server:
        ask(server, "GET", f"/v1/models?key={server.key}")
        until(lambda: len(lines) == 1)
        ask(server, "POST", TARGET, CREATE)
        until(lambda: len(lines) == 2)
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["GET /v1/models 200", "POST /v1/interactions 200"]
    assert server.key not in "".join(lines)


def test_bodies_are_remembered_up_to_a_limit() -> None:
    with Server(remember=4) as server:
        ask(server, "POST", TARGET, CREATE)
        assert server.requests[0].body == b'{"mo'
    with Server(remember=None) as server:
        ask(server, "POST", TARGET, CREATE)
        assert len(server.requests) == 0


def test_a_bug_of_ours_fails_the_test(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    server = Server()
    monkeypatch.setattr(server.emulator, "handle", lambda call: 1 / 0)
    server.start()
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server, "POST", TARGET, CREATE)
    until(lambda: server.failures)
    server.close()
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        server.assert_clean()
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl for a certificate")
def test_tls_with_a_certificate_of_one_s_own(tmp_path: Path) -> None:
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    headers = {"content-type": "application/json"}
    with Server(tls=ours) as server:
        assert server.url.startswith("https://127.0.0.1:")
        for context, body in ((trusting, STREAM), (trusting, CREATE)):
            sent = {**headers, "x-goog-api-key": server.key}
            with closing(http.client.HTTPSConnection("127.0.0.1", server.port, context=context)) as connection:
                connection.request("POST", TARGET, json.dumps(body), sent)
                assert connection.getresponse().read()
        stranger = closing(http.client.HTTPSConnection("127.0.0.1", server.port, context=ssl.create_default_context()))
        with stranger as connection, pytest.raises(ssl.SSLCertVerificationError):
            connection.request("POST", TARGET, "{}", headers)
        assert len(server.requests) == 2
        server.emulator.faults.order("stall(after=0)")
        with closing(http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting)) as connection:
            connection.request("POST", TARGET, json.dumps(STREAM), {**headers, "x-goog-api-key": server.key})
            assert connection.getresponse().read1(10)
        until(lambda: server.hangups)


def test_both_loopback_addresses() -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no ::1")
    with (
        Server(ipv6=True) as server,
        closing(http.client.HTTPConnection("::1", server.port, timeout=PATIENCE)) as connection,
    ):
        connection.request("GET", "/v1/models", headers={"x-goog-api-key": server.key})
        assert connection.getresponse().status == 200


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_many_clients_at_once(server: Server) -> None:
    ids: list[str] = []

    def work() -> None:
        ids.extend(json.loads(ask(server, "POST", TARGET, CREATE)[2])["id"] for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(set(ids)) == 80
