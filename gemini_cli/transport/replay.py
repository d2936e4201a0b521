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
from gemini_cli.transport.recording import (
    ADDRESS_HEADERS,
    RECORDING_HEADER,
    Exchange,
    JsonObject,
    RecordedResponse,
    read_exchange,
    read_rules,
)

SHOWN = 60  # characters of a value in a message
UPLOAD_COMMAND = "x-goog-upload-command"  # requests of an upload may differ in it alone


class Recording:
    """The exchanges of a file; threads may share it.

    `name` is the file's, for messages. InputError, with the number of the line, if it is damaged. `is_cut`: the last
    line does not count, by rule 4 of `recording`.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        first, *lines = data.split(b"\n")
        self.is_cut = False
        rules = read_rules(first)
        if rules is None:
            beginning = RECORDING_HEADER.decode().rstrip("}\n")
            raise InputError(f"{name} is not a recording: its first line must begin with {beginning}")
        self._ignored = tuple(rules)
        self._exchanges: list[Exchange] = []
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
            key = _key(self._leaves(exchange.request))
        except (ValueError, RecursionError) as error:
            if is_last:
                self.is_cut = True
                return
            raise InputError(f"{self.name}, line {number} is damaged: {error}") from None
        self._exchanges.append(exchange)
        self._by_key.setdefault(key, []).append(exchange)

    def find(self, request: JsonObject, origin: str) -> RecordedResponse:
        """The response to a request, by rule 3 of `recording`.

        Addresses in it are at `origin`. RejectedError if there is none, with the first difference from the nearest
        request.
        """
        key = _key(self._leaves(request))
        found = self._by_key.get(key)
        if found is None:
            raise RejectedError(self._missing(request))
        with self._lock:
            used = self._used[key]
            self._used[key] += 1
        exchange = found[min(used, len(found) - 1)]
        if exchange.response is None:
            raise RejectedError(f"{self.name}, line {exchange.line} has only the digest of the response")
        return _at(origin, exchange.response)

    def _leaves(self, request: JsonObject) -> JsonObject:
        """The values of a request that are compared, by their paths."""
        compared = {name: request[name] for name in request if name != "headers"}
        if command := request["headers"].get(UPLOAD_COMMAND):
            compared["headers"] = {UPLOAD_COMMAND: command}
        return {path: value for path, value in _flatten(compared, "") if not self._is_ignored(path)}

    def _is_ignored(self, path: str) -> bool:
        return any(path == rule or path.startswith((f"{rule}.", f"{rule}[")) for rule in self._ignored)

    def _missing(self, request: JsonObject) -> str:
        beginning = f"{self.name} has no answer to {request['method']} {request['path']}"
        if not self._exchanges:
            return f"{beginning}: it is empty"
        sent = self._leaves(request)
        nearest = min(self._exchanges, key=lambda each: _distance(self._leaves(each.request), sent))
        recorded = self._leaves(nearest.request)
        path = _differences(recorded, sent)[0]
        was, now = _shown(recorded, sent, path)
        return f"{beginning}: the nearest request, line {nearest.line}, has {path} {was}, this one {now}"


def _at(origin: str, response: RecordedResponse) -> RecordedResponse:
    headers = {
        name: f"{origin}{value}" if name in ADDRESS_HEADERS and value.startswith("/") else value
        for name, value in response.headers.items()
    }
    return response._replace(headers=headers)


def _flatten(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The paths and values of all that is in a value: `body.input[0].text`."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            word = key if re.fullmatch(r"[^.\[\]]+", key) else json.dumps(key)
            yield from _flatten(item, f"{path}.{word}" if path else word)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _flatten(item, f"{path}[{place}]")
    else:
        yield path, value


def _key(leaves: JsonObject) -> str:
    text = json.dumps(sorted(leaves.items(), key=lambda leaf: leaf[0]))
    return hashlib.sha256(text.encode()).hexdigest()


def _differences(recorded: JsonObject, sent: JsonObject) -> list[str]:
    """The paths that differ: first method and path, then in the order of `sent`."""
    paths: Iterable[str] = dict.fromkeys(("method", "path", *sent, *recorded))
    return [path for path in paths if _json(recorded, path) != _json(sent, path)]


def _json(leaves: JsonObject, path: str) -> str:
    return json.dumps(leaves[path], ensure_ascii=False) if path in leaves else "nothing"


def _distance(recorded: JsonObject, sent: JsonObject) -> tuple[bool, bool, int, int]:
    """Order requests by likeness.

    First the route counts, then the number of values that differ, then how late the first of them does.
    """
    differences = _differences(recorded, sent)
    return "method" in differences, "path" in differences, len(differences), -_common(recorded, sent, differences[0])


def _common(recorded: JsonObject, sent: JsonObject, path: str) -> int:
    """The number of characters at which both values begin alike."""
    both = zip(_json(recorded, path), _json(sent, path), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))


def _shown(recorded: JsonObject, sent: JsonObject, path: str) -> tuple[str, str]:
    """Both values at a path, from shortly before their first difference."""
    start = max(_common(recorded, sent, path) - SHOWN // 3, 0)
    return _part(_json(recorded, path), start), _part(_json(sent, path), start)


def _part(text: str, start: int) -> str:
    end = start + SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
