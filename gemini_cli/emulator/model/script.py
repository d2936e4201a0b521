"""A script: what the pretend model says instead of its own words, in YAML or as the same lists in Python.

A list of lines. The first one whose `when` fits and whose `times` are not used up speaks:

    - when: weather                     # a pattern, searched in the prompt; or several things at once:
    - when: {prompt: ..., model: ..., system: ..., turn: 2}
      reply: "It rains on {prompt}."    # {prompt} and {turn} are filled in
      call: {name: f, arguments: {}}    # or a list of calls; the status becomes requires_action
      steps: [...]                      # whole steps, kept as they are
      status: failed                    # any status of reference.md 6.1
      errors: [{code: safety, message: ...}]
      usage: {total_tokens: 7}
      delay: 0.5                        # seconds before the answer
      pace: 0.01                        # seconds between deltas
      chunk: 24                         # characters in a delta
      hop_tokens: 100                   # tokens before requires_continuation
      fault: cut(after=3)               # one fault, or a list of them
      times: 1                          # how often this line may speak; for ever if absent

Only what can be an answer is here; what the wire does wrong is a fault.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

STATUSES = (
    "queued",
    "in_progress",
    "requires_action",
    "requires_continuation",
    "completed",
    "incomplete",
    "failed",
    "cancelled",
    "budget_exceeded",
)
CHUNK = 24


class When(NamedTuple):
    """Patterns that must all be found; None fits anything."""

    prompt: str | None = None
    model: str | None = None
    system: str | None = None
    turn: int | None = None

    def fits(self, prompt: str, model: str, system: str, turn: int) -> bool:
        searched = ((self.prompt, prompt), (self.model, model), (self.system, system))
        found = all(pattern is None or re.search(pattern, text) for pattern, text in searched)
        return found and self.turn in (None, turn)


class Line(NamedTuple):
    """One entry of a script; without arguments it changes nothing."""

    when: When = When()
    reply: str | None = None
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    steps: tuple[dict[str, Any], ...] | None = None
    status: str | None = None
    errors: tuple[dict[str, Any], ...] = ()
    usage: dict[str, Any] | None = None
    delay: float = 0
    pace: float = 0
    chunk: int = CHUNK
    hop_tokens: int | None = None
    faults: tuple[str, ...] = ()
    times: int | None = None


class Script:
    """Lines in order, each with a count of what it has left to say."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.lines = list(lines)
        self._left = [line.times for line in self.lines]
        self._lock = threading.Lock()

    @classmethod
    def of(cls, source: "Script | str | os.PathLike[str] | list[Any] | None") -> "Script":
        """A script from a YAML file's path, from the list such a file holds, or nothing."""
        if isinstance(source, Script):
            return source
        if source is None:
            return cls()
        if isinstance(source, list):
            return cls(_lines(source))
        return cls(_lines(_loaded(source)))

    def line(self, prompt: str, model: str, system: str, turn: int) -> Line | None:
        """The line that speaks; it is counted."""
        with self._lock:
            for index, line in enumerate(self.lines):
                left = self._left[index]
                if left != 0 and line.when.fits(prompt, model, system, turn):
                    self._left[index] = None if left is None else left - 1
                    return line
        return None

    def unspoken(self) -> list[str]:
        """The lines with a `times` that have something left to say."""
        left = zip(self.lines, self._left, strict=True)
        return [f"script line {index}: {line.when}" for index, (line, count) in enumerate(left, 1) if count]


def _loaded(path: str | os.PathLike[str]) -> Any:
    import yaml  # slow to import, and most runs have no script

    with open(path, encoding="utf-8") as file:
        try:
            return yaml.safe_load(file)
        except yaml.YAMLError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from error


def _lines(source: Any) -> Iterator[Line]:
    if not isinstance(source, list):
        raise ValueError("a script is a list of lines")
    yield from (_numbered(index, entry) for index, entry in enumerate(source, 1))


def _numbered(index: int, entry: Any) -> Line:
    try:
        return _line(entry)
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise ValueError(f"script line {index}: {error}") from error


KEYS = (
    "when",
    "reply",
    "call",
    "steps",
    "status",
    "errors",
    "usage",
    "delay",
    "pace",
    "chunk",
    "hop_tokens",
    "fault",
    "times",
)


def _line(entry: Any) -> Line:
    _check_keys(entry, KEYS)
    status = entry.get("status")
    if status is not None and status not in STATUSES:
        raise ValueError(f"unknown status {status!r}{_nearest(str(status), STATUSES)}")
    steps = entry.get("steps")
    return Line(
        when=_when(entry.get("when")),
        reply=None if entry.get("reply") is None else str(entry["reply"]),
        calls=tuple((str(call["name"]), dict(call.get("arguments") or {})) for call in _listed(entry.get("call"))),
        steps=None if steps is None else tuple(dict(step) for step in steps),
        status=status,
        errors=tuple(dict(error) for error in _listed(entry.get("errors"))),
        usage=entry.get("usage"),
        delay=float(entry.get("delay", 0)),
        pace=float(entry.get("pace", 0)),
        chunk=max(1, int(entry.get("chunk", CHUNK))),
        hop_tokens=entry.get("hop_tokens"),
        faults=tuple(str(fault) for fault in _listed(entry.get("fault"))),
        times=entry.get("times"),
    )


def _when(value: Any) -> When:
    if value is None:
        return When()
    if not isinstance(value, dict):
        value = {"prompt": str(value)}
    _check_keys(value, When._fields)
    for name in ("prompt", "model", "system"):
        if value.get(name) is not None:
            re.compile(str(value[name]))
    return When(**value)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_keys(entry: Any, known: Iterable[str]) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"expected a map, got {entry!r}")
    for key in entry:
        if key not in known:
            raise ValueError(f"unknown key {key!r}{_nearest(str(key), known)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # only on the way out

    near = get_close_matches(name, list(known), 1, 0)
    return f", did you mean {near[0]!r}?" if near else ""
