"""An interaction as server-sent events: pure, so that the same interaction always replays the same (reference.md 7).

Rule 1. created, status_update, then for each step start, deltas, stop, then completed, then done (traffic.md A4).
Rule 2. `completed` carries everything but the steps (A8); `created` almost nothing (A7).
Rule 3. Folding the events gives the plain interaction, so no delta says anything the steps do not.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..http.exchange import dump
from .conversation import Step
from .script import CHUNK

Event = dict[str, Any]
Interaction = dict[str, Any]

DONE = b"event: done\ndata: [DONE]\n\n"
# Steps whose payload comes in one delta named like the step (traffic.md 36).
WHOLE_DELTA = ("_call", "_result")


def events(interaction: Interaction, chunk: int = CHUNK) -> Iterator[Event]:
    """All events but the last frame, `done`. Only a stored interaction can be resumed, so only it has event ids."""
    id = interaction.get("id", "")
    numbered = enumerate(_events({"id": id, **interaction}, chunk), 1)
    for number, event in numbered:
        yield {**event, "event_id": f"{id}.{number}"} if id else event


def _events(interaction: Interaction, chunk: int) -> Iterator[Event]:
    who = {key: interaction[key] for key in ("id", "object", "model", "agent") if key in interaction}
    yield {"interaction": {**who, "status": "in_progress"}, "event_type": "interaction.created"}
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
    """What a step begins with; empty stands for not yet known."""
    kind = str(step["type"])
    if kind == "function_call":
        return {**step, "arguments": {}}
    begun: Step = {key: step[key] for key in ("id", "call_id") if key in step}
    if kind.endswith(WHOLE_DELTA):
        begun["signature"] = ""
    known = kind in ("thought", "model_output") or kind.endswith(WHOLE_DELTA)
    # A step we know nothing about starts complete: there is no telling which deltas would build it.
    return {**begun, "type": kind} if known else dict(step)


def _deltas(step: Step, chunk: int) -> Iterator[dict[str, Any]]:
    kind = str(step["type"])
    if kind == "thought":
        for part in step.get("summary") or []:
            yield {"content": part, "type": "thought_summary"}
        if "signature" in step:
            yield {"signature": step["signature"], "type": "thought_signature"}
    elif kind == "model_output":
        for part in step.get("content") or []:
            yield from _content_deltas(part, chunk)
    elif kind == "function_call":
        whole = json.dumps(step["arguments"], ensure_ascii=False, separators=(",", ":"))
        yield from ({"arguments": piece, "type": "arguments_delta"} for piece in _pieces(whole, chunk))
    elif kind.endswith(WHOLE_DELTA):
        yield {key: value for key, value in step.items() if key not in ("id", "call_id")}


def _content_deltas(part: dict[str, Any], chunk: int) -> Iterator[dict[str, Any]]:
    if part.get("type") != "text":
        yield part
        return
    yield from ({"text": piece, "type": "text"} for piece in _pieces(part["text"], chunk))
    if part.get("annotations"):
        yield {"annotations": part["annotations"], "type": "text_annotation_delta"}


def _pieces(text: str, size: int) -> Iterable[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def after(found: Iterable[Event], last_event_id: str) -> Iterator[Event]:
    """The events after the one with that id; all of them when the id is not among them."""
    listed = list(found)
    seen = next((n for n, event in enumerate(listed, 1) if event.get("event_id") == last_event_id), 0)
    return iter(listed[seen:])


def frame(event: Event) -> bytes:
    """One event on the wire: the name again, one line of data, a blank line (traffic.md A1)."""
    return b"event: %s\ndata: %s\n\n" % (str(event["event_type"]).encode(), dump(event))
