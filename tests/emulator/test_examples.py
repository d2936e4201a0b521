"""Recorded fields and events, and published requests.

Published requests are read from the directory that the environment variable GEMINI_API_EXAMPLES names. It holds
documented.jsonl and sdk-requests.jsonl, with a JSON object of method, path and body in each line.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator.service import Emulator

from .in_memory_client import Clock, InMemoryClient, events

EXAMPLES = os.environ.get("GEMINI_API_EXAMPLES", "")
needs_examples = pytest.mark.skipif(not EXAMPLES, reason="GEMINI_API_EXAMPLES is not set")


def lines(name: str) -> list[Any]:
    return [json.loads(line) for line in (Path(EXAMPLES) / name).read_text().splitlines()] if EXAMPLES else []


DOCUMENTED = [
    each
    for each in lines("documented.jsonl")
    if not isinstance(each["body"].get("input"), list) or all(isinstance(item, dict) for item in each["body"]["input"])
]
# "m" is a model of the recording's own server.
CAPTURED = [each for each in lines("sdk-requests.jsonl") if (each.get("body_json") or {}).get("model") != "m"]
CREATES = [each for each in CAPTURED if each["method"] == "POST" and each["path"].endswith("/interactions")]
GENERATES = [each for each in CAPTURED if "enerateContent" in each["path"] and "batch" not in each["path"]]


@needs_examples
@pytest.mark.parametrize("example", DOCUMENTED, ids=lambda example: example["name"])
def test_documented_requests_succeed(example: Any) -> None:
    client = InMemoryClient(Emulator(clock=Clock()))
    body = dict(example["body"])
    if "previous_interaction_id" in body:
        body["previous_interaction_id"] = client.create("Before")["id"]
    response = client.send(example["method"], example["path"], body)
    assert response.status == 200, response.body
    if response.headers["content-type"] == "text/event-stream" and example["family"] == "interactions":
        assert events(response.body)[-1]["interaction"]["status"] == "completed"


@needs_examples
@pytest.mark.parametrize("example", CREATES, ids=lambda example: example["call"])
def test_interactions_requests_of_the_sdk_succeed(example: Any) -> None:
    client = InMemoryClient(Emulator(clock=Clock()))
    body = dict(example["body_json"])
    if "previous_interaction_id" in body:
        body["previous_interaction_id"] = client.create("Before")["id"]
    response = client.send("POST", example["path"], body)
    assert response.status == (400 if "foo" in body else 200), response.body


@needs_examples
@pytest.mark.parametrize("example", GENERATES, ids=lambda example: example["call"])
def test_generate_content_requests_of_the_sdk_succeed(example: Any) -> None:
    body = {key: each for key, each in example["body_json"].items() if key != "continuationToken"}
    response = InMemoryClient(Emulator(clock=Clock())).send("POST", example["path"] + "?alt=sse", body)
    assert response.status == 200, response.body


def fields(step: Any) -> Any:
    return step["type"], set(step) - {"type"}


def test_an_interaction_has_the_recorded_fields(client: InMemoryClient) -> None:
    """As recorded by Vercel's AI SDK for gemini-2.5-flash (api/README.md 6.1, 6.7)."""
    interaction = client.create("Name three cities", model="gemini-2.5-flash")
    assert set(interaction) == set("created id model object service_tier status steps updated usage".split())
    assert set(interaction["usage"]) == {
        "input_tokens_by_modality",
        *(f"total_{name}_tokens" for name in ("cached", "input", "output", "thought", "tool_use")),
        "total_tokens",
    }
    assert [fields(step) for step in interaction["steps"]] == [
        ("thought", {"signature"}),
        ("model_output", {"content"}),
    ]


def test_a_search_has_the_recorded_steps(client: InMemoryClient) -> None:
    """As recorded by rig for gemini-3-flash-preview (api/README.md 4.7, 5.2)."""
    tools = [{"type": "google_search"}]
    steps = client.create("Who won?", model="gemini-3-flash-preview", tools=tools)["steps"]
    assert [fields(step) for step in steps] == [
        ("google_search_call", {"arguments", "id", "signature"}),
        ("google_search_result", {"call_id", "is_error", "result", "signature"}),
        ("thought", {"signature"}),
        ("model_output", {"content"}),
    ]
    annotation = steps[-1]["content"][0]["annotations"][0]
    assert set(annotation) == {"end_index", "start_index", "title", "type", "url"}


def test_a_stream_has_the_recorded_events(client: InMemoryClient) -> None:
    """As recorded by rust-genai for gemini-3.5-flash (api/README.md 7.3, 7.4)."""
    tool = {"type": "function", "name": "get_weather", "parameters": {"properties": {"city": {}}}}
    found = client.stream('get_weather {"city":"Cairo"}', model="gemini-3.5-flash", tools=[tool], store=False)
    step = [("step.start", {"index", "step"}), ("step.delta", {"index", "delta"}), ("step.stop", {"index"})]
    assert [(event["event_type"], set(event) - {"event_type"}) for event in found] == [
        ("interaction.created", {"interaction"}),
        ("interaction.status_update", {"interaction_id", "status"}),
        *step,
        *step,
        ("interaction.completed", {"interaction"}),
    ]
    last = set("created id model object service_tier status updated usage".split())
    assert set(found[-1]["interaction"]) == last
