"""A resumed stream, cut and re-chunked in every way, gives the one true answer or says that it cannot."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.events import Event
from gemini_cli.api.resume_filter import ResumeFilter
from gemini_cli.errors import IncompleteError
from gemini_cli.formats.surrogates import from_utf16, to_utf16
from tests.harness import completed, created, start, text

Events = list[dict[str, Any]]


def whole(pieces: list[list[str]], *, ids: set[int] = frozenset()) -> Events:  # type: ignore[assignment]
    """A stream with a thought, and one output step for each list of pieces."""
    events: Events = [created(), {"event_type": "interaction.status_update", "status": "in_progress"}]
    events += [
        start(0, type="thought"),
        {"event_type": "step.delta", "index": 0, "delta": {"type": "thought_summary", "content": {"text": "s"}}},
    ]
    events.append({"event_type": "step.stop", "index": 0})
    for index, texts in enumerate(pieces, 1):
        events += [start(index), *(text(piece, index) for piece in texts), {"event_type": "step.stop", "index": index}]
    events.append(completed())
    return [{**event, "event_id": f"e{number}"} if number in ids else event for number, event in enumerate(events)]


def cut_into(said: str, places: list[int]) -> list[str]:
    """In UTF-16: the middle of a character is a place as well."""
    units = to_utf16(said)
    edges = sorted({0, len(units), *(2 * (place % (len(units) // 2 + 1)) for place in places)})
    return [from_utf16(units[left:right]) for left, right in pairwise(edges)]


@given(
    said=st.lists(st.text(st.sampled_from("ab\n\u2028🥊😀"), min_size=1, max_size=12), min_size=1, max_size=3),
    first=st.lists(st.integers(0, 50), max_size=5),
    second=st.lists(st.integers(0, 50), max_size=5),
    ids=st.sets(st.integers(0, 20)),
    cut=st.integers(1, 40),
    honours_id=st.booleans(),
)
def test_any_cut_and_any_resume_give_the_answer_once(
    said: list[str], first: list[int], second: list[int], ids: set[int], cut: int, honours_id: bool
) -> None:
    """With or without ids, replayed from the start or continued, with other chunk boundaries after a full replay."""
    heard = whole([cut_into(part, first) for part in said], ids=ids)
    cut = min(cut, len(heard) - 1)
    fold = StreamAccumulator()
    printed = "".join(fold.add(Event.from_payload(event)) for event in heard[:cut])
    if fold.resume_point and honours_id:
        position = next(n for n, event in enumerate(heard) if event.get("event_id") == fold.resume_point.event_id)
        resumed = heard[position + 1 :]
    else:
        resumed = whole([cut_into(part, second) for part in said])
    replay = ResumeFilter(fold)
    for event in resumed:
        fresh = replay.new_part(Event.from_payload(event))
        if fresh:
            printed += fold.add(fresh)
    assert printed == "".join(said)
    assert fold.terminal
    assert fold.interaction.all_text == "".join(said)
    assert len(fold.interaction.steps) == len(said) + 1


@given(st.integers(0, 10), st.text("ab", min_size=1, max_size=6), st.text("ab", min_size=1, max_size=6))
def test_a_different_answer_is_never_spliced(cut: int, said: str, other: str) -> None:
    fold = StreamAccumulator()
    printed = "".join(fold.add(Event.from_payload(event)) for event in whole([list(said)])[: 6 + min(cut, len(said))])
    replay = ResumeFilter(fold)
    try:
        for event in whole([[other]]):
            fresh = replay.new_part(Event.from_payload(event))
            if fresh:
                printed += fold.add(fresh)
    except IncompleteError:
        assert not other.startswith(printed) or printed == said
    else:
        assert printed == other


def test_arguments_are_resumed_like_text() -> None:
    def call(*fragments: str) -> Events:
        deltas = [
            {"event_type": "step.delta", "index": 0, "delta": {"type": "arguments_delta", "arguments": fragment}}
            for fragment in fragments
        ]
        return [
            created(),
            start(0, type="function_call", id="q", name="f", arguments={}),
            *deltas,
            completed("requires_action"),
        ]

    fold = StreamAccumulator()
    for event in call('{"city"', ':"Os')[:4]:
        fold.add(Event.from_payload(event))
    replay = ResumeFilter(fold)
    for event in call('{"ci', 'ty":"Oslo"', "}"):
        if fresh := replay.new_part(Event.from_payload(event)):
            fold.add(fresh)
    assert fold.interaction.calls[0]["arguments"] == {"city": "Oslo"}


def test_a_step_that_was_complete_may_not_grow() -> None:
    fold = StreamAccumulator()
    for event in whole([["one"], ["two"]])[:9]:
        fold.add(Event.from_payload(event))
    replay = ResumeFilter(fold)
    longer = [Event.from_payload(event) for event in whole([["one more"], ["two"]])]
    with pytest.raises(IncompleteError, match="differs"):
        list(map(replay.new_part, longer))
