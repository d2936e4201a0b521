"""The request of each turn of a conversation, stored by the service or sent again."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_cli.api.conversation import Conversation, input_to_steps
from gemini_cli.api.interaction import Interaction, merge_continuations
from gemini_cli.errors import UsageError

THOUGHT = {"type": "thought", "signature": "QUJD"}
ODD = {"type": "brand_new", "x": [1]}


def user(text: str) -> dict[str, Any]:
    return {"type": "user_input", "content": [{"type": "text", "text": text}]}


def output(text: str) -> dict[str, Any]:
    return {"type": "model_output", "content": [{"type": "text", "text": text}]}


def answer(text: str, interaction_id: str | None = "v1_a", **more: Any) -> Interaction:
    raw = {"status": "completed", "steps": [THOUGHT, ODD, output(text)], **more}
    return Interaction(raw if interaction_id is None else {"id": interaction_id, **raw})


BODY = {"model": "m", "system_instruction": "s", "tools": [{"type": "google_search"}], "input": "one"}


def test_the_service_keeps_the_words_and_not_the_settings() -> None:
    conversation = Conversation(BODY, stored=True)
    assert conversation.next_request("one") == BODY
    conversation.add_turn("one", answer("1"))
    assert conversation.next_request("two") == {**BODY, "input": "two", "previous_interaction_id": "v1_a"}


@pytest.mark.parametrize("kept", [True, False])
def test_without_it_every_step_is_said_again_as_it_came(kept: bool) -> None:
    """`store: false` in a family that keeps, or a family that keeps nothing."""
    body = {**BODY, "store": False} if kept else BODY
    conversation = Conversation(body, stored=kept)
    assert conversation.next_request("one") == body
    conversation.add_turn("one", answer("1", None))
    history = [user("one"), THOUGHT, ODD, output("1"), user("two")]
    assert conversation.next_request("two") == {**body, "input": history}


@pytest.mark.parametrize("value", [None, True, 5])
def test_an_input_that_is_neither_content_nor_steps_is_a_usage_error(value: object) -> None:
    with pytest.raises(UsageError, match="neither content blocks nor steps"):
        input_to_steps(value)


def test_what_the_service_forgot_is_repeated_once() -> None:
    conversation = Conversation({**BODY, "previous_interaction_id": "v1_old"}, [user("one"), output("1")], stored=True)
    conversation.resend_history = True
    repeated = conversation.next_request("two")
    assert "previous_interaction_id" not in repeated
    assert repeated["input"] == [user("one"), output("1"), user("two")]
    conversation.add_turn("two", answer("2", "v1_new"))
    assert conversation.next_request("three") == {**BODY, "input": "three", "previous_interaction_id": "v1_new"}


def test_the_results_of_calls_are_a_turn() -> None:
    conversation = Conversation(BODY, stored=False)
    call = {"type": "function_call", "id": "q1", "name": "f", "arguments": {}}
    conversation.add_turn("one", Interaction({"status": "requires_action", "steps": [call]}))
    result = {"type": "function_result", "call_id": "q1", "result": "7"}
    assert conversation.next_request([result])["input"] == [user("one"), call, result]


@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        ("hi", [user("hi")]),
        ({"type": "text", "text": "hi"}, [user("hi")]),
        ([{"text": "hi"}], [{"type": "user_input", "content": [{"text": "hi"}]}]),
        ([{"type": "text", "text": "a"}, {"type": "image", "uri": "u"}], None),
        ([user("a"), output("b")], [user("a"), output("b")]),
        (["not", "the API's"], ["not", "the API's"]),
    ],
)
def test_every_shape_of_an_input_is_a_list_of_steps(asked: Any, steps: list[Any] | None) -> None:
    assert input_to_steps(asked) == ([{"type": "user_input", "content": asked}] if steps is None else steps)


def test_hops_are_one_answer() -> None:
    modalities = [{"modality": "text", "tokens": 4}]
    first = answer("Hel", "v1_a", status="requires_continuation", usage={"total_tokens": 9, "by": modalities})
    second = answer("lo", "v1_b", usage={"total_tokens": 5, "by": modalities, "new": 1})
    whole = merge_continuations([first, second])
    assert (whole.id, whole.status) == ("v1_b", "completed")
    assert whole.raw["continuation_ids"] == ["v1_a", "v1_b"]
    assert whole.raw["usage"] == {"total_tokens": 14, "by": [{"modality": "text", "tokens": 8}], "new": 1}
    assert whole.all_text == "Hello"
    assert merge_continuations([second]) is second
