"""A connection: what goes out, and what is understood of what comes in, however it is cut."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.errors import DeadlinePassed, InputError
from gemini_cli.files.source import Source
from gemini_cli.transport.address import Origin, Proxy, taken_apart
from gemini_cli.transport.connection import BARREN_LIMIT, READ, STEP, Broken, Connection, request_head

from .faults.scenes import certificate

ORIGIN = Origin("http", "127.0.0.1", 8080)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Peer:
    """The socket of a connection: takes `step` bytes at a time, and gives what it is told to, a piece for each read."""

    def __init__(self, pieces: list[bytes], step: int = 1 << 30) -> None:
        self.heard = b""
        self._pieces = iter(pieces)
        self._step = step

    def send(self, data: memoryview) -> int:
        assert len(data) <= STEP
        self.heard += data[: self._step]
        return min(len(data), self._step)

    def setsockopt(self, *option: int) -> None: ...

    def close(self) -> None: ...

    def recv(self, size: int) -> bytes:
        assert size == READ
        return next(self._pieces, b"")


def connected(peer: Peer) -> Connection:
    return Connection(cast(socket.socket, peer), ORIGIN)


def heard(pieces: list[bytes]) -> tuple[object, ...]:
    """Everything that an answer says, or how it breaks; and whether another may follow."""
    connection = connected(Peer(pieces))
    body = b""
    try:
        connection.ask(b"")
        head = connection.head()
        for piece in connection.body():
            body += piece
        return (*head, body, connection.reusable)
    except Broken as broken:
        return str(broken), body


ANSWERS = {
    "a length": (OK + b"Content-Length: 3\r\n\r\nabc", 200, b"abc", True),
    "no body": (b"HTTP/1.1 204 Gone\r\n\r\n", 204, b"", True),
    "chunks": (CHUNKED + b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nA-Trailer: 1\r\n\r\n", 200, b"abcd", True),
    "until the end": (OK + b"\r\nabc", 200, b"abc", False),
    "the last one": (OK + b"Connection: close\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    "announced": (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", 200, b"a", True),
    "a refusal": (b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", 429, b"", True),
}


@pytest.mark.parametrize("name", ANSWERS)
@given(places=st.lists(st.integers(0, 200), max_size=12))
def test_every_cut_gives_the_same_answer(name: str, places: list[int]) -> None:
    data, status, body, reusable = ANSWERS[name]
    edges = sorted({0, len(data), *(place % len(data) for place in places)})
    pieces = [data[start:end] for start, end in pairwise(edges)]
    found = heard(pieces)
    assert (found[0], found[3], found[4]) == (status, body, reusable)
    assert heard([data[place : place + 1] for place in range(len(data))]) == found


def test_what_the_head_says() -> None:
    connection = connected(Peer([b"HTTP/1.1 200 \xfcber\r\nA: 1\r\nB:\t x \t\r\nA: 2\r\n\r\n"]))
    connection.ask(b"")
    assert connection.head() == (200, "über", {"a": "1, 2", "b": "x"})


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no SIGALRM")
def test_a_signal_is_never_taken_for_an_error_of_the_parser() -> None:
    """A handler that raises in what llhttp calls would be lost in it: Ctrl-C, or the deadline."""
    data = CHUNKED + b"1\r\na\r\n" * 20_000

    def ring(number: int, frame: object) -> None:
        raise DeadlinePassed("now")

    def listen_until_it_rings(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        for _ in range(100):
            heard([data[place : place + READ] for place in range(0, len(data), READ)])

    before = signal.signal(signal.SIGALRM, ring)
    try:
        for turn in range(30):
            with pytest.raises(DeadlinePassed):
                listen_until_it_rings(0.001 + turn / 20_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_trailer_is_no_header() -> None:
    connection = connected(Peer([CHUNKED, b"1\r\na\r\n0\r\nContent-Type: text/html\r\n\r\n"]))
    connection.ask(b"")
    head = connection.head()
    assert b"".join(connection.body()) == b"a"
    assert "content-type" not in head.headers


@pytest.mark.parametrize(
    ("data", "words", "body"),
    [
        (b"", "without an answer", b""),
        (b"HTTP/1.1 200 O", "in the middle", b""),
        (OK + b"Content-Length: 5\r\n\r\nabc", "in the middle", b"abc"),
        (CHUNKED + b"3\r\nabc\r\n", "in the middle", b"abc"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\nabc", "in the middle", b"abc"),
        (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", "not HTTP", b"abc"),
        (CHUNKED + b"-3\r\nabc\r\n", "not HTTP", b""),
        (CHUNKED + b"zz\r\n", "not HTTP", b""),
        (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "not HTTP", b""),
        (OK + b"Content-Length: -1\r\n\r\nab", "not HTTP", b""),
        (OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not HTTP", b""),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP", b""),
        (b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "not HTTP", b""),
        (OK + b"A: " + b"x" * 2 * BARREN_LIMIT, "more than", b""),
        (OK + b"A: x\r\n" * BARREN_LIMIT, "more than", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * BARREN_LIMIT, "more than", b""),
        (CHUNKED + b"0\r\n" + b"A: x\r\n" * BARREN_LIMIT, "more than", b""),
        (CHUNKED + b"1;" + b"x" * 2 * BARREN_LIMIT, "more than", b""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_whole_answer_is_never_taken_for_one(data: bytes, words: str, body: bytes) -> None:
    said, came = heard([data[place : place + READ] for place in range(0, len(data), READ)])
    assert words in str(said)
    assert came == body


@pytest.mark.parametrize("more", [b"garbage", OK + b"Content-Length: 1\r\n\r\nb"])
def test_what_comes_unasked_is_not_the_answer_to_the_next_request(more: bytes) -> None:
    assert heard([OK + b"Content-Length: 1\r\n\r\na" + more])[3:] == (b"a", False)


def test_a_body_belongs_to_its_answer() -> None:
    connection = connected(Peer([OK + b"Content-Length: 1\r\n\r\na", OK + b"Content-Length: 1\r\n\r\nb"]))
    bodies = []
    for _ in range(2):
        connection.ask(b"")
        connection.head()
        bodies.append(connection.body())
    assert [list(body) for body in bodies] == [[b"a"], [b"b"]]


def test_what_came_together_is_one_piece() -> None:
    connection = connected(Peer([CHUNKED + b"1\r\na\r\n1\r\nb\r\n", b"1\r\nc\r\n0\r\n\r\n"]))
    connection.ask(b"")
    connection.head()
    assert list(connection.body()) == [b"ab", b"c"]


@pytest.mark.parametrize("step", [1, 7, 1 << 30])
def test_a_request_goes_out_whole_however_little_is_taken_at_a_time(step: int) -> None:
    head = request_head("POST", "/x?y", {"Host": "h"})
    assert head == b"POST /x?y HTTP/1.1\r\nHost: h\r\n\r\n"
    for pieces in ([b"abcdef"], [b"abc", b"", b"def"]):
        for body in (b"".join(pieces), iter(pieces)):
            peer = Peer([], step)
            connected(peer).ask(head, body)
            assert peer.heard == head + b"abcdef"


def test_a_large_body_goes_out_in_steps() -> None:
    peer = Peer([])
    connected(peer).ask(b"head", bytes(3 * STEP))
    assert peer.heard == b"head" + bytes(3 * STEP)


def tcp() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname(), 5)
        theirs, _ = listener.accept()
    theirs.settimeout(5)
    return ours, theirs


def refused(*arguments: int) -> int:
    raise OSError(errno.EINVAL, "not of this file")


SENDFILE: Any = getattr(os, "sendfile", None)


def broken_off(out: int, file: int, offset: int, count: int) -> int:
    """A little goes out by itself, and then the file gives no more."""
    if offset > 100:
        raise OSError(errno.EIO, "Input/output error")
    sent: int = SENDFILE(out, file, offset, 1000)
    return sent


@pytest.mark.parametrize("way", ["sendfile", "refused", "broken off", "TLS"])
def test_the_bytes_of_a_file_are_sent(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = random.Random(6).randbytes(3 * STEP)
    path = tmp_path / "file"
    path.write_bytes(content)
    source = Source.of(str(path))
    ours, theirs = tcp()
    if way == "broken off":
        monkeypatch.setattr(os, "sendfile", broken_off)
    elif way != "sendfile":
        monkeypatch.setattr(os, "sendfile", refused)
    if way == "TLS":
        if not shutil.which("openssl"):
            pytest.skip("needs openssl for a certificate")
        context = certificate(tmp_path)
        trust = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))

    expected = b"head" + content[7 : 2 * STEP + 12]

    def take() -> bytes:
        taken = b""
        with context.wrap_socket(theirs, server_side=True) if way == "TLS" else theirs as peer:
            while len(taken) < len(expected):
                taken += peer.recv(READ) or bytes(len(expected))
        return taken

    with ThreadPoolExecutor(1) as pool, closing(Connection(ours, ORIGIN)) as connection:
        taken = pool.submit(take)
        if way == "TLS":
            connection.start_tls(trust)
        connection.ask(b"head", source.stretches(7, 2 * STEP + 5))
        assert taken.result(10) == expected


def test_a_file_that_ends_too_early_while_the_kernel_sends_it_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(STEP))
    source = Source.of(str(path))
    ours, theirs = tcp()
    os.truncate(path, 1000)
    with closing(Connection(ours, ORIGIN)) as connection, theirs:
        with pytest.raises(InputError, match="changed while it was being sent"):
            connection.ask(b"head", source.stretches(0, STEP))
        assert theirs.recv(READ).startswith(b"head")


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\n", "a\0", "a\rb", "ü", "a\x0cb"])
def test_a_header_cannot_become_two(value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        request_head("GET", "/", {"A": value})


def test_an_answer_that_came_before_all_was_sent_is_heard() -> None:
    """A server may refuse a body that it has not read, and hang up."""

    class Refusing(Peer):
        def send(self, data: memoryview) -> int:
            if self.heard:
                raise BrokenPipeError
            return super().send(data)

    connection = connected(Refusing([b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"]))
    connection.ask(b"head", iter([b"body"] * 3))
    assert connection.head().status == 413


def test_an_answer_is_heard_of_who_takes_no_more_and_stays() -> None:
    ours, theirs = tcp()
    with closing(Connection(ours, ORIGIN)) as connection, theirs:
        connection.wait_no_longer_than(0.2)
        theirs.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.ask(b"head", iter([bytes(STEP)] * 1000))
        assert connection.head().status == 413


def test_a_body_that_cannot_be_read_is_no_fault_of_the_connection() -> None:
    def body() -> Iterator[bytes]:
        yield b"a"
        raise OSError(5, "the disk")

    with pytest.raises(OSError, match="the disk"):
        connected(Peer([])).ask(b"", body())


@pytest.mark.parametrize(
    ("url", "origin", "field", "target"),
    [
        ("https://api.example/a b?c=d e", ("https", "api.example", 443), "api.example", "/a%20b?c=d%20e"),
        ("https://api.example:8443", ("https", "api.example", 8443), "api.example:8443", "/"),
        ("http://[::1]:80/x%2Fy", ("http", "::1", 80), "[::1]", "/x%2Fy"),
        ("http://h.:0/", ("http", "h.", 0), "h.:0", "/"),
        ("http://bücher.example/ü", ("http", "xn--bcher-kva.example", 80), "xn--bcher-kva.example", "/%C3%BC"),
    ],
)
def test_a_url_taken_apart(url: str, origin: tuple[str, str, int], field: str, target: str) -> None:
    found, named = taken_apart(url)
    assert (tuple(found), found.host_field, named) == (origin, field, target)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x", "http://a..b", "http://.b", "https:///x", "http://x:port", "http://[::1"]
)
def test_what_cannot_be_asked(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        taken_apart(url)


def test_the_credentials_of_a_proxy() -> None:
    assert Proxy.parse("http://p") == (("http", "p", 80), "")
    assert Proxy.parse("http://u:p%40ss@p:3128") == (("http", "p", 3128), "Basic dTpwQHNz")
