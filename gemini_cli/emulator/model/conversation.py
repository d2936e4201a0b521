"""A conversation as one list of steps, oldest first, whatever shape it arrived in (reference.md 2.2, 4)."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Step = dict[str, Any]
Part = dict[str, Any]

# What a client adds; every other step is the model's.
CLIENT_STEPS = ("user_input", "function_result")


def steps_of(value: Any) -> list[Step]:
    """Any accepted `input` as steps."""
    if value is None:
        return []
    if isinstance(value, str):
        return [{"type": "user_input", "content": [{"text": value, "type": "text"}]}]
    items = value if isinstance(value, list) else [value]
    if items[0].get("type") in ("text", "image", "audio", "video", "document"):
        return [{"type": "user_input", "content": items}]
    return [_full(step) for step in items]


def _full(step: Step) -> Step:
    """One published sample has a bare string as content (reference.md 2.2)."""
    if step.get("type") == "user_input" and isinstance(step.get("content"), str):
        return {**step, "content": [{"text": step["content"], "type": "text"}]}
    return step


def turns(steps: Iterable[Step]) -> list[list[Step]]:
    """The client's steps, grouped: one group for each time it was the client's turn."""
    groups: list[list[Step]] = []
    model_spoke = True
    for step in steps:
        if step.get("type") in CLIENT_STEPS:
            if model_spoke:
                groups.append([])
            groups[-1].append(step)
        model_spoke = step.get("type") not in CLIENT_STEPS
    return groups


def parts(turn: Iterable[Step]) -> list[Part]:
    """The content blocks a client sent in a turn, function results not among them."""
    return [
        part
        for step in turn
        if step.get("type") == "user_input"
        for part in step.get("content") or []
        if part.get("type") != "function_result"
    ]


def results(turn: Iterable[Step]) -> list[Step]:
    """Function results: steps of their own, or blocks inside a user input (traffic.md 30)."""
    return list(_results(turn))


def _results(turn: Iterable[Step]) -> Iterator[Step]:
    for step in turn:
        if step.get("type") == "function_result":
            yield step
        elif step.get("type") == "user_input":
            yield from (part for part in step.get("content") or [] if part.get("type") == "function_result")


def text_of(found: Iterable[Part]) -> str:
    return "\n".join(str(part.get("text", "")) for part in found if part.get("type") == "text")


def without_answer(steps: list[Step]) -> list[Step]:
    """The steps up to the client's last word: what a continued answer answers (reference.md 8.4)."""
    kept = list(steps)
    while kept and kept[-1].get("type") not in CLIENT_STEPS:
        kept.pop()
    return kept


class Size(NamedTuple):
    """How big a part is: bytes when it carries them, None when it only points."""

    bytes: int | None
    where: str


def size(part: Part) -> Size:
    if part.get("type") == "text":
        return Size(len(str(part.get("text", "")).encode("utf-8", "surrogatepass")), "")
    if part.get("data"):
        return Size(len(decoded(str(part["data"]))), "")
    return Size(None, str(part.get("uri", "")))


def decoded(data: str) -> bytes:
    """Base64 of either alphabet, padded or not (reference.md 15, emulator 8); garbage is no bytes at all."""
    plain = data.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""
