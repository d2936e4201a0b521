"""Requests and responses."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import ErrorResponse, invalid_json

JSON = "application/json"
JSON_UTF8 = "application/json; charset=UTF-8"
SSE = "text/event-stream"
JSON_LIMIT = 104_857_600
KEY_HEADER = "x-goog-api-key"

JsonObject = dict[str, Any]


class HttpRequest(NamedTuple):
    """One HTTP request.

    Header names are in lower case; `target` is the path and query of the request line."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class HttpResponse(NamedTuple):
    """One HTTP response.

    Each item of `body` is sent at once, and made only when needed.

    At an empty item a server can check whether the client is still connected. ConnectionResetError from the iterator
    means that the connection breaks at that point. With `raw`, the body is all bytes of the response, status line
    included; only a server can send it.
    """

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes]
    raw: bool = False


class ApiRequest(NamedTuple):
    """A request with its route.

    `base` is the URL in front of the version; `path` and `query` are the values in the URL.

    A handler adds to `script_faults` the faults that a script line requests for this response.
    """

    http: HttpRequest
    base: str
    version: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    script_faults: list[str]

    def json(self, *, single_quotes: bool = False) -> JsonObject:
        """The body as an object; ErrorResponse if it is none.

        `single_quotes`: its strings may be written as in Python.
        """
        if len(self.http.body) > JSON_LIMIT:
            raise ErrorResponse(400, f"Request payload size exceeds the limit: {JSON_LIMIT} bytes.")
        try:
            body = _double_quoted(self.http.body) if single_quotes else self.http.body
            value = json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            raise invalid_json(str(error)) from error
        if not isinstance(value, dict):
            raise invalid_json("Root element must be a message.")
        return value

    def query_flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("true", "1")

    def header(self, name: str) -> str:
        return self.http.headers.get(name, "")


_STRING = re.compile(rb"""'((?:[^'\\]|\\.)*)'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_QUOTE = re.compile(rb"""\\.|\"""", re.DOTALL)


def _double_quoted(text: bytes) -> bytes:
    """JSON with double quotes around the strings that have single ones."""
    in_string = {b"\\'": b"'", b'"': b'\\"'}

    def string(match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            return match[0]
        return b'"%b"' % _QUOTE.sub(lambda found: in_string.get(found[0], found[0]), match[1])

    return _STRING.sub(string, text)


# Made once: json.dumps with arguments makes an encoder in each call.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def compact_json(value: object) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate becomes an escape."""
    return _compact.encode(value).encode("utf-8", "backslashreplace")


def indented_json(value: object) -> bytes:
    """Indented JSON with a final newline (api/README.md 12.2)."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace") + b"\n"


def compact_response(value: object) -> HttpResponse:
    """A success of Interactions (api/README.md 1.9)."""
    return HttpResponse(200, {"content-type": JSON}, (compact_json(value),))


def indented_response(value: object, status: int = 200) -> HttpResponse:
    """A response of every other part of the API."""
    return HttpResponse(status, {"content-type": JSON_UTF8}, (indented_json(value),))


def event_stream_response(frames: Iterator[bytes]) -> HttpResponse:
    return HttpResponse(200, {"content-type": SSE}, frames)
