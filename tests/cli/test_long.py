"""`--long`: an answer over several requests is one answer, or says where it broke off."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.harness import ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text


def hop(said: str, token: str | None, interaction_id: str) -> dict[str, Any]:
    """The answer of one request, which goes on if it has a token."""
    more = {"continuation_token": token, "status": "requires_continuation"} if token else {}
    return {**interaction(said), "id": interaction_id, "usage": {"total_tokens": 10}, **more}


def streamed(plain: dict[str, Any]) -> httpx.Response:
    said = plain["steps"][0]["content"][0]["text"]
    last = {key: value for key, value in plain.items() if key != "steps"}
    return sse(created(plain["id"]), start(), text(said), completed(**last))


HOPS = [hop("one ", "t1", "v1_a"), hop("two ", "t2", "v1_b"), hop("three", None, "v1_c")]


def bodies(wire: ScriptedTransport) -> list[Any]:
    return [json.loads(call.content) for call in wire.requests]


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_the_hops_are_one_seamless_text(command: str) -> None:
    wire = ScriptedTransport([reply(plain) if command == "generate" else streamed(plain) for plain in HOPS])
    outcome = gemini(command, "--long", "-u", "-m", "m", "hi", answers=wire)
    assert outcome == (0, "one two three\n", "usage: 30 total tokens\n")
    stream = {"stream": True} if command == "stream" else {}
    assert bodies(wire) == [
        {"model": "m", "input": "hi", **stream},
        {"model": "m", "continuation_token": "t1", "previous_interaction_id": "v1_a", **stream},
        {"model": "m", "continuation_token": "t2", "previous_interaction_id": "v1_b", **stream},
    ]


def test_what_is_not_stored_is_said_again() -> None:
    wire = ScriptedTransport([reply(plain) for plain in HOPS[1:]])
    assert gemini("generate", "--long", "--no-store", "-m", "m", "hi", answers=wire).out == "two three\n"
    assert bodies(wire)[1] == {"model": "m", "store": False, "input": "hi", "continuation_token": "t2"}


def test_json_is_one_interaction_with_the_ids_of_all() -> None:
    outcome = gemini("generate", "--long", "--json", "hi", answers=[reply(plain) for plain in HOPS])
    assert (outcome.json["id"], outcome.json["status"]) == ("v1_c", "completed")
    assert outcome.json["continuation_ids"] == ["v1_a", "v1_b", "v1_c"]
    assert outcome.json["usage"] == {"total_tokens": 30}


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_no_token_is_sent_twice(command: str) -> None:
    hops = [HOPS[0], HOPS[1], hop("again ", "t1", "v1_c")]
    answers = [reply(plain) if command == "generate" else streamed(plain) for plain in hops]
    outcome = gemini(command, "--long", "hi", answers=answers)
    assert (outcome.status, outcome.out) == (8, "one two again ")


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_a_hop_that_fails_leaves_a_prefix(command: str) -> None:
    refused = reply({"error": {"code": "invalid_request", "message": "No more."}}, 400)
    first = reply(HOPS[0]) if command == "generate" else streamed(HOPS[0])
    outcome = gemini(command, "--long", "hi", answers=[first, refused])
    assert outcome == (8, "one ", "gemini-cli: incomplete: No more.\n")


def test_a_failed_hop_is_told_as_billed() -> None:
    refused = reply({"error": {"code": "invalid_request", "message": "No more."}}, 400)
    outcome = gemini("generate", "--long", "--json", "hi", answers=[reply(HOPS[0]), refused])
    assert outcome.json["continuation_ids"] == ["v1_a"]
    assert json.loads(outcome.err)["error"]["billed"] == "yes"


def test_without_it_the_answer_is_incomplete_and_a_hint_says_so() -> None:
    outcome = gemini("generate", "hi", answers=[reply(HOPS[0])])
    assert (outcome.status, outcome.out) == (8, "one ")
    assert "--long" in outcome.err
