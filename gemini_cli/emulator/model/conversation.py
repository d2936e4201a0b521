"""A conversation as one list of steps, oldest first (api/README.md 2.3, 4.1)."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .media import PART_KINDS

Step = dict[str, Any]
Part = dict[str, Any]

# Steps of the client; every other step is of the model.
CLIENT_STEPS = ("user_input", "function_result")


def input_steps(value: Any) -> list[Step]:
    """Any form of `input` as steps."""
    if value is None:
        return []
    if isinstance(value, str):
        return [{"type": "user_input", "content": [{"text": value, "type": "text"}]}]
    items = value if isinstance(value, list) else [value]
    if items[0].get("type") in PART_KINDS:
        return [{"type": "user_input", "content": items}]
    return [_full(step) for step in items]


def _full(step: Step) -> Step:
    """A step with its content as a list of parts (api/README.md 2.4)."""
    if step.get("type") == "user_input" and isinstance(step.get("content"), str):
        return {**step, "content": [{"text": step["content"], "type": "text"}]}
    return step


def json_objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none for another value, which a scripted step may have."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def group_turns(steps: Iterable[Step]) -> list[list[Step]]:
    """The steps of the client in groups, one for each turn."""
    groups: list[list[Step]] = []
    after_model = True
    for step in steps:
        if step.get("type") in CLIENT_STEPS:
            if after_model:
                groups.append([])
            groups[-1].append(step)
        after_model = step.get("type") not in CLIENT_STEPS
    return groups


def user_parts(turn: Iterable[Step]) -> list[Part]:
    """The content parts of a turn, without function results."""
    return [
        part
        for step in turn
        if step.get("type") == "user_input"
        for part in json_objects(step.get("content"))
        if part.get("type") != "function_result"
    ]


def function_results(turn: Iterable[Step]) -> list[Step]:
    """The function results of a turn, in either form (api/README.md 4.10)."""
    return list(_results(turn))


def _results(turn: Iterable[Step]) -> Iterator[Step]:
    for step in turn:
        if step.get("type") == "function_result":
            yield step
        elif step.get("type") == "user_input":
            yield from (part for part in json_objects(step.get("content")) if part.get("type") == "function_result")


def result_names(steps: list[Step]) -> list[str]:
    """The functions whose results are in the last turn."""
    groups = group_turns(steps)
    calls = {step.get("id"): step.get("name") for step in steps if step.get("type") == "function_call"}
    results = function_results(groups[-1]) if groups else []
    return [str(each.get("name") or calls.get(each.get("call_id")) or "") for each in results]


def join_text(parts: Iterable[Part]) -> str:
    return "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")


def drop_last_answer(steps: list[Step]) -> list[Step]:
    """The steps without the last answer, to continue it (api/README.md 8.12)."""
    rest = list(steps)
    while rest and rest[-1].get("type") not in CLIENT_STEPS:
        rest.pop()
    return rest


class PartSize(NamedTuple):
    """The size of a part in bytes, or None and the URI of a part without data."""

    bytes: int | None
    uri: str


def part_size(part: Part) -> PartSize:
    if part.get("type") == "text":
        return PartSize(len(str(part.get("text", "")).encode("utf-8", "surrogatepass")), "")
    if part.get("data"):
        return PartSize(len(decode_base64(str(part["data"]))), "")
    return PartSize(None, str(part.get("uri", "")))


def decode_base64(data: str) -> bytes:
    """Decode base64 of either alphabet (api/README.md 11.5); invalid base64 is empty."""
    plain = data.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def is_base64(data: str) -> bool:
    return not data or bool(decode_base64(data))
