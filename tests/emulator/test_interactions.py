"""Interactions: create, get, cancel, delete, streams (api/README.md 2, 6, 7, 8)."""

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.emulator.service import Emulator
from gemini_cli.emulator.service_state import Pace

from .in_memory_client import MODEL, Clock, InMemoryClient, events, fold, text

WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {}}}}


def test_a_plain_answer_has_exactly_the_recorded_fields(client: InMemoryClient) -> None:
    found = client.create("How does AI work?")
    names = "id status usage created updated service_tier steps object model"
    assert list(found) == names.split()
    assert (found["status"], found["object"], found["model"]) == ("completed", "interaction", MODEL)
    assert [step["type"] for step in found["steps"]] == ["thought", "model_output"]
    assert found["created"] == found["updated"] == "2027-01-15T08:00:00Z"


def test_the_first_line_says_that_it_is_the_emulator(client: InMemoryClient) -> None:
    lines = text(client.create("How does AI work?")).split("\n")
    assert lines[0] == f"Emulator: turn 1, model {MODEL}."
    assert lines[1] == 'Part 1: text, 17 bytes: "How does AI work?".'
    assert len(lines) > 2


def test_content_types(client: InMemoryClient) -> None:
    plain = client.post("/v1/interactions", {"model": MODEL, "input": "Hi"})
    streamed = client.post("/v1/interactions", {"model": MODEL, "input": "Hi", "stream": True})
    wrong = client.post("/v1/interactions", {})
    found = [each.headers["content-type"] for each in (plain, streamed, wrong)]
    assert found == ["application/json", "text/event-stream", "application/json; charset=UTF-8"]


def test_the_same_question_gets_the_same_answer() -> None:
    one, two = (
        InMemoryClient(Emulator(clock=Clock())).post("/v1/interactions", {"model": MODEL, "input": "Hi"}) for _ in "ab"
    )
    assert one == two


IMAGE = {"type": "image", "data": base64.b64encode(b"12345").decode(), "mime_type": "image/png"}


@pytest.mark.parametrize(
    "value",
    [
        "Hi",
        {"type": "text", "text": "Hi"},
        [{"type": "text", "text": "Hi"}],
        [{"type": "user_input", "content": [{"type": "text", "text": "Hi"}]}],
        [{"type": "user_input", "content": "Hi"}],
    ],
)
def test_every_form_of_input_means_the_same(client: InMemoryClient, value: Any) -> None:
    assert 'Part 1: text, 2 bytes: "Hi".' in text(client.create(value))


def test_parts_are_reported_with_type_and_size(client: InMemoryClient) -> None:
    where = {"type": "document", "uri": "https://example.com/a.pdf", "mime_type": "application/pdf"}
    lines = text(client.create([{"type": "text", "text": "Grüße"}, IMAGE, where])).split("\n")
    assert lines[1:4] == [
        'Part 1: text, 7 bytes: "Grüße".',
        "Part 2: image, image/png, 5 bytes.",
        "Part 3: document, application/pdf, at https://example.com/a.pdf.",
    ]


def test_a_chain_counts_turns_and_has_the_history(client: InMemoryClient) -> None:
    first = client.create("I have 2 dogs.")
    second = client.create("How many paws?", previous_interaction_id=first["id"])
    third = client.create("And tails?", previous_interaction_id=second["id"])
    assert text(second).startswith("Emulator: turn 2,")
    assert text(third).startswith("Emulator: turn 3,")
    assert 'Earlier, in turn 1: "I have 2 dogs.".' in text(third)
    assert 'Earlier, in turn 2: "How many paws?".' in text(third)


def test_a_parent_may_be_continued_twice(client: InMemoryClient) -> None:
    first = client.create("One")
    children = [client.create("Two", previous_interaction_id=first["id"]) for _ in range(2)]
    assert [text(each).split(",")[0] for each in children] == ["Emulator: turn 2"] * 2


def test_a_stateless_history_equals_a_chain(client: InMemoryClient) -> None:
    first = client.create("One")
    chained = client.create("Two", previous_interaction_id=first["id"])
    user = {"type": "user_input", "content": [{"type": "text", "text": "One"}]}
    again = {"type": "user_input", "content": [{"type": "text", "text": "Two"}]}
    stateless = client.create([user, *first["steps"], again], store=False)
    assert text(stateless) == text(chained)
    assert stateless["usage"] == chained["usage"]


def test_without_store_there_is_no_id(client: InMemoryClient) -> None:
    assert "id" not in client.create("Hi", store=False)
    found = client.stream("Hi", store=False)
    assert found[0]["interaction"]["id"] == found[-1]["interaction"]["id"] == ""
    assert found[1]["interaction_id"] == ""
    assert not any("event_id" in event for event in found)


def test_get_has_the_user_input_first(client: InMemoryClient) -> None:
    made = client.create("Hi")
    found = client.get(f"/v1/interactions/{made['id']}?stream=false").json
    question = {"type": "user_input", "content": [{"text": "Hi", "type": "text"}]}
    assert found == {**made, "steps": [question, *made["steps"]]}
    with_input = client.get(f"/v1/interactions/{made['id']}?include_input=true&stream=false").json
    assert with_input == {**found, "input": [question]}


def test_delete(client: InMemoryClient) -> None:
    made = client.create("Hi")
    deleted = client.send("DELETE", f"/v1/interactions/{made['id']}")
    assert (deleted.status, deleted.json) == (200, {})
    gone = client.get(f"/v1/interactions/{made['id']}")
    assert (gone.status, gone.json["error"]["code"]) == (404, "not_found")
    assert client.send("DELETE", f"/v1/interactions/{made['id']}").status == 404


def test_a_malformed_id_and_an_unknown_id_are_different_errors(client: InMemoryClient) -> None:
    assert client.get("/v1/interactions/a%20b").status == 400
    assert client.get("/v1/interactions/v1_unknown").status == 404


def test_an_unknown_previous_interaction_is_an_error(client: InMemoryClient) -> None:
    found = client.error(model=MODEL, input="Hi", previous_interaction_id="v1_gone")
    assert found == (404, "not_found", "Requested entity was not found.")


# --- streams


def test_the_order_of_events(client: InMemoryClient) -> None:
    found = [event["event_type"] for event in client.stream("Hi")]
    assert found[:2] == ["interaction.created", "interaction.status_update"]
    assert re.sub(r"(step.delta )+", "step.delta+ ", " ".join(found[2:])) == (
        "step.start step.delta+ step.stop step.start step.delta+ step.stop interaction.completed"
    )


def test_the_fields_of_created_and_completed(client: InMemoryClient) -> None:
    found = client.stream("Hi")
    assert set(found[0]["interaction"]) == {"id", "object", "model", "status"}
    assert set(found[-1]["interaction"]) == {
        *("id", "status", "usage", "created", "updated", "service_tier", "object", "model"),
    }


def test_each_delta_is_an_item_of_its_own(client: InMemoryClient) -> None:
    reply = client.call("POST", "/v1/interactions", {"model": MODEL, "input": "Hi", "stream": True})
    texts = [item for item in reply.body if b'"type":"text"}' in item]
    assert len(texts) > 3
    assert all(item.count(b"event: ") == 1 for item in texts)


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "thinking_summaries": st.just("auto"),
        "thinking_level": st.sampled_from(["low", "high"]),
        "max_output_tokens": st.integers(1, 60),
        "stop_sequences": st.lists(st.sampled_from(["model", "e", "Part 1"]), min_size=1, max_size=2),
    },
)
TOOLS = st.lists(
    st.sampled_from(["google_search", "url_context", "code_execution", "google_maps", "file_search", "function"]),
    unique=True,
)


@given(prompt=st.text(max_size=60), config=CONFIGS, tools=TOOLS, model=st.sampled_from([MODEL, "gemini-2.5-pro"]))
def test_an_accumulated_stream_equals_the_plain_interaction(
    prompt: str, config: Any, tools: list[str], model: str
) -> None:
    declared = [WEATHER if name == "function" else {"type": name} for name in tools]
    body = {"model": model, "generation_config": config, "tools": declared, "store": False}
    if model.startswith("gemini-2.5"):
        body["generation_config"] = {key: each for key, each in config.items() if key != "thinking_level"}
    prompts = [prompt, f"get_weather {prompt}"]
    for each in prompts:
        # Two emulators, since one gives equal requests different ids.
        plain = InMemoryClient(Emulator(clock=Clock())).create(each, **body)
        assert fold(InMemoryClient(Emulator(clock=Clock())).stream(each, **body)) == {**plain, "id": ""}


def test_media_are_accumulated_too(client: InMemoryClient) -> None:
    body = {"response_format": [{"type": "image"}, {"type": "audio"}], "store": False}
    plain = client.create("Draw", **body)
    assert fold(client.stream("Draw", **body)) == {**plain, "id": ""}
    assert [part["type"] for part in plain["steps"][-1]["content"]] == ["image", "audio"]


def test_a_resumed_stream_continues_after_last_event_id(client: InMemoryClient) -> None:
    whole = client.stream("Hi")
    id = whole[0]["interaction"]["id"]
    for number, event in enumerate(whole, 1):
        target = f"/v1/interactions/{id}?last_event_id={event['event_id']}&stream=true"
        assert events(client.get(target).body) == whole[number:]
    assert events(client.get(f"/v1/interactions/{id}?stream=true").body) == whole


# --- endings


def test_a_token_limit_cuts_the_text(client: InMemoryClient) -> None:
    whole = client.create("Hi")
    cut = client.create("Hi", generation_config={"max_output_tokens": 5})
    assert cut["status"] == "incomplete"
    assert text(cut) == text(whole)[:20]
    assert cut["usage"]["total_output_tokens"] == 5


@pytest.mark.parametrize("prompt", ["é\ud83dü", "🥊🥊🥊"])
@pytest.mark.parametrize("limit", range(14, 30))
def test_a_limit_never_cuts_a_character(client: InMemoryClient, prompt: str, limit: int) -> None:
    """Also not a lone surrogate, which a JSON string may hold."""
    whole = text(client.create(prompt))
    cut = client.create(prompt, generation_config={"max_output_tokens": limit})
    assert whole.startswith(text(cut))
    assert (cut["status"] == "completed") == (text(cut) == whole)
    assert 4 * limit - 3 <= len(text(cut).encode("utf-8", "surrogatepass")) <= 4 * limit


def test_a_stop_sequence_ends_the_text_before_it(client: InMemoryClient) -> None:
    found = client.create("Hi", generation_config={"stop_sequences": ["Part 1"]})
    assert (found["status"], text(found)) == ("completed", f"Emulator: turn 1, model {MODEL}.\n")


def test_usage_adds_up(client: InMemoryClient) -> None:
    usage = client.create([{"type": "text", "text": "12345"}, IMAGE])["usage"]
    assert usage["input_tokens_by_modality"] == [
        {"modality": "text", "tokens": 2},
        {"modality": "image", "tokens": 258},
    ]
    summed = [usage[f"total_{name}_tokens"] for name in ("input", "output", "thought", "tool_use")]
    assert usage["total_tokens"] == sum(summed)


def test_a_long_answer_is_continued_with_its_token() -> None:
    client = InMemoryClient(Emulator(output_cap=10))
    first = client.create("Hi")
    assert first["status"] == "requires_continuation"
    pieces, found = [text(first)], first
    while "continuation_token" in found:
        body = {"continuation_token": found["continuation_token"], "previous_interaction_id": found["id"]}
        response = client.post("/v1/interactions", {"model": MODEL, **body})
        found = response.json
        pieces.append(text(found))
    assert found["status"] == "completed"
    assert "".join(pieces) == text(InMemoryClient().create("Hi"))
    after = client.create("Next", previous_interaction_id=found["id"])
    assert text(after).startswith("Emulator: turn 2,")


def test_continuation_without_store_resends_the_input() -> None:
    client = InMemoryClient(Emulator(output_cap=20))
    first = client.create("Hi", store=False)
    second = client.create("Hi", store=False, continuation_token=first["continuation_token"])
    assert text(first) + text(second) == text(InMemoryClient().create("Hi"))[: len(text(first) + text(second))]


def test_a_wrong_continuation_token_is_an_error(client: InMemoryClient) -> None:
    assert client.error(model=MODEL, input="Hi", continuation_token="???")[0] == 400


# --- background


def test_a_background_run_takes_time(client: InMemoryClient, clock: Clock) -> None:
    made = client.create("Hi", background=True)
    assert set(made) == {"id", "status", "created", "updated", "object", "model"}
    assert made["status"] == "in_progress"
    assert client.get(f"/v1/interactions/{made['id']}").json == made
    clock.now += 2
    assert client.get(f"/v1/interactions/{made['id']}").json["status"] == "completed"


def test_an_interaction_in_progress_cannot_be_continued(client: InMemoryClient, clock: Clock) -> None:
    made = client.create("Hi", background=True)
    status, code, _ = client.error(model=MODEL, input="More", previous_interaction_id=made["id"])
    assert (status, code) == (400, "failed_precondition")
    clock.now += 2
    assert text(client.create("More", previous_interaction_id=made["id"])).startswith("Emulator: turn 2,")


def test_a_background_stream_waits_for_the_end(client: InMemoryClient, clock: Clock) -> None:
    found = client.stream("Hi", background=True)
    assert sum(clock.slept) == pytest.approx(2)
    assert fold(found)["status"] == "completed"
    assert [event["event_id"].rpartition(".")[2] for event in found] == [str(n + 1) for n in range(len(found))]


def test_a_stream_in_progress_is_resumed_without_a_gap(client: InMemoryClient) -> None:
    made = client.create("Hi", background=True)
    whole = events(client.get(f"/v1/interactions/{made['id']}?stream=true").body)
    fresh = InMemoryClient(client.emulator)
    again = fresh.create("Hi", background=True)
    first = f"{again['id']}.1"
    rest = events(fresh.get(f"/v1/interactions/{again['id']}?stream=true&last_event_id={first}").body)
    assert [event["event_type"] for event in rest] == [event["event_type"] for event in whole[1:]]


def test_cancel(client: InMemoryClient) -> None:
    made = client.create("Hi", background=True)
    cancelled = client.post(f"/v1/interactions/{made['id']}/cancel")
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    assert "steps" not in cancelled.json
    again = client.post(f"/v1/interactions/{made['id']}/cancel")
    assert (again.status, again.json["error"]["code"]) == (400, "failed_precondition")
    assert client.post("/v1/interactions/v1_unknown/cancel").status == 404


def test_a_cancelled_run_ends_its_stream(clock: Clock) -> None:
    client = InMemoryClient(Emulator(clock=clock, sleep=clock.sleep, pace=Pace(background=60)))
    made = client.create("Hi", background=True)
    body = iter(client.call("GET", f"/v1/interactions/{made['id']}?stream=true").body)
    head = [next(body) for _ in range(3)]
    client.post(f"/v1/interactions/{made['id']}/cancel")
    found = events(b"".join([*head, *body]))
    assert found[-1]["interaction"]["status"] == "cancelled"
    assert clock.now < 1_800_000_000 + 2


# --- tools


def test_a_function_in_the_prompt_is_called(client: InMemoryClient) -> None:
    first = client.create('Please use get_weather {"city": "Oslo"}', tools=[WEATHER])
    assert first["status"] == "requires_action"
    call = first["steps"][-1]
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "get_weather", {"city": "Oslo"})
    result = {"type": "function_result", "call_id": call["id"], "name": "get_weather", "result": {"temp": 7}}
    second = client.create([result], previous_interaction_id=first["id"], tools=[WEATHER])
    assert second["status"] == "completed"
    assert 'Result of get_weather: {"temp": 7}.' in text(second)


def test_arguments_that_are_not_json_are_sampled(client: InMemoryClient) -> None:
    found = client.create("get_weather {city", tools=[WEATHER])
    assert found["steps"][-1]["arguments"] == {"city": "emulator"}


def test_an_environment_has_an_id(client: InMemoryClient) -> None:
    body = {"agent": "antigravity-preview-09-2026", "environment": "remote", "input": "Hi"}
    found = client.post("/v1/interactions", body).json
    assert (found["agent"], found["environment_id"], "model" in found) == (body["agent"], "env_emulator", False)


def test_a_documented_prompt_calls_its_function(client: InMemoryClient) -> None:
    location = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
    tool = {"type": "function", "name": "get_current_temperature", "parameters": location}
    found = client.create("What's the temperature in London?", tools=[tool])
    assert found["steps"][-1]["arguments"] == {"location": "London"}


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("any", ["get_weather"]),
        ("auto", []),
        ("none", []),
        ({"allowed_tools": {"mode": "any", "tools": ["get_time"]}}, ["get_time"]),
        ({"allowed_tools": {"mode": "auto", "tools": ["get_time"]}}, []),
    ],
)
def test_tool_choice(client: InMemoryClient, choice: Any, called: list[str]) -> None:
    tools = [WEATHER, {**WEATHER, "name": "get_time"}]
    found = client.create("Hello", tools=tools, generation_config={"tool_choice": choice})
    names = [step["name"] for step in found["steps"] if step["type"] == "function_call"]
    assert names == called
    assert found["status"] == ("requires_action" if called else "completed")


@pytest.mark.parametrize("choice", ["any", {"allowed_tools": {"mode": "any", "tools": ["get_weather"]}}])
def test_a_forced_call_is_repeated_after_its_result(client: InMemoryClient, choice: Any) -> None:
    body = {"tools": [WEATHER], "generation_config": {"tool_choice": choice}}
    first = client.create("Hello", **body)
    call = first["steps"][-1]
    result = {"type": "function_result", "call_id": call["id"], "name": call["name"], "result": "7"}
    second = client.create([result], previous_interaction_id=first["id"], **body)
    assert (second["status"], second["steps"][-1]["name"]) == ("requires_action", "get_weather")
    assert second["steps"][-1]["id"] != call["id"]
    third = client.create([result], previous_interaction_id=first["id"], tools=[WEATHER])
    assert (third["status"], text(third).count("Result of get_weather: 7.")) == ("completed", 1)


def test_forced_calls_come_to_an_end(client: InMemoryClient) -> None:
    """A client may force calls until the function for its final answer is called."""
    tools = [WEATHER, {**WEATHER, "name": "final_result"}]
    body = {"tools": tools, "generation_config": {"tool_choice": "any"}}
    found = client.create("Call get_weather", **body)
    names = [found["steps"][-1]["name"]]
    for _ in range(2):
        result = {"type": "function_result", "call_id": found["steps"][-1]["id"], "result": "7"}
        found = client.create([result], previous_interaction_id=found["id"], **body)
        names.append(found["steps"][-1]["name"])
    assert names == ["get_weather", "final_result", "get_weather"]


def test_calls_of_equal_requests_have_different_ids(client: InMemoryClient) -> None:
    tools, other = [WEATHER], InMemoryClient(Emulator(clock=Clock()))
    ids = [each.create("get_weather", tools=tools)["steps"][-1]["id"] for each in (client, client, other)]
    assert (ids[0] != ids[1], ids[0] == ids[2]) == (True, True)


def test_declared_tools_are_input(client: InMemoryClient) -> None:
    plain = client.create("Hi")["usage"]["total_input_tokens"]
    assert client.create("Hi", tools=[WEATHER])["usage"]["total_input_tokens"] > plain + 10


def test_several_functions_are_called_together_with_ids_of_their_own(client: InMemoryClient) -> None:
    tools = [WEATHER, {**WEATHER, "name": "get_time"}]
    found = client.create("First get_time, then get_weather.", tools=tools)
    calls = [step for step in found["steps"] if step["type"] == "function_call"]
    assert [call["name"] for call in calls] == ["get_time", "get_weather"]
    assert len({call["id"] for call in calls}) == 2


def test_arguments_come_as_text_in_several_deltas(client: InMemoryClient) -> None:
    found = client.stream('get_weather {"city": "Llanfairpwllgwyngyll"}', tools=[WEATHER])
    starts = [event["step"] for event in found if event["event_type"] == "step.start"]
    assert starts[-1]["arguments"] == {}
    deltas = [event["delta"] for event in found if event.get("delta", {}).get("type") == "arguments_delta"]
    assert len(deltas) > 1
    assert json.loads("".join(delta["arguments"] for delta in deltas)) == {"city": "Llanfairpwllgwyngyll"}


def test_a_search_has_steps_and_citations_with_byte_offsets(client: InMemoryClient) -> None:
    found = client.create("Grüße?", tools=[{"type": "google_search"}])
    kinds = [step["type"] for step in found["steps"]]
    assert kinds == ["google_search_call", "google_search_result", "thought", "model_output"]
    part = found["steps"][-1]["content"][0]
    citations = part["annotations"]
    assert len({each["url"] for each in citations}) == len({each["title"] for each in citations}) == 2
    cited = [part["text"].encode()[each["start_index"] : each["end_index"]].decode() for each in citations]
    assert cited == [line for line in part["text"].split("\n") if "page" in line]
    assert found["usage"]["grounding_tool_count"] == [{"type": "google_search", "count": 1}]


def test_a_model_of_2_5_has_its_search_after_the_text(client: InMemoryClient) -> None:
    found = client.create("Hi", model="gemini-2.5-flash", tools=[{"type": "google_search"}])
    assert [step["type"] for step in found["steps"]][:2] == ["thought", "model_output"]


@pytest.mark.parametrize("tool", ["url_context", "code_execution", "google_maps", "file_search"])
def test_every_built_in_tool_has_a_call_and_a_result(client: InMemoryClient, tool: str) -> None:
    found = client.create("Look at https://example.net/x.", tools=[{"type": tool}])
    call, result = found["steps"][:2]
    assert (call["type"], result["type"]) == (f"{tool}_call", f"{tool}_result")
    assert result["call_id"] == call["id"]


def test_a_thought_always_has_a_signature_and_a_summary_on_request(client: InMemoryClient) -> None:
    silent = client.create("Hi")["steps"][0]
    telling = client.create("Hi", generation_config={"thinking_summaries": "auto"})["steps"][0]
    assert "summary" not in silent
    assert telling["summary"][0]["text"].startswith("**")
    assert base64.b64decode(silent["signature"])
    least = client.create("Hi", model="gemini-3.6-flash", generation_config={"thinking_level": "minimal"})
    assert least["usage"]["total_thought_tokens"] == 0
    assert least["steps"][0]["signature"]


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ("gemini-4-neon", "xhigh"),
        ("gemini-4-hydrogen", "xhigh"),
        ("gemini-3.5-flash", "minimal"),
        ("gemini-3.1-flash-lite-image", "minimal"),
        ("gemini-new", "xhigh"),
    ],
)
def test_a_thinking_level_of_the_model_is_accepted(client: InMemoryClient, model: str, level: str) -> None:
    assert client.create("Hi", model=model, generation_config={"thinking_level": level})["status"] == "completed"
    config = {"thinkingConfig": {"thinkingLevel": level.upper()}}
    assert client.generate(model=model, generationConfig=config)["candidates"]


def test_deferred_tools_tiers_and_environments_are_accepted(client: InMemoryClient) -> None:
    """Fields of google-genai 3.6.1 (api/README.md 2.12-2.14, 9.1)."""
    server = {"type": "mcp_server", "name": "s", "url": "https://example.com/mcp", "defer_loading": True}
    environment = {"type": "remote", "mode": "self_hosted", "custom_config": {"a": 1}, "env": {"A": "b"}}
    made = client.create("Hi", tools=[server], environment=environment, service_tier="deferred")
    assert (made["status"], made["service_tier"]) == ("completed", "deferred")
    config = {"type": "antigravity", "model": MODEL, "max_total_tokens": "1000"}
    body = {"agent": "antigravity-preview-09-2026", "input": "Hi", "environment": "remote", "agent_config": config}
    assert client.post("/v1beta/interactions", body).status == 200


def test_a_schema_gives_json_that_fits(client: InMemoryClient) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wrapped = {"type": "text", "mime_type": "application/json", "schema": schema}
    for form in (wrapped, [wrapped], schema):
        assert json.loads(text(client.create("A number", response_format=form))) == {"n": 1}
