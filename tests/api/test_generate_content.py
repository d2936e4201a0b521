"""Interactions' words in generateContent's and back: tables of requests, and of what answers mean."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.events import Event
from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER
from gemini_cli.api.generate_content.contents import to_contents
from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from gemini_cli.errors import CliError, UsageError

TEXT = {"type": "text", "text": "hi"}
IMAGE = {"type": "image", "data": "AAAA", "mime_type": "image/png"}
FILE = {"type": "document", "uri": "https://x/files/a", "mime_type": "application/pdf"}
CALL = {"type": "function_call", "id": "q1", "name": "f", "arguments": {"a": 1}}
RESULT = {"type": "function_result", "call_id": "q1", "name": "f", "result": "7"}
CODE = {"type": "code_execution_call", "id": "c1", "arguments": {"code": "1", "language": "python"}}
OUTCOME = {"type": "code_execution_result", "call_id": "c1", "result": "1\n", "is_error": False}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "model_output", "content": [{"type": "text", "text": text}], **more}


def asked(*content: Any) -> dict[str, Any]:
    return {"type": "user_input", "content": list(content)}


def thought(signature: str = "", *summary: str) -> dict[str, Any]:
    blocks = {"summary": [{"type": "text", "text": text} for text in summary]} if summary else {}
    return {"type": "thought", **({"signature": signature} if signature else {}), **blocks}


HI = {"text": "hi"}
CALLED = {"functionCall": {"id": "q1", "name": "f", "args": {"a": 1}}}
ANSWERED = {"functionResponse": {"id": "q1", "name": "f", "response": {"output": "7"}}}


# The input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hi", [user(HI)]),
        (TEXT, [user(HI)]),
        ([TEXT, {"text": "ho"}], [user(HI, {"text": "ho"})]),
        ([TEXT, IMAGE], [user(HI, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}})]),
        ([FILE], [user({"fileData": {"fileUri": "https://x/files/a", "mimeType": "application/pdf"}})]),
        (
            [{**IMAGE, "resolution": "high"}],
            [
                user(
                    {
                        "inlineData": {"mimeType": "image/png", "data": "AAAA"},
                        "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
                    }
                )
            ],
        ),
        ([{"type": "user_input", "content": "hi"}], [user(HI)]),
        ([asked(TEXT), said("ho"), asked(TEXT)], [user(HI), model({"text": "ho"}), user(HI)]),
        ([asked(TEXT), {"type": "model_output"}, asked(TEXT)], [user(HI, HI)]),
        # A round of parallel calls: one content of calls, one of results.
        (
            [asked(TEXT), CALL, {**CALL, "id": "q2"}, RESULT, {**RESULT, "call_id": "q2"}],
            [
                user(HI),
                model(CALLED, {"functionCall": {"id": "q2", "name": "f", "args": {"a": 1}}}),
                user(ANSWERED, {"functionResponse": {"id": "q2", "name": "f", "response": {"output": "7"}}}),
            ],
        ),
        # Rounds one after the other stay apart.
        ([CALL, RESULT, CALL, RESULT], [model(CALLED), user(ANSWERED), model(CALLED), user(ANSWERED)]),
        # A result inside a user's content (api/README.md 4.10), and one that names only its call.
        ([asked(RESULT)], [user(ANSWERED)]),
        ([CALL, {**RESULT, "name": None}], [model(CALLED), user(ANSWERED)]),
        # An id that was made up here is not sent.
        (
            [{**CALL, "id": "no-id-1"}, {**RESULT, "call_id": "no-id-1"}],
            [
                model({"functionCall": {"name": "f", "args": {"a": 1}}}),
                user({"functionResponse": {"name": "f", "response": {"output": "7"}}}),
            ],
        ),
        # Signatures: a call has its own; a thought's goes to the part after it, or to an empty text.
        ([{**CALL, "signature": "S"}], [model({**CALLED, "thoughtSignature": "S"})]),
        (
            [thought("S"), CALL, {**CALL, "id": "q2"}],
            [model({**CALLED, "thoughtSignature": "S"}, {"functionCall": {"id": "q2", "name": "f", "args": {"a": 1}}})],
        ),
        ([thought("S"), {**CALL, "signature": "own"}], [model({**CALLED, "thoughtSignature": "own"})]),
        (
            [thought("S", "Hm."), said("hi")],
            [model({"text": "Hm.", "thought": True}, {"text": "hi", "thoughtSignature": "S"})],
        ),
        ([said("hi"), thought("S")], [model(HI, {"text": "", "thoughtSignature": "S"})]),
        ([thought("S"), asked(TEXT)], [model({"text": "", "thoughtSignature": "S"}), user(HI)]),
        (
            [thought("A"), thought("B"), said("hi")],
            [model({"text": "", "thoughtSignature": "A"}, {"text": "hi", "thoughtSignature": "B"})],
        ),
        ([{"type": "thought", "signature": ""}, said("hi")], [model(HI)]),
        # Tools of the service's own.
        (
            [CODE, {**OUTCOME, "signature": "S"}],
            [
                model(
                    {"executableCode": {"id": "c1", "language": "PYTHON", "code": "1"}},
                    {
                        "codeExecutionResult": {"id": "c1", "outcome": "OUTCOME_OK", "output": "1\n"},
                        "thoughtSignature": "S",
                    },
                )
            ],
        ),
        (
            [{**OUTCOME, "is_error": True, "result": [TEXT]}],
            [model({"codeExecutionResult": {"id": "c1", "outcome": "OUTCOME_FAILED", "output": "hi"}})],
        ),
        ([{"type": "google_search_call", "id": "g"}, said("hi")], [model(HI)]),
        ([{"type": "tool_call", "part": {"toolCall": {"id": "t"}}}], [model({"toolCall": {"id": "t"}})]),
    ],
)
def test_an_input_becomes_contents(given: Any, expected: Any) -> None:
    assert to_contents(given) == expected


@pytest.mark.parametrize(
    ("result", "response"),
    [
        ("7", {"output": "7"}),
        ({"temp": 7}, {"temp": 7}),
        ([1, 2], {"output": [1, 2]}),
        (None, {"output": None}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"output": "ab"}),
    ],
)
def test_a_result_is_an_object(result: Any, response: Any) -> None:
    (turn,) = to_contents([{**RESULT, "result": result}])
    assert turn["parts"][0]["functionResponse"]["response"] == response


def test_an_error_result_says_so() -> None:
    (turn,) = to_contents([{**RESULT, "result": "no such city", "is_error": True}])
    assert turn["parts"][0]["functionResponse"]["response"] == {"error": "no such city"}


def test_a_picture_in_a_result_is_a_part_of_it() -> None:
    (turn,) = to_contents([{**RESULT, "result": [{"type": "text", "text": "shot"}, IMAGE]}])
    response = turn["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "shot"}
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]


@pytest.mark.parametrize(
    "given",
    [
        [1],
        7,
        [{"type": "user_input", "content": 7}],
        [{"type": "user_input", "content": [7]}],
        [{"type": "dream"}],
        [{"type": "image"}],
        [{**IMAGE, "processing": "agentic"}],
        [{"type": "thought", "summary": [1]}],
    ],
)
def test_what_cannot_be_said_is_a_mistake_of_the_users(given: Any) -> None:
    with pytest.raises(UsageError):
        to_contents(given)


# The other fields -----------------------------------------------------------------------------------------------------


def request(**body: Any) -> dict[str, Any]:
    return GENERATE_CONTENT_ADAPTER.build_request({"model": "m", **body}).body


def config(**generation_config: Any) -> dict[str, Any]:
    return request(generation_config=generation_config)


def own(**said: Any) -> dict[str, Any]:
    return {"generationConfig": said}


def speech(*speakers: Any) -> dict[str, Any]:
    return config(speech_config=list(speakers))


KORE = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
F = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
DECLARED = {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (request(system_instruction="s"), {"systemInstruction": {"parts": [{"text": "s"}]}}),
        (request(system_instruction={"parts": []}), {"systemInstruction": {"parts": []}}),
        (config(temperature=0.5, top_p=0.9, seed=7), own(temperature=0.5, topP=0.9, seed=7)),
        (config(top_k=4, candidate_count=2, topK=5), own(topK=5, candidateCount=2)),
        (config(max_output_tokens=9, stop_sequences=["X"]), own(maxOutputTokens=9, stopSequences=["X"])),
        (config(response_schema={"a_b": 1}), own(responseSchema={"a_b": 1})),
        (
            config(thinking_level="low", thinking_summaries="auto", thinking_budget=0),
            own(thinkingConfig={"thinkingLevel": "LOW", "includeThoughts": True, "thinkingBudget": 0}),
        ),
        (config(thinking_summaries="none"), own(thinkingConfig={"includeThoughts": False})),
        (config(response_modalities=["audio"]), own(responseModalities=["AUDIO"])),
        (config(tool_choice="any"), {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        (
            config(tool_choice={"allowed_tools": {"mode": "any", "tools": ["f"]}}),
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}},
        ),
        (speech({"voice": "Kore"}), own(speechConfig=KORE)),
        (speech({"voice": "Kore", "language": "de-DE"}), own(speechConfig={**KORE, "languageCode": "de-DE"})),
        (
            config(speech_config={"speakers": [{"speaker": "A", "voice": "Kore"}, {"speaker": "B", "voice": "Kore"}]}),
            own(
                speechConfig={
                    "multiSpeakerVoiceConfig": {
                        "speakerVoiceConfigs": [{"speaker": "A", **KORE}, {"speaker": "B", **KORE}]
                    }
                }
            ),
        ),
        (config(speech_config=KORE), own(speechConfig=KORE)),
        (
            request(response_format={"type": "text", "mime_type": "application/json", "schema": {"a_b": 1}}),
            own(responseMimeType="application/json", responseJsonSchema={"a_b": 1}),
        ),
        (
            request(response_format={"type": "object", "properties": {}}),
            own(responseMimeType="application/json", responseJsonSchema={"type": "object", "properties": {}}),
        ),
        (
            request(response_format={"type": "image", "aspect_ratio": "1:1", "image_size": "1K"}),
            own(responseModalities=["IMAGE"], imageConfig={"aspectRatio": "1:1", "imageSize": "1K"}),
        ),
        (
            request(response_format=[{"type": "text"}, {"type": "image", "mime_type": "image/jpeg"}]),
            own(responseModalities=["TEXT", "IMAGE"]),
        ),
        (request(response_format={"type": "audio", "mime_type": "audio/l16"}), own(responseModalities=["AUDIO"])),
        (
            request(tools=[F, {"type": "google_search"}, {**F, "name": "g"}]),
            {"tools": [{"googleSearch": {}}, {"functionDeclarations": [DECLARED, {**DECLARED, "name": "g"}]}]},
        ),
        (
            request(tools=[{"type": kind} for kind in ("code_execution", "url_context", "computer_use")]),
            {"tools": [{"codeExecution": {}}, {"urlContext": {}}, {"computerUse": {}}]},
        ),
        (
            request(tools=[{"type": "google_search", "search_types": ["web_search"]}]),
            {"tools": [{"googleSearch": {"searchTypes": {"webSearch": {}}}}]},
        ),
        (
            request(tools=[{"type": "computer_use", "environment": "browser"}]),
            {"tools": [{"computerUse": {"environment": "ENVIRONMENT_BROWSER"}}]},
        ),
        (
            request(tools=[{"type": "file_search", "file_search_store_names": ["s"], "top_k": 3}]),
            {"tools": [{"fileSearch": {"fileSearchStoreNames": ["s"], "topK": 3}}]},
        ),
        (
            request(tools=[{"type": "google_maps", "latitude": 1, "longitude": 2, "enable_widget": True}]),
            {
                "tools": [{"googleMaps": {"enableWidget": True}}],
                "toolConfig": {"retrievalConfig": {"latLng": {"latitude": 1, "longitude": 2}}},
            },
        ),
        (
            request(tools=[{"type": "mcp_server", "name": "n", "url": "https://x", "headers": {"A": "b"}}]),
            {
                "tools": [
                    {
                        "mcpServers": [
                            {"name": "n", "streamableHttpTransport": {"url": "https://x", "headers": {"A": "b"}}}
                        ]
                    }
                ]
            },
        ),
        (request(tools=[{"googleSearchRetrieval": {}}]), {"tools": [{"googleSearchRetrieval": {}}]}),
        (
            request(safety_settings=[{"type": "hate_speech", "threshold": "block_none"}]),
            {"safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}]},
        ),
        (
            request(safety_settings=[{"type": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]),
            {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]},
        ),
        (
            request(safety_settings=[{"category": "C", "threshold": "T"}]),
            {"safetySettings": [{"category": "C", "threshold": "T"}]},
        ),
        (
            request(cached_content="cachedContents/c", service_tier="flex", labels={"a_b": "c"}, store=False),
            {"cachedContent": "cachedContents/c", "serviceTier": "flex", "labels": {"a_b": "c"}, "store": False},
        ),
        (request(continuation_token="T"), {"continuationToken": "T"}),
        # Its own words, and those of a gateway, are sent as they are, beside ours.
        (
            request(generation_config={"seed": 1}, generationConfig={"topK": 2, "x_y": 3}),
            own(seed=1, topK=2, x_y=3),
        ),
        (request(contents=[{"parts": []}], extra_field=1), {"contents": [{"parts": []}], "extra_field": 1}),
        (request(background=False), {}),
    ],
)
def test_every_field_has_its_words(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert body == expected


def test_a_body_is_not_changed() -> None:
    """It is said again for the rest of an answer, and in the next turn."""
    body = {
        "model": "m",
        "input": [asked(TEXT), thought("S"), said("ho"), {"type": "tool_call", "part": {"toolCall": {}}}, asked(TEXT)],
        "tools": [{"functionDeclarations": [{"name": "g"}]}, F],
        "generation_config": {"seed": 1},
        "generationConfig": {"thinkingConfig": {}},
    }
    before = json.dumps(body)
    assert GENERATE_CONTENT_ADAPTER.build_request(body) == GENERATE_CONTENT_ADAPTER.build_request(body)
    assert json.dumps(body) == before


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gemini-x", "models/gemini-x:generateContent"),
        ("models/gemini-x", "models/gemini-x:generateContent"),
        ("tunedModels/mine", "tunedModels/mine:generateContent"),
        ("gemma3:4b?x", "models/gemma3%3A4b%3Fx:generateContent"),
    ],
)
def test_a_model_has_its_path(name: str, path: str) -> None:
    assert GENERATE_CONTENT_ADAPTER.build_request({"model": name, "input": "hi"}).path == path


def test_a_stream_has_another_path() -> None:
    path, body = GENERATE_CONTENT_ADAPTER.build_request({"model": "m", "input": "hi", "stream": True})
    assert (path, body) == ("models/m:streamGenerateContent?alt=sse", {"contents": [user(HI)]})


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"previous_interaction_id": "v1"}, "previous_interaction_id has"),
        ({"background": True}, "background has"),
        ({"agent": "a"}, "agent has"),
        ({"environment": "remote"}, "environment"),
        ({"model": "../x"}, "'../x'"),
        ({"model": "a//b"}, "'a//b'"),
        ({"model": ""}, "''"),
        ({"input": "hi", "contents": []}, "contents"),
        ({"generation_config": {"seed": 1}, "generationConfig": {"seed": 2}}, "generationConfig.seed"),
        ({"generation_config": 7}, "generation_config"),
        ({"generation_config": {"tool_choice": {"allowed_tools": 7}}}, "tool_choice"),
        ({"tools": ["google_search"]}, "tools"),
        ({"tools": [{"type": "mcp_server", "url": "u", "allowed_tools": []}]}, "allowed_tools"),
        ({"response_format": {"type": "video"}}, "video"),
        ({"response_format": {"type": "audio", "mime_type": "audio/wav"}}, "audio/wav"),
        ({"response_format": {"type": "image", "delivery": "uri"}}, "delivery"),
    ],
)
def test_what_has_no_counterpart_is_named(body: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=re.escape(word)):
        GENERATE_CONTENT_ADAPTER.build_request({"model": "m", **body})


# The answer -----------------------------------------------------------------------------------------------------------


def answer(*parts: Any, reason: Any = "STOP", **candidate: Any) -> dict[str, Any]:
    finish = {} if reason is None else {"finishReason": reason}
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **finish, **candidate}]}


def plain(wire: dict[str, Any]) -> Interaction:
    return GENERATE_CONTENT_ADAPTER.parse_response(json.dumps(wire))


def streamed(*chunks: dict[str, Any]) -> Interaction:
    fold = StreamAccumulator()
    for event in GENERATE_CONTENT_ADAPTER.map_events(Event("", chunk, json.dumps(chunk)) for chunk in chunks):
        fold.add(event)
    assert fold.terminal
    return fold.interaction


def call(**more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": "f", "args": {"a": 1}, **more}}


@pytest.mark.parametrize(
    ("parts", "steps"),
    [
        ([{"text": "a"}, {"text": "b"}], [said("ab")]),
        ([{"text": ""}], []),
        ([{"text": "a", "partMetadata": {"x": 1}}], [said("a")]),
        ([{"text": "Hm.", "thought": True}, {"text": "a"}], [thought("", "Hm."), said("a")]),
        ([{"text": "a", "thoughtSignature": "S"}], [thought("S"), said("a")]),
        ([{"text": "a"}, {"text": "", "thoughtSignature": "S"}], [said("a"), thought("S")]),
        ([{"text": "Hm.", "thought": True, "thoughtSignature": "S"}], [thought("S", "Hm.")]),
        ([call(id="q1")], [CALL]),
        ([call()], [{**CALL, "id": "no-id-1"}]),
        ([call(), call()], [{**CALL, "id": "no-id-1"}, {**CALL, "id": "no-id-2"}]),
        ([{"functionCall": {"name": "f"}}], [{**CALL, "id": "no-id-1", "arguments": {}}]),
        ([{**call(id="q1"), "thoughtSignature": "S"}], [{**CALL, "signature": "S"}]),
        (
            [{"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": 1}}],
            [{**CODE, "id": "no-id-1"}, {**OUTCOME, "call_id": "no-id-1", "result": ""}],
        ),
        (
            [
                {"executableCode": {"id": "c1", "language": "PYTHON", "code": "1"}, "thoughtSignature": "S"},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}},
            ],
            [{**CODE, "signature": "S"}, OUTCOME, {**OUTCOME, "result": "no", "is_error": True}],
        ),
        (
            [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "S"}, {"text": "a"}],
            [thought("S"), {"type": "model_output", "content": [IMAGE, {"type": "text", "text": "a"}]}],
        ),
        (
            [{"fileData": {"fileUri": "https://x/files/a", "mimeType": "application/pdf"}}],
            [{"type": "model_output", "content": [FILE]}],
        ),
        (
            [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": True}],
            [{"type": "thought", "summary": [IMAGE]}],
        ),
        (
            [{"toolCall": {"id": "t"}, "thoughtSignature": "S"}],
            [{"type": "tool_call", "part": {"toolCall": {"id": "t"}, "thoughtSignature": "S"}}],
        ),
    ],
)
def test_parts_are_steps(parts: list[Any], steps: list[Any]) -> None:
    """In one body, and in a chunk each, the same."""
    assert plain(answer(*parts)).raw.get("steps", []) == steps
    chunks = [answer(part, reason=None) for part in parts]
    assert streamed(*chunks, answer()).raw.get("steps", []) == steps


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": "a", "thoughtSignature": "S"}],
        [{"text": "a"}, {"text": "", "thoughtSignature": "S"}],
        [{"text": "Hm.", "thought": True}, {**call(), "thoughtSignature": "S"}, call()],
        [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "S"}, {"text": "a"}],
        [{"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "S"}],
        [{"toolCall": {"id": "t"}, "thoughtSignature": "S"}, {"text": "a", "thoughtSignature": "T"}],
    ],
)
def test_a_history_gives_back_what_the_model_said(parts: list[Any]) -> None:
    """The service checks its signatures against this: the same parts in the same order."""
    assert to_contents([asked(TEXT), *plain(answer(*parts)).steps]) == [user(HI), model(*parts)]


def test_a_call_that_the_server_answered_does_not_wait() -> None:
    response = {"functionResponse": {"name": "f", "response": {"result": 7}}}
    found = plain(answer(call(), response, {"text": "a"}))
    assert (found.status, found.calls, found.text) == ("completed", [], "a")
    assert plain(answer(call(), response, call())).status == "requires_action"


def test_arguments_in_pieces_are_put_together() -> None:
    def piece(path: str, value: Any, *, more: bool = False) -> dict[str, Any]:
        kind = "stringValue" if isinstance(value, str) else "numberValue"
        return {"jsonPath": path, kind: value, **({"willContinue": True} if more else {})}

    def chunk(reason: str | None = None, **call: Any) -> dict[str, Any]:
        return answer({"functionCall": call}, reason=reason)

    whole = streamed(
        chunk(name="f", willContinue=True),
        chunk(partialArgs=[piece("$.city", "Os", more=True)], willContinue=True),
        chunk(partialArgs=[piece("$.city", "lo"), piece("$.days[0].n", 3)], willContinue=True),
        answer(),  # the last piece is missing (api/README.md 11.17)
    )
    assert whole.status == "requires_action"
    assert [step["arguments"] for step in whole.calls] == [{"city": "Oslo", "days": [{"n": 3}]}]


def candidate(reason: Any, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"finishReason": reason, **more}]}


@pytest.mark.parametrize(
    ("wire", "status", "words"),
    [
        (answer({"text": "a"}), 0, ""),
        (answer({"text": "a"}, reason=1), 0, ""),
        (answer({"text": "a"}, finishMessage="Model generated function call(s)."), 0, ""),
        (answer(call()), 10, "f"),
        (answer({"text": "a"}, reason="MAX_TOKENS"), 8, "it reached the token limit"),
        (answer({"text": "a"}, reason=2), 8, "token limit"),
        (candidate("MAX_TOKENS", content={}), 8, "thinking used up the token limit"),
        (candidate("MAX_TOKENS", content={"role": "model"}), 8, "thinking used up"),
        (answer({"text": "Hm.", "thought": True}, reason="MAX_TOKENS"), 8, "thinking used up"),
        (answer(call(), reason="MAX_TOKENS"), 8, "it reached the token limit"),
        (candidate("SAFETY"), 9, "SAFETY"),
        (candidate(3), 9, "SAFETY"),
        (answer({"text": "a"}, reason="RECITATION"), 9, "RECITATION"),
        (candidate("MODEL_ARMOR", finishMessage="No."), 9, "MODEL_ARMOR: No."),
        *(
            (candidate(reason), 9, reason)
            for reason in ("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE", "IMAGE_OTHER")
        ),
        (candidate("MALFORMED_FUNCTION_CALL", finishMessage="print("), 8, "MALFORMED_FUNCTION_CALL: print("),
        *((candidate(reason), 8, reason) for reason in ("UNEXPECTED_TOOL_CALL", "NO_IMAGE", "OTHER", "BRAND_NEW")),
        (candidate(99), 8, "99"),
        (answer({"text": "a"}, reason=None), 8, "no finishReason"),
        (answer({"text": "a"}, reason=0), 8, "no finishReason"),
        ({"usageMetadata": {"promptTokenCount": 1}}, 8, "no finishReason"),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, 9, "the prompt was blocked: SAFETY"),
        ({"promptFeedback": {"blockReason": "OTHER"}}, 9, "the prompt was blocked: OTHER"),
        ({"promptFeedback": {"blockReason": 3}}, 9, "the prompt was blocked"),
        ({"promptFeedback": {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "No."}}, 9, "MODEL_ARMOR: No."),
        ({**answer({"text": "a"}), "promptFeedback": {"safetyRatings": []}}, 0, ""),
        (answer({"text": "a"}, reason="CONTINUATION", continuationToken="T"), 8, "output limit"),
        (answer({"text": "a"}, reason="CONTINUATION"), 8, "CONTINUATION"),
    ],
)
def test_every_ending_has_its_status(wire: dict[str, Any], status: int, words: str) -> None:
    failure = completion_error(plain(wire))
    assert (failure.exit_status if failure else 0) == status
    assert words in (failure.message if failure else "")


def test_a_token_is_carried() -> None:
    assert plain(answer({"text": "a"}, reason="CONTINUATION", continuationToken="T")).continuation_token == "T"


def test_only_the_first_candidate_is_the_answer() -> None:
    one, other = answer({"text": "a"}, index=0)["candidates"][0], answer({"text": "b"}, index=1)["candidates"][0]
    assert plain({"candidates": [other, one]}).text == "a"
    assert streamed({"candidates": [one]}, {"candidates": [other]}).text == "a"


def test_counts_have_the_names_of_interactions() -> None:
    counted = {
        "promptTokenCount": 4,
        "candidatesTokenCount": 1,
        "thoughtsTokenCount": 9,
        "cachedContentTokenCount": 2,
        "toolUsePromptTokenCount": 3,
        "totalTokenCount": 17,
        "serviceTier": "standard",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}],
    }
    early = {**answer({"text": "a"}, reason=None), "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}}
    assert streamed(early, {**answer(), "usageMetadata": counted}, {"modelVersion": "m"}).usage == {
        "total_input_tokens": 4,
        "total_output_tokens": 1,
        "total_thought_tokens": 9,
        "total_cached_tokens": 2,
        "total_tool_use_tokens": 3,
        "total_tokens": 17,
        "input_tokens_by_modality": [{"modality": "text", "tokens": 4}],
    }


def web(name: str, **more: str) -> dict[str, Any]:
    return {"web": {"uri": f"https://{name}", **more}}


@pytest.mark.parametrize(
    ("told", "cited"),
    [
        (
            {"groundingMetadata": {"groundingChunks": [web("a", title="A"), web("b")]}},
            [("A", "https://a"), ("https://b", "https://b")],
        ),
        (
            {
                "groundingMetadata": {
                    "groundingChunks": [web("a"), web("b"), web("c")],
                    "groundingSupports": [
                        {"segment": {"endIndex": 1}, "groundingChunkIndices": [2, 0, 7]},
                        {"segment": {"endIndex": 2}, "groundingChunkIndices": [0]},
                    ],
                }
            },
            [("https://c", "https://c"), ("https://a", "https://a")],
        ),
        (
            {
                "groundingMetadata": {
                    "groundingChunks": [
                        {"maps": {"uri": "https://m", "title": "Null Island", "placeId": "p"}},
                        {"retrievedContext": {"fileSearchStore": "fileSearchStores/s", "text": "…"}},
                        {"retrievedContext": {"uri": "files/a", "title": "a.txt"}},
                    ]
                }
            },
            [("Null Island", "https://m"), ("fileSearchStores/s", "fileSearchStores/s"), ("a.txt", "files/a")],
        ),
        ({"citationMetadata": {"citationSources": [{"uri": "https://a"}, {}]}}, [("https://a", "https://a")]),
        (
            {
                "urlContextMetadata": {
                    "urlMetadata": [
                        {"retrievedUrl": "https://a", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
                        {"retrievedUrl": "https://b", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"},
                    ]
                }
            },
            [("https://a", "https://a")],
        ),
        ({"groundingMetadata": {}}, []),
    ],
)
def test_sources_are_citations(told: dict[str, Any], cited: list[tuple[str, str]]) -> None:
    assert [tuple(each) for each in plain(answer({"text": "abc"}, **told)).citations] == cited
    late = answer({"text": "", "thoughtSignature": "S"}, **told)
    assert [tuple(each) for each in streamed(answer({"text": "abc"}, reason=None), late).citations] == cited


def test_a_source_says_where_it_was_used() -> None:
    supports = [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}]
    told = {"groundingChunks": [web("a")], "groundingSupports": supports}
    (step,) = plain(answer({"text": "abc"}, groundingMetadata=told)).steps
    (note,) = step["content"][0]["annotations"]
    assert note == {"type": "url_citation", "url": "https://a", "start_index": 0, "end_index": 3}


# The last word --------------------------------------------------------------------------------------------------------


def last_word(*chunks: dict[str, Any]) -> bool:
    events = list(GENERATE_CONTENT_ADAPTER.map_events(Event("", chunk, json.dumps(chunk)) for chunk in chunks))
    return events[-1].type == "interaction.completed"


@pytest.mark.parametrize(
    ("chunks", "heard"),
    [
        ([answer({"text": "a"}, reason=None), answer({"text": "b"})], True),
        ([answer({"text": "a"}, reason=None), answer(), {"usageMetadata": {}}], True),
        ([answer({"text": "a"}), answer({"text": ""}, reason=None)], True),
        ([answer({"text": "a"}), answer({"text": "b"}, reason=None), answer()], True),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}], True),
        ([answer({"text": "a"}, reason=None)], False),
        ([answer({"text": "a"}), answer({"text": "b"}, reason=None)], False),
        ([answer({"functionCall": {"name": "f", "willContinue": True}}, reason=None)], False),
        ([{"promptFeedback": {}}], False),
    ],
)
def test_the_last_word_is_a_reason_after_all_content(chunks: list[dict[str, Any]], heard: bool) -> None:
    """STOP in the middle is not the end (api/README.md 11.13)."""
    assert last_word(*chunks) is heard


def test_every_chunk_is_shown_once() -> None:
    chunks = [answer({"text": "a"}, call(), reason=None), {"brandNew": 1}, answer({"text": ""})]
    events = GENERATE_CONTENT_ADAPTER.map_events(Event("", chunk, json.dumps(chunk)) for chunk in chunks)
    assert [json.loads(event.raw) for event in events if event.raw] == chunks


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}', 5),
        ('[{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT"}}]', 6),
        ("{}", 6),
        ("[]", 6),
        ('{"candidates":null}', 6),
        ('{"candidates":[7]}', 6),
        ('{"candidates":[{"content":7}]}', 6),
        ('{"candidates":[{"content":{"parts":[{"text":7}]}}]}', 6),
        ('{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}', 6),
        ('{"candidates":[{"finishReason":[]}]}', 6),
        ('{"status":"completed","steps":[]}', 6),
    ],
)
def test_what_is_no_answer_is_refused(text: str, status: int) -> None:
    with pytest.raises(CliError) as told:
        GENERATE_CONTENT_ADAPTER.parse_response(text)
    assert told.value.exit_status == status
