"""Scripts of the emulated model."""

from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator import Emulator

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
    assert (found["finishReason"], found["content"]["parts"]) == ("SAFETY", [{"text": "half"}])


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([{"repl": "x"}], "script line 1: unknown key 'repl', did you mean 'reply'"),
        ([{}, {"when": {"promt": "x"}}], "script line 2: unknown key 'promt', did you mean 'prompt'"),
        ([{"when": "("}], "script line 1: "),
        ([{"status": "done"}], "script line 1: unknown status 'done'"),
        (["x"], "script line 1: expected a map, got 'x'"),
        ([{"fault": "stal"}], "unknown fault 'stal'"),
        ([{"call": {}}], "script line 1: 'name'"),
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
