"""Requests that are JSON but not what the API expects get an answer, never an error of the emulator itself."""

import base64
import json
from typing import Any

import pytest

from gemini_cli.emulator.http.exchange import HttpRequest
from gemini_cli.emulator.service import Emulator

from .in_memory_client import InMemoryClient

MODEL = "gemini-3.8-flash"
GENERATE, COUNT = f"/v1beta/models/{MODEL}:generateContent", f"/v1beta/models/{MODEL}:countTokens"
HUGE = int("9" * 400)
CONTENTS = [{"parts": [{"text": "hi"}]}]
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "YQ=="}]}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"input": [{"type": []}]}, 400, "Invalid input at 'input[0].type'."),
        (
            {"input": "x", "generation_config": {"seed": float("inf")}},
            400,
            "Invalid input at 'generation_config.seed'.",
        ),
        (
            {"input": "x", "generation_config": {"seed": float("nan")}},
            400,
            "Invalid input at 'generation_config.seed'.",
        ),
        ({"input": "x", "generation_config": {"max_output_tokens": 2.0}}, 200, ""),
        ({"input": "x", "previous_interaction_id": "\ud800"}, 400, "Invalid interaction id '\ud800'."),
        ({"input": [{"type": "function_result", "call_id": "a", "result": [{"type": "text"}]}]}, 200, ""),
        ({"input": "x", "response_format": {"type": ["object", "null"], "properties": {}}}, 200, ""),
        ({"input": "x", "response_format": {"type": "array", "minItems": HUGE}}, 400, "'response_format.minItems'"),
        ({"input": "x", "response_format": {"type": "array", "minItems": None}}, 200, ""),
    ],
)
def test_interactions(client: InMemoryClient, body: dict[str, Any], status: int, message: str) -> None:
    response = client.post("/v1beta/interactions", {"model": MODEL, **body})
    assert response.status == status
    assert message in response.json.get("error", {}).get("message", "")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("type", 3),
        ("enum", "x"),
        ("enum", {"x": 1}),
        ("required", True),
        ("required", [[]]),
        ("properties", "x"),
        ("properties", {"a": 1}),
        ("anyOf", "x"),
        ("minItems", "2"),
        ("minLength", -1),
        ("maximum", float("inf")),
        ("minimum", "x"),
        ("multipleOf", 0),
        ("$ref", 1),
    ],
)
def test_a_schema_with_a_wrong_keyword_is_refused(client: InMemoryClient, keyword: str, value: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number", keyword: value}}}
    schemas = [
        ("/v1beta/interactions", {"model": MODEL, "input": "x", "response_format": {"type": "text", "schema": schema}}),
        (GENERATE, {"contents": CONTENTS, "generationConfig": {"responseJsonSchema": schema}}),
    ]
    for target, body in schemas:
        response = client.post(target, body)
        assert (response.status, f".{keyword}" in response.json["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    ("target", "body", "status", "message"),
    [
        (GENERATE, {"contents": CONTENTS, "generationConfig": {"maxOutputTokens": "3.0"}}, 200, ""),
        (
            GENERATE,
            {"contents": CONTENTS, "generationConfig": {"temperature": HUGE}},
            400,
            "Invalid value at 'generation_config.temperature' (TYPE_FLOAT)",
        ),
        (GENERATE, {"contents": CONTENTS, "cachedContent": None}, 200, ""),
        (
            GENERATE,
            {"contents": [*CONTENTS, CALL, {"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]},
            200,
            "",
        ),
        (
            GENERATE,
            {"contents": [*CONTENTS, CALL, {"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]},
            400,
            "Invalid value at 'contents[2].parts[0].function_response.response'",
        ),
        (COUNT, {"generateContentRequest": True}, 400, "Invalid value at 'generate_content_request'"),
        (COUNT, {"generate_content_request": {"model": f"models/{MODEL}", "contents": CONTENTS}}, 200, ""),
    ],
)
def test_the_older_api(client: InMemoryClient, target: str, body: dict[str, Any], status: int, message: str) -> None:
    response = client.post(target, body)
    assert response.status == status
    assert message in response.json.get("error", {}).get("message", "")


@pytest.mark.parametrize("offset", ["1e999", "-1", '"x"', "[]"])
def test_a_wrong_continuation_token(client: InMemoryClient, offset: str) -> None:
    token = base64.b64encode(b'{"offset": %b}' % offset.encode()).decode()
    requests = [
        ("/v1beta/interactions", {"model": MODEL, "input": "x", "continuation_token": token}),
        (GENERATE, {"contents": CONTENTS, "continuationToken": token}),
    ]
    for target, body in requests:
        response = client.post(target, body)
        assert (response.status, "continuation" in response.json["error"]["message"]) == (400, True)


def test_a_message_that_is_nested_too_deeply(client: InMemoryClient) -> None:
    schema: dict[str, Any] = {}
    for _ in range(300):
        schema = {"properties": {"a": schema}}
    body = {"contents": CONTENTS, "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}
    response = client.post(GENERATE, json.dumps(body).encode())
    assert response.status == 400
    assert response.json["error"]["message"] == "Invalid JSON payload received. Message too deep."


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("//[", 404),
        (f"/v1beta/files?pageSize={'9' * 5000}", 400),
        (f"/v1beta/files?pageToken={base64.urlsafe_b64encode(b'9' * 20).decode()}", 400),
        (f"/v1beta/models?pageToken={base64.urlsafe_b64encode(b'-5').decode()}", 400),
    ],
)
def test_targets(client: InMemoryClient, target: str, status: int) -> None:
    assert client.get(target).status == status


def test_an_upload_whose_length_has_many_digits() -> None:
    headers = {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": "9" * 5000,
    }
    assert Emulator().handle(HttpRequest("POST", "/upload/v1beta/files", headers, b"{}")).status == 400


def test_a_batch_of_a_file_that_cannot_exist(client: InMemoryClient) -> None:
    body = {"batch": {"inputConfig": {"fileName": "files/\ud800"}}}
    assert client.post(f"/v1beta/models/{MODEL}:batchGenerateContent", body).status == 404
