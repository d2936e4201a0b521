"""The body of a request: merge layers of JSON, set one field, and encode it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gemini_cli import json_text
from gemini_cli.errors import InputError, UsageError
from gemini_cli.json_text import Streamed

REQUEST_LIMIT = 100 * 1000 * 1000  # bytes, the API's own (api/README.md 3.4)

Body = dict[str, Any]
BodyPath = list[str | int]


class Pieces(NamedTuple):
    """A body of `size` bytes that is not held in memory.

    Each attempt makes it anew, and may read only a part.
    """

    size: int
    make: Callable[[], Iterator[bytes]]


Content = bytes | Pieces


def whole(body: Content) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"".join(body.make())


def encoded(body: Body) -> Content:
    """Encode a body, in pieces if it has attachments.

    InputError with the size if it is too large for the API.
    """
    parts = _parts(body)
    size = _length(parts)
    if size > REQUEST_LIMIT:
        raise InputError(f"the request is too large: {size} bytes, the API takes {REQUEST_LIMIT}")
    first = parts[0]
    return first if isinstance(first, bytes) and len(parts) == 1 else Pieces(size, lambda: _pieces(parts))


def length(body: Body) -> int:
    """The size of the encoded body in bytes."""
    return _length(_parts(body))


Parts = list[bytes | Streamed]


def _parts(body: Body) -> Parts:
    return [part if isinstance(part, Streamed) else part.encode() for part in json_text.parts(body)]


def _length(parts: Parts) -> int:
    return sum(part.size if isinstance(part, Streamed) else len(part) for part in parts)


def _pieces(parts: Parts) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, Streamed):
            yield from part.make()
        else:
            yield part


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> Body:
    """Merge two layers into a new one: maps deeply, everything else is replaced."""
    merged = {key: merge(value, {}) if isinstance(value, dict) else value for key, value in under.items()}
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below if isinstance(below, dict) else {}, value) if isinstance(value, dict) else value
    return merged


_KEY = r"[^.\[\]=]+"
_PATH = rf"{_KEY}(?:\.{_KEY}|\[\d{{0,6}}\])*"
_STEP = rf"(?P<key>{_KEY})|\[(?P<place>\d*)\]"


def parse_path(text: str) -> BodyPath:
    """Parse `a.b[0].c` to ["a", "b", 0, "c"]; `[]`, which appends, becomes -1."""
    if not re.fullmatch(_PATH, text):
        raise UsageError(f"{text!r} is not a path; write a.b, a.b[0].c, or a.b[] to append")
    return [match["key"] or int(match["place"] or -1) for match in re.finditer(_STEP, text)]


def assign(body: Body, text: str) -> str:
    """Apply one `--set PATH=VALUE`, and return the top-level field that it is in.

    VALUE is JSON if it parses, else text.
    """
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--set {text}: write PATH=VALUE")
    try:
        parsed = json_text.parse(value)
    except ValueError:
        parsed = value
    path = parse_path(name)
    put(body, path, parsed)
    return str(path[0])


def put(body: Body, path: BodyPath, value: Any) -> None:
    """Set one field of the body, making maps and lists on the way."""
    here: Any = body
    for step, following in zip(path, [*path[1:], None], strict=True):
        below = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, str):
            if not isinstance(here, dict):
                raise UsageError(f"--set: {step!r} lies in something that is not a map")
            if following is None or here.get(step) is None:
                here[step] = below
            here = here[step]
            continue
        if not isinstance(here, list):
            raise UsageError(f"--set: [{step if step >= 0 else ''}] is a place in a list, and this is none")
        if step > len(here):
            raise UsageError(f"--set: there is no place [{step}]; use [] to append")
        if step in (-1, len(here)):
            here.append(below)
        elif following is None:
            here[step] = below
        here = here[step]
