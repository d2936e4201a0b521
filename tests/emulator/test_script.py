"""Scripts of the emulated model."""

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator.model.script import CONDITION_KEYS, ScriptCondition
from gemini_cli.emulator.service import Emulator

from .in_memory_client import MODEL, Clock, InMemoryClient, fold, text

SCRIPT = """
- when: {prompt: "(?i)weather", turn: 1}
  call: {name: f, arguments: {city: Oslo}}
- when: broken
  reply: "half"
  status: failed
  errors: [{code: safety, message: "No."}]
  usage: {total_tokens: 7}
- when: {model: pro, system: cat}
  reply: "Miau, {prompt} ({turn})"
  times: 1
- when: odd
  steps:
    - {type: dream, of: sheep}
    - {type: model_output, content: [{type: text, text: whole}]}
"""


@pytest.fixture
def scripted(tmp_path: Path) -> InMemoryClient:
    path = tmp_path / "script.yaml"
    path.write_text(SCRIPT)
    clock = Clock()
    return InMemoryClient(Emulator(script=path, clock=clock, sleep=clock.sleep))


def client_with(*lines: Any) -> InMemoryClient:
    return InMemoryClient(Emulator(script=list(lines), clock=Clock()))


def generate_parts(client: InMemoryClient, prompt: str = "Hi", **more: Any) -> Any:
    return client.generate(prompt, **more)["candidates"][0]["content"].get("parts")


def test_every_condition_is_documented() -> None:
    assert tuple(CONDITION_KEYS) == ScriptCondition._fields


def test_a_map_as_reply_is_json() -> None:
    client = client_with({"reply": {"city": "Oslo", "asked": "{prompt}", "turns": [1, "{turn}"]}})
    expected = {"city": "Oslo", "asked": 'a "b"', "turns": [1, "1"]}
    assert json.loads(text(client.create('a "b"'))) == expected
    assert json.loads(generate_parts(client, 'a "b"')[0]["text"]) == expected


@pytest.mark.parametrize("status", ["failed", "cancelled", "budget_exceeded", "incomplete"])
def test_a_failure_has_no_text_and_keeps_its_message(status: str) -> None:
    client = client_with({"status": status, "errors": [{"code": "safety", "message": "Not this."}]})
    found = client.create("Hi", tools=[{"type": "google_search"}])
    assert (found["status"], found["errors"]) == (status, [{"code": "safety", "message": "Not this."}])
    assert "steps" not in found
    candidate = client.generate("Hi")["candidates"][0]
    assert candidate["content"] == {"role": "model"}
    assert (candidate["finishReason"], candidate["finishMessage"]) == ("SAFETY", "Not this.")


def test_errors_alone_are_a_failure() -> None:
    found = client_with({"errors": [{"code": "recitation", "message": "No."}]}).create("Hi")
    assert (found["status"], text(found)) == ("failed", "")


@pytest.mark.parametrize(
    "usage",
    [
        {"total_input_tokens": 3, "total_tokens": 7, "input_tokens_by_modality": [{"modality": "text", "tokens": 3}]},
        {
            "promptTokenCount": 3,
            "totalTokenCount": 7,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
        },
    ],
)
def test_usage_is_replaced_in_both_apis(usage: Any) -> None:
    client = client_with({"reply": "x", "usage": usage})
    details = [{"modality": "text", "tokens": 3}]
    assert client.create("Hi")["usage"] == {
        "total_input_tokens": 3,
        "total_tokens": 7,
        "input_tokens_by_modality": details,
    }
    assert client.generate("Hi")["usageMetadata"] == {
        "promptTokenCount": 3,
        "totalTokenCount": 7,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
    }


def test_a_signature_can_be_scripted() -> None:
    client = client_with(
        {"when": "call", "call": {"name": "f"}, "signature": "c2lnbmVk"},
        {"when": "steps", "steps": [{"type": "function_call", "id": "abc", "name": "f", "arguments": {}}]},
        {"reply": "x", "signature": "c2lnbmVk"},
    )
    assert client.create("call")["steps"][0]["signature"] == "c2lnbmVk"
    assert generate_parts(client, "call")[0]["thoughtSignature"] == "c2lnbmVk"
    assert generate_parts(client, "Hi") == [{"text": "x", "thoughtSignature": "c2lnbmVk"}]
    assert "thoughtSignature" in generate_parts(client, "steps", model="gemini-3.8-flash")[0]
    assert "thoughtSignature" not in generate_parts(client, "steps", model="gemini-2.5-flash")[0]


def test_a_line_after_the_result_of_a_call() -> None:
    client = client_with(
        {"when": {"after_call": "^weather$", "first_prompt": "Rome"}, "reply": "Rome has weather."},
        {"when": {"after_call": "weather"}, "reply": "It has weather."},
        {"when": {"prompt": "weather"}, "call": {"name": "weather"}},
    )
    first = client.create("The weather in Rome?")
    call = first["steps"][-1]
    result = {"type": "function_result", "call_id": call["id"], "result": "7"}
    assert text(client.create([result], previous_interaction_id=first["id"])) == "Rome has weather."
    other = client.create("The weather in Oslo?")
    result["call_id"] = other["steps"][-1]["id"]
    assert text(client.create([result], previous_interaction_id=other["id"])) == "It has weather."
    history = [
        {"role": "user", "parts": [{"text": "The weather in Rome?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "weather"}, "thoughtSignature": "AAAA"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {}}}]},
    ]
    assert generate_parts(client, contents=history)[0]["text"] == "Rome has weather."


def test_a_failure_calls_no_function(client: InMemoryClient) -> None:
    tools = [{"type": "function", "name": "weather"}]
    found = client_with({"status": "failed"}).create("Call weather", tools=tools)
    assert (found["status"], "steps" in found) == ("failed", False)


def test_sparse_steps_are_answered_by_both_apis() -> None:
    steps: list[dict[str, Any]] = [
        {"type": "google_search_call", "id": "s"},
        {"type": "url_context_result", "call_id": "u"},
        {"type": "code_execution_call", "id": "c", "arguments": {}},
        {"type": "code_execution_result", "call_id": "c", "result": ""},
        {"type": "model_output", "content": [{"type": "text", "text": "x", "annotations": [{"type": "url_citation"}]}]},
        {"type": "model_output", "content": [{"type": "image", "uri": "https://example.com/x"}]},
        {"type": "function_call", "id": "f", "name": "f", "arguments": {}},
        {"type": "thought"},
    ]
    broken = [{"type": each["type"]} for each in steps]
    odd = [{"type": each["type"], "arguments": "{not", "result": 5, "content": [{}], "summary": None} for each in steps]
    for each in (broken, odd):
        client = client_with({"steps": each})
        assert client.create("Hi")["steps"] == each
        assert client.stream("Hi")[-1]["interaction"]["status"] == "completed"
        assert client.generate("Hi")["candidates"][0]["finishReason"] == "STOP"
    client = client_with({"steps": steps})
    assert client.create("Hi")["steps"] == steps
    assert client.stream("Hi")[-1]["interaction"]["status"] == "completed"
    parts = generate_parts(client)
    assert [next(iter(part)) for part in parts] == [
        *("executableCode", "codeExecutionResult", "text", "fileData", "functionCall"),
    ]


def test_an_idle_interaction() -> None:
    assert client_with({"reply": "x", "status": "idle"}).create("Hi")["status"] == "idle"
    older = client_with({"reply": "x", "status": "idle"}).generate("Hi")["candidates"][0]
    assert older["finishReason"] == "STOP"  # the older API has no status


def test_json_without_a_schema_says_the_prompt(client: InMemoryClient) -> None:
    expected = {"emulator": True, "model": MODEL, "turn": 1, "prompt": "Hi"}
    formats = {"response_format": {"type": "text", "mime_type": "application/json"}}
    assert json.loads(text(client.create("Hi", **formats))) == expected
    config = {"responseMimeType": "application/json"}
    assert json.loads(generate_parts(client, generationConfig=config)[0]["text"]) == expected


def test_a_call(scripted: InMemoryClient) -> None:
    found = scripted.create("The Weather?")
    assert found["status"] == "requires_action"
    assert (found["steps"][-1]["name"], found["steps"][-1]["arguments"]) == ("f", {"city": "Oslo"})
    later = scripted.create("Weather", previous_interaction_id=found["id"])
    assert later["status"] == "completed"


def test_status_errors_and_usage(scripted: InMemoryClient) -> None:
    found = scripted.create("broken")
    assert (text(found), found["status"], found["usage"]["total_tokens"]) == ("half", "failed", 7)
    assert found["errors"] == [{"code": "safety", "message": "No."}]


def test_patterns_placeholders_and_times(scripted: InMemoryClient) -> None:
    body: dict[str, Any] = {"model": "gemini-pro-latest", "system_instruction": "You are a cat."}
    assert scripted.emulator.leftovers() == ["script line 3 not used: when model: pro, system: cat"]
    assert text(scripted.create("Hi", **body)) == "Miau, Hi (1)"
    assert text(scripted.create("Hi", **body)).startswith("Emulator: ")
    assert scripted.emulator.leftovers() == []


def test_whole_steps_are_returned_and_streamed(scripted: InMemoryClient) -> None:
    plain = scripted.create("odd", store=False)
    assert plain["steps"][0] == {"type": "dream", "of": "sheep"}
    assert fold(scripted.stream("odd", store=False)) == {**plain, "id": ""}


def test_delay_pace_and_chunk() -> None:
    clock = Clock()
    lines = [{"reply": "abcdef", "delay": 2, "pace": 0.5, "chunk": 2}]
    client = InMemoryClient(Emulator(script=lines, clock=clock, sleep=clock.sleep))
    client.create("Hi")
    assert sum(clock.slept) == pytest.approx(2)
    clock.slept.clear()
    found = client.stream("Hi")
    texts = [event["delta"]["text"] for event in found if event.get("delta", {}).get("type") == "text"]
    assert texts == ["ab", "cd", "ef"]
    assert sum(clock.slept) == pytest.approx(2 + 4 * 0.5)


def test_a_replay_cuts_the_text_as_the_stream_did() -> None:
    client = InMemoryClient(Emulator(script=[{"reply": "abcdef", "chunk": 2}]))
    whole = client.stream("Hi")
    again = client.get(f"/v1/interactions/{whole[0]['interaction']['id']}?stream=true")
    assert again.body.count(b"step.delta\n") == sum(event["event_type"] == "step.delta" for event in whole)


def test_a_fault_in_a_script() -> None:
    client = InMemoryClient(Emulator(script=[{"when": "x", "fault": ["no_event_ids", "cut_clean(after=1)"]}]))
    body = client.post("/v1/interactions", {"model": MODEL, "input": "x", "stream": True}).body
    assert b"event_id" not in body
    assert b"completed" not in body
    assert client.stream("y")[-1]["event_type"] == "interaction.completed"


def test_hop_tokens() -> None:
    client = InMemoryClient(Emulator(script=[{"reply": "12345678", "hop_tokens": 1}]))
    first = client.create("Hi")
    assert (text(first), first["status"]) == ("1234", "requires_continuation")
    second = client.create(None, continuation_token=first["continuation_token"], previous_interaction_id=first["id"])
    assert (text(second), second["status"]) == ("5678", "completed")


def test_generate_content_follows_the_script(scripted: InMemoryClient) -> None:
    found = scripted.generate("broken")["candidates"][0]
    assert (found["finishReason"], [part["text"] for part in found["content"]["parts"]]) == ("SAFETY", ["half"])


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([{"repl": "x"}], "script line 1: unknown key 'repl', did you mean 'reply'"),
        ([{"foo": 1}], "script line 1: unknown key 'foo', .*; known: when, reply, call, steps"),
        ([{}, {"when": {"promt": "x"}}], "script line 2: unknown key 'promt', did you mean 'prompt'"),
        ([{"when": "("}], "script line 1: "),
        ([{"status": "done"}], "script line 1: unknown status 'done'"),
        (["x"], "script line 1: expected a map, got 'x'"),
        ([{"steps": [{"text": "x"}]}], "script line 1: expected a step with a type, got {'text': 'x'}"),
        ([{"steps": ["x"]}], "script line 1: expected a step with a type, got 'x'"),
        ([{}, {"fault": "stal"}], "script line 2: unknown fault 'stal'"),
        ([{"call": {}}], "script line 1: call: expected a name, got {}"),
        ([{"call": "f"}], "script line 1: call: expected a map, got 'f'"),
        ([{"call": {"name": "f", "arguments": "x"}}], "script line 1: arguments: expected a map, got 'x'"),
        ([{"errors": "safety"}], "script line 1: errors: expected a map, got 'safety'"),
        ([{"usage": [1]}], "script line 1: usage: expected a map"),
        ([{"steps": 1}], "script line 1: steps: expected a list, got 1"),
        ([{"times": "2"}], "script line 1: times: expected a whole number from 0 on, got '2'"),
        ([{"hop_tokens": 0}], "script line 1: hop_tokens: expected a whole number from 1 on, got 0"),
        ([{"chunk": 1.5}], "script line 1: chunk: expected a whole number from 1 on, got 1.5"),
        ([{"delay": -1}], "script line 1: delay: expected seconds, got -1"),
        ([{"pace": float("nan")}], "script line 1: pace: expected seconds, got nan"),
        ([{"when": {"model": True}}], "script line 1: model: expected a pattern, got True"),
        ([{"when": {"turn": "1"}}], "script line 1: turn: expected a whole number from 1 on, got '1'"),
    ],
)
def test_a_wrong_script_is_an_error_at_the_start(script: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Emulator(script=script)


def test_files_that_are_not_scripts(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    for content in ("a: b", "- [", "5"):
        path.write_text(content)
        with pytest.raises(ValueError, match="script"):
            Emulator(script=path)


def test_a_pattern_may_be_a_number() -> None:
    client = InMemoryClient(Emulator(script=[{"when": {"prompt": 42}, "reply": "yes"}]))
    assert client.create("the 42nd")["steps"][-1]["content"][0]["text"] == "yes"


@pytest.mark.parametrize(
    "step",
    [
        {"type": "model_output", "content": True},
        {"type": "model_output", "content": ["x"]},
        {"type": "model_output", "content": [{"type": "text", "text": "x", "annotations": [{"type": []}]}]},
        {"type": "thought", "summary": "x"},
        {"type": "thought", "summary": [{}]},
        {"type": "google_search_call", "arguments": {"queries": True}},
    ],
)
def test_wrong_steps_are_answered_by_both_apis(step: dict[str, Any]) -> None:
    """Also streamed, and as the history of another turn."""
    annotated = {"type": "model_output", "content": [{"annotations": [{"type": "url_citation"}], "type": "text"}]}
    client = InMemoryClient(Emulator(script=[{"steps": [annotated, step]}]))
    first = client.create("hi")
    assert first["steps"] == [annotated, step]
    body = {"model": MODEL, "input": "hi", "previous_interaction_id": first["id"], "stream": True}
    assert client.post("/v1beta/interactions", body).body.endswith(b"data: [DONE]\n\n")
    generate = {"contents": [{"parts": [{"text": "hi"}]}]}
    for method in ("generateContent", "streamGenerateContent"):
        assert client.post(f"/v1beta/models/{MODEL}:{method}", generate).status == 200
