"""Where a row of the table happens: a server that misbehaves, and what the program is told about it."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.faults.raw_server import JSON, SSE, Answer, RawServer, bare, events, http, stream

from .program import CANARY

# Lines, letters of two to four bytes, and a line separator that is no end of a line to anybody but str.splitlines.
T = "Zwölf Boxkämpfer\u2028jagen 🥊 Viktor\nquer über den großen Sylter Deich, und niemand\tweiß, warum."
DELTAS = [T[start : start + 8] for start in range(0, len(T), 8)]


class Asked(Protocol):
    """A request as a server saw it."""

    @property
    def method(self) -> str: ...
    @property
    def at(self) -> float: ...


class Target(NamedTuple):
    url: str
    requests: Sequence[Asked] = ()
    environ: dict[str, str] = {}  # noqa: RUF012  never changed
    forbidden: Sequence[RawServer] = ()  # nothing may ever connect there
    leftovers: Callable[[], list[str]] = list  # faults that were ordered and did not happen


Setup = Callable[[], AbstractContextManager[Target]]


# The emulator ---------------------------------------------------------------------------------------------------------


def emulated(*orders: str, reply: str = T, **line: Any) -> Setup:
    """The emulator with faults on order; each of them must be used up."""

    @contextmanager
    def stage() -> Iterator[Target]:
        with closing(emulator(*filter(None, orders), reply=reply, **line).start()) as server:
            yield Target(server.url, server.requests, leftovers=server.emulator.leftovers)

    return stage


def emulator(*orders: str, reply: str = T, **line: Any) -> Server:
    return Server(Emulator(key=CANARY, faults=orders, script=[{"reply": reply, "chunk": 8, **line}]))


def redirected(status: int, *, cut: bool = False) -> Setup:
    """A redirect to another address, which must not be followed; with `cut`, of the GET that asks for the rest."""

    @contextmanager
    def stage() -> Iterator[Target]:
        with RawServer(host="127.0.0.2") as other:
            orders = [f"redirect('{other.url}/elsewhere', {status}, times=forever{', on=get' if cut else ''})"]
            with closing(emulator(*(["cut(2)"] if cut else []), *orders).start()) as server:
                yield Target(server.url, server.requests, forbidden=[other], leftovers=server.emulator.leftovers)

    return stage


@contextmanager
def behind_proxies() -> Iterator[Target]:
    """Every proxy variable names a proxy, and the server is on loopback."""
    names = ("http_proxy", "https_proxy", "all_proxy")
    with RawServer() as proxy, emulator() as server:
        environ = {name: proxy.url for lower in names for name in (lower, lower.upper())}
        yield Target(server.url, server.requests, environ, [proxy])


# Below HTTP -----------------------------------------------------------------------------------------------------------


def raw(posts: Sequence[Answer], gets: Sequence[Answer] = ()) -> Setup:
    @contextmanager
    def stage() -> Iterator[Target]:
        with RawServer(posts, gets) as server:
            yield Target(server.url, server.requests)

    return stage


@contextmanager
def self_signed() -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as directory:
        context = certificate(Path(directory))
    with RawServer([http(answer_body())], tls=context) as server:
        yield Target(server.url, server.requests)


def certificate(directory: Path) -> ssl.SSLContext:
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    wanted = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    wanted += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *wanted.split(), "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def closed_port() -> Iterator[Target]:
    """A port that is taken, so that nobody else can listen on it, and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Target(f"http://127.0.0.1:{taken.getsockname()[1]}")


@contextmanager
def deaf_port() -> Iterator[Target]:
    """A port that never completes a connection: its queue of one is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield Target(f"http://127.0.0.1:{listener.getsockname()[1]}")


def at(url: str) -> Setup:
    """No server of ours."""

    @contextmanager
    def stage() -> Iterator[Target]:
        yield Target(url)

    return stage


# What raw servers say -------------------------------------------------------------------------------------------------

ID = "v1_raw"


def answer_of(text: str = T, **more: Any) -> dict[str, Any]:
    step = {"type": "model_output", "content": [{"type": "text", "text": text}]}
    return {"id": ID, "object": "interaction", "status": "completed", "steps": [step], **more}


def answer_body(text: str = T, **more: Any) -> bytes:
    return json.dumps(answer_of(text, **more), ensure_ascii=False).encode()


CREATED: dict[str, Any] = {
    "event_type": "interaction.created",
    "interaction": {"id": ID, "object": "interaction", "status": "in_progress"},
}
START: dict[str, Any] = {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}}
STOP: dict[str, Any] = {"event_type": "step.stop", "index": 0}
COMPLETED: dict[str, Any] = {
    "event_type": "interaction.completed",
    "interaction": {"id": ID, "object": "interaction", "status": "completed"},
}


def delta(text: str | int, **more: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}, **more}


def told(*deltas: str) -> list[dict[str, Any]]:
    """The beginning of a stream."""
    return [CREATED, START, *map(delta, deltas)]


def whole_stream(*noise: dict[str, Any] | bytes) -> Answer:
    """The whole answer, with something after its second delta."""
    return stream(*told(*DELTAS[:2]), *noise, *map(delta, DELTAS[2:]), STOP, COMPLETED)


def torn(*payloads: dict[str, Any], missing: int = 100) -> Answer:
    """A stream that announces more bytes than it has."""
    body = events(*payloads)
    return http(body, SSE, length=len(body) + missing)


def chunk(text: str, reason: str = "") -> dict[str, Any]:
    """Of generateContent."""
    finish = {"finishReason": reason} if reason else {}
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, **finish}]}


def cut_after(*payloads: dict[str, Any] | bytes) -> Answer:
    """A stream that is reset after these events."""
    whole = events(*payloads)

    def answer(connection: socket.socket, stopping: threading.Event) -> None:
        http(whole, SSE, length=0)(connection, stopping)
        time.sleep(0.2)  # a reset overtakes what was not read
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def framed(body: bytes, content_type: str, *head: str, version: str = "1.1", before: bytes = b"") -> Answer:
    """An answer with these headers as they are, and what comes before it."""
    start = "\r\n".join([f"HTTP/{version} 200 OK", f"content-type: {content_type}", *head, "", ""])
    return bare(before + start.encode() + body)


def length(number: int) -> str:
    return f"content-length: {number}"


def chunked(body: bytes, size: int = 50) -> bytes:
    """HTTP's chunks, without the last one."""
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def both_ways(name: str, answer: Callable[[bytes, str], Answer]) -> dict[str, Setup]:
    """The same done to a stream of events, and to a plain answer."""
    events_ = events(*told(*DELTAS), STOP, COMPLETED)
    return {
        f"{name}, events": raw([answer(events_, SSE)], [NOT_FOUND]),
        f"{name}, JSON": raw([answer(answer_body(), JSON)]),
    }


def cut_with_id(interaction_id: str) -> Setup:
    """A stream that is cut, and continued under an id that the server made up."""

    def named(event: dict[str, Any]) -> bytes:
        """In ASCII: half a surrogate pair can be said in JSON, not in UTF-8."""
        told_by = {**event, "interaction": {**event["interaction"], "id": interaction_id}}
        return b"data: " + json.dumps(told_by).encode() + b"\n\n"

    beginning: list[dict[str, Any] | bytes] = [named(CREATED), START]
    rest = stream(*beginning, *map(delta, DELTAS), STOP, named(COMPLETED))
    return raw([stream(*beginning, *map(delta, DELTAS[:2]))], [rest])


def in_halves(text: str) -> list[bytes]:
    """A delta for each UTF-16 unit, as a server may cut that counts in them."""
    units = text.encode("utf-16-le")
    halves = (units[place : place + 2].decode("utf-16-le", "surrogatepass") for place in range(0, len(units), 2))
    return [b"data: " + json.dumps(delta(half)).encode() + b"\n\n" for half in halves]


# The names that the table uses ----------------------------------------------------------------------------------------

SPACES = (b" ", 0.4)
SILENCE = (b"", 0.4)
COMMENTS = (b": still here\n\n", 0.4)
NOT_FOUND = http(b"{}", status="404 Not Found")
BEGUN = stream(*told(*DELTAS[:2]))
UNKNOWN_PARTS = answer_body(
    service_tier="platinum",
    x_unknown={"deep": [1, None]},
    steps=[
        {"type": "dream", "text": "not for readers"},
        {"type": "model_output", "content": [{"type": "text", "text": T}, {"type": "scent", "text": "roses"}]},
    ],
)

CHUNKS = [*map(chunk, DELTAS[:-1]), chunk(DELTAS[-1], "STOP")]
STEP_1 = {**START, "index": 1}
OVER = b'{"error":{"code":503,"message":"It is over.","status":"UNAVAILABLE"}}'
CHUNKED = "transfer-encoding: chunked"
LAST_CHUNK = b"0\r\nx-trailer: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


def interim_for_ever(connection: socket.socket, stopping: threading.Event) -> None:
    while not stopping.wait(0.01):
        connection.sendall(INTERIM)


SETUPS: dict[str, Setup] = {
    "closed port": closed_port,
    "deaf port": deaf_port,
    "https://nothing.invalid": at("https://nothing.invalid"),
    "self-signed": self_signed,
    "behind proxies": behind_proxies,
    "says nothing": emulated(reply=""),
    **{f"redirect {status}": redirected(status) for status in (301, 302, 303, 307, 308)},
    **{f"redirect {status} of the GET": redirected(status, cut=True) for status in (302, 307)},
    "body drip of spaces": raw([http(b"", length=9999, drip=SPACES)]),
    "drip of comments only": raw([stream(drip=COMMENTS)]),
    "400 and a body drip": raw([http(b"{", status="400 No", length=9999, drip=SPACES)]),
    "503 and a body drip": raw([http(b"{", status="503 No", length=9999, drip=SPACES)]),
    "Content-Length too large": raw([torn(*told(*DELTAS))], [NOT_FOUND]),
    "DONE without a last event": raw([stream(*told(*DELTAS), b"data: [DONE]\n\n")], [NOT_FOUND]),
    "other deltas the second time": raw(
        [stream(*told(T[:10], T[10:20]))], [stream(*told(T[:15], T[15:16], T[16:]), COMPLETED)]
    ),
    "reset, GET JSON differs": raw([BEGUN], [NOT_FOUND, http(answer_body("Something else."))]),
    "reset, still running": raw([BEGUN], [NOT_FOUND, http(answer_body("", status="in_progress")), http(answer_body())]),
    "half a body": raw([http(answer_body()[:60], length=len(answer_body()))]),
    "204": raw([http(b"", status="204 No Content")]),
    "no HTTP": raw([bare(b"SSH-2.0-OpenSSH_9.2\r\n")]),
    "closed at once": raw([bare(b"")]),
    "text of another type": raw([stream(*told(*DELTAS[:2]), delta(5), COMPLETED)]),
    "an index of another type": raw([stream(*told(*DELTAS[:2]), delta("x", index="0"), COMPLETED)]),
    "garbage line": raw([whole_stream(b"garbage without a colon\n\n")]),
    "JSON cut, framed": raw([stream(*told(*DELTAS[:2]), b'data: {"event_type":"step.de\n\n')]),
    "no content type": raw([http(b"", "")]),
    "older, then silence": raw([stream(*CHUNKS, drip=SILENCE)]),
    "older, then comments": raw([stream(*CHUNKS, drip=COMMENTS)]),
    "older, then a reset": raw([cut_after(*CHUNKS)]),
    "older, a reason too early": raw([stream(chunk(DELTAS[0], "STOP"), *CHUNKS[1:-1])]),
    "older, a reason in the middle": raw([stream(chunk(DELTAS[0], "STOP"), *CHUNKS[1:])]),
    "unknown steps and fields": raw([http(UNKNOWN_PARTS)]),
    "interim answers for ever": raw([interim_for_ever]),
    "another protocol": raw([bare(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n")]),
    "200 with an error": raw([http(OVER)]),
    "an error without a type": raw([stream(b"data: " + OVER + b"\n\n")]),
    "text, an error without a type": raw([stream(*told(*DELTAS[:2]), b"data: " + OVER + b"\n\n")], [NOT_FOUND]),
    "1 MB of comments": raw([whole_stream(b": waiting\n" * 100_000, b": " + b"x" * 1_000_000 + b"\n\n")]),
    "half a character a delta": raw([stream(CREATED, START, *in_halves(T), STOP, COMPLETED)]),
    "steps that interleave": raw(
        [stream(*told(T[:9]), STEP_1, delta(T[9:19], index=1), delta(T[19:]), STOP, COMPLETED)]
    ),
    "a step that begins twice": raw([stream(*told(T[:9]), START, delta(T[9:]), STOP, COMPLETED)]),
    "last event without a status": raw(
        [stream(*told(*DELTAS), STOP, {**COMPLETED, "interaction": {"id": ID}})], [NOT_FOUND]
    ),
    "id like a path": cut_with_id("a/../../b?key=1#f"),
    "id of control characters": cut_with_id("\x1b]0;x\x07\r\nX-Evil: 1\r\n\r\n\"'\0"),
    "id of 10 KB": cut_with_id("ü" * 10_000),
    "id with half a character": cut_with_id("v1_\ud83e"),
    **both_ways("chunks and a trailer", lambda body, kind: framed(chunked(body) + LAST_CHUNK, kind, CHUNKED)),
    **both_ways("no last chunk", lambda body, kind: framed(chunked(body), kind, CHUNKED)),
    **both_ways("no chunk size", lambda body, kind: framed(chunked(body[:90]) + b"zz\r\n" + body, kind, CHUNKED)),
    **both_ways("HTTP/1.0 without a length", lambda body, kind: framed(body, kind, version="1.0")),
    **both_ways("two lengths", lambda body, kind: framed(body, kind, length(len(body)), length(9))),
    **both_ways("length too small", lambda body, kind: framed(body, kind, length(len(body) - 200))),
    **both_ways("interim answers", lambda body, kind: framed(body, kind, length(len(body)), before=INTERIM)),
}
