"""Skip the part of a resumed stream that arrived before the cut.

A server may continue after the event that the request names, after an earlier one (many deltas have no `event_id`, see
api/README.md 7.12), or replay from the start; deltas may be cut elsewhere, even inside a character. So events are not
counted: text and arguments are compared in units of UTF-16 with the earlier ones, and only the rest is passed on.
Where they differ, the two streams are not the same answer, and are not joined.

Steps never interleave (api/README.md 7.3): every step before the last one that arrived is complete.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gemini_cli.errors import Incomplete
from gemini_cli.fold import Fold, StepFold
from gemini_cli.interaction import Event, want
from gemini_cli.json_text import from_utf16, utf16


class Known(NamedTuple):
    """One step as it was at the cut, in UTF-16."""

    text: bytes
    arguments: bytes
    others: int
    stopped: bool


class Replay:
    """Filter the events of a resumed stream: only new content passes."""

    def __init__(self, fold: Fold) -> None:
        self._id = fold.id
        self._heard = {
            index: Known(utf16(step.text), utf16(step.arguments), step.others, step.stopped)
            for index, step in fold.steps.items()
        }
        self._last = max(self._heard, default=-1)
        self._beyond = fold.events == 0
        self._place: dict[int, list[int]] = {}  # per step: bytes of text, of arguments, other deltas replayed
        if fold.mark is not None:
            self._place[fold.mark.step] = list(fold.mark.heard)

    def new(self, event: Event) -> Event | None:
        """Return the event, a shortened copy, or None if nothing in it is new.

        Incomplete if it contradicts the events before the cut.
        """
        match event.type:
            case "step.start" | "step.delta" | "step.stop":
                fresh = self._step(event, want(event.payload, "index", int) or 0)
                self._beyond = self._beyond or fresh is not None
                return fresh
            case "interaction.completed":
                return event
            case "error" if want(event.payload, "error", dict):
                return event
            case _:  # created, status_update and unknown events are new only beyond the cut
                return event if self._beyond else None

    def _step(self, event: Event, index: int) -> Event | None:
        heard = self._heard.get(index)
        if heard is None:
            return event if index > self._last else None
        if event.type == "step.start":
            begun = StepFold(want(event.payload, "step", dict) or {})
            self._agree(heard.text, 0, utf16(begun.text), index)
            self._place[index] = list(begun.heard)
            return None
        if event.type == "step.delta":
            return self._delta(event, index, heard)
        if self._place.get(index, [len(heard.text)])[0] < len(heard.text):
            raise self._differs()
        return None if heard.stopped or index < self._last else event

    def _delta(self, event: Event, index: int, heard: Known) -> Event | None:
        delta = want(event.payload, "delta", dict) or {}
        place = self._place.setdefault(index, [0, 0, 0])
        kind = delta.get("type") or "text"
        if kind == "text":
            return self._string(event, delta, "text", heard.text, place, 0)
        if kind == "arguments_delta":
            return self._string(event, delta, "arguments", heard.arguments, place, 1)
        place[2] += 1
        return event if place[2] > heard.others and index == self._last else None

    def _string(
        self, event: Event, delta: dict[str, Any], key: str, heard: bytes, place: list[int], which: int
    ) -> Event | None:
        said = utf16(want(delta, key, str) or "")
        overlap = self._agree(heard, place[which], said, want(event.payload, "index", int) or 0)
        place[which] += len(said)
        if overlap == len(said):
            return None
        return Event.make({**event.payload, "delta": {**delta, key: from_utf16(said[overlap:])}}) if overlap else event

    def _agree(self, heard: bytes, place: int, said: bytes, index: int) -> int:
        """Count the bytes of `said`, which stands at `place`, that arrived before."""
        expected = heard[place : place + len(said)]
        complete = index < self._last
        if not said.startswith(expected) or (complete and len(expected) < len(said)):
            raise self._differs()
        return len(expected)

    def _differs(self) -> Incomplete:
        return Incomplete("the resumed stream differs from what was printed", interaction_id=self._id)
