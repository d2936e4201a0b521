"""Requests that the older API refuses, with the service's messages."""

from typing import Any

import pytest

from .in_memory_client import InMemoryClient

FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
TOOLS = [{"functionDeclarations": [FUNCTION]}]
ASK = {"role": "user", "parts": [{"text": "Call weather"}]}
CALL = {"functionCall": {"name": "weather", "args": {}}}
SIGNED = {**CALL, "thoughtSignature": "AAAA"}
RESULT = {"functionResponse": {"name": "weather", "response": {"output": "7"}}}
COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)
ORDER = "Please ensure that function response turn comes immediately after a function call turn."
BUDGET_AND_LEVEL = {"thinkingConfig": {"thinkingBudget": 5, "thinkingLevel": "LOW"}}

LEAST_THINKING = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}


def model_turn(*parts: Any) -> Any:
    return {"role": "model", "parts": list(parts)}


def user_turn(*parts: Any) -> Any:
    return {"role": "user", "parts": list(parts)}


def answer(client: InMemoryClient, model: str, **body: Any) -> tuple[int, str]:
    response = client.post(f"/v1beta/models/{model}:generateContent", {"contents": [ASK], **body})
    return response.status, "" if response.status == 200 else response.json["error"]["message"]


@pytest.mark.parametrize(
    ("model", "body", "message"),
    [
        (
            "gemini-3.8-flash",
            {"contents": [ASK, model_turn()]},
            "* GenerateContentRequest.contents[1].parts: contents.parts must not be empty.\n",
        ),
        (
            "gemini-3.8-flash",
            {"generationConfig": BUDGET_AND_LEVEL},
            "You can only set only one of thinking budget and thinking level.",
        ),
        ("gemini-flash-latest", LEAST_THINKING, "Thinking level MINIMAL is not supported for this model."),
        ("gemini-4-carbon", LEAST_THINKING, "Thinking level MINIMAL is not supported for this model."),
        (
            "gemini-2.5-flash",
            {"generationConfig": {"presencePenalty": 0.5}},
            "Penalty is not enabled for models/gemini-2.5-flash",
        ),
        ("gemini-3.8-flash", {"generationConfig": {"frequency_penalty": 0.5}}, "Penalty is not enabled for this model"),
        (
            "gemini-3.8-flash",
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
            "Function calling config is set without function_declarations.",
        ),
        (
            "gemini-2.5-flash",
            {"tools": TOOLS, "generationConfig": {"responseMimeType": "application/json"}},
            "Function calling with a response mime type: 'application/json' is unsupported",
        ),
        ("gemini-2.5-flash", {"contents": [ASK, model_turn(CALL, CALL), user_turn(RESULT)]}, COUNT),
        ("gemini-2.5-flash", {"contents": [ASK, model_turn(CALL), user_turn(RESULT, RESULT)]}, COUNT),
        ("gemini-2.5-flash", {"contents": [ASK, model_turn(CALL), ASK]}, COUNT),
        ("gemini-2.5-flash", {"contents": [user_turn(RESULT)]}, ORDER),
        (
            "gemini-3.8-flash",
            {"generationConfig": {"candidateCount": 2}},
            "Multiple candidates is not enabled for this model",
        ),
        (
            "gemini-2.5-flash",
            {"generationConfig": {"candidateCount": 9}},
            "Unable to submit request because it has a candidateCount value of 9 but the supported range is from 1 "
            "(inclusive) to 9 (exclusive). Update the value and try again.",
        ),
        (
            "gemini-2.5-flash-lite",
            {"generationConfig": {"responseLogprobs": True, "logprobs": 3}},
            "Logprobs is not enabled for models/gemini-2.5-flash-lite",
        ),
        ("gemini-2.5-flash", {"contents": [ASK, model_turn({"text": "no"}), user_turn(RESULT)]}, ORDER),
    ],
)
def test_refused(client: InMemoryClient, model: str, body: Any, message: str) -> None:
    assert answer(client, model, **body) == (400, message)


@pytest.mark.parametrize("name", ["", "two words", "9lives", "x" * 129, "naïve"])
def test_refused_function_names(client: InMemoryClient, name: str) -> None:
    tools = [{"functionDeclarations": [FUNCTION, {"name": name}]}]
    status, message = answer(client, "gemini-3.8-flash", tools=tools)
    assert status == 400
    assert message.startswith(
        "* GenerateContentRequest.tools[0].function_declarations[1].name: Invalid function name. Must start with"
    )


@pytest.mark.parametrize("model", ["gemini-3-flash-preview", "gemini-4-argon", "gemini-flash-latest"])
def test_refused_calls_without_signature(client: InMemoryClient, model: str) -> None:
    status, message = answer(client, model, contents=[ASK, model_turn(CALL), user_turn(RESULT)])
    assert status == 400
    assert message.startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:weather` , position 2." in message


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("gemini-2.5-flash", {"contents": [ASK, model_turn(CALL), user_turn(RESULT)]}),
        ("gemini-3.8-flash", {"contents": [ASK, model_turn(SIGNED), user_turn(RESULT)]}),
        # The signature is on the first of parallel calls; one in an earlier turn is not needed.
        ("gemini-3.8-flash", {"contents": [ASK, model_turn(SIGNED, CALL), user_turn(RESULT, RESULT)]}),
        ("gemini-3.8-flash", {"contents": [ASK, model_turn(SIGNED, CALL), user_turn(RESULT), user_turn(RESULT)]}),
        ("gemini-3.8-flash", {"contents": [ASK, model_turn(CALL), user_turn(RESULT), model_turn({"text": "7"}), ASK]}),
        ("gemini-3.8-flash", {"tools": TOOLS, "generationConfig": {"responseMimeType": "application/json"}}),
        (
            "gemini-2.5-flash",
            {
                "tools": TOOLS,
                "generationConfig": {"responseMimeType": "application/json"},
                "toolConfig": {"functionCallingConfig": {"mode": "NONE"}},
            },
        ),
        ("gemini-2.5-flash", {"generationConfig": {"presencePenalty": 0, "frequencyPenalty": 0.0}}),
        ("gemma-4-31b-it", {"generationConfig": {"presencePenalty": 0.5}}),
        ("gemini-3.8-flash", {"tools": [{"functionDeclarations": [{"name": "a.b:c-d_" + "x" * 120}]}]}),
    ],
)
def test_accepted(client: InMemoryClient, model: str, body: Any) -> None:
    assert answer(client, model, **body) == (200, "")
