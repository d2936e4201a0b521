"""An interaction as server-sent events, always the same (api/README.md 7).

Rule 1. The events are created, status_update, for each step start, deltas and stop, then completed and done (7.3).
Rule 2. `completed` has everything except the steps (7.4); `created` has only ids and names.
Rule 3. The accumulated events equal the plain interaction.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..http.exchange import compact_json
from .conversation import Step
from .script import DELTA_LENGTH

Event = dict[str, Any]
Interaction = dict[str, Any]

DONE_FRAME = b"event: done\ndata: [DONE]\n\n"
# Steps with one delta, of the same type as the step (api/README.md 7.10).
SINGLE_DELTA_STEPS = ("_call", "_result")
PARTS_OF_STEPS = {"thought": "summary", "model_output": "content"}


def interaction_events(interaction: Interaction, chunk: int = DELTA_LENGTH) -> Iterator[Event]:
    """All events except `done`, with event ids if the interaction is stored."""
    id = interaction.get("id", "")
    numbered = enumerate(_events({"id": id, **interaction}, chunk), 1)
    for number, event in numbered:
        yield {**event, "event_id": f"{id}.{number}"} if id else event


def _events(interaction: Interaction, chunk: int) -> Iterator[Event]:
    names = {key: interaction[key] for key in ("id", "object", "model", "agent") if key in interaction}
    yield {"interaction": {**names, "status": "in_progress"}, "event_type": "interaction.created"}
    yield {
        "interaction_id": interaction["id"],
        "status": "in_progress",
        "event_type": "interaction.status_update",
    }
    for index, step in enumerate(interaction.get("steps") or []):
        yield {"index": index, "step": _start(step), "event_type": "step.start"}
        for delta in _deltas(step, chunk):
            yield {"index": index, "delta": delta, "event_type": "step.delta"}
        yield {"index": index, "event_type": "step.stop"}
    last = {key: value for key, value in interaction.items() if key not in ("steps", "input")}
    yield {"interaction": last, "event_type": "interaction.completed"}


def _start(step: Step) -> Step:
    """The step in its step.start event; an empty value is not yet known."""
    kind = str(step["type"])
    if kind == "function_call":
        return {**step, "arguments": {}}
    begun: Step = {key: step[key] for key in ("id", "call_id") if key in step}
    if kind.endswith(SINGLE_DELTA_STEPS):
        begun["signature"] = ""
    known = (kind in PARTS_OF_STEPS and _has_parts(step)) or kind.endswith(SINGLE_DELTA_STEPS)
    # A step of an unknown type, or with a wrong value, starts complete, because its deltas are unknown.
    return {**begun, "type": kind} if known else dict(step)


def _has_parts(step: Step) -> bool:
    """Whether the parts of a step are objects; a script may have others."""
    parts = step.get(PARTS_OF_STEPS[step["type"]]) or []
    return isinstance(parts, list) and all(isinstance(part, dict) for part in parts)


def _deltas(step: Step, chunk: int) -> Iterator[dict[str, Any]]:
    kind = str(step["type"])
    if kind in PARTS_OF_STEPS and not _has_parts(step):
        return
    if kind == "thought":
        for part in step.get("summary") or []:
            yield {"content": part, "type": "thought_summary"}
        if "signature" in step:
            yield {"signature": step["signature"], "type": "thought_signature"}
    elif kind == "model_output":
        for part in step.get("content") or []:
            yield from _content_deltas(part, chunk)
    elif kind == "function_call":
        whole = json.dumps(step.get("arguments"), ensure_ascii=False, separators=(",", ":"))
        yield from ({"arguments": piece, "type": "arguments_delta"} for piece in _pieces(whole, chunk))
    elif kind.endswith(SINGLE_DELTA_STEPS):
        yield {key: value for key, value in step.items() if key not in ("id", "call_id")}


def _content_deltas(part: dict[str, Any], chunk: int) -> Iterator[dict[str, Any]]:
    text = part.get("text")
    if part.get("type") != "text" or not isinstance(text, str):  # a script may have a wrong one
        yield part
        return
    yield from ({"text": piece, "type": "text"} for piece in _pieces(text, chunk))
    if part.get("annotations"):
        yield {"annotations": part["annotations"], "type": "text_annotation_delta"}


def _pieces(text: str, size: int) -> Iterable[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def events_after(events: Iterable[Event], last_event_id: str) -> Iterator[Event]:
    """The events after the one with this id; all events if no event has it."""
    listed = list(events)
    seen = next((n for n, event in enumerate(listed, 1) if event.get("event_id") == last_event_id), 0)
    return iter(listed[seen:])


def encode_event(event: Event) -> bytes:
    """The bytes of an event (api/README.md 7.1)."""
    return b"event: %s\ndata: %s\n\n" % (str(event["event_type"]).encode(), compact_json(event))
