"""Skip the part of a resumed stream that arrived before the cut.

A server may continue after the event that the request names, after an earlier one (many deltas have no `event_id`, see
api/README.md 7.12), or replay from the start; deltas may be cut elsewhere, even inside a character. So events are not
counted: text and arguments are compared in units of UTF-16 with the earlier ones, and only the rest is passed on.
Where they differ, the two streams are not the same answer, and are not joined.

Steps never interleave (api/README.md 7.3): every step before the last one that arrived is complete.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gemini_cli.api.accumulator import StepAccumulator, StepLengths, StreamAccumulator
from gemini_cli.api.events import Event
from gemini_cli.api.fields import get_typed
from gemini_cli.errors import IncompleteError
from gemini_cli.formats.surrogates import from_utf16, to_utf16


class ReceivedStep(NamedTuple):
    """One step as it was at the cut, in UTF-16."""

    text: bytes
    arguments: bytes
    others: int
    stopped: bool


class ResumeFilter:
    """Filter the events of a resumed stream: only new content passes."""

    def __init__(self, accumulator: StreamAccumulator) -> None:
        self._id = accumulator.id
        self._received = {
            index: ReceivedStep(to_utf16(step.text), to_utf16(step.arguments), step.other_deltas, step.stopped)
            for index, step in accumulator.steps.items()
        }
        self._last = max(self._received, default=-1)
        self._past_cut = accumulator.events == 0
        self._positions: dict[int, StepLengths] = {}  # per step: the part that was replayed
        if accumulator.resume_point is not None:
            self._positions[accumulator.resume_point.step] = accumulator.resume_point.lengths

    def new_part(self, event: Event) -> Event | None:
        """Return the event, a shortened copy, or None if nothing in it is new.

        IncompleteError if it contradicts the events before the cut.
        """
        match event.type:
            case "step.start" | "step.delta" | "step.stop":
                fresh = self._step(event, get_typed(event.payload, "index", int) or 0)
                self._past_cut = self._past_cut or fresh is not None
                return fresh
            case "interaction.completed":
                return event
            case "error" if get_typed(event.payload, "error", dict):
                return event
            case _:  # created, status_update and unknown events are new only beyond the cut
                return event if self._past_cut else None

    def _step(self, event: Event, index: int) -> Event | None:
        received = self._received.get(index)
        if received is None:
            return event if index > self._last else None
        if event.type == "step.start":
            begun = StepAccumulator(get_typed(event.payload, "step", dict) or {})
            self._check_overlap(received.text, 0, to_utf16(begun.text), index)
            self._positions[index] = begun.lengths
            return None
        if event.type == "step.delta":
            return self._delta(event, index, received)
        if index in self._positions and self._positions[index].text < len(received.text):
            raise self._mismatch()
        return None if received.stopped or index < self._last else event

    def _delta(self, event: Event, index: int, received: ReceivedStep) -> Event | None:
        delta = get_typed(event.payload, "delta", dict) or {}
        place = self._positions.get(index, StepLengths())
        kind = delta.get("type") or "text"
        if kind == "text":
            text = to_utf16(get_typed(delta, "text", str) or "")
            self._positions[index] = place._replace(text=place.text + len(text))
            overlap = self._check_overlap(received.text, place.text, text, index)
            return _without_start(event, delta, "text", text, overlap)
        if kind == "arguments_delta":
            arguments = to_utf16(get_typed(delta, "arguments", str) or "")
            self._positions[index] = place._replace(arguments=place.arguments + len(arguments))
            overlap = self._check_overlap(received.arguments, place.arguments, arguments, index)
            return _without_start(event, delta, "arguments", arguments, overlap)
        self._positions[index] = place._replace(others=place.others + 1)
        return event if place.others >= received.others and index == self._last else None

    def _check_overlap(self, received: bytes, position: int, piece: bytes, index: int) -> int:
        """Count the bytes of `piece`, which stands at `position`, that arrived before."""
        expected = received[position : position + len(piece)]
        complete = index < self._last
        if not piece.startswith(expected) or (complete and len(expected) < len(piece)):
            raise self._mismatch()
        return len(expected)

    def _mismatch(self) -> IncompleteError:
        return IncompleteError("the resumed stream differs from what was printed", interaction_id=self._id)


def _without_start(event: Event, delta: dict[str, Any], key: str, piece: bytes, overlap: int) -> Event | None:
    """Cut the first `overlap` bytes off the piece; None if nothing is left."""
    if overlap == len(piece):
        return None
    if not overlap:
        return event
    return Event.from_payload({**event.payload, "delta": {**delta, key: from_utf16(piece[overlap:])}})
