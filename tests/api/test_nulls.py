"""In an answer, null means the same as a missing field (api/README.md 1.10): every field, in both families."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.adapter import INTERACTIONS_ADAPTER, ApiAdapter
from gemini_cli.api.events import Event
from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER
from gemini_cli.api.generate_content.contents import to_contents
from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from tests.harness import ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text

OLDER_NAMES = (
    "candidates promptFeedback usageMetadata modelVersion responseId error content finishReason finishMessage index"
    " continuationToken groundingMetadata citationMetadata urlContextMetadata parts role text thought thoughtSignature"
    " inlineData fileData functionCall functionResponse executableCode codeExecutionResult id name args partialArgs"
    " willContinue stringValue numberValue boolValue jsonPath response code language outcome output blockReason"
    " blockReasonMessage groundingChunks groundingSupports segment startIndex endIndex groundingChunkIndices web maps"
    " retrievedContext uri title placeId citationSources citations urlMetadata urlRetrievalStatus mimeType data fileUri"
    " promptTokensDetails candidatesTokensDetails cacheTokensDetails toolUsePromptTokensDetails promptTokenCount"
    " candidatesTokenCount thoughtsTokenCount totalTokenCount modality tokenCount"
).split()
NEWER_NAMES = (
    "id steps outputs usage errors continuation_token model content summary signature call_id result error"
    " annotations text data uri mime_type url title document_uri source name file_name event_id delta step interaction"
    " total_tokens input_tokens_by_modality modality tokens start_index end_index arguments index code message"
).split()
FREE = ("args", "arguments")  # objects of the application, in which null is a value


def with_nulls(value: Any, names: Iterable[str]) -> Any:
    """A copy in which every object has each of `names`, as null where it was missing."""
    if isinstance(value, list):
        return [with_nulls(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    whole = {key: item if key in FREE else with_nulls(item, names) for key, item in value.items()}
    return {**dict.fromkeys(names), **whole}


def part(reason: str | None = "STOP", *parts: Any, **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts)}, **({"finishReason": reason} if reason else {}), **more}


GROUNDED = {
    "groundingChunks": [{"web": {"uri": "u1", "title": "t1"}}, {"maps": {"uri": "u2"}}, {"retrievedContext": {}}],
    "groundingSupports": [{"segment": {"endIndex": 2}, "groundingChunkIndices": [0, 1]}],
}
PIECES = [
    {"functionCall": {"name": "f", "willContinue": True}},
    {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}},
    {"functionCall": {"partialArgs": [{"jsonPath": "$.n", "numberValue": 5}]}},
]
OLDER = [
    {"candidates": [part("STOP", {"text": "hello"})]},
    {"candidates": [part("STOP", {"text": "hm", "thought": True}, {"text": "hello", "thoughtSignature": "QQ=="})]},
    {"candidates": [part("STOP", {"functionCall": {"name": "f", "args": {"x": None}}})]},
    {"candidates": [part("STOP", *PIECES)]},
    {"candidates": [part("STOP", {"functionCall": {"name": "f"}}, {"functionResponse": {"name": "f"}}, {"text": "a"})]},
    {
        "candidates": [
            part("STOP", {"executableCode": {"code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}})
        ]
    },
    {"candidates": [part("STOP", {"inlineData": {"mimeType": "image/png", "data": "AAAA"}})]},
    {"candidates": [part("STOP", {"fileData": {"mimeType": "image/png", "fileUri": "u"}})]},
    {"candidates": [part("STOP", {"text": "hello"}, groundingMetadata=GROUNDED)]},
    {"candidates": [part("STOP", {"text": "a"}, citationMetadata={"citationSources": [{"uri": "u"}]})]},
    {
        "candidates": [part("MAX_TOKENS", {"text": "hello"})],
        "usageMetadata": {"totalTokenCount": 3, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}]},
        "modelVersion": "m",
    },
    {"candidates": [{"finishReason": "SAFETY", "finishMessage": "no"}]},
    {"promptFeedback": {"blockReason": "SAFETY"}},
    {"candidates": [{"finishReason": "CONTINUATION", "continuationToken": "t"}]},
]


@pytest.mark.parametrize("chunk", OLDER, ids=str)
def test_the_older_api_may_write_every_missing_field_as_null(chunk: dict[str, Any]) -> None:
    plain, streamed = read_older(chunk)
    assert plain == streamed
    nulls = with_nulls(chunk, OLDER_NAMES)
    assert nulls != chunk
    assert read_older(nulls) == (plain, plain)


def read_older(chunk: dict[str, Any]) -> tuple[Any, Any]:
    """The chunk as an Interaction: as a plain answer, and as a stream."""
    plain = GENERATE_CONTENT_ADAPTER.parse_response(json.dumps(chunk))
    return seen(plain, raw=True), seen(streamed(GENERATE_CONTENT_ADAPTER, [chunk]).interaction, raw=True)


def streamed(adapter: ApiAdapter, payloads: Iterable[dict[str, Any]]) -> StreamAccumulator:
    accumulator = StreamAccumulator()
    for event in adapter.map_events(iter([Event.parse(json.dumps(payload)) for payload in payloads])):
        accumulator.add(event)
    return accumulator


def seen(answer: Interaction, *, raw: bool = False) -> list[Any]:
    """The parts of an answer that the program reads."""
    failure = completion_error(answer)
    read = [answer.id, answer.status, answer.text, answer.all_text, answer.media, answer.citations]
    called = [(call["id"], call["name"], call.get("arguments")) for call in answer.calls]
    verdict = failure and (failure.exit_status, failure.message, failure.hint)
    return [*read, called, answer.continuation_token, verdict, *([answer.raw] if raw else [])]


THOUGHT = {"type": "thought", "signature": "QUJD", "summary": [{"type": "text", "text": "hm"}]}
CITED = {"type": "text", "text": "hi", "annotations": [{"type": "url_citation", "url": "u"}]}
CALL = {"type": "function_call", "id": "q1", "name": "f", "arguments": {"x": None}}
NEWER = [
    interaction(usage={"total_tokens": 3, "input_tokens_by_modality": [{"modality": "text", "tokens": 3}]}),
    {"status": "completed", "steps": [THOUGHT, {"type": "model_output", "content": [CITED]}]},
    {"status": "requires_action", "steps": [CALL]},
    {"status": "requires_action", "steps": [CALL, {"type": "function_result", "call_id": "q1"}, {**CALL, "id": "q2"}]},
    {"status": "failed"},
    {"status": "failed", "errors": [{"code": "safety"}]},
    {"status": "incomplete", "steps": [{"type": "model_output", "error": {"message": "PII"}}]},
    {"status": "requires_continuation", "continuation_token": "t"},
]


@pytest.mark.parametrize("answer", NEWER, ids=str)
def test_interactions_may_write_every_missing_field_as_null(answer: dict[str, Any]) -> None:
    nulls = json.dumps(with_nulls(answer, NEWER_NAMES))
    assert seen(INTERACTIONS_ADAPTER.parse_response(nulls)) == seen(Interaction.parse(json.dumps(answer)))


def delta(index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": fields}


STREAMS = [
    [created(), start(), text("Hel"), text("lo"), completed()],
    [created(), {"event_type": "interaction.status_update"}, start(), text("a"), completed("incomplete")],
    [created(), start(0, type="thought"), delta(type="thought_summary", content={"text": "hm"}), completed()],
    [created(), start(0, type="thought"), delta(type="thought_signature", signature="QQ=="), completed()],
    [created(), start(), delta(type="audio", data="AAAA"), delta(type="audio", data="AAAA"), completed()],
    [created(), start(), delta(type="image", uri="u", mime_type="image/png"), completed()],
    [created(), start(), text("a"), delta(type="text_annotation_delta", annotations=[{"url": "u"}]), completed()],
    [
        created(),
        {"event_type": "step.start", "index": 0, "step": {"type": "google_search_call", "id": "s", "name": "n"}},
        delta(type="google_search_call", arguments={"queries": ["q"]}),
        completed(),
    ],
    [
        created(),
        start(0, type="function_call", id="q1", name="f"),
        delta(type="arguments_delta", arguments='{"a": 1}'),
        {"event_type": "interaction.completed", "interaction": {"status": "requires_action"}},
    ],
    [created(), {"event_type": "error", "error": {"code": "api_error"}}, completed("failed")],
]


@pytest.mark.parametrize("events", STREAMS, ids=str)
def test_events_may_write_every_missing_field_as_null(events: list[dict[str, Any]]) -> None:
    expected = seen(streamed(INTERACTIONS_ADAPTER, events).interaction)
    answer = streamed(INTERACTIONS_ADAPTER, with_nulls(events, NEWER_NAMES)).interaction
    read = seen(answer)
    read[4] = [{key: value for key, value in block.items() if value is not None} for block in read[4]]
    assert read == expected
    assert [used(step) for step in answer.steps] == [used(step) for step in streamed_steps(events)]


def streamed_steps(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return streamed(INTERACTIONS_ADAPTER, events).interaction.steps


def used(value: Any) -> Any:
    """A copy without nulls and empty lists."""
    if isinstance(value, list):
        return [used(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: used(item) for key, item in value.items() if item is not None}


def test_an_id_that_the_last_event_has_as_null_is_kept() -> None:
    last = {"event_type": "interaction.completed", "interaction": {"id": None, "status": "completed"}}
    assert streamed(INTERACTIONS_ADAPTER, [created("v1_x"), last]).interaction.id == "v1_x"


def test_a_step_with_nulls_can_be_sent_to_the_older_api() -> None:
    steps = [
        {"type": "user_input", "content": [{"type": "text", "text": "hi"}]},
        {"type": "model_output", "content": [{"type": "image", "data": "AAAA", "mime_type": "image/png"}]},
        {"type": "code_execution_call", "arguments": {"code": "1"}},
        {"type": "function_call", "name": "f", "arguments": {"x": None}},
    ]
    nulls = with_nulls(steps, [*NEWER_NAMES, "processing", "resolution", "language", "is_error"])
    assert to_contents(nulls) == to_contents(steps)


def test_a_chunk_of_nulls_alone_is_no_answer() -> None:
    outcome = gemini("generate", "--api", "generate-content", "hi", answers=[reply({"candidates": None})])
    assert (outcome.status, "neither candidates nor" in outcome.err) == (6, True)


DETAIL = {"reason": None, "violations": None, "retryDelay": None}
ERRORS = [
    {"error": {"code": 400, "message": "no", "status": None, "details": None}},
    {"error": {"code": 400, "message": "no", "details": [DETAIL]}},
    {"error": None, "code": "invalid_request", "message": "no"},
]


@pytest.mark.parametrize("body", ERRORS, ids=str)
def test_errors_may_hold_nulls(body: Any) -> None:
    outcome = gemini("generate", "hi", answers=[reply(body, 400)])
    assert (outcome.status, outcome.err) == (6, "gemini-cli: rejected: no\n")


def test_a_list_ends_at_a_null_token() -> None:
    page = {"models": [{"name": "models/m", "displayName": None}], "nextPageToken": None, "error": None}
    assert gemini("models", "list", answers=[reply(page)]).status == 0
    assert gemini("models", "list", answers=[reply({"models": [{"name": None}]})]).out == "\t\t\t\n"
    assert gemini("files", "list", answers=[reply({"files": None, "nextPageToken": None})]) == (0, "", "")


def test_usage_adds_up_over_nulls() -> None:
    """The sum over several requests leaves a null out, as it does a count that is missing."""
    parts = [
        interaction("a", "requires_continuation", continuation_token="t", usage={"total_tokens": None}),
        interaction("b", usage={"total_tokens": 3}),
    ]
    outcome = gemini("generate", "--long", "-u", "hi", answers=[reply(each) for each in parts])
    assert (outcome.status, outcome.out, outcome.err) == (0, "ab\n", "usage: 3 total tokens\n")


def test_a_call_with_null_for_arguments_runs_without_any() -> None:
    Path("tools.json").write_text('[{"name": "f", "run": ["cat"], "parameters": {"type": "object"}}]')
    answers = [{"id": "v1_c", "status": "requires_action", "steps": [{**CALL, "arguments": None}]}]
    last = sse(created(), start(), text("done"), completed())
    wire = ScriptedTransport([*map(reply, answers), last])
    assert gemini("call-tool", "-q", "-T", "tools.json", "hi", answers=wire).status == 0
    [result] = wire.body()["input"]
    assert (result["result"], result.get("is_error", False)) == ({}, False)


@pytest.mark.parametrize("api", ["interactions", "generate-content"])
def test_code_and_output_that_are_null_are_shown_as_nothing(api: str) -> None:
    code = {"type": "code_execution_call", "id": "c", "arguments": {"code": None}}
    result = {"type": "code_execution_result", "call_id": "c", "result": None}
    parts = [{"executableCode": {"code": None}}, {"codeExecutionResult": {"outcome": 1, "output": None}}]
    answer = {"candidates": [part("STOP", *parts)], "status": "completed", "steps": [code, result]}
    outcome = gemini("generate", "--api", api, "-v", "hi", answers=[reply(answer)])
    assert (outcome.status, "None" in outcome.err, "null" in outcome.err) == (0, False, False)


def test_a_paid_answer_beside_a_null_feedback_is_printed() -> None:
    chunk = {"candidates": [part("STOP", {"text": "hello"})], "promptFeedback": None}
    data = f"data: {json.dumps(chunk)}\r\n\r\n".encode()
    assert gemini("generate", "--api", "generate-content", "hi", answers=[reply(chunk)]) == (0, "hello\n", "")
    assert gemini("stream", "--api", "generate-content", "hi", answers=[sse(data)]) == (0, "hello\n", "")


def test_a_null_in_a_list_is_no_item() -> None:
    block = {"type": "text", "text": "hello", "annotations": [None, {"type": "url_citation", "title": "t", "url": "u"}]}
    steps = [{"type": "model_output", "content": [None, block]}]
    whole = {"id": "v1_a", "status": "completed", "steps": steps, "errors": [None]}
    streamed = [created(), start(content=[None, block]), completed(errors=[None])]
    for command, answer in (("generate", reply(whole)), ("stream", sse(*streamed))):
        outcome = gemini(command, "--citations", "hi", answers=[answer])
        assert (outcome.status, outcome.out) == (0, "hello\n\nCitations:\n- [t](u)\n"), outcome.err
    older = {"candidates": [None, {"content": {"parts": [None, {"text": "hello"}]}, "finishReason": "STOP"}]}
    outcome = gemini("generate", "--api", "generate-content", "hi", answers=[reply(older)])
    assert (outcome.status, outcome.out) == (0, "hello\n"), outcome.err
