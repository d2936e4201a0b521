"""The server on the loopback port: HTTP/1.1, limits, and broken connections."""

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

from gemini_cli.emulator.errors import ErrorResponse
from gemini_cli.emulator.http.http_limits import BODY_LIMIT, check_request_head
from gemini_cli.emulator.http.server import NEW_CONNECTIONS, Server
from gemini_cli.emulator.service import Emulator
from tests.waiting import PATIENCE, until

from .in_memory_client import MODEL, delta_text, events

CREATE = {"model": MODEL, "input": "Hi"}
STREAM = {**CREATE, "stream": True}
TARGET = "/v1/interactions"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def connect(server: Server) -> "closing[http.client.HTTPConnection]":
    return closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE))


def send(
    server: Server, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    sent = {"x-goog-api-key": server.key, "content-type": "application/json", **(headers or {})}
    with connect(server) as connection:
        connection.request(method, target, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def raw(server: Server, request: bytes) -> bytes:
    """Send bytes and read until the server closes the connection."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as sock:
        sock.sendall(request)
        received = b""
        while piece := sock.recv(65536):
            received += piece
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


def test_each_item_is_a_chunk_of_its_own(server: Server) -> None:
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


def test_the_server_needs_its_key(server: Server) -> None:
    assert send(server, "POST", TARGET, CREATE, {"x-goog-api-key": ""})[0] == 403
    assert send(server, "POST", TARGET, CREATE, {"x-goog-api-key": "x"})[0] == 400


# --- checks of the head


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:{port}"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:{port}"}, 200),
        ({"host": "127.0.0.1:1"}, 421),
        ({"host": "[::1]:80"}, 421),
        ({"host": "127.0.0.1:"}, 421),
        ({"host": "127.0.0.1, localhost"}, 421),
        ({"host": "127.0.0.1:{port}, evil.example:{port}"}, 421),
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
def test_the_checks_of_the_head(server: Server, headers: dict[str, str], status: int) -> None:
    headers = {name: value.format(port=server.port) for name, value in headers.items()}
    found, answered, body = send(server, "POST", TARGET, CREATE, headers)
    assert found == status
    assert not any(name.lower().startswith("access-control") for name in answered)
    if status != 200:
        assert json.loads(body)["error"]["code"] == status
        assert len(server.requests) == 0


def test_a_preflight_is_an_error(server: Server) -> None:
    assert send(server, "OPTIONS", TARGET, None, {"origin": "http://x"})[0] == 403


def test_a_large_body_is_an_error_before_it_is_read(server: Server) -> None:
    assert send(server, "POST", TARGET, None, {"content-length": str(BODY_LIMIT + 1)})[0] == 413
    assert send(server, "POST", TARGET, None, {"content-length": "-1"})[0] == 400


def test_chunks_of_an_upload_need_no_json_type() -> None:
    fields = [("Host", "localhost"), ("Content-Length", "5"), ("Content-Type", "text/plain")]
    headers = check_request_head("POST", "/upload/v1/files?upload_id=x", fields, 80)
    assert headers == {"host": "localhost", "content-length": "5", "content-type": "text/plain"}
    with pytest.raises(ErrorResponse) as caught:
        check_request_head("POST", "/upload/v1/files", fields, 80)
    assert caught.value.status == 415


def test_an_error_reaches_a_client_that_still_sends(server: Server) -> None:
    with connect(server) as connection:
        body = b"x" * (2 << 20)
        connection.request("POST", TARGET, body, {"x-goog-api-key": server.key, "content-type": "text/plain"})
        assert connection.getresponse().status == 415


def test_half_a_body_is_not_a_request(server: Server) -> None:
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


def head(server: Server, *lines: str, target: str = TARGET, host: str = "localhost") -> bytes:
    key, kind = f"x-goog-api-key: {server.key}", "content-type: application/json"
    return "\r\n".join([f"POST {target} HTTP/1.1", f"host: {host}", key, kind, *lines, "", ""]).encode()


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("lines", "target", "expected"),
    [
        (["content-length: 0"], "http://127.0.0.1/v1/interactions", 400),
        (["content-length: 0"], "*", 400),
        (["host: localhost", "content-length: 0"], TARGET, 400),
        (["content-length: 2", "content-length: 3"], TARGET, 400),
        (["content-length: +2"], TARGET, 400),
        (["content-length: 2", "transfer-encoding: chunked"], TARGET, 400),
        (["transfer-encoding: gzip, chunked"], TARGET, 501),
        (["transfer-encoding: identity"], TARGET, 501),
    ],
)
def test_unclear_heads_are_refused(server: Server, lines: list[str], target: str, expected: int) -> None:
    assert status(raw(server, head(server, *lines, target=target) + b"{}")) == expected
    assert len(server.requests) == 0


BODY = json.dumps(CREATE).encode()


@pytest.mark.parametrize("size", [b"%x", b"%X", b"0%x", b"%x;name=value", b"%x ;name"])
def test_chunk_sizes(server: Server, size: bytes) -> None:
    chunks = size % len(BODY) + b"\r\n" + BODY + b"\r\n0\r\nx-trailer: 1\r\n\r\n"
    assert status(raw(server, head(server, "transfer-encoding: chunked", "connection: close") + chunks)) == 200
    assert server.requests[0].body == BODY


@pytest.mark.parametrize("size", [b"-1", b"+%x", b"0x%x", b"%x_0", b" %x", b"", b"%x\n", b"1" * 17, b"%xh"])
def test_other_chunk_sizes_are_refused(server: Server, size: bytes) -> None:
    line = size % len(BODY) if b"%" in size else size
    chunks = line + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
    assert status(raw(server, head(server, "transfer-encoding: chunked") + chunks)) == 400
    assert len(server.requests) == 0


@pytest.mark.parametrize(
    "chunks", [b"2\r\n{}x\r\n0\r\n\r\n", b"2\n{}\r\n0\r\n\r\n", b"0\r\n" + b"a: b\r\n" * 100 + b"\r\n"]
)
def test_malformed_chunks_are_refused(server: Server, chunks: bytes) -> None:
    assert status(raw(server, head(server, "transfer-encoding: chunked") + chunks)) == 400


@pytest.mark.parametrize(
    ("target", "key", "expected"),
    [
        (TARGET, "wrong", 400),
        (TARGET, "", 403),
        ("/v1/nonsense", "", 404),
        ("/upload/v1beta/files?upload_id=unknown", "", 404),
    ],
)
def test_a_request_is_refused_before_its_body(target: str, key: str, expected: int) -> None:
    """The response comes although the body never does."""
    server = Server().start()
    lines = f"POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    lines += f"x-goog-api-key: {key}\r\ncontent-length: 1000000000\r\nexpect: 100-continue\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as sock:
        sock.sendall(lines.encode())
        assert status(sock.recv(1000)) == expected
    server.close()


def test_a_body_is_asked_for_after_the_head_was_checked(server: Server) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as sock:
        sock.sendall(head(server, f"content-length: {len(BODY)}", "expect: 100-continue"))
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(BODY)
        assert status(sock.recv(1000)) == 200


@pytest.mark.parametrize("sent", [b"", b"POST /v1/inter", b"HEAD", b"BODY", b"CHUNK"])
def test_a_client_that_sends_no_more_is_disconnected(sent: bytes) -> None:
    with Server(read_seconds=0.2) as server:
        parts = {
            b"HEAD": head(server, "content-length: 5")[:-2],
            b"BODY": head(server, "content-length: 5") + b"{}",
            b"CHUNK": head(server, "transfer-encoding: chunked") + b"5\r\n{}",
        }
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as sock:
            sock.sendall(parts.get(sent, sent))
            assert sock.recv(1000) == b""
        assert len(server.requests) == 0


def test_a_response_may_take_longer_than_the_time_to_read() -> None:
    with Server(Emulator(faults=["slow(seconds=2.5)"]), read_seconds=2) as server, connect(server) as connection:
        connection.request("GET", "/v1/models", headers={"x-goog-api-key": server.key})
        assert connection.getresponse().status == 200


def test_the_oldest_of_too_many_new_connections_is_closed() -> None:
    with Server() as server:
        opened = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(NEW_CONNECTIONS + 1)]
        assert opened[0].recv(1) == b""
        opened[-1].sendall(head(server, f"content-length: {len(BODY)}") + BODY)
        assert status(opened[-1].recv(1000)) == 200
        for each in opened:
            each.close()


# --- broken connections


def test_a_cut_is_a_reset(server: Server) -> None:
    server.emulator.faults.add("cut(after=1)")
    with connect(server) as connection:
        connection.request(
            "POST", TARGET, json.dumps(STREAM), {"x-goog-api-key": server.key, "content-type": "application/json"}
        )
        answer = connection.getresponse()
        with pytest.raises(ConnectionResetError):
            answer.read()


def test_a_close_without_the_last_chunk(server: Server) -> None:
    server.emulator.faults.add("cut(after=1, how=close)")
    with pytest.raises(http.client.IncompleteRead):
        send(server, "POST", TARGET, STREAM)


def test_a_clean_cut_is_complete_for_http(server: Server) -> None:
    server.emulator.faults.add("cut_clean(after=1)")
    assert b"completed" not in send(server, "POST", TARGET, STREAM)[2]


def test_a_reset_before_the_response(server: Server) -> None:
    server.emulator.faults.add("reset")
    with pytest.raises(ConnectionResetError):
        send(server, "POST", TARGET, CREATE)


def test_silence_lasts_until_the_client_disconnects(server: Server) -> None:
    server.emulator.faults.add("silence")
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.3)) as connection:
        connection.request(
            "POST", TARGET, json.dumps(CREATE), {"x-goog-api-key": server.key, "content-type": "application/json"}
        )
        with pytest.raises(TimeoutError):
            connection.getresponse()
    until(lambda: server.hangups)


def test_a_client_that_disconnects_in_a_stall_is_noticed(server: Server) -> None:
    server.emulator.faults.add("stall(after=1)")
    with connect(server) as connection:
        connection.request(
            "POST", TARGET, json.dumps(STREAM), {"x-goog-api-key": server.key, "content-type": "application/json"}
        )
        answer = connection.getresponse()
        while b'"type":"text"' not in answer.readline():
            pass
        answer.close()
    until(lambda: server.hangups)


def test_a_body_shorter_than_its_content_length(server: Server) -> None:
    server.emulator.faults.add("short_body")
    with pytest.raises(http.client.IncompleteRead):
        send(server, "POST", TARGET, CREATE)


def test_headers_that_drip(server: Server) -> None:
    server.emulator.faults.add("drip_headers(seconds=0.05)")
    body = json.dumps(CREATE)
    head = f"POST {TARGET} HTTP/1.1\r\nhost: localhost\r\nx-goog-api-key: {server.key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as sock:
        sock.sendall(head.encode())
        begun = b"".join(sock.recv(4096) for _ in range(3))
    assert b"HTTP/1.1 200 OK".startswith(begun[:15])
    assert b"\r\n\r\n" not in begun


def test_close_ends_responses() -> None:
    server = Server(Emulator(faults=["stall(after=0)"])).start()
    ended = threading.Event()

    def read() -> None:
        try:
            send(server, "POST", TARGET, STREAM)
        except (OSError, http.client.HTTPException):
            ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    until(lambda: len(server.requests) == 1)
    server.close()
    reader.join(PATIENCE)
    assert ended.is_set()


# --- records


def test_the_end_of_the_block_fails_for_leftovers() -> None:
    with pytest.raises(AssertionError, match="fault not used: cut"), Server(Emulator(faults=["cut"])):
        pass
    with pytest.raises(AssertionError, match="unknown request: GET /nonsense"), Server() as server:
        send(server, "GET", "/nonsense")


def test_an_exception_in_the_block_is_not_hidden() -> None:
    with pytest.raises(KeyError), Server(Emulator(faults=["cut"])):
        raise KeyError


def test_the_log_has_no_key() -> None:
    lines: list[str] = []
    with Server(log=lines.append) as server:
        send(server, "GET", f"/v1/models?key={server.key}", headers={"x-goog-api-key": ""})
        until(lambda: len(lines) == 1)
        send(server, "POST", TARGET, CREATE)
        until(lambda: len(lines) == 2)
    assert [line.rsplit(" ", 2)[0] for line in lines] == ["GET /v1/models 200", "POST /v1/interactions 200"]
    assert server.key not in "".join(lines)


def test_bodies_are_recorded_up_to_a_limit() -> None:
    with Server(remember=4) as server:
        send(server, "POST", TARGET, CREATE)
        assert server.requests[0].body == b'{"mo'
    with Server(remember=None) as server:
        send(server, "POST", TARGET, CREATE)
        assert len(server.requests) == 0


def test_an_exception_in_the_emulator_fails_the_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server()
    monkeypatch.setattr(server.emulator, "handle", lambda call: 1 / 0)
    server.start()
    with pytest.raises(http.client.RemoteDisconnected):
        send(server, "POST", TARGET, CREATE)
    until(lambda: server.failures)
    server.close()
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        server.assert_clean()
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl for a certificate")
def test_files_that_cannot_be_used_are_an_answer(tmp_path: Path) -> None:
    server = Server(Emulator(state=tmp_path / "state")).start()
    with closing(server):
        (tmp_path / "state.files").write_text("not a directory")
        start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        headers = {"x-goog-api-key": server.key, "content-type": "application/json", **start}
        connection.request("POST", "/upload/v1beta/files", "{}", headers)
        answer = connection.getresponse()
        assert answer.status == 500
        assert "The emulator cannot use its files" in json.loads(answer.read())["error"]["message"]
        connection.close()
        assert "File exists" in server.failures[0]


def test_tls(tmp_path: Path) -> None:
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    headers = {"content-type": "application/json"}
    with Server(tls=context) as server:
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
        server.emulator.faults.add("stall(after=0)")
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
        ids.extend(json.loads(send(server, "POST", TARGET, CREATE)[2])["id"] for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(set(ids)) == 80
