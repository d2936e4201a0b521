"""Documented and recorded requests, sent as they are: every one must be answered (skipped where the files are not).

The folder is data that others published; the project has no copy of it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator import Emulator

from .in_memory_client import Clock, InMemoryClient, events

API = Path(__file__).parents[3] / "shared" / "api"
RECORDED = API / "recorded" / "interactions"


def lines(name: str) -> list[Any]:
    path = API / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


DOCUMENTED = [
    each
    for each in lines("documented.jsonl")
    if not isinstance(each["body"].get("input"), list) or all(isinstance(item, dict) for item in each["body"]["input"])
]
# Names that only the loopback server of the recording knew.
CAPTURED = [each for each in lines("sdk-requests.jsonl") if (each.get("body_json") or {}).get("model") not in ("m",)]
CREATES = [each for each in CAPTURED if each["method"] == "POST" and each["path"].endswith("/interactions")]
GENERATES = [each for each in CAPTURED if "enerateContent" in each["path"] and "batch" not in each["path"]]


@pytest.mark.skipif(not DOCUMENTED, reason=f"{API} is not there")
@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda example: example["name"])
def test_documented_requests_are_answered(example: Any) -> None:
    client = InMemoryClient(Emulator(clock=Clock()))
    body = dict(example["body"])
    if "previous_interaction_id" in body:
        body["previous_interaction_id"] = client.create("Before")["id"]
    response = client.send(example["method"], example["path"], body)
    assert response.status == 200, response.body
    if response.headers["content-type"] == "text/event-stream" and example["family"] == "interactions":
        assert events(response.body)[-1]["interaction"]["status"] == "completed"


@pytest.mark.skipif(not CREATES, reason=f"{API} is not there")
@pytest.mark.parametrize("example", CREATES, ids=lambda example: example["call"])
def test_what_the_sdk_sends_is_answered(example: Any) -> None:
    client = InMemoryClient(Emulator(clock=Clock()))
    body = dict(example["body_json"])
    strange = "foo" in body
    if "previous_interaction_id" in body:
        body["previous_interaction_id"] = client.create("Before")["id"]
    response = client.send("POST", example["path"], body)
    assert response.status == (400 if strange else 200), response.body


@pytest.mark.skipif(not GENERATES, reason=f"{API} is not there")
@pytest.mark.parametrize("example", GENERATES, ids=lambda example: example["call"])
def test_what_the_sdk_sends_to_the_older_family_is_answered(example: Any) -> None:
    body = {key: each for key, each in example["body_json"].items() if key != "continuationToken"}
    response = InMemoryClient(Emulator(clock=Clock())).send("POST", example["path"] + "?alt=sse", body)
    assert response.status == 200, response.body


def kinds(step: Any) -> Any:
    return step["type"], {key for key in step if key != "search_type"}


@pytest.mark.skipif(not RECORDED.exists(), reason=f"{API} is not there")
def test_answers_have_the_fields_of_a_recorded_one() -> None:
    recorded = json.loads((RECORDED / "json" / "ai__multi-turn-stateful-turn1__00.json").read_text())
    ours = InMemoryClient(Emulator(clock=Clock())).create("Name three cities", model="gemini-2.5-flash")
    assert set(ours) == set(recorded)
    assert set(ours["usage"]) == set(recorded["usage"])
    assert [kinds(step) for step in ours["steps"]] == [kinds(step) for step in recorded["steps"]]


@pytest.mark.skipif(not RECORDED.exists(), reason=f"{API} is not there")
def test_searches_have_the_steps_of_a_recorded_one() -> None:
    name = "rig__interactions_api__google_search_tool_interaction__00.json"
    recorded = json.loads((RECORDED / "json" / name).read_text())
    client = InMemoryClient(Emulator(clock=Clock()))
    ours = client.create("Who won?", model="gemini-3-flash-preview", tools=[{"type": "google_search"}])
    assert [kinds(step) for step in ours["steps"]] == [kinds(step) for step in recorded["steps"]]
    part, real = ours["steps"][-1]["content"][0], recorded["steps"][-1]["content"][0]
    assert set(part["annotations"][0]) == set(real["annotations"][0])


@pytest.mark.skipif(not RECORDED.exists(), reason=f"{API} is not there")
def test_a_stream_is_framed_as_a_recorded_one() -> None:
    recorded = (RECORDED / "sse" / "rust-genai__gemini_ix__tool_stream__000.sse").read_bytes().rstrip() + b"\n\n"
    tool = {"type": "function", "name": "get_weather", "parameters": {"properties": {"city": {}}}}
    client = InMemoryClient(Emulator(clock=Clock()))
    ours = client.stream('get_weather {"city":"Cairo"}', model="gemini-3.5-flash", tools=[tool], store=False)
    theirs = events(recorded)
    assert [event["event_type"] for event in ours] == [event["event_type"] for event in theirs]
    assert [set(event) for event in ours] == [set(event) for event in theirs]
    assert set(ours[-1]["interaction"]) == set(theirs[-1]["interaction"])
