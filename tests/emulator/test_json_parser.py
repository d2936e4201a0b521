"""Protocol buffers as JSON, read by the older API (api/README.md 1.10, 11.5)."""

from typing import Any

import pytest

from gemini_cli.emulator.api.generate_schema import REQUEST
from gemini_cli.emulator.api.json_parser import parse_message
from gemini_cli.emulator.errors import ErrorResponse

from .in_memory_client import MODEL, InMemoryClient

TARGET = f"/v1/models/{MODEL}:generateContent"
DECLARED = "tools[0].function_declarations[0].parameters"


def tool(parameters: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]}


@pytest.mark.parametrize(
    ("body", "parsed"),
    [
        ({"generation_config": {"top_k": "3"}}, {"generationConfig": {"topK": 3.0}}),
        (
            {"generationConfig": {"maxOutputTokens": "12", "seed": 3.0}},
            {"generationConfig": {"maxOutputTokens": 12, "seed": 3}},
        ),
        ({"generationConfig": {"seed": None}, "labels": None}, {"generationConfig": {}}),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": 2}}},
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        ),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "any"}}},
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        ),
        (
            {"generationConfig": {"responseModalities": [1, "image"]}},
            {"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}},
        ),
        ({"contents": {"parts": {"text": "x"}}}, {"contents": [{"parts": [{"text": "x"}]}]}),
        (
            {"contents": [{"parts": [{"text": "x", "thought_signature": "__79"}]}]},
            {"contents": [{"parts": [{"text": "x", "thoughtSignature": "__79"}]}]},
        ),
        (
            tool(
                {"type": 6, "properties": {"a_b": {"type": "string", "max_length": "5"}}, "property_ordering": ["a_b"]}
            ),
            tool(
                {
                    "type": "OBJECT",
                    "properties": {"a_b": {"type": "STRING", "maxLength": 5}},
                    "propertyOrdering": ["a_b"],
                }
            ),
        ),
    ],
)
def test_parsed(body: Any, parsed: Any) -> None:
    assert parse_message(body, REQUEST) == parsed
    assert parse_message(parsed, REQUEST) == parsed


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"generationConfig": {"seed": "x"}}, "Invalid value at 'generation_config.seed' (TYPE_INT32), \"x\""),
        ({"generationConfig": {"seed": 1.5}}, "Invalid value at 'generation_config.seed' (TYPE_INT32), 1.5"),
        ({"generationConfig": {"topK": True}}, "Invalid value at 'generation_config.top_k' (TYPE_FLOAT), true"),
        ({"cachedContent": 5}, "Invalid value at 'cached_content' (TYPE_STRING), 5"),
        (
            {"contents": [{"parts": [{"inlineData": {"data": "a b c d e"}}]}]},
            "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), "
            'Base64 decoding failed for "a b c d e"',
        ),
        (
            tool({"type": "object", "properties": {"x": {}, "y": {"type": "strin"}}}),
            f"Invalid value at '{DECLARED}.properties[1].value.type' "
            '(type.googleapis.com/google.ai.generativelanguage.v1beta.Type), "strin"',
        ),
        (
            tool({"type": "object", "additionalProperties": False}),
            f"Invalid JSON payload received. Unknown name \"additionalProperties\" at '{DECLARED}': Cannot find field.",
        ),
        (
            tool({"properties": {"x": {"anyOf": [{"const": 1}]}}}),
            'Invalid JSON payload received. Unknown name "const" at '
            f"'{DECLARED}.properties[0].value.any_of[0]': Cannot find field.",
        ),
        (
            tool({"properties": {"x": {"type": ["string", "null"]}}}),
            'Invalid JSON payload received. Unknown name "type" at '
            f"'{DECLARED}.properties[0].value': Proto field is not repeating, cannot start list.",
        ),
        (tool({"enum": [1]}), f"Invalid value at '{DECLARED}.enum[0]' (TYPE_STRING), 1"),
        (
            {"generationConfig": {"responseSchema": {"$ref": "#"}}},
            'Invalid JSON payload received. Unknown name "$ref" at '
            "'generation_config.response_schema': Cannot find field.",
        ),
    ],
)
def test_invalid(body: Any, message: str) -> None:
    with pytest.raises(ErrorResponse) as caught:
        parse_message(body, REQUEST)
    assert (caught.value.status, caught.value.message) == (400, message)
    assert caught.value.details[0]["fieldViolations"][0]["description"] == message


def test_a_json_schema_is_not_parsed() -> None:
    schema = {"$defs": {"x": {"type": ["string", "null"]}}, "additionalProperties": False, "const": None}
    body = {
        "generationConfig": {"responseJsonSchema": schema},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}],
    }
    assert parse_message(body, REQUEST) == body


def test_numbers_of_enums_select_a_function_and_its_arguments(client: InMemoryClient) -> None:
    """As google-generativeai, the SDK before google-genai, sends them."""
    body = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        **tool({"type_": 6, "properties": {"n": {"type_": 3}}}),
        "tool_config": {"function_calling_config": {"mode": 2}},
    }
    assert client.post(TARGET, body).status == 400
    body |= tool({"type": 6, "properties": {"n": {"type": 3}}})
    part = client.post(TARGET, body).json["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"]["args"] == {"n": 1}
