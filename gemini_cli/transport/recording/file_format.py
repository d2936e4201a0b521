"""The format of recordings: files of HTTP exchanges.

The first line says what the file is, and may have rules for matching. Each further line is one exchange:

    {"recording":"gemini-cli","version":1,"matching":{"body.input[1].text":"ignore"}}
    {"run":"1f0c72ab","request":{"method":"POST","path":"/v1beta/interactions","headers":{…},"body":{…}},
     "response":{"status":200,"headers":{…},"text":"{…}"}}

Rule 1. A body is one of: `body`, JSON, of requests only; `text`; `base64`, if it is not UTF-8; `sha256` and `size`, if
it is too large to be kept. An event stream has `events` instead, each with the seconds `after` the one before.
Rule 2. `cut` is the reason for which a body broke off after what is recorded. `lost` instead of a status is the reason
for which no response came. A request that was not sent is not recorded.
Rule 3. A request is answered by an exchange of the same method, path and body. The order of the keys of objects does
not count, nor do the fields that `matching` names, in the words of `replay`'s messages. Of several exchanges the first
one that was not used answers, and the last one again. A GET, which may be one poll of many, is answered as in the last
`run` that made it: a later command of a pipeline finds what an earlier one waited for.
Rule 4. A last line without its end is of a run that was killed, and does not count.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

RECORDING_HEADER = b'{"recording":"gemini-cli","version":1}\n'
RECORDING_LIMIT = 512 * 1024 * 1024  # bytes of a file
REQUEST_BODY_LIMIT = 1024 * 1024  # bytes of a body that is kept; of a larger one there is the digest
RESPONSE_BODY_LIMIT = 64 * 1024 * 1024  # of a response more is kept: a digest answers nothing
LONGEST_GAP = 60.0  # seconds between two events

# Other headers say nothing about the API, or are different in each run.
REQUEST_HEADERS = ("content-type", "accept", "api-revision", "range", "x-goog-upload-command", "x-goog-upload-offset")
RESPONSE_HEADERS = (
    "content-encoding",
    "content-type",
    "content-range",
    "date",
    "location",
    "retry-after",
    "retry-after-ms",
    "x-goog-upload-chunk-granularity",
    "x-goog-upload-size-received",
    "x-goog-upload-status",
    "x-goog-upload-url",
)
ADDRESS_HEADERS = ("location", "x-goog-upload-url")

Redact = Callable[[str], str]
JsonObject = dict[str, Any]


class RecordedResponse(NamedTuple):
    """A response: the pieces of its body, each with the seconds to wait before it.

    `cut`: why the body breaks off after them. `lost`: why no response came; then the rest is empty.
    """

    status: int
    headers: dict[str, str]
    pieces: list[tuple[float, bytes]]
    cut: str | None
    lost: str | None


class BodyRecorder:
    """Collects a body, up to `limit` bytes, and its digest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[tuple[float, bytes]] = []
        self._digest = hashlib.sha256()
        self._size = 0

    def add(self, data: bytes, gap: float = 0.0) -> None:
        """Add a piece that came `gap` seconds after the one before."""
        self._size += len(data)
        self._digest.update(data)
        if self._size <= self._limit:
            self._pieces.append((gap, data))
        else:
            self._pieces.clear()

    def request_fields(self, redact: Redact) -> JsonObject:
        """The fields of a request's body; JSON as it is."""
        fields = self._whole_fields(redact)
        try:
            return {"body": json.loads(fields["text"])} if fields.get("text") else fields
        except (ValueError, RecursionError):
            return fields

    def response_fields(self, redact: Redact, *, events: bool) -> JsonObject:
        if not events or self._size > self._limit:
            return self._whole_fields(redact)
        return {"events": [{"after": round(gap, 3), **_text(data, redact)} for gap, data in self._events()]}

    def _whole_fields(self, redact: Redact) -> JsonObject:
        if self._size > self._limit:
            return {"sha256": self._digest.hexdigest(), "size": self._size}
        return _text(b"".join(data for _, data in self._pieces), redact)

    def _events(self) -> Iterator[tuple[float, bytes]]:
        """The pieces, joined and split so that each is whole events."""
        held, waited = b"", 0.0
        for gap, data in self._pieces:
            held, waited = held + data, waited + gap
            *whole, held = re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", held)
            for event in filter(None, whole):
                yield waited, event
                waited = 0.0
        if held:
            yield waited, held


def whole_body(data: bytes) -> BodyRecorder:
    """The body of a request that is in memory."""
    body = BodyRecorder(REQUEST_BODY_LIMIT)
    body.add(data)
    return body


def _text(data: bytes, redact: Redact) -> JsonObject:
    if not data:
        return {}
    text = redact(data.decode("utf-8", "surrogateescape"))
    if any("\udc80" <= char <= "\udcff" for char in text):
        return {"base64": base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()}
    return {"text": text}


def describe_request(
    method: str, target: str, headers: Mapping[str, str], body: BodyRecorder, redact: Redact
) -> JsonObject:
    """The request as it stands in a recording; `target` is the path with the query."""
    chosen = {name: redact(headers[name]) for name in REQUEST_HEADERS if name in headers}
    return {"method": method, "path": redact(target), "headers": chosen, **body.request_fields(redact)}


def response_headers(headers: Mapping[str, str], origin: str, redact: Redact) -> dict[str, str]:
    """The headers to record; addresses at `origin`, the server itself, without it."""
    chosen = {name: _printable(redact(headers[name])) for name in RESPONSE_HEADERS if name in headers}
    return {name: value.removeprefix(origin) if name in ADDRESS_HEADERS else value for name, value in chosen.items()}


def _printable(value: str) -> str:
    """A header without bytes that no header should have."""
    return re.sub(r"[^ -~]", "?", value)


def recording_line(run: str, request: JsonObject, response: JsonObject) -> bytes:
    exchange = {"run": run, "request": request, "response": response}
    return json.dumps(exchange, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"


class Exchange(NamedTuple):
    """One line: its number, the run that wrote it, the request and the response.

    The response is None if only the digest of its body is recorded.
    """

    line: int
    run: str
    request: JsonObject
    response: RecordedResponse | None


def read_exchange(number: int, line: bytes) -> Exchange:
    """Read a line; ValueError with what is wrong with it."""
    try:
        value = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("not JSON") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    match value:
        case {"request": {"method": str(), "path": str(), "headers": dict()} as request, "response": dict() as answer}:
            _check_headers(request["headers"])
            return Exchange(number, str(value.get("run")), request, _read_response(answer))
    raise ValueError("no request with method, path and headers, or no response")


def _read_response(answer: JsonObject) -> RecordedResponse | None:
    cut, lost = answer.get("cut"), answer.get("lost")
    if not isinstance(cut, str | None) or not isinstance(lost, str | None):
        raise ValueError("`cut` and `lost` are texts")
    if lost is not None:
        return RecordedResponse(0, {}, [], None, lost)
    status, headers = answer.get("status"), answer.get("headers")
    if not isinstance(status, int) or not 100 <= status <= 999:
        raise ValueError("the response has no status of three digits")
    if not isinstance(headers, dict):
        raise ValueError("the response has no headers")
    _check_headers(headers)
    return None if "sha256" in answer else RecordedResponse(status, headers, _read_pieces(answer), cut, None)


def _check_headers(headers: JsonObject) -> None:
    for name, value in headers.items():
        if not all(isinstance(word, str) and word.isascii() and word.isprintable() for word in (name, value)):
            raise ValueError(f"the header {name!r} is not printable ASCII")


def _read_pieces(answer: JsonObject) -> list[tuple[float, bytes]]:
    events = answer.get("events")
    if events is None:
        return [(0.0, _read_bytes(answer))] if answer.keys() & {"text", "base64"} else []
    pieces = []
    for event in events if isinstance(events, list) else [events]:
        if not (isinstance(event, dict) and isinstance(event.get("after"), int | float)):
            raise ValueError("an event has no `after`")
        pieces.append((min(max(float(event["after"]), 0.0), LONGEST_GAP), _read_bytes(event)))
    return pieces


def _read_bytes(fields: JsonObject) -> bytes:
    match fields:
        case {"text": str(text)}:
            return text.encode("utf-8", "replace")
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
    raise ValueError("a body is neither `text` nor `base64`")


def read_rules(line: bytes) -> JsonObject | None:
    """The rules for matching in the first line; None if it is not one of a recording."""
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match header:
        case {"recording": "gemini-cli", "version": 1}:
            rules = header.get("matching", {})
            known = isinstance(rules, dict) and all(rule == "ignore" for rule in rules.values())
            return rules if known and not header.keys() - {"recording", "version", "matching"} else None
    return None
