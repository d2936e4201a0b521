"""Error responses, versions and keys (api/README.md 1, 2, 12)."""

from typing import Any

import pytest

from gemini_cli.emulator.http.exchange import JSON_LIMIT
from gemini_cli.emulator.service import UNKNOWN_LIMIT, Emulator

from .in_memory_client import MODEL, InMemoryClient

CREATE = {"model": MODEL, "input": "Hi"}
REFUSED = [
    ({}, 400, "invalid_request", "One of 'model' and 'agent' must be set."),
    ({**CREATE, "agent": "a"}, 400, "invalid_request", "Only one of 'model' and 'agent' may be set."),
    ({"model": MODEL}, 400, "invalid_request", "Missing required parameter 'input'."),
    ({**CREATE, "model": "no-such-model"}, 404, "not_found", "Model 'no-such-model' not found."),
    ({**CREATE, "model": "gpt-4"}, 404, "not_found", "Model 'gpt-4' not found."),
    ({"agent": "no-such-agent", "input": "Hi"}, 404, "not_found", "Agent 'no-such-agent' not found."),
    ({**CREATE, "foo": 1}, 400, "parameter_unknown", "Unknown parameter 'foo'."),
    (
        {**CREATE, "generation_config": {"top_q": 1}},
        *(400, "parameter_unknown", "Unknown parameter 'top_q' at 'generation_config'."),
    ),
    ({**CREATE, "input": 5}, 400, "invalid_request", "Invalid input at 'input'."),
    ({**CREATE, "stream": "yes"}, 400, "invalid_request", "Invalid input at 'stream'."),
    ({**CREATE, "input": [{"type": "text"}]}, 400, "invalid_request", "Missing required parameter 'input[0].text'."),
    (
        {**CREATE, "input": [{"type": "user_input", "content": [{"type": "text", "text": 1}]}]},
        *(400, "invalid_request", "Invalid input at 'input[0].content[0].text'."),
    ),
    (
        {**CREATE, "service_tier": "gold"},
        *(400, "invalid_request", "The value 'gold' is not supported for 'service_tier'. Supported values: "),
    ),
    ({**CREATE, "tools": [{"type": "hammer"}]}, 400, "invalid_request", "The value 'hammer' is not supported"),
    ({**CREATE, "background": True, "store": False}, 400, "invalid_request", "background=true requires store=true."),
    (
        {**CREATE, "model": "gemini-2.5-flash", "background": True},
        *(400, "invalid_request", "Model 'gemini-2.5-flash' does not support background interactions."),
    ),
    (
        {**CREATE, "generation_config": {"tool_choice": "any"}},
        *(400, "invalid_request", "Function calling config is set without function_declarations."),
    ),
    ({**CREATE, "input": [{"role": "user", "content": "x"}]}, 400, "invalid_request", "The legacy Interactions API"),
    (
        {**CREATE, "model": "gemini-3.8-flash", "generation_config": {"thinking_level": "minimal"}},
        *(400, "invalid_request", "The value 'minimal' is not supported for 'generation_config.thinking_level'."),
    ),
    *(
        (
            {**CREATE, "model": model, "generation_config": {"thinking_level": level}},
            *(400, "invalid_request", f"The value '{level}' is not supported for 'generation_config.thinking_level'."),
        )
        for model, level in (
            ("gemini-flash-latest", "minimal"),
            ("gemini-4-carbon", "minimal"),
            ("gemini-4-neon", "minimal"),
            ("gemini-3.7-flash", "minimal"),
            ("gemini-3.1-flash-lite-image", "low"),
            ("gemini-3.6-flash", "xhigh"),
        )
    ),
    (
        {**CREATE, "environment": {"type": "remote", "mode": "sometimes"}},
        *(400, "invalid_request", "The value 'sometimes' is not supported for 'environment.mode'."),
    ),
    (
        {"agent": "deep-research-preview-04-2026", "input": "Hi", "agent_config": {"type": "deep-research", "x": 1}},
        *(400, "parameter_unknown", "Unknown parameter 'x' at 'agent_config'."),
    ),
    ({**CREATE, "tools": {}}, 400, "invalid_request", "Invalid input at 'tools'."),
    ({**CREATE, "generation_config": 5}, 400, "invalid_request", "Invalid input at 'generation_config'."),
    ({**CREATE, "response_format": 5}, 400, "invalid_request", "Invalid input at 'response_format'."),
    (
        {**CREATE, "generation_config": {"temperature": "hot"}},
        *(400, "invalid_request", "Invalid input at 'generation_config.temperature'."),
    ),
    (
        {**CREATE, "generation_config": {"seed": 1.5}},
        *(400, "invalid_request", "Invalid input at 'generation_config.seed'."),
    ),
    (
        {**CREATE, "generation_config": {"max_output_tokens": 0}},
        *(400, "invalid_request", "The value of 'generation_config.max_output_tokens' must be at least 1."),
    ),
    ({**CREATE, "input": []}, 400, "invalid_request", "'input' must not be empty."),
    ({**CREATE, "input": [{"text": "x"}]}, 400, "invalid_request", "Missing required parameter 'input[0].type'."),
    (
        {**CREATE, "input": {"type": "image", "data": "eA==", "uri": "https://example.com/"}},
        *(400, "invalid_request", "Exactly one of 'data' and 'uri' must be set at 'input'."),
    ),
    (
        {**CREATE, "tools": [{"type": "function", "name": "no good"}]},
        *(400, "invalid_request", "Invalid function name 'no good' at 'tools[0].name'."),
    ),
    (
        {**CREATE, "generation_config": {"tool_choice": {"allowed_tools": {"mode": "auto", "tools": ["f"]}}}},
        *(400, "invalid_request", "Invalid input at 'generation_config.tool_choice.allowed_tools.tools'."),
    ),
    (
        {"agent": "deep-research-preview-04-2026", "input": "Hi"},
        *(400, "invalid_request", "Agent 'deep-research-preview-04-2026' requires background=true."),
    ),
    ({**CREATE, "labels": {"Bad": "x"}}, 400, "invalid_request", "Invalid label 'Bad' at 'labels'."),
    ({"agent": "a", "input": "Hi", "generation_config": {}}, 400, "parameter_unknown", "Unknown parameter"),
]


@pytest.mark.parametrize(("body", "status", "code", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_invalid_requests(client: InMemoryClient, body: Any, status: int, code: str, message: str) -> None:
    found = client.error(**body)
    assert found[:2] == (status, code)
    assert found[2].startswith(message)


def test_a_misspelled_model_gets_a_suggestion(client: InMemoryClient) -> None:
    assert "Did you mean 'gemini-3.8-flash'?" in client.error(model="gemni-3.8-flash", input="Hi")[2]


def test_a_body_that_is_too_large(client: InMemoryClient) -> None:
    response = client.post("/v1/interactions", b" " * (JSON_LIMIT + 1))
    assert (response.status, "payload size exceeds the limit" in response.json["error"]["message"]) == (400, True)


def test_a_body_that_is_not_an_object(client: InMemoryClient) -> None:
    for body in (b"{", b"[]", b"\xff", b"[" * 100_000):
        assert client.post("/v1/interactions", body).status == 400


# --- versions, keys, routes


@pytest.mark.parametrize("prefix", ["", "/proxy", "/a/b"])
@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_any_version_and_any_prefix(client: InMemoryClient, prefix: str, version: str) -> None:
    assert client.post(f"{prefix}/{version}/interactions?alt=sse", CREATE).status == 200


def test_the_key_comes_from_the_header_or_the_query() -> None:
    client = InMemoryClient(Emulator(key="right"))
    target = "/v1/interactions"
    missing = client.send("POST", target, CREATE)
    wrong = client.send("POST", target, CREATE, {"x-goog-api-key": "wrong"})
    assert (missing.status, missing.json["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert missing.json["error"]["message"].startswith("Method doesn't allow unregistered callers")
    assert (wrong.status, wrong.json["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert client.send("POST", target, CREATE, {"x-goog-api-key": "right"}).status == 200
    assert client.send("POST", target + "?key=right", CREATE).status == 200
    both = client.send("POST", target + "?key=right", CREATE, {"x-goog-api-key": "right"})
    assert (both.status, both.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert both.json["error"]["message"].startswith("Multiple authentication credentials received.")


def test_unknown_requests_are_recorded(client: InMemoryClient) -> None:
    response = client.get("/v1/nonsense?key=secret")
    assert (response.status, response.json["error"]["status"]) == (404, "NOT_FOUND")
    assert client.emulator.leftovers() == ["unknown request: GET /v1/nonsense"]


@pytest.mark.parametrize(("version", "status"), [("v1", 404), ("v1alpha", 404), ("v1beta", 200)])
def test_an_alias_exists_only_in_v1beta(version: str, status: int) -> None:
    """api/README.md 1.3"""
    body = {"model": "gemini-flash-latest", "input": "Hi"}
    assert InMemoryClient(Emulator()).post(f"/{version}/interactions", body).status == status


def test_only_the_first_unknown_requests_are_recorded(client: InMemoryClient) -> None:
    for number in range(UNKNOWN_LIMIT + 1):
        client.get(f"/v1/nonsense/{number}")
    assert client.emulator.leftovers()[-1] == f"unknown request: GET /v1/nonsense/{UNKNOWN_LIMIT - 1}"


def test_a_failed_interaction_cannot_be_continued() -> None:
    client = InMemoryClient(Emulator(script=[{"when": {"turn": 1}, "status": "failed"}]))
    first = client.create("Hi")
    again = client.post("/v1/interactions", {**CREATE, "previous_interaction_id": first["id"]})
    assert (again.status, again.json["error"]["code"]) == (400, "failed_precondition")
