"""The older family, its batches, models and tokens (reference.md 11)."""

import json
from typing import Any

import pytest

from gemini_cli.emulator import Emulator

from .door import MODEL, Clock, Door
from .test_files import upload

TARGET = f"/v1beta/models/{MODEL}:generateContent"


def parts(answer: Any) -> Any:
    return answer["candidates"][0]["content"]["parts"]


def chunks(body: bytes) -> list[Any]:
    frames = body.decode().split("\r\n\r\n")
    assert frames.pop() == ""
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def test_a_plain_answer(door: Door) -> None:
    found = door.generate("How does AI work?")
    assert list(found) == ["candidates", "usageMetadata", "modelVersion", "responseId"]
    candidate = found["candidates"][0]
    assert (candidate["finishReason"], candidate["index"], candidate["content"]["role"]) == ("STOP", 0, "model")
    assert parts(found)[0]["text"].startswith(f"Emulator: turn 1, model {MODEL}.\nPart 1: text, 17 bytes:")
    usage = found["usageMetadata"]
    assert usage["totalTokenCount"] == sum(usage[f"{name}TokenCount"] for name in ("prompt", "candidates", "thoughts"))


def test_the_stream_says_the_same_in_pieces_without_done(door: Door) -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    heard = door.post(f"/v1/models/{MODEL}:streamGenerateContent?alt=sse", body)
    assert heard.headers["content-type"] == "text/event-stream"
    assert b"event:" not in heard.body
    found = chunks(heard.body)
    assert len(found) > 3
    assert "".join(part["text"] for chunk in found for part in parts(chunk)) == parts(door.generate("Hi"))[0]["text"]
    assert parts(found[-1]) == [{"text": ""}]
    assert [chunk["candidates"][0].get("finishReason") for chunk in found] == [None] * (len(found) - 1) + ["STOP"]


def test_without_alt_the_stream_is_an_array_in_pieces(door: Door) -> None:
    body = {"contents": {"parts": {"text": "Hi"}}}
    target = f"/v1/models/{MODEL}:streamGenerateContent"
    pieces = list(door.call("POST", target, body).body)
    assert len(pieces) > 3
    assert json.loads(b"".join(pieces)) == chunks(door.post(target + "?alt=sse", body).body)


def test_both_spellings_and_both_base64_alphabets(door: Door) -> None:
    camel = {"inlineData": {"mimeType": "image/png", "data": "__79"}}
    snake = {"inline_data": {"mime_type": "image/png", "data": "//79"}}
    for part in (camel, snake):
        found = door.post(TARGET, {"contents": [{"parts": [part]}], "system_instruction": {"parts": {"text": "Cat"}}})
        assert "Part 1: image, image/png, 3 bytes." in parts(found.json)[0]["text"]
        assert 'System instruction: text, 3 bytes: "Cat".' in parts(found.json)[0]["text"]


def test_a_history_counts_turns(door: Door) -> None:
    contents = [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "model", "parts": [{"text": "Great to meet you."}]},
        {"role": "user", "parts": [{"text": "How many paws?"}]},
    ]
    found = door.post(TARGET, {"contents": contents}).json
    assert parts(found)[0]["text"].startswith("Emulator: turn 2,")


FUNCTION = {"functionDeclarations": [{"name": "weather", "parameters_json_schema": {"properties": {"city": {}}}}]}


def test_a_function_round_trip(door: Door) -> None:
    first = door.generate("Call weather", tools=[FUNCTION])
    call = parts(first)[0]["functionCall"]
    assert (call["name"], call["args"]) == ("weather", {"city": "emulator"})
    assert parts(first)[0]["thoughtSignature"]
    assert first["candidates"][0]["finishMessage"] == "Model generated function call(s)."
    contents = [
        {"role": "user", "parts": [{"text": "Call weather"}]},
        first["candidates"][0]["content"],
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "7"}}}]},
    ]
    second = door.post(TARGET, {"contents": contents, "tools": [FUNCTION]}).json
    assert 'Result of weather: {"output": "7"}.' in parts(second)[0]["text"]


def test_forced_calls(door: Door) -> None:
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}
    assert "functionCall" in parts(door.generate("Hi", tools=[FUNCTION], toolConfig=config))[0]


def test_thoughts_only_when_asked(door: Door) -> None:
    assert not any(part.get("thought") for part in parts(door.generate()))
    config = {"thinkingConfig": {"include_thoughts": True}}
    assert parts(door.generate(generationConfig=config))[0]["thought"] is True


def test_schema_limit_and_stop(door: Door) -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    shaped = door.generate(generationConfig={"responseMimeType": "application/json", "responseSchema": schema})
    assert json.loads(parts(shaped)[0]["text"]) == {"n": 1}
    cut = door.generate(generationConfig={"maxOutputTokens": 2.0})
    assert (cut["candidates"][0]["finishReason"], parts(cut)[0]["text"]) == ("MAX_TOKENS", "Emulator")
    stopped = door.generate(generationConfig={"stopSequences": [": turn"]})
    assert parts(stopped)[0]["text"] == "Emulator"


def test_continuation() -> None:
    door = Door(Emulator(output_cap=20))
    first = door.generate()
    assert first["candidates"][0]["finishReason"] == "CONTINUATION"
    second = door.generate(continuationToken=first["candidates"][0]["continuationToken"])
    whole = parts(Door().generate())[0]["text"]
    assert whole.startswith(parts(first)[0]["text"] + parts(second)[0]["text"])


def test_search_and_code(door: Door) -> None:
    found = door.generate(tools=[{"googleSearch": {}}, {"code_execution": {}}, {"urlContext": {}}])
    assert [next(iter(part)) for part in parts(found)] == ["executableCode", "codeExecutionResult", "text"]
    grounding = found["candidates"][0]["groundingMetadata"]
    assert len(grounding["groundingChunks"]) == len(grounding["groundingSupports"]) == 3
    assert found["candidates"][0]["urlContextMetadata"]["urlMetadata"][0]["retrievedUrl"] == "https://example.com/"


def test_a_place_and_a_file_are_sources_too(door: Door) -> None:
    grounding = door.generate(tools=[{"googleMaps": {}}, {"fileSearch": {}}])["candidates"][0]["groundingMetadata"]
    assert [next(iter(chunk)) for chunk in grounding["groundingChunks"]] == ["maps", "retrievedContext"]
    assert "webSearchQueries" not in grounding


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "* GenerateContentRequest.contents: contents is not specified\n"),
        ({"contents": "Hi"}, "Invalid value at 'contents[0]', 'Hi'"),
        ({"contents": [], "foo": 1}, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
        (
            {"contents": [{"parts": [{"txt": 1}]}]},
            "Invalid JSON payload received. Unknown name \"txt\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        ({"contents": [5]}, "Invalid value at 'contents[0]', '5'"),
        (
            {"contents": [{"parts": []}], "generationConfig": {"seed": "x"}},
            "Invalid value at 'generationConfig.seed', 'x'",
        ),
        (
            {"contents": [{"parts": []}], "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            "Invalid value at 'tool_config.function_calling_config.mode', \"MAYBE\"",
        ),
        ({"contents": [{"parts": []}], "continuationToken": "????"}, "The continuation token is invalid."),
        (
            {"contents": [{"parts": []}], "tools": [{"functionDeclarations": [{}]}]},
            "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.\n",
        ),
        ({"contents": [{"role": "cat", "parts": []}]}, "Please use a valid role: user, model."),
        (
            {"contents": [{"parts": []}], "generationConfig": {"maxOutputTokens": 0}},
            "max_output_tokens must be positive.",
        ),
    ],
)
def test_refusals(door: Door, body: Any, message: str) -> None:
    heard = door.post(TARGET, body)
    assert (heard.status, heard.json["error"]["status"], heard.json["error"]["message"]) == (
        400,
        "INVALID_ARGUMENT",
        message,
    )
    assert heard.body.endswith(b"}\n")


def test_an_unknown_model_is_named(door: Door) -> None:
    heard = door.post("/v1beta/models/no-such-model:generateContent", {"contents": [{"parts": [{"text": "x"}]}]})
    assert heard.status == 404
    assert heard.json["error"]["message"].startswith("models/no-such-model is not found for API version v1beta")


def test_an_error_under_alt_sse_calls_itself_a_stream(door: Door) -> None:
    heard = door.post(f"/v1/models/{MODEL}:streamGenerateContent?alt=sse", {})
    assert (heard.status, heard.headers["content-type"]) == (400, "text/event-stream")
    assert heard.json["error"]["code"] == 400
    assert door.post(f"/v1/models/{MODEL}:streamGenerateContent", {}).json == [heard.json]


# --- models and tokens


def test_models(door: Door) -> None:
    whole = door.get("/v1beta/models?pageSize=1000").json["models"]
    assert "nextPageToken" not in door.get("/v1beta/models").json
    first = door.get("/v1beta/models?pageSize=30").json
    rest = door.get(f"/v1beta/models?pageSize=30&pageToken={first['nextPageToken']}").json
    assert first["models"] + rest["models"] == whole
    assert door.get("/v1beta/models/gemini-3.8-flash").json in whole
    names = {model["name"] for model in door.get("/v1/models").json["models"]}
    assert {model["name"] for model in whole} - names == {
        "models/gemini-flash-latest",
        "models/gemini-flash-lite-latest",
        "models/gemini-pro-latest",
    }
    assert door.get("/v1/models/no-such-model").status == 404


def test_count_tokens(door: Door) -> None:
    contents = [{"parts": [{"text": "12345678"}]}]
    target = f"/v1/models/{MODEL}:countTokens"
    assert door.post(target, {"contents": contents}).json == {
        "totalTokens": 2,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}],
    }
    wrapped = {"generateContentRequest": {"contents": contents, "systemInstruction": {"parts": [{"text": "1234"}]}}}
    assert door.post(target, wrapped).json["totalTokens"] == 3
    assert door.post("/v1/models/no-such:countTokens", {"contents": contents}).status == 404


# --- batches


def row(prompt: str) -> Any:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}


def batch(door: Door, config: Any) -> Any:
    heard = door.post(
        f"/v1/models/{MODEL}:batchGenerateContent", {"batch": {"displayName": "job", "inputConfig": config}}
    )
    assert heard.status == 200, heard.body
    return heard.json


def test_an_inline_batch_takes_its_time_and_keeps_order(door: Door, clock: Clock) -> None:
    rows = [{"request": row("One"), "metadata": {"key": "1"}}, {"request": {"oops": 1}, "metadata": {"key": "2"}}]
    made = batch(door, {"requests": {"requests": rows}})
    states = []
    for _ in range(3):
        found = door.get(f"/v1/{made['name']}").json
        states.append((found["metadata"]["state"], found.get("done"), found["metadata"]["batchStats"]["requestCount"]))
        clock.now += 1
    assert states == [
        ("BATCH_STATE_PENDING", None, "2"),
        ("BATCH_STATE_RUNNING", None, "2"),
        ("BATCH_STATE_SUCCEEDED", True, "2"),
    ]
    results = found["metadata"]["output"]["inlinedResponses"]["inlinedResponses"]
    assert found["response"]["inlinedResponses"]["inlinedResponses"] == results
    assert [result["metadata"]["key"] for result in results] == ["1", "2"]
    assert '"One"' in parts(results[0]["response"])[0]["text"]
    assert results[1]["error"]["code"] == 400
    assert found["metadata"]["batchStats"] == {
        "requestCount": "2",
        "successfulRequestCount": "1",
        "failedRequestCount": "1",
    }
    listed = door.get("/v1/batches").json["operations"]
    assert [each["name"] for each in listed] == [made["name"]]
    assert "response" not in listed[0]


def test_a_batch_from_a_file_leaves_a_file(door: Door, clock: Clock) -> None:
    lines = [json.dumps({"key": f"k{n}", "request": row(f"Question {n}")}) for n in range(3)]
    source = upload(door, "\n".join([*lines, "{broken", ""]).encode(), "application/jsonl")
    made = batch(door, {"fileName": source["name"]})
    early = door.get("/v1/files").json["files"]
    assert [file["name"] for file in early] == [source["name"]]
    clock.now += 2
    output = door.get(f"/v1/{made['name']}").json["response"]["responsesFile"]
    moved = door.get(f"/v1/{output}:download?alt=media")
    assert moved.status == 302
    target = moved.headers["location"].partition(".com")[2]
    assert target.startswith("/download/v1/files/")
    results = [json.loads(line) for line in door.get(target).body.splitlines()]
    found = {result["key"]: result for result in results}
    assert set(found) == {"k0", "k1", "k2", ""}
    assert '"Question 2"' in parts(found["k2"]["response"])[0]["text"]
    assert "error" in found[""]


def test_batches_are_listed_in_pages(door: Door) -> None:
    made = [batch(door, {"requests": {"requests": [{"request": row("x")}]}})["name"] for _ in range(3)][::-1]
    first = door.get("/v1/batches?pageSize=2").json
    second = door.get(f"/v1/batches?pageSize=2&pageToken={first['nextPageToken']}").json
    assert [each["name"] for each in first["operations"] + second["operations"]] == made
    assert "nextPageToken" not in second


def test_cancel_and_delete(door: Door, clock: Clock) -> None:
    made = batch(door, {"requests": {"requests": [{"request": row("One")}]}})
    target = f"/v1/{made['name']}"
    assert door.post(f"{target}:cancel").json == {}
    clock.now += 5
    found = door.get(target).json
    assert (found["metadata"]["state"], found["done"]) == ("BATCH_STATE_CANCELLED", True)
    assert door.post(f"{target}:cancel").status == 400
    assert door.ask("DELETE", target).json == {}
    assert door.get(target).status == door.post(f"{target}:cancel").status == door.ask("DELETE", target).status == 404


def test_batches_that_cannot_be(door: Door) -> None:
    target = f"/v1/models/{MODEL}:batchGenerateContent"
    assert door.post(target, {"batch": {"inputConfig": {}}}).status == 400
    assert door.post(target, {"batch": {"inputConfig": {"fileName": "files/none"}}}).status == 404
    assert door.post("/v1/models/no-such:batchGenerateContent", {"batch": {}}).status == 404
