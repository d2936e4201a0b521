"""The meaning of an answer: text, status, citations, and folding a stream into the plain answer."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.events import Event
from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from gemini_cli.errors import IncompleteError, RejectedError
from tests.harness import completed, created, interaction, start, text


def t(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def out(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "model_output", "content": list(blocks)}


IMAGE = {"type": "image", "data": "AAAA", "mime_type": "image/jpeg"}
THOUGHT = {"type": "thought", "signature": "QUJD"}
CALL = {"type": "function_call", "id": "q1", "name": "weather", "arguments": {"city": "Oslo"}}
SEARCH = [{"type": "google_search_call", "id": "s"}, {"type": "google_search_result", "call_id": "s"}]


@pytest.mark.parametrize(
    ("steps", "output_text", "spoken"),
    [
        ([out(t("A"), IMAGE, t("B"), t("C")), THOUGHT, out(t("D"))], "BCD", "ABCD"),
        ([out(t("P")), *SEARCH, out(t("Q"))], "Q", "PQ"),
        ([out(t("pre")), CALL], "pre", "pre"),
        ([out(t("P")), *SEARCH], "P", "P"),
        ([{"type": "user_input", "content": [t("asked")]}, THOUGHT, out(t("said"))], "said", "said"),
        ([out(t("before")), {"type": "user_input"}, THOUGHT], "", ""),
        ([out(IMAGE)], "", ""),
        ([out(t("a"), IMAGE)], "a", "a"),
        ([out(t("a")), {"type": "brand_new_step", "content": [t("x")]}, out(t("b"))], "b", "ab"),
        ([{"type": "model_output"}, {"type": "model_output", "content": [{"type": "text"}]}], "", ""),
        ([], "", ""),
    ],
)
def test_output_text_is_what_the_reference_computes(steps: list[Any], output_text: str, spoken: str) -> None:
    """The SDK's rule (api/README.md 6.10)."""
    answer = Interaction({"status": "completed", "steps": steps})
    assert answer.text == output_text
    assert answer.all_text == spoken


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "{}",
        '"text"',
        "{",
        "<html>",
        '{"status": 7}',
        '{"status": NaN}',
        '{"status": "completed", "status": "completed"}',
        "[" * 200_000,
        '{"status": "completed", "n": ' + "1" * 5000 + "}",
        '{"status": "completed", "outputs": []}',
    ],
    ids=lambda body: body[:20],
)
def test_what_is_no_interaction_is_rejected(body: str) -> None:
    with pytest.raises(RejectedError):
        Interaction.parse(body)


@pytest.mark.parametrize(
    "steps",
    [
        {},
        [7],
        [None],
        [{"type": "model_output", "content": ["text"]}],
        [{"type": "model_output", "content": {}}],
        [out({"type": "text", "text": 7})],
    ],
    ids=str,
)
def test_a_known_field_of_the_wrong_type_is_rejected(steps: Any) -> None:
    with pytest.raises(RejectedError):
        _ = Interaction({"status": "completed", "steps": steps}).text


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (interaction(), 0, ""),
        (interaction(status="incomplete"), 8, "token limit"),
        (interaction(status="incomplete", errors=[{"code": "safety", "message": "no"}]), 9, "no"),
        (interaction(status="cancelled"), 8, "cancelled"),
        (interaction(status="budget_exceeded"), 8, "budget_exceeded"),
        (interaction(status="brand_new"), 8, "brand_new"),
        (interaction(status="requires_continuation"), 8, "output limit"),
        ({"status": "requires_action", "steps": [CALL]}, 10, "weather"),
        (interaction(status="idle"), 0, ""),
        ({"status": "idle"}, 0, ""),
        ({"status": "idle", "steps": [out(t("pre")), CALL]}, 10, "weather"),
        ({"status": "idle", "steps": [CALL, {"type": "function_result", "call_id": "q1"}, out(t("a"))]}, 0, ""),
        ({"status": "failed"}, 6, "no reason"),
        ({"status": "failed", "errors": [{"code": "safety", "message": "m"}]}, 9, "m"),
        ({"status": "failed", "errors": [{"code": "quota_exceeded", "message": "m"}]}, 7, "m"),
        ({"status": "failed", "errors": [{"code": "api_error", "message": "m"}]}, 5, "m"),
        ({"status": "failed", "errors": [{"code": "authentication", "message": "m"}]}, 4, "m"),
        ({"status": "failed", "errors": [{"code": "malformed_function_call", "message": "m"}]}, 6, "m"),
        (
            {"status": "failed", "steps": [{"type": "model_output", "error": {"code": 8, "message": "PII"}}]},
            5,
            "PII",
        ),
    ],
)
def test_the_status_decides(raw: dict[str, Any], status: int, words: str) -> None:
    failure = completion_error(Interaction(raw))
    assert (failure.exit_status if failure else 0) == status
    assert words in (failure.message if failure else "")


def test_the_error_of_a_step_is_not_added_to_the_errors_of_the_answer() -> None:
    step = {"type": "google_search_call", "id": "x", "error": {"code": 13, "message": "B"}}
    raw = {"status": "incomplete", "errors": [{"code": "other", "message": "A"}], "steps": [step]}
    answer = Interaction(raw)
    for _ in range(2):
        assert (error := completion_error(answer)) is not None
        assert error.message == "the answer is incomplete: A"
    assert raw["errors"] == [{"code": "other", "message": "A"}]


def test_citations_are_listed_once_in_order() -> None:
    def cited(url: str, title: str | None) -> dict[str, Any]:
        return {"type": "url_citation", "url": url, **({"title": title} if title else {})}

    notes = [cited("u1", "one"), cited("u2", "two"), cited("u1", "one again"), cited("u3", None), {"type": "word_info"}]
    place = {"type": "place_citation", "name": "Café", "url": "u4"}
    notes += [{"type": "url_citation", "title": "no url"}] * 2
    answer = Interaction(
        {"status": "completed", "steps": [out(t("x", annotations=notes)), out(t("y", annotations=[place]))]}
    )
    assert [tuple(citation) for citation in answer.citations] == [
        ("one", "u1"),
        ("two", "u2"),
        ("u3", "u3"),
        ("no url", ""),
        ("Café", "u4"),
    ]


def test_steps_are_kept_without_half_surrogate_pairs_and_read_as_they_came() -> None:
    said = [out(t("a\ud83d", note="\ude00")), {"type": "function_call", "id": "q1", "arguments": {"\ud83d": "\ud83d"}}]
    answer = Interaction({"status": "completed", "steps": said})
    kept = [
        out(t("a\ufffd", note="\ufffd")),
        {"type": "function_call", "id": "q1", "arguments": {"\ufffd": "\ufffd"}},
    ]
    assert answer.steps == kept
    assert (answer.text, answer.raw["steps"]) == ("a\ud83d", said)
    pair = out(t("\ud83d\ude00\ud83d"))  # a whole pair that came in two strings
    assert Interaction({"status": "completed", "steps": [pair]}).steps == [out(t("😀\ufffd"))]


# Folding -----------------------------------------------------------------------------------------------------------


def fold(*events: dict[str, Any]) -> StreamAccumulator:
    folded = StreamAccumulator()
    for event in events:
        folded.add(Event.from_payload(event))
    return folded


def delta(index: int, **fields: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": fields}


def begin(index: int, **step: Any) -> dict[str, Any]:
    return {"event_type": "step.start", "index": index, "step": step}


@pytest.mark.parametrize(
    ("events", "step"),
    [
        ([begin(0, type="model_output"), text("Hel"), text("lo")], out(t("Hello"))),
        ([begin(0, type="model_output", content=[t("He")]), text("llo")], out(t("Hello"))),
        ([begin(0, type="model_output", content=[t("He")])], out(t("He"))),
        (
            [begin(0, type="model_output"), text("a"), delta(0, **IMAGE), text("b")],
            out(t("a"), IMAGE, t("b")),
        ),
        ([begin(0, type="model_output"), delta(0, text="no type")], out(t("no type"))),
        ([text("never started")], out(t("never started"))),
        (
            [
                begin(0, type="model_output"),
                text("a"),
                delta(0, type="text_annotation_delta", annotations=[{"url": "u"}]),
            ],
            out(t("a", annotations=[{"url": "u"}])),
        ),
        (
            [
                begin(0, type="thought", signature=""),
                delta(0, type="thought_summary", content={"text": "s1"}),
                delta(0, type="thought_signature", signature="S"),
                delta(0, type="thought_signature", signature=""),
                delta(0, type="thought_summary", content=t("s2")),
            ],
            {"type": "thought", "signature": "S", "summary": [t("s1"), t("s2")]},
        ),
        (
            [
                begin(0, type="function_call", id="q", name="f", arguments={}),
                delta(0, type="arguments_delta", arguments='{"a":'),
                delta(0, type="arguments_delta", arguments="1}"),
            ],
            {"type": "function_call", "id": "q", "name": "f", "arguments": {"a": 1}},
        ),
        (
            [begin(0, type="function_call", id="q", name="f", arguments={"k": 1})],
            {"type": "function_call", "id": "q", "name": "f", "arguments": {"k": 1}},
        ),
        (
            [
                begin(0, type="function_call", id="q", name="f"),
                delta(0, type="arguments_delta", arguments='{"a":1}'),
                delta(0, type="arguments_delta", arguments='{"a":1}'),
            ],
            {"type": "function_call", "id": "q", "name": "f", "arguments": {"a": 1}},
        ),
        (
            [
                begin(0, type="google_search_call", id="s", signature=""),
                delta(0, type="google_search_call", arguments={"queries": ["x"]}, signature="S"),
            ],
            {"type": "google_search_call", "id": "s", "signature": "S", "arguments": {"queries": ["x"]}},
        ),
        ([begin(0, type="model_output"), delta(0, type="brand_new", x=1), text("a")], out(t("a"))),
    ],
)
def test_deltas_fold_into_the_plain_step(events: list[dict[str, Any]], step: dict[str, Any]) -> None:
    folded = fold(created(), *events, completed()).interaction
    assert folded.raw["steps"] == [step]
    assert folded.status == "completed"


def test_text_comes_out_as_it_is_added() -> None:
    folded = StreamAccumulator()
    events = [
        created(),
        begin(0, type="thought", summary=[t("no")]),
        start(1, content=[t("He")]),
        text("llo", 1),
        completed(),
    ]
    assert [folded.add(Event.from_payload(event)) for event in events] == ["", "", "He", "llo", ""]
    assert folded.terminal


def test_only_the_last_word_is_terminal() -> None:
    update = {"event_type": "interaction.status_update", "status": "completed"}
    assert not fold(created(), update, text("a")).terminal
    assert fold(created(), completed("failed")).terminal


def test_a_last_word_with_steps_brings_the_rest() -> None:
    folded = fold(created(), start(), text("Hel"))
    last = Event.from_payload({"event_type": "interaction.completed", "interaction": interaction("Hello!")})
    assert folded.add(last) == "lo!"
    other = fold(created(), start(), text("Hal"))
    with pytest.raises(IncompleteError):
        other.add(last)


def test_an_error_event_is_remembered_unless_it_is_empty() -> None:
    assert fold(created(), {"event_type": "error", "error": {}}).error is None
    told = fold(created(), {"event_type": "error", "error": {"code": "deadline_exceeded", "message": ""}}).error
    assert told is not None
    assert told.code == "deadline_exceeded"


def test_the_legacy_shape_is_named() -> None:
    with pytest.raises(RejectedError, match="legacy"):
        fold({"event_type": "interaction.start", "interaction": {}})


def test_fifty_thousand_deltas_are_not_copied_fifty_thousand_times() -> None:
    """Linear: a quadratic fold would move 25 GB here and never end within the suite's patience."""
    folded = fold(created(), start())
    for number in range(50_000):
        folded.add(Event("step.delta", text(f"{number:020}"), ""))
    assert len(folded.interaction.text) == 1_000_000


def test_steps_in_the_first_event_do_not_take_the_place_of_the_answer() -> None:
    early = {"event_type": "interaction.created", "interaction": {"id": "v1_a", "steps": [{"type": "user_input"}]}}
    assert fold(early, start(), text("Hello"), completed()).interaction.text == "Hello"
