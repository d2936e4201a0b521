"""What goes in and what comes out: a call, a reply, and a call once it was read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import Problem, invalid_json

JSON = "application/json"
JSON_UTF8 = "application/json; charset=UTF-8"
SSE = "text/event-stream"
JSON_LIMIT = 104_857_600

Body = dict[str, Any]


class Call(NamedTuple):
    """One HTTP request; header names are lower-case, `target` is the path and query as on the request line."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class Reply(NamedTuple):
    """One HTTP answer. Each item of `body` is one flush, made when it is asked for.

    An empty item says "still here, nothing to send": a door may use it to see whether anybody still listens.
    An iterator that raises ConnectionResetError stands for a connection that breaks at that point.
    With `raw`, the body is everything on the wire, status line included, and only a socket can show it.
    """

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes]
    raw: bool = False


class Request(NamedTuple):
    """A call after routing: what its path and query say, and where the caller thinks we live.

    `ordered` is where a script line leaves the faults it wants for this very answer.
    """

    call: Call
    base: str
    version: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    ordered: list[str]

    def json(self) -> Body:
        """The body as an object, or the problem the API reports instead."""
        if len(self.call.body) > JSON_LIMIT:
            raise Problem(400, f"Request payload size exceeds the limit: {JSON_LIMIT} bytes.")
        try:
            value = json.loads(self.call.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise invalid_json(str(error)) from error
        if not isinstance(value, dict):
            raise invalid_json("Root element must be a message.")
        return value

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("true", "1")

    def header(self, name: str) -> str:
        return self.call.headers.get(name, "")


# Made once: json.dumps makes a new one for every call with arguments.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump(value: object) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate stays the escape it was, which strict UTF-8 could not carry."""
    return _compact.encode(value).encode("utf-8", "backslashreplace")


def pretty(value: object) -> bytes:
    """The indented JSON of Google's front end, with its final newline (traffic.md 55)."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace") + b"\n"


def compact_reply(value: object) -> Reply:
    """A success of the Interactions family: compact, and no charset (traffic.md 16)."""
    return Reply(200, {"content-type": JSON}, (dump(value),))


def pretty_reply(value: object, status: int = 200) -> Reply:
    """An answer of every other family."""
    return Reply(status, {"content-type": JSON_UTF8}, (pretty(value),))


def stream_reply(frames: Iterator[bytes]) -> Reply:
    return Reply(200, {"content-type": SSE}, frames)
