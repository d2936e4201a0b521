"""The received requests, in memory and as JSON objects."""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from .exchange import KEY_HEADER, HttpRequest

# Bytes of a body that a JSON object has; a larger one is given by size and digest.
SHOWN_BODY_LIMIT = 1 << 20
# Bytes of requests in memory; the oldest are forgotten.
LOG_LIMIT = 64 << 20
HEAD_SIZE = 1024  # about the memory of a request without its body
SHOWN_HEADERS = ("accept", "api-revision", "content-type", "user-agent")
SHOWN_PREFIX = "x-goog-"


class RecordedRequest(NamedTuple):
    """A received request.

    `at` is monotonic; `body` may be cut; `size` is the length of the whole body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    size: int

    def as_json(self) -> dict[str, Any]:
        """Method, path, query without the key, some of the headers, and the body.

        A body that is JSON is given as such, other text as a string, and the rest by size and SHA-256; without the
        latter if the body was cut.
        """
        split = urlsplit(self.target)
        query = {name: value for name, value in parse_qsl(split.query, keep_blank_values=True) if name != "key"}
        headers = {name: value for name, value in self.headers.items() if _is_shown(name)}
        return {"method": self.method, "path": split.path, "query": query, "headers": headers, "body": self._body()}

    def _body(self) -> Any:
        if not self.size:
            return None
        if len(self.body) < self.size:
            return {"size": self.size}
        try:
            text = self.body.decode() if self.size <= SHOWN_BODY_LIMIT else ""
        except UnicodeDecodeError:
            text = ""
        if not text:
            return {"size": self.size, "sha256": hashlib.sha256(self.body).hexdigest()}
        try:
            value = json.loads(text)
            json.dumps(value, allow_nan=False)  # Python also reads NaN and 1e999
        except (ValueError, RecursionError):
            return text
        return value


def record_request(request: HttpRequest, body_limit: int | None = None) -> RecordedRequest:
    """The record of a request that arrives now, with `kept` bytes of its body, or all."""
    return RecordedRequest(*request[:3], request.body[:body_limit], time.monotonic(), len(request.body))


class RequestLog(list[RecordedRequest]):
    """The newest requests, up to LOG_LIMIT."""

    _size = 0

    def add(self, request: RecordedRequest) -> None:
        self.append(request)
        self._size += HEAD_SIZE + len(request.body)
        while self._size > LOG_LIMIT and self:
            self._size -= HEAD_SIZE + len(self.pop(0).body)


def _is_shown(name: str) -> bool:
    return name in SHOWN_HEADERS or (name.startswith(SHOWN_PREFIX) and name != KEY_HEADER)
