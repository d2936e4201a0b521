"""Scripts for the emulated model, in YAML or as the same lists in Python.

A script is a list of lines. The first line whose `when` matches and whose `times` are not used up gives the answer. The
keys of a line are in LINE_KEYS, and those of `when` in CONDITION_KEYS; the man page of `emulator` is made of both.

A script changes the answer; faults change its transfer.
"""

import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

# The statuses of an interaction (api/README.md 6.5).
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
    "idle",
)
DELTA_LENGTH = 24

# The keys of a line and their meanings, for the man page.
LINE_KEYS = {
    "when": "the condition of the line: a pattern that is searched in the prompt, or a map of several conditions that "
    "must all match. Patterns are regular expressions of Python. Without `when`, the line matches any request",
    "reply": "the text of the answer. `{prompt}` and `{turn}` in it are filled in. A map or a list becomes JSON",
    "call": "a function call, `{name: NAME, arguments: {}}`, or a list of them. The status becomes `requires_action`",
    "steps": "the steps of the answer, as they are; also wrong ones, to test a client",
    "status": f"the status of the interaction: {', '.join(f'`{status}`' for status in STATUSES)}. "
    "`generateContent` has the finish reason that is nearest to it",
    "errors": "an error, `{code: safety, message: TEXT}`, or a list of them. With errors or an unsuccessful status, "
    "and without `reply`, the answer has no text",
    "usage": "the whole usage, in the words of either API",
    "signature": "the signature of the thought, and of the first call or the last part; base64",
    "delay": "seconds before the answer begins",
    "pace": "seconds between two deltas of a stream",
    "chunk": f"characters in a delta of a stream; {DELTA_LENGTH} if absent",
    "hop_tokens": "tokens after which the answer stops with the status `requires_continuation`",
    "fault": "a fault in the notation of `--fault`, or a list of them",
    "times": "how often the line may be used; without limit if absent",
}
CONDITION_KEYS = {
    "prompt": "a pattern that is searched in the latest prompt",
    "model": "a pattern that is searched in the name of the model",
    "system": "a pattern that is searched in the system instruction",
    "turn": "the number of the turn, from 1",
    "after_call": "the latest turn has the result of a function, and the pattern is found in the function's name",
    "first_prompt": "a pattern that is searched in the first prompt of the conversation",
}
# The first unmatched requests that are reported; a program may send a million.
UNMATCHED_LIMIT = 100
PROMPT_SHOWN = 60  # characters


class ScriptSubject(NamedTuple):
    """The properties of a request for conditions; `results` are names of functions."""

    prompt: str
    model: str
    system: str
    turn: int
    results: list[str]
    first_prompt: str


class ScriptCondition(NamedTuple):
    """Patterns that must all match; None matches anything."""

    prompt: str | None = None
    model: str | None = None
    system: str | None = None
    turn: int | None = None
    after_call: str | None = None
    first_prompt: str | None = None

    @property
    def description(self) -> str:
        conditions = zip(self._fields, self, strict=True)
        return ", ".join(f"{name}: {value}" for name, value in conditions if value is not None) or "any request"

    def matches(self, subject: "ScriptSubject") -> bool:
        searched = (
            (self.prompt, [subject.prompt]),
            (self.model, [subject.model]),
            (self.system, [subject.system]),
            (self.after_call, subject.results),
            (self.first_prompt, [subject.first_prompt]),
        )
        all_match = all(
            pattern is None or any(re.search(pattern, text) for text in texts) for pattern, texts in searched
        )
        return all_match and self.turn in (None, subject.turn)


class ScriptLine(NamedTuple):
    """One line of a script; without arguments it changes nothing."""

    when: ScriptCondition = ScriptCondition()
    reply: str | dict[str, Any] | list[Any] | None = None
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    steps: tuple[dict[str, Any], ...] | None = None
    status: str | None = None
    errors: tuple[dict[str, Any], ...] = ()
    usage: dict[str, Any] | None = None
    signature: str | None = None
    delay: float = 0
    pace: float = 0
    chunk: int = DELTA_LENGTH
    hop_tokens: int | None = None
    faults: tuple[str, ...] = ()
    times: int | None = None


class Script:
    """The lines in order, and how often each may still be used."""

    def __init__(self, lines: Iterable[ScriptLine] = ()) -> None:
        self.lines = list(lines)
        self._used = [0] * len(self.lines)
        self._unmatched: list[str] = []
        self._lock = threading.Lock()

    @classmethod
    def load(cls, source: "Script | str | os.PathLike[str] | list[Any] | None") -> "Script":
        """A script from a YAML file's path, from the list such a file holds, or nothing."""
        if isinstance(source, Script):
            return source
        if source is None:
            return cls()
        if isinstance(source, list):
            return cls(_parse_lines(source))
        return cls(_parse_lines(_load_yaml(source)))

    def next_line(self, subject: ScriptSubject) -> ScriptLine | None:
        """The first line that matches, counted as used; None if no line matches."""
        with self._lock:
            for index, line in enumerate(self.lines):
                if (line.times is None or self._used[index] < line.times) and line.when.matches(subject):
                    self._used[index] += 1
                    return line
            if self.lines and len(self._unmatched) < UNMATCHED_LIMIT:
                prompt = json.dumps(subject.prompt[:PROMPT_SHOWN], ensure_ascii=False)
                self._unmatched.append(
                    f"no script line for turn {subject.turn}, model {subject.model}, prompt {prompt}"
                )
        return None

    def unused_lines(self, *, strict: bool = False) -> list[str]:
        """The lines whose `times` are not used up.

        If `strict`, also lines without `times` that were never used.
        """
        descriptions = []
        for index, (line, used) in enumerate(zip(self.lines, self._used, strict=True), 1):
            if used < (int(strict) if line.times is None else line.times):
                count = f"used {used} of {line.times} times" if used else "not used"
                descriptions.append(f"script line {index} {count}: when {line.when.description}")
        return descriptions

    def unmatched_requests(self) -> list[str]:
        """The requests that no line matched, if there are lines."""
        with self._lock:
            return list(self._unmatched)


def _load_yaml(path: str | os.PathLike[str]) -> Any:
    import yaml  # slow to import, and most runs have no script

    with open(path, encoding="utf-8") as file:
        try:
            return yaml.safe_load(file)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error  # it names the file
        except RecursionError:
            raise ValueError("the script is nested too deeply") from None


def _parse_lines(source: Any) -> Iterator[ScriptLine]:
    if not isinstance(source, list):
        raise ValueError("a script is a list of lines")
    yield from (_parse_numbered_line(index, entry) for index, entry in enumerate(source, 1))


def _parse_numbered_line(index: int, entry: Any) -> ScriptLine:
    try:
        return _parse_line(entry)
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise ValueError(f"script line {index}: {error}") from error


def _parse_line(entry: Any) -> ScriptLine:
    _check_keys(entry, LINE_KEYS)
    status = entry.get("status")
    if status is not None and status not in STATUSES:
        raise ValueError(f"unknown status {status!r}{_nearest(str(status), STATUSES)}")
    steps = entry.get("steps")
    if steps is not None and not isinstance(steps, list):
        raise ValueError(f"steps: expected a list, got {steps!r}")
    return ScriptLine(
        when=_parse_condition(entry.get("when")),
        reply=_parse_reply(entry.get("reply")),
        calls=tuple(map(_parse_call, _as_list(entry.get("call")))),
        steps=None if steps is None else tuple(map(_parse_step, steps)),
        status=status,
        errors=tuple(_parse_map("errors", error) for error in _as_list(entry.get("errors"))),
        usage=None if entry.get("usage") is None else _parse_map("usage", entry["usage"]),
        signature=None if entry.get("signature") is None else str(entry["signature"]),
        delay=_parse_seconds(entry, "delay"),
        pace=_parse_seconds(entry, "pace"),
        chunk=_parse_whole_number(entry, "chunk", 1) or DELTA_LENGTH,
        hop_tokens=_parse_whole_number(entry, "hop_tokens", 1),
        faults=tuple(str(fault) for fault in _as_list(entry.get("fault"))),
        times=_parse_whole_number(entry, "times", 0),
    )


def _parse_condition(value: Any) -> ScriptCondition:
    if value is None:
        return ScriptCondition()
    if not isinstance(value, dict):
        value = {"prompt": str(value)}
    _check_keys(value, CONDITION_KEYS)
    patterns = {name: _parse_pattern(name, each) for name, each in value.items() if name != "turn" and each is not None}
    return ScriptCondition(**patterns, turn=_parse_whole_number(value, "turn", 1))


def _parse_pattern(name: str, value: Any) -> str:
    """A pattern, which may be a number; re.error if it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{name}: expected a pattern, got {value!r}")
    re.compile(str(value))
    return str(value)


def _parse_whole_number(entry: dict[str, Any], name: str, least: int) -> int | None:
    value = entry.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise ValueError(f"{name}: expected a whole number from {least} on, got {value!r}")
    return value


def _parse_seconds(entry: dict[str, Any], name: str) -> float:
    value = entry.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= threading.TIMEOUT_MAX:
        raise ValueError(f"{name}: expected seconds, got {value!r}")
    return float(value)


def _parse_map(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected a map, got {value!r}")
    return value


def _parse_call(value: Any) -> tuple[str, dict[str, Any]]:
    """The name and the arguments of a function call."""
    name = _parse_map("call", value).get("name")
    if not isinstance(name, str):
        raise ValueError(f"call: expected a name, got {value!r}")
    return name, _parse_map("arguments", value.get("arguments") or {})


def _parse_step(value: Any) -> dict[str, Any]:
    """A step, which may have any fields: clients are tested with wrong ones."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise ValueError(f"expected a step with a type, got {value!r}")
    return dict(value)


def _parse_reply(value: Any) -> str | dict[str, Any] | list[Any] | None:
    return value if value is None or isinstance(value, (dict, list)) else str(value)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_keys(entry: Any, known: Iterable[str]) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"expected a map, got {entry!r}")
    for key in entry:
        if key not in known:
            raise ValueError(f"unknown key {key!r}{_nearest(str(key), known)}; known: {', '.join(known)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # slow to import, and only for an error

    near = get_close_matches(name, list(known), 1, 0)
    return f", did you mean {near[0]!r}?" if near else ""
