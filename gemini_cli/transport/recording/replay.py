"""Find the response to a request in a recording."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

from gemini_cli.errors import InputError, RejectedError
from gemini_cli.transport.recording.file_format import (
    ADDRESS_HEADERS,
    RECORDING_HEADER,
    Exchange,
    JsonObject,
    RecordedResponse,
    read_exchange,
    read_rules,
)

SHOWN = 60  # characters of a value in a message
COMPARED = 200  # exchanges among which the nearest is looked for; all rows of a `map` may be missing
PREFIX_LIMIT = 1000  # characters that are compared to find the nearest
UPLOAD_COMMAND = "x-goog-upload-command"  # requests of an upload may differ in it alone

Values = dict[str, str]  # the fields of a request, by their paths, as JSON


class Recording:
    """The exchanges of a file; threads may share it.

    `name` is the file's, for messages. `for_one_run`: the requests are those of one run, so a GET is answered as in the
    last one that made it. InputError, with the number of the line, if a line is damaged. `is_cut`: the last line does
    not count, by rule 4 of `file_format`.
    """

    def __init__(self, data: bytes, name: str, *, for_one_run: bool = True) -> None:
        self.name = name
        self._for_one_run = for_one_run
        first, *lines = data.split(b"\n")
        self.is_cut = False
        rules = read_rules(first)
        if rules is None:
            beginning = RECORDING_HEADER.decode().rstrip("}\n")
            raise InputError(f"{name} is not a recording: its first line must begin with {beginning}")
        self._ignored = tuple(rules)
        self._by_route: dict[tuple[str, str], list[tuple[int, Values]]] = {}  # the first COMPARED of each
        self._by_key: dict[str, list[Exchange]] = {}
        self._used: Counter[str] = Counter()
        self._lock = threading.Lock()
        for number, line in enumerate(lines, 2):
            if line.strip():
                self._add(number, line, is_last=number == len(lines) + 1)

    def _add(self, number: int, line: bytes, *, is_last: bool) -> None:
        """Add a line; the last one, without a newline, may be cut off."""
        try:
            exchange = read_exchange(number, line)
            values = self._values(exchange.request)
        except (ValueError, RecursionError) as error:
            if is_last:
                self.is_cut = True
                return
            raise InputError(f"{self.name}, line {number} is damaged: {error}") from None
        self._by_key.setdefault(_key(values), []).append(exchange)
        similar = self._by_route.setdefault(_route(exchange.request), [])
        if len(similar) < COMPARED:
            similar.append((number, values))

    def find(self, request: JsonObject, origin: str) -> RecordedResponse:
        """The response to a request, by rule 3 of `file_format`.

        Addresses in it are at `origin`. RejectedError if there is none, with the first difference from the nearest
        request.
        """
        values = self._values(request)
        key = _key(values)
        found = self._by_key.get(key)
        if found is None:
            raise RejectedError(self._missing(request, values))
        if self._for_one_run and request["method"] == "GET":
            found = [exchange for exchange in found if exchange.run == found[-1].run]
        with self._lock:
            used = self._used[key]
            self._used[key] += 1
        exchange = found[min(used, len(found) - 1)]
        if exchange.response is None:
            raise RejectedError(f"{self.name}, line {exchange.line} has only the digest of the response")
        return _at(origin, exchange.response)

    def _values(self, request: JsonObject) -> Values:
        """The values of a request that are compared, by their paths."""
        compared = {name: request[name] for name in request if name != "headers"}
        if command := request["headers"].get(UPLOAD_COMMAND):
            compared["headers"] = {UPLOAD_COMMAND: command}
        return {path: value for path, value in _flatten(compared, "") if not self._is_ignored(path)}

    def _is_ignored(self, path: str) -> bool:
        return any(path == rule or path.startswith((f"{rule}.", f"{rule}[")) for rule in self._ignored)

    def _missing(self, request: JsonObject, sent: Values) -> str:
        beginning = f"{self.name} has no answer to {request['method']} {request['path']}"
        candidates = self._by_route.get(_route(request)) or [each for some in self._by_route.values() for each in some]
        if not candidates:
            return f"{beginning}: it is empty"
        line, recorded = min(candidates[:COMPARED], key=lambda each: _distance(each[1], sent))
        path = _differences(recorded, sent)[0]
        was, now = _shown(recorded, sent, path)
        return f"{beginning}: the nearest request, line {line}, has {path} {was}, this one {now}"


def _at(origin: str, response: RecordedResponse) -> RecordedResponse:
    headers = {
        name: f"{origin}{value}" if name in ADDRESS_HEADERS and value.startswith("/") else value
        for name, value in response.headers.items()
    }
    return response._replace(headers=headers)


def _route(request: JsonObject) -> tuple[str, str]:
    return request["method"], request["path"]


def _flatten(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The paths in a value, such as `body.input[0].text`, and what is there, as JSON."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            word = json.dumps(key) if _SPECIAL.search(key) else key
            yield from _flatten(item, f"{path}.{word}" if path else word)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _flatten(item, f"{path}[{place}]")
    else:
        yield path, _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` with arguments makes an encoder in each call
_SPECIAL = re.compile(r"[.\[\]]|^$")  # such a key would look like a path


def _key(values: Values) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _differences(recorded: Values, sent: Values) -> list[str]:
    """The paths that differ: first method and path, then in the order of `sent`."""
    paths: Iterable[str] = dict.fromkeys(("method", "path", *sent, *recorded))
    return [path for path in paths if recorded.get(path) != sent.get(path)]


def _distance(recorded: Values, sent: Values) -> tuple[bool, bool, int, int]:
    """Order requests by likeness.

    First the route counts, then the number of values that differ, then how late the first of them does.
    """
    differences = _differences(recorded, sent)
    common = _common(recorded, sent, differences[0], PREFIX_LIMIT)
    return "method" in differences, "path" in differences, len(differences), -common


def _common(recorded: Values, sent: Values, path: str, limit: int | None = None) -> int:
    """The number of characters at which both values begin alike."""
    both = zip(recorded.get(path, "")[:limit], sent.get(path, "")[:limit], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))


def _shown(recorded: Values, sent: Values, path: str) -> tuple[str, str]:
    """Both values at a path, from shortly before their first difference."""
    start = max(_common(recorded, sent, path) - SHOWN // 3, 0)
    return _part(recorded.get(path, "nothing"), start), _part(sent.get(path, "nothing"), start)


def _part(text: str, start: int) -> str:
    end = start + SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
