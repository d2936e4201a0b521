"""generateContent, batches, models and tokens (api/README.md 11, 13, 14)."""

import json
from typing import Any

import pytest

from gemini_cli.emulator.service import Emulator

from .in_memory_client import MODEL, Clock, InMemoryClient
from .test_files import upload

TARGET = f"/v1beta/models/{MODEL}:generateContent"


def parts(answer: Any) -> Any:
    return answer["candidates"][0]["content"]["parts"]


def chunks(body: bytes) -> list[Any]:
    frames = body.decode().split("\r\n\r\n")
    assert frames.pop() == ""
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def test_a_plain_answer(client: InMemoryClient) -> None:
    found = client.generate("How does AI work?")
    assert list(found) == ["candidates", "usageMetadata", "modelVersion", "responseId"]
    candidate = found["candidates"][0]
    assert (candidate["finishReason"], candidate["index"], candidate["content"]["role"]) == ("STOP", 0, "model")
    assert parts(found)[0]["text"].startswith(f"Emulator: turn 1, model {MODEL}.\nPart 1: text, 17 bytes:")
    usage = found["usageMetadata"]
    assert usage["totalTokenCount"] == sum(usage[f"{name}TokenCount"] for name in ("prompt", "candidates", "thoughts"))


def test_a_stream_has_the_same_text_in_pieces(client: InMemoryClient) -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    response = client.post(f"/v1/models/{MODEL}:streamGenerateContent?alt=sse", body)
    assert response.headers["content-type"] == "text/event-stream"
    assert b"event:" not in response.body
    found = chunks(response.body)
    assert len(found) > 3
    assert "".join(part["text"] for chunk in found for part in parts(chunk)) == parts(client.generate("Hi"))[0]["text"]
    assert [set(part) for part in parts(found[-1])] == [{"text", "thoughtSignature"}]
    assert parts(found[-1])[0]["text"] == ""
    assert all(set(part) == {"text"} for chunk in found[:-1] for part in parts(chunk))
    assert [chunk["candidates"][0].get("finishReason") for chunk in found] == [None] * (len(found) - 1) + ["STOP"]


def test_without_alt_the_stream_is_an_array_in_pieces(client: InMemoryClient) -> None:
    body = {"contents": {"parts": {"text": "Hi"}}}
    target = f"/v1/models/{MODEL}:streamGenerateContent"
    response = client.call("POST", target, body)
    pieces = list(response.body)
    assert response.headers["content-type"] == "application/json; charset=UTF-8"
    assert len(pieces) > 3
    events = chunks(InMemoryClient(Emulator(clock=Clock())).post(target + "?alt=sse", body).body)
    assert json.loads(b"".join(pieces)) == events
    assert pieces[0].startswith(b'[{\n  "candidates": [\n')
    assert all(piece.startswith(b"\n,\r\n{\n") for piece in pieces[1:-1])
    assert pieces[-1] == b"\n]"


def test_both_spellings_and_both_base64_alphabets(client: InMemoryClient) -> None:
    camel = {"inlineData": {"mimeType": "image/png", "data": "__79"}}
    snake = {"inline_data": {"mime_type": "image/png", "data": "//79"}}
    for part in (camel, snake):
        found = client.post(TARGET, {"contents": [{"parts": [part]}], "system_instruction": {"parts": {"text": "Cat"}}})
        assert "Part 1: image, image/png, 3 bytes." in parts(found.json)[0]["text"]
        assert 'System instruction: text, 3 bytes: "Cat".' in parts(found.json)[0]["text"]


def test_a_history_counts_turns(client: InMemoryClient) -> None:
    contents = [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "model", "parts": [{"text": "Great to meet you."}]},
        {"role": "user", "parts": [{"text": "How many paws?"}]},
    ]
    found = client.post(TARGET, {"contents": contents}).json
    assert parts(found)[0]["text"].startswith("Emulator: turn 2,")


FUNCTION = {"functionDeclarations": [{"name": "weather", "parameters_json_schema": {"properties": {"city": {}}}}]}


def test_a_function_round_trip(client: InMemoryClient) -> None:
    first = client.generate("Call weather", tools=[FUNCTION])
    call = parts(first)[0]["functionCall"]
    assert (call["name"], call["args"]) == ("weather", {"city": "emulator"})
    assert parts(first)[0]["thoughtSignature"]
    assert first["candidates"][0]["finishMessage"] == "Model generated function call(s)."
    contents = [
        {"role": "user", "parts": [{"text": "Call weather"}]},
        first["candidates"][0]["content"],
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "7"}}}]},
    ]
    second = client.post(TARGET, {"contents": contents, "tools": [FUNCTION]}).json
    assert 'Result of weather: {"output": "7"}.' in parts(second)[0]["text"]


def test_ids_of_responses_and_calls(client: InMemoryClient) -> None:
    responses = [client.generate("Call weather", tools=[FUNCTION]) for _ in range(2)]
    assert len({each["responseId"] for each in responses}) == 2
    assert len({parts(each)[0]["functionCall"]["id"] for each in responses}) == 2
    again = InMemoryClient(Emulator(clock=Clock())).generate("Call weather", tools=[FUNCTION])
    assert again["responseId"] == responses[0]["responseId"]


def test_calls_of_2_5_have_no_id(client: InMemoryClient) -> None:
    call = parts(client.generate("Call weather", "gemini-2.5-flash", tools=[FUNCTION]))[0]
    assert set(call["functionCall"]) == {"name", "args"}
    assert call["thoughtSignature"]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.8-flash"])
def test_the_text_of_3_is_signed(client: InMemoryClient, model: str) -> None:
    assert ("thoughtSignature" in parts(client.generate("Hi", model))[-1]) is model.startswith("gemini-3")


def test_the_prompt_count_includes_the_tools(client: InMemoryClient) -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "tools": [FUNCTION]}
    usage = client.generate("Hi", tools=[FUNCTION])["usageMetadata"]
    counted = client.post(f"/v1/models/{MODEL}:countTokens", {"generateContentRequest": body}).json
    assert usage["promptTokenCount"] == counted["totalTokens"]
    assert usage["promptTokensDetails"] == counted["promptTokensDetails"]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.8-flash"])
def test_code_comes_before_the_text(client: InMemoryClient, model: str) -> None:
    found = client.generate("Hi", model, tools=[{"codeExecution": {}}])
    assert [next(iter(part)) for part in parts(found)] == ["executableCode", "codeExecutionResult", "text"]
    usage = found["usageMetadata"]
    names = ("prompt", "candidates", "thoughts", "toolUsePrompt")
    assert usage["totalTokenCount"] == sum(usage[f"{name}TokenCount"] for name in names)
    assert usage["toolUsePromptTokenCount"] > 0


def test_several_candidates_of_2_5(client: InMemoryClient) -> None:
    config = {"candidateCount": 3}
    one = client.generate("Hi", "gemini-2.5-flash")
    found = client.generate("Hi", "gemini-2.5-flash", generationConfig=config)
    assert [candidate["index"] for candidate in found["candidates"]] == [0, 1, 2]
    assert found["usageMetadata"]["candidatesTokenCount"] == 3 * one["usageMetadata"]["candidatesTokenCount"]
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "generationConfig": config}
    stream = chunks(client.post("/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", body).body)
    texts = ["", "", ""]
    for chunk in stream:
        for candidate in chunk["candidates"]:
            texts[candidate["index"]] += candidate["content"]["parts"][0]["text"]
    assert texts == [parts(one)[0]["text"]] * 3


def test_forced_calls(client: InMemoryClient) -> None:
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}
    assert "functionCall" in parts(client.generate("Hi", tools=[FUNCTION], toolConfig=config))[0]


@pytest.mark.parametrize(("mode", "calls"), [("ANY", True), ("AUTO", False), ("VALIDATED", False)])
def test_a_forced_call_is_repeated_after_its_result(client: InMemoryClient, mode: str, calls: bool) -> None:
    body: dict[str, Any] = {"tools": [FUNCTION], "toolConfig": {"functionCallingConfig": {"mode": mode}}}
    call = next(part for part in parts(client.generate("Call weather", **body)) if "functionCall" in part)
    result = {"functionResponse": {"name": "weather", "response": {"output": "7"}}}
    history = [
        {"role": "user", "parts": [{"text": "Call weather"}]},
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [result]},
    ]
    answer = client.generate(contents=history, **body)
    again = [part["functionCall"] for part in parts(answer) if "functionCall" in part]
    assert bool(again) is calls
    assert all(each["id"] != call["functionCall"]["id"] for each in again)


def test_thoughts_are_included_on_request(client: InMemoryClient) -> None:
    assert not any(part.get("thought") for part in parts(client.generate()))
    config = {"thinkingConfig": {"include_thoughts": True}}
    assert parts(client.generate(generationConfig=config))[0]["thought"] is True


def test_schema_limit_and_stop(client: InMemoryClient) -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    shaped = client.generate(generationConfig={"responseMimeType": "application/json", "responseSchema": schema})
    assert json.loads(parts(shaped)[0]["text"]) == {"n": 1}
    cut = client.generate(generationConfig={"maxOutputTokens": 2.0})
    assert (cut["candidates"][0]["finishReason"], parts(cut)[0]["text"]) == ("MAX_TOKENS", "Emulator")
    stopped = client.generate(generationConfig={"stopSequences": [": turn"]})
    assert parts(stopped)[0]["text"] == "Emulator"


def test_continuation() -> None:
    client = InMemoryClient(Emulator(output_cap=20))
    first = client.generate()
    assert first["candidates"][0]["finishReason"] == "CONTINUATION"
    second = client.generate(continuationToken=first["candidates"][0]["continuationToken"])
    whole = parts(InMemoryClient().generate())[0]["text"]
    assert whole.startswith(parts(first)[0]["text"] + parts(second)[0]["text"])


def test_search_and_code(client: InMemoryClient) -> None:
    found = client.generate(tools=[{"googleSearch": {}}, {"code_execution": {}}, {"urlContext": {}}])
    assert [next(iter(part)) for part in parts(found)] == ["executableCode", "codeExecutionResult", "text"]
    grounding = found["candidates"][0]["groundingMetadata"]
    assert len(grounding["groundingChunks"]) == len(grounding["groundingSupports"]) == 3
    assert found["candidates"][0]["urlContextMetadata"]["urlMetadata"][0]["retrievedUrl"] == "https://example.com/"


def test_a_place_and_a_file_are_sources_too(client: InMemoryClient) -> None:
    grounding = client.generate(tools=[{"googleMaps": {}}, {"fileSearch": {}}])["candidates"][0]["groundingMetadata"]
    assert [next(iter(chunk)) for chunk in grounding["groundingChunks"]] == ["maps", "retrievedContext"]
    assert "webSearchQueries" not in grounding


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "* GenerateContentRequest.contents: contents is not specified\n"),
        ({"contents": "Hi"}, "Invalid value at 'contents[0]', \"Hi\""),
        ({"contents": [], "foo": 1}, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
        (
            {"contents": [{"parts": [{"txt": 1}]}]},
            "Invalid JSON payload received. Unknown name \"txt\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        ({"contents": [5]}, "Invalid value at 'contents[0]', 5"),
        (
            {"contents": [{"parts": []}], "generationConfig": {"seed": "x"}},
            "Invalid value at 'generation_config.seed' (TYPE_INT32), \"x\"",
        ),
        (
            {"contents": [{"parts": []}], "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            "Invalid value at 'tool_config.function_calling_config.mode' "
            '(type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode), "MAYBE"',
        ),
        ({"contents": [{"parts": [{"text": "x"}]}], "continuationToken": "????"}, "The continuation token is invalid."),
        ({"contents": [{"role": "cat", "parts": []}]}, "Please use a valid role: user, model."),
        (
            {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"maxOutputTokens": 0}},
            "max_output_tokens must be positive.",
        ),
    ],
)
def test_invalid_requests(client: InMemoryClient, body: Any, message: str) -> None:
    response = client.post(TARGET, body)
    assert (response.status, response.json["error"]["status"], response.json["error"]["message"]) == (
        400,
        "INVALID_ARGUMENT",
        message,
    )
    assert response.body.endswith(b"}\n")


def test_an_unknown_model_is_in_the_message(client: InMemoryClient) -> None:
    response = client.post("/v1beta/models/no-such-model:generateContent", {"contents": [{"parts": [{"text": "x"}]}]})
    assert response.status == 404
    assert response.json["error"]["message"].startswith("models/no-such-model is not found for API version v1beta")


def test_an_error_with_alt_sse_has_the_type_of_a_stream(client: InMemoryClient) -> None:
    response = client.post(f"/v1/models/{MODEL}:streamGenerateContent?alt=sse", {})
    assert (response.status, response.headers["content-type"]) == (400, "text/event-stream")
    assert response.json["error"]["code"] == 400
    assert client.post(f"/v1/models/{MODEL}:streamGenerateContent", {}).json == [response.json]


# --- models and tokens


def test_models(client: InMemoryClient) -> None:
    whole = client.get("/v1beta/models?pageSize=1000").json["models"]
    assert "nextPageToken" not in client.get("/v1beta/models").json
    first = client.get("/v1beta/models?pageSize=30").json
    rest = client.get(f"/v1beta/models?pageSize=30&pageToken={first['nextPageToken']}").json
    assert first["models"] + rest["models"] == whole
    assert client.get("/v1beta/models/gemini-3.8-flash").json in whole
    names = {model["name"] for model in client.get("/v1/models").json["models"]}
    assert {model["name"] for model in whole} - names == {
        "models/gemini-flash-latest",
        "models/gemini-flash-lite-latest",
        "models/gemini-pro-latest",
    }
    assert client.get("/v1/models/no-such-model").status == 404
    assert client.get("/v1/models/gemini-flash-latest").status == 404
    assert client.get("/v1beta/models/gemini-flash-latest").status == 200


def test_count_tokens(client: InMemoryClient) -> None:
    contents = [{"parts": [{"text": "12345678"}]}]
    target = f"/v1/models/{MODEL}:countTokens"
    assert client.post(target, {"contents": contents}).json == {
        "totalTokens": 2,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}],
    }
    wrapped = {"generateContentRequest": {"contents": contents, "systemInstruction": {"parts": [{"text": "1234"}]}}}
    assert client.post(target, wrapped).json["totalTokens"] == 3
    assert client.post("/v1/models/no-such:countTokens", {"contents": contents}).status == 404


# --- batches


def row(prompt: str) -> Any:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}


def batch(client: InMemoryClient, config: Any) -> Any:
    response = client.post(
        f"/v1/models/{MODEL}:batchGenerateContent", {"batch": {"displayName": "job", "inputConfig": config}}
    )
    assert response.status == 200, response.body
    return response.json


def test_an_inline_batch_takes_its_time_and_keeps_order(client: InMemoryClient, clock: Clock) -> None:
    rows = [{"request": row("One"), "metadata": {"key": "1"}}, {"request": {"oops": 1}, "metadata": {"key": "2"}}]
    made = batch(client, {"requests": {"requests": rows}})
    states = []
    for _ in range(3):
        found = client.get(f"/v1/{made['name']}").json
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
    listed = client.get("/v1/batches").json["operations"]
    assert [each["name"] for each in listed] == [made["name"]]
    assert "response" not in listed[0]


def test_a_batch_from_a_file_makes_a_file(client: InMemoryClient, clock: Clock) -> None:
    lines = [json.dumps({"key": f"k{n}", "request": row(f"Question {n}")}) for n in range(3)]
    source = upload(client, "\n".join([*lines, "{broken", ""]).encode(), "application/jsonl")
    made = batch(client, {"fileName": source["name"]})
    early = client.get("/v1/files").json["files"]
    assert [file["name"] for file in early] == [source["name"]]
    clock.now += 2
    output = client.get(f"/v1/{made['name']}").json["response"]["responsesFile"]
    moved = client.get(f"/v1/{output}:download?alt=media")
    assert moved.status == 302
    target = moved.headers["location"].partition(".com")[2]
    assert target.startswith("/download/v1/files/")
    results = [json.loads(line) for line in client.get(target).body.splitlines()]
    found = {result["key"]: result for result in results}
    assert set(found) == {"k0", "k1", "k2", ""}
    assert '"Question 2"' in parts(found["k2"]["response"])[0]["text"]
    assert "error" in found[""]


def test_batches_are_listed_in_pages(client: InMemoryClient) -> None:
    made = [batch(client, {"requests": {"requests": [{"request": row("x")}]}})["name"] for _ in range(3)][::-1]
    first = client.get("/v1/batches?pageSize=2").json
    second = client.get(f"/v1/batches?pageSize=2&pageToken={first['nextPageToken']}").json
    assert [each["name"] for each in first["operations"] + second["operations"]] == made
    assert "nextPageToken" not in second


def test_cancel_and_delete(client: InMemoryClient, clock: Clock) -> None:
    made = batch(client, {"requests": {"requests": [{"request": row("One")}]}})
    target = f"/v1/{made['name']}"
    assert client.post(f"{target}:cancel").json == {}
    clock.now += 5
    found = client.get(target).json
    assert (found["metadata"]["state"], found["done"]) == ("BATCH_STATE_CANCELLED", True)
    assert client.post(f"{target}:cancel").status == 400
    assert client.send("DELETE", target).json == {}
    assert (
        client.get(target).status
        == client.post(f"{target}:cancel").status
        == client.send("DELETE", target).status
        == 404
    )


def test_invalid_batches(client: InMemoryClient) -> None:
    target = f"/v1/models/{MODEL}:batchGenerateContent"
    assert client.post(target, {"batch": {"inputConfig": {}}}).status == 400
    assert client.post(target, {"batch": {"inputConfig": {"fileName": "files/none"}}}).status == 404
    assert client.post("/v1/models/no-such:batchGenerateContent", {"batch": {}}).status == 404
