"""`call-tool`: who makes which call, what the model is told of it, and what is on stdout in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.errors import ActionRequired
from gemini_cli.tools import calls
from gemini_cli.tools.calls import Runnable
from gemini_cli.tools.process_runner import ProcessSpec
from tests.harness import Outcome, ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text

WEATHER = """\
- name: weather
  parameters: {type: object, properties: {city: {type: string}}, required: [city]}
  run: [sh, -c, 'cat >> given; echo >> given; echo "{\\"degrees\\": 7}"']
"""
BY_HAND = "- {name: ask_boss, parameters: {type: object}}\n"


def call(call_id: str = "c1", name: str = "weather", arguments: Any = None) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": call_id,
        "name": name,
        "arguments": {"city": "Oslo"} if arguments is None else arguments,
    }


def calling(*steps: dict[str, Any], interaction_id: str | None = "v1_c", **more: Any) -> httpx.Response:
    """An answer that ends in calls."""
    named = {"id": interaction_id} if interaction_id else {}
    return reply({**named, "status": "requires_action", "steps": list(steps), **more})


def streamed(said: str, **more: Any) -> httpx.Response:
    return sse(created(), start(), *(text(piece) for piece in said), completed(**more))


def as_stream(plain: httpx.Response) -> httpx.Response:
    """The same answer as events, its steps whole from the start."""
    body = json.loads(plain.read())
    steps = [start(index, **step) for index, step in enumerate(body.pop("steps"))]
    return sse(created(), *steps, {"event_type": "interaction.completed", "interaction": body})


def rounds(*calls: dict[str, Any]) -> list[httpx.Response]:
    """An answer with one call for each round: the first one plain, the others streamed."""
    first, *others = map(calling, calls)
    return [first, *map(as_stream, others)]


def bodies(wire: ScriptedTransport) -> list[Any]:
    return [json.loads(each.content) for each in wire.requests]


def tool(*argv: str, answers: Any = (), declared: str = WEATHER, **more: Any) -> Outcome:
    Path("tools.yaml").write_text(declared)
    return gemini("call-tool", "-q", "-T", "tools.yaml", "-m", "m", *argv, answers=answers, **more)


def told(run: str, *more: str, answer: dict[str, Any] | None = None) -> Any:
    """The result that the model gets of one call of a function that runs this line of shell."""
    declared = json.dumps([{"name": "weather", "run": ["sh", "-c", run], **json.loads(more[0] if more else "{}")}])
    wire = ScriptedTransport([calling(answer or call()), streamed("ok")])
    Path("tools.json").write_text(declared)
    outcome = gemini("call-tool", "-q", "-T", "tools.json", "hi", answers=wire)
    assert (outcome.status, outcome.out) == (0, "ok\n")
    [result] = bodies(wire)[1]["input"]
    assert (result["type"], result["name"], result["call_id"]) == ("function_result", "weather", "c1")
    return (result["result"], result.get("is_error", False))


# Rounds --------------------------------------------------------------------------------------------------------------


def test_a_call_is_made_and_the_answer_streamed() -> None:
    wire = ScriptedTransport([calling({"type": "thought", "signature": "s"}, call()), streamed("7 degrees")])
    assert tool("How cold?", answers=wire) == (0, "7 degrees\n", "")
    declaration = {
        "type": "function",
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    result = {"type": "function_result", "name": "weather", "call_id": "c1", "result": {"degrees": 7}}
    assert bodies(wire) == [
        {"model": "m", "tools": [declaration], "input": "How cold?"},
        {
            "model": "m",
            "tools": [declaration],
            "previous_interaction_id": "v1_c",
            "input": [result],
            "stream": True,
        },
    ]
    assert Path("given").read_text() == '{"city":"Oslo"}\n'


def test_an_idle_answer_waits_for_its_calls_and_is_complete_without() -> None:
    """`idle` may stand for either state (api/README.md 6.6)."""
    idle = reply({"id": "v1_c", "status": "idle", "steps": [call()]})
    last = sse(created(), start(), text("7 degrees"), completed("idle"))
    assert tool("How cold?", answers=[idle, last]) == (0, "7 degrees\n", "")
    waiting = gemini("generate", "hi", answers=[reply({"id": "v1_c", "status": "idle", "steps": [call()]})])
    assert (waiting.status, waiting.json["calls"][0]["name"]) == (10, "weather")
    body = {"id": "v1_c", "status": "idle", "steps": [call()]}
    assert gemini("generate", "--json", "hi", answers=[reply(body)]).json == body
    again = gemini("stream", "hi", answers=[as_stream(reply(body))])
    assert (again.status, again.json) == (10, waiting.json)


def test_what_is_not_stored_is_said_again_unchanged() -> None:
    steps = [{"type": "thought", "signature": "s", "new": 1}, call() | {"signature": "s"}, {"type": "unknown", "x": 1}]
    wire = ScriptedTransport([calling(*steps, interaction_id=None), streamed("ok")])
    assert tool("--no-store", "How cold?", answers=wire).out == "ok\n"
    asked = {"type": "user_input", "content": [{"type": "text", "text": "How cold?"}]}
    sent = bodies(wire)[1]
    assert sent["input"][:-1] == [asked, *steps]
    assert sent["input"][-1]["type"] == "function_result"
    assert sent["store"] is False
    assert "previous_interaction_id" not in sent


def test_parallel_calls_are_answered_together_in_their_order() -> None:
    run = "sleep $(tr -dc 0-9.); date +%s.%N"
    declared = json.dumps([{"name": "nap", "run": ["sh", "-c", run]}])
    naps = [call(f"c{place}", "nap", {"s": seconds}) for place, seconds in enumerate((0.4, 0.1, 0.3))]
    wire = ScriptedTransport([calling(*naps, naps[0]), streamed("ok")])
    assert tool("hi", answers=wire, declared=declared).status == 0
    results = bodies(wire)[1]["input"]
    assert [each["call_id"] for each in results] == ["c0", "c1", "c2"]
    ended = [float(each["result"]) for each in results]
    assert max(ended) == ended[0]
    assert max(ended) - min(ended) < 0.4 + 0.3


def test_words_before_a_call_are_shown_but_are_not_the_answer() -> None:
    said = {"type": "model_output", "content": [{"type": "text", "text": "Let me look.\x1b"}]}
    Path("tools.yaml").write_text(WEATHER)
    outcome = gemini("call-tool", "-T", "tools.yaml", "hi", answers=[calling(said, call()), streamed("7")])
    assert outcome == (0, "7\n", "Let me look.\\u001b\n")


def test_after_a_result_words_come_as_they_are_said() -> None:
    """Also those before one more call: they were out before it was known."""
    again = sse(
        created("v1_d"), start(), text("Oslo: 7."), start(1, **call("c2", arguments={})),
        {"event_type": "step.delta", "index": 1, "delta": {"type": "arguments_delta", "arguments": '{"city":"Rome"}'}},
        completed("requires_action", id="v1_d", usage={"total_tokens": 2}),
    )  # fmt: skip
    wire = ScriptedTransport(
        [calling(call(), usage={"total_tokens": 1}), again, streamed("Rome: 7.", usage={"total_tokens": 4})]
    )
    assert tool("-u", "hi", answers=wire) == (0, "Oslo: 7.\nRome: 7.\n", "usage: 7 total tokens\n")
    assert bodies(wire)[2]["previous_interaction_id"] == "v1_d"
    assert Path("given").read_text() == '{"city":"Oslo"}\n{"city":"Rome"}\n'


def test_without_a_call_it_is_a_question_like_any_other() -> None:
    assert tool("hi", answers=[reply(interaction())]) == (0, "Hello!\n", "")


def test_json_is_the_last_interaction() -> None:
    last = interaction("7", extra={"x": 1})
    outcome = tool("--json", "hi", answers=[calling(call()), reply(last)])
    assert outcome.json == last
    assert outcome.out.count("\n") == 1


def test_a_file_gets_the_answer_and_nothing_said_before() -> None:
    said = {"type": "model_output", "content": [{"type": "text", "text": "Let me look."}]}
    assert tool("-o", "out.txt", "hi", answers=[calling(said, call()), reply(interaction("7"))]) == (0, "", "")
    assert Path("out.txt").read_text() == "7\n"


def test_the_schema_and_the_sources_are_those_of_the_answer() -> None:
    schema = '{"type":"object","required":["n"]}'
    assert tool("--schema", schema, "hi", answers=[calling(call()), streamed('{"n":1}')]).status == 0
    assert tool("--schema", schema, "hi", answers=[calling(call()), streamed("[]")]).status == 14
    note = {"type": "url_citation", "url": "https://e.test", "title": "e"}
    cited = {"event_type": "step.delta", "index": 0, "delta": {"type": "text_annotation_delta", "annotations": [note]}}
    answers = [calling(call()), sse(created(), start(), text("7"), cited, completed())]
    assert tool("--citations", "-T", "google_search", "hi", answers=answers).out.endswith("- [e](https://e.test)\n")


def test_functions_and_built_in_tools_go_together() -> None:
    wire = ScriptedTransport([calling(call()), streamed("ok")])
    assert tool("-T", "google_search", "hi", answers=wire).status == 0
    assert [each["type"] for each in bodies(wire)[1]["tools"]] == ["function", "google_search"]


def test_a_later_round_that_fails_was_billed() -> None:
    outcome = tool("--json", "--retries", "0", "hi", answers=[calling(call()), httpx.ConnectError("refused")])
    error = json.loads(outcome.err)["error"]
    assert (outcome.status, error["billed"], error["interaction_id"]) == (5, "yes", "v1_c")
    assert tool("hi", answers=[calling(call()), httpx.ReadError("reset")]).status == 12


def test_an_answer_that_is_cut_after_a_call_is_a_prefix() -> None:
    cut = sse(created(), start(), text("7 deg"), httpx.ReadError("reset"))
    outcome = tool("--no-store", "hi", answers=[calling(call(), interaction_id=None), cut])
    assert (outcome.status, outcome.out) == (8, "7 deg")


def test_the_conversation_goes_on_where_it_ended(home: Path) -> None:
    environ = {"HOME": str(home)}
    assert tool("hi", answers=[calling(call()), streamed("ok")], environ=environ).status == 0
    assert gemini("generate", "-n", "-c", "more", environ=environ).body["previous_interaction_id"] == "v1_a"


# What the model is told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "result"),
    [
        ("echo '{\"t\": [1, null]}'", {"t": [1, None]}),
        ("echo 7 degrees", "7 degrees"),
        ("echo 7", "7"),
        ("echo '[1, 2]'", "[1, 2]"),
        ("echo '[]'", "[]"),
        ('echo \'[{"type": "text", "text": "a"}]\'', [{"type": "text", "text": "a"}]),
        ("echo '{\"t\": NaN}'", '{"t": NaN}'),
        ("printf 'caf\\351'", "caf\ufffd"),
        ("printf 'a\\0b\\n\\n'", "a\0b"),
        ("true", "(no output)"),
        ("exec <&-; echo unread", "unread"),
        ("echo lost >&2; echo kept", "kept"),
    ],
)
def test_stdout_is_the_result(run: str, result: Any) -> None:
    assert told(run) == (result, False)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("echo '{\"t\": 1}'; echo why >&2; exit 3", ["exit status 3", "why", '{"t": 1}']),
        ("kill -15 $$", ["signal 15"]),
        ("sleep 30", ["did not end within 0.3 s"]),
        ("yes", ["did not end within 0.3 s"]),
    ],
)
def test_what_fails_is_an_error_that_the_model_sees(run: str, words: list[str]) -> None:
    result, is_error = told(run, '{"timeout": 0.3}')
    assert is_error
    assert [word for word in words if word not in result] == []
    assert len(result) < 5000


def test_output_beyond_the_limit_is_marked() -> None:
    result, is_error = told("yes | head -c 3000000")
    assert not is_error
    assert result.endswith("y\n\n[cut: these are the first 1048576 bytes]")
    assert told("printf 1; head -c 2000000 /dev/zero | tr '\\0' 2")[0].endswith("bytes]")


def test_a_picture_is_sent_as_one() -> None:
    picture = [{"type": "image", "mime_type": "image/png", "data": "iVBORw=="}]
    assert told("printf '\\211PNG'", '{"content_type": "image/png"}') == (picture, False)
    assert told("printf x", '{"content_type": "application/pdf"}')[0][0]["type"] == "document"
    assert told("echo '{}'", '{"content_type": "text/plain"}') == ("{}\n", False)
    result, is_error = told("head -c 2000000 /dev/zero", '{"content_type": "image/png"}')
    assert is_error
    assert "no image/png" in result


SCHEMA = '{"parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}'


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "'city' is a required property"), ({"city": 7}, "$.city: 7 is not"), ("no json", "not a JSON object")],
)
def test_arguments_that_do_not_fit_run_nothing(arguments: Any, words: str) -> None:
    result, is_error = told("touch ran", SCHEMA, answer=call(arguments=arguments))
    assert is_error
    assert words in result
    assert not Path("ran").exists()


def test_a_call_without_arguments_has_empty_ones() -> None:
    bare = {key: value for key, value in call().items() if key != "arguments"}
    assert told("cat", answer=bare) == ({}, False)


def test_a_function_that_nobody_declared_is_an_error() -> None:
    wire = ScriptedTransport([calling(call(name="rm\x1b[2J")), streamed("sorry")])
    Path("tools.yaml").write_text(WEATHER)
    outcome = gemini("call-tool", "-T", "tools.yaml", "hi", answers=wire)
    assert outcome[:2] == (0, "sorry\n")
    assert outcome.err == (
        "gemini-cli: the call of rm\\u001b[2J failed: no function rm\\u001b[2J is declared; there are: weather;"
        " the model gets the error\n"
    )
    [result] = bodies(wire)[1]["input"]
    assert result["is_error"] is True


# What is refused -----------------------------------------------------------------------------------------------------


def test_the_same_call_is_not_made_three_times_in_a_row() -> None:
    outcome = tool("hi", answers=rounds(*(call(f"c{n}") for n in range(3))))
    assert (outcome.status, outcome.out) == (10, "")
    assert 'weather({"city":"Oslo"})' in outcome.err
    assert Path("given").read_text().count("\n") == 2


def test_nor_three_times_in_one_round() -> None:
    assert tool("hi", answers=[calling(*(call(f"c{n}") for n in range(3)))]).status == 10
    assert not Path("given").exists()


def test_another_call_in_between_begins_a_new_row() -> None:
    cities = ["Oslo", "Oslo", "Rome", "Oslo", "Oslo"]
    answers = rounds(*(call(f"c{n}", arguments={"city": city}) for n, city in enumerate(cities)))
    assert tool("hi", answers=[*answers, streamed("ok")]).status == 0


@pytest.mark.parametrize(("flags", "allowed"), [([], 8), (["--max-rounds", "2"], 2), (["--max-rounds", "0"], 0)])
def test_rounds_are_limited(flags: list[str], allowed: int) -> None:
    answers = rounds(*(call(f"c{n}", arguments={"city": f"c{n}"}) for n in range(allowed + 1)))
    outcome = tool(*flags, "-u", "hi", answers=answers)
    assert (outcome.status, outcome.out) == (10, "")
    assert f"weather after {allowed} rounds" in outcome.err
    assert outcome.err.startswith("usage: ")
    assert f"`gemini-cli call-tool --previous v1_c --result c{allowed}=@FILE`" in outcome.err
    assert allowed == (Path("given").read_text().count("\n") if allowed else 0)


@pytest.mark.parametrize(
    ("argv", "count", "words"),
    [
        ([], 65, "65 calls of weather in a round, the limit is 64 (--max-calls)"),
        (["--max-calls", "2"], 3, "3 calls of weather in a round, the limit is 2 (--max-calls)"),
        (["--max-calls", "0"], 1, "1 calls of weather in a round, the limit is 0 (--max-calls)"),
        ([], 20_000, "20000 calls of weather in a round"),
    ],
)
def test_calls_of_a_round_are_limited(argv: list[str], count: int, words: str) -> None:
    many = calling(*(call(f"c{n}", arguments={"city": str(n)}) for n in range(count)))
    outcome = tool(*argv, "hi", answers=[many])
    assert (outcome.status, outcome.out) == (10, "")
    assert words in outcome.err
    assert len(outcome.err) < 5000
    assert not Path("given").exists()


def test_calls_of_a_run_are_limited() -> None:
    cities = iter(range(100))
    batches = [[call(f"c{n}", arguments={"city": str(n)}) for n, _ in zip(cities, range(2))] for _ in range(5)]  # noqa: B905
    first, *others = (calling(*batch) for batch in batches)
    outcome = tool("--max-calls", "2", "hi", answers=[first, *map(as_stream, others)])
    assert outcome.status == 10
    assert "10 calls of weather in a run, the limit is 8 (--max-calls)" in outcome.err
    assert Path("given").read_text().count("\n") == 8


def test_a_call_that_is_repeated_after_its_result_is_not_made_again() -> None:
    wire = ScriptedTransport([*rounds(call(), call(), call("c2", arguments={"city": "Rome"})), streamed("ok")])
    assert tool("hi", answers=wire) == (0, "ok\n", "")
    sent = [each["input"] for each in bodies(wire)[1:]]
    assert sent[0] == sent[1]
    assert Path("given").read_text() == '{"city":"Oslo"}\n{"city":"Rome"}\n'


def test_another_call_with_the_id_of_an_earlier_one_is_made() -> None:
    wire = ScriptedTransport([*rounds(call(), call(arguments={"city": "Rome"})), streamed("ok")])
    assert tool("hi", answers=wire).status == 0
    assert Path("given").read_text() == '{"city":"Oslo"}\n{"city":"Rome"}\n'


def test_a_command_gets_an_integer_where_the_declaration_says_so() -> None:
    schema = '{"parameters": {"type": "object", "properties": {"n": {"type": "integer"}, "x": {"type": "number"}}}}'
    assert told("cat", schema, answer=call(arguments={"n": 5.0, "x": 5.0})) == ({"n": 5, "x": 5.0}, False)
    assert told("grep -o 'n.:5,'", schema, answer=call(arguments={"n": 5.0, "x": 1})) == ('n":5,', False)


@pytest.mark.parametrize("store", [[], ["--no-store"]])
@pytest.mark.parametrize("depth", [150, 300, 970, 5000])
def test_arguments_that_are_nested_deeply_are_no_bug(depth: int, store: list[str]) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    answer = b'{"id":"v1_c","status":"requires_action","steps":[' + json.dumps(call(arguments="deep")).encode() + b"]}"
    wire = ScriptedTransport([reply(answer.replace(b'"deep"', deep)), *([streamed("ok")] if depth == 150 else [])])
    assert tool(*store, "hi", answers=wire).status == (0 if depth == 150 else 6)


def test_one_call_is_refused_and_none_is_made() -> None:
    touch = Runnable(ProcessSpec(["touch", "ran"], "/usr/bin/touch", {}, None), {}, None)
    with pytest.raises(ActionRequired, match="the call of weather was refused"):
        calls.run_calls([call("c1"), call("c2")], {"weather": touch}, lambda asked: asked["id"] == "c1")
    assert not Path("ran").exists()


def test_who_was_stopped_can_go_on() -> None:
    history = ("--history", "h.json")
    stopped = tool(*history, "--max-rounds", "0", "hi", answers=[calling(call(), interaction_id=None)])
    assert (stopped.status, stopped.out) == (10, "")
    assert "`gemini-cli call-tool --history FILE --result c1=@FILE` with the same options" in stopped.err
    wire = ScriptedTransport([streamed("7")])
    assert tool(*history, "--result", "c1=7", answers=wire).out == "7\n"
    assert [step["type"] for step in bodies(wire)[0]["input"]] == ["user_input", "function_call", "function_result"]


# In two phases -------------------------------------------------------------------------------------------------------


def test_a_call_that_nobody_here_may_make_is_handed_out() -> None:
    said = {"type": "model_output", "content": [{"type": "text", "text": "Let me ask."}]}
    asked = call("c9", "ask_boss", {"q": "ü"})
    outcome = tool("hi", answers=[calling(said, asked)], declared=BY_HAND)
    assert outcome.status == 10
    assert outcome.out == '{"interaction_id":"v1_c","calls":[{"id":"c9","name":"ask_boss","arguments":{"q":"ü"}}]}\n'
    assert "ask_boss" in outcome.err
    assert "hint: run `gemini-cli call-tool --previous v1_c --result c9=@FILE` with the same options\n" in outcome.err
    assert tool("-o", "x", "hi", answers=[calling(said, asked)], declared=BY_HAND).out == outcome.out
    assert not Path("x").exists()
    plain = tool("--json", "hi", answers=[calling(said, asked)], declared=BY_HAND)
    assert plain.json["steps"] == [said, asked]


def test_one_such_call_among_others_and_none_is_made() -> None:
    outcome = tool("hi", answers=[calling(call("c1"), call("c2", "ask_boss", {}))], declared=WEATHER + BY_HAND)
    assert [each["id"] for each in outcome.json["calls"]] == ["c1", "c2"]
    assert not Path("given").exists()


def test_where_a_call_may_be_handed_out_no_words_come_before_it() -> None:
    """So rounds are asked plainly, and stdout has the calls or the answer."""
    answers = [calling(call()), calling(call("c2", "ask_boss", {}))]
    outcome = tool("hi", answers=answers, declared=WEATHER + BY_HAND)
    assert [each["name"] for each in outcome.json["calls"]] == ["ask_boss"]
    assert tool("hi", answers=[calling(call()), reply(interaction())], declared=WEATHER + BY_HAND).out == "Hello!\n"


def test_computer_use_has_functions_of_its_own() -> None:
    outcome = tool("-T", "computer_use", "hi", answers=[calling(call(name="click_at", arguments={"x": 1}))])
    assert outcome.json["calls"][0]["name"] == "click_at"


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_generate_and_stream_hand_out_too(command: str) -> None:
    Path("tools.yaml").write_text(WEATHER)
    steps = [{"type": "model_output", "content": [{"type": "text", "text": "Let me ask."}]}, call()]
    plain = calling(*steps)
    outcome = gemini(command, "-T", "tools.yaml", "hi", answers=[plain if command == "generate" else as_stream(plain)])
    assert outcome.status == 10
    line = '{"interaction_id":"v1_c","calls":[{"id":"c1","name":"weather","arguments":{"city":"Oslo"}}]}\n'
    if command == "stream":
        assert outcome.out == f"Let me ask.\n{line}"
    else:
        assert outcome.out == line
        assert outcome.err.startswith("Let me ask.\n")
    assert not Path("given").exists()


def test_results_finish_it() -> None:
    Path("out.json").write_text('{"degrees": 7}\n')
    argv = ("--previous", "v1_c", "--result", "c1=@out.json")
    wire = ScriptedTransport([streamed("7 degrees")])
    assert tool(*argv, answers=wire, stdin=b"not read") == (0, "7 degrees\n", "")
    [body] = bodies(wire)
    assert body["previous_interaction_id"] == "v1_c"
    assert body["input"] == [{"type": "function_result", "name": "weather", "call_id": "c1", "result": {"degrees": 7}}]
    assert body["tools"][0]["name"] == "weather"


@pytest.mark.parametrize("said", ["YWI=@out.json", "YWI==@out.json", "YWI==-"])
def test_the_id_of_a_call_may_end_in_equals_signs(said: str) -> None:
    Path("out.json").write_text("7")
    outcome = tool("-n", "--previous", "v", "--result", said, stdin=b"7", declared=WEATHER + BY_HAND)
    call_id = said.removesuffix("=@out.json").removesuffix("=-")
    assert outcome.body["input"] == [{"type": "function_result", "call_id": call_id, "result": "7"}]


@pytest.mark.parametrize(
    ("said", "stdin", "result"),
    [
        ('c1={"a":1}', b"", {"result": {"a": 1}}),
        ("c1=some words", b"", {"result": "some words"}),
        ("c1=", b"", {"result": "(no output)"}),
        ("c1=mail=@home", b"", {"result": "mail=@home"}),
        ("c1=-", b'{"a":1}', {"result": {"a": 1}}),
        ("c1!=no such city", b"", {"result": "no such city", "is_error": True}),
        ("c1!=-", b"no\n", {"result": "no", "is_error": True}),
    ],
)
def test_a_result_is_said_in_many_ways(said: str, stdin: bytes, result: dict[str, Any]) -> None:
    outcome = tool("-n", "--previous", "v", "--result", said, stdin=stdin, declared=WEATHER + BY_HAND)
    assert outcome.body["input"] == [{"type": "function_result", "call_id": "c1", **result}]


def test_several_results_are_sent_together_and_may_lead_to_more_calls() -> None:
    answers = [as_stream(calling(call("c3"))), streamed("ok")]
    wire = ScriptedTransport(answers)
    assert tool("--previous", "v", "--result", "c1=1", "--result", "c2=2", answers=wire).out == "ok\n"
    assert [each["call_id"] for each in bodies(wire)[0]["input"]] == ["c1", "c2"]
    assert bodies(wire)[1]["previous_interaction_id"] == "v1_c"


def test_a_history_is_finished_without_the_service_keeping_anything() -> None:
    declared, history = BY_HAND, ("--history", "h.json")
    first = tool(*history, "hi", answers=[calling(call("c1", "ask_boss", {}), interaction_id=None)], declared=declared)
    assert first.json["interaction_id"] is None
    assert (
        "hint: repeat with --history FILE, then run `gemini-cli call-tool --history FILE --result c1=@FILE` with"
        in first.err
    )
    wire = ScriptedTransport([reply({"status": "completed", "steps": interaction("ok")["steps"]})])
    assert tool(*history, "--result", "c1=yes", answers=wire, declared=declared).out == "ok\n"
    kinds = ["user_input", "function_call", "function_result"]
    assert [step["type"] for step in bodies(wire)[0]["input"]] == kinds
    assert [step["type"] for step in json.loads(Path("h.json").read_text())] == [*kinds, "model_output"]


@pytest.mark.parametrize(
    "argv",
    [
        ("--result", "c1=1"),
        ("--previous", "v", "--result", "c1"),
        ("--previous", "v", "--result", "=1"),
        ("--previous", "v", "--result", "!=1"),
        ("--previous", "v", "--result", "c1=1", "--result", "c1=2"),
        ("--previous", "v", "--result", "c1=1", "a prompt"),
        ("--previous", "v", "--result", "c1=1", "-a", "tools.yaml"),
        ("--previous", "v", "--result", "c1=-", "--result", "c2=-"),
        ("--background", "hi"),
        ("--exec", "weather", "hi"),
        ("--exec", "weather=", "hi"),
        ("--exec", "weather='", "hi"),
        ("--exec", "nobody=true", "hi"),
        ("--max-rounds", "-1", "hi"),
    ],
)
def test_what_makes_no_sense_is_2(argv: tuple[str, ...]) -> None:
    outcome = tool(*argv)
    assert (outcome.status, outcome.out) == (2, "")


@pytest.mark.parametrize("said", ["tools=7", "tools=[7]", "tools[]=7", "input=7", "input=[7]", "input=[]"])
def test_an_odd_body_is_the_services_to_refuse(said: str) -> None:
    refused = reply({"error": {"code": "invalid_request", "message": "no"}}, 400)
    prompt = () if said.startswith("input") else ("hi",)
    if said.startswith("tools="):  # with -T, they would be two values for one field
        assert gemini("call-tool", "--set", said, *prompt, answers=[refused]).status == 6
    else:
        assert tool("--set", said, *prompt, answers=[refused]).status == 6


def test_a_result_that_cannot_be_read_is_3() -> None:
    Path("bytes").write_bytes(b"a\xff")
    for path in ("bytes", "gone", "."):
        assert tool("--previous", "v", "--result", f"c1=@{path}").status == 3


# Which command -------------------------------------------------------------------------------------------------------


def test_exec_names_a_command_without_a_shell() -> None:
    declared = WEATHER.replace("sh, -c", "no-such-program") + BY_HAND
    wire = ScriptedTransport([calling(call(), call("c2", "ask_boss", {})), streamed("ok")])
    argv = ("--exec", "weather=printf '%s ' 'a b' $HOME ;", "--exec", "ask_boss=echo yes")
    assert tool(*argv, "hi", answers=wire, declared=declared).status == 0
    assert [each["result"] for each in bodies(wire)[1]["input"]] == ["a b $HOME ; ", "yes"]


def test_a_dry_run_shows_the_commands() -> None:
    Path("there").mkdir()
    Path("there/tool").write_text("#!/bin/sh\n")
    Path("there/tool").chmod(0o755)
    Path("there/tools.yaml").write_text("- {name: f, run: [./tool, --json]}\n- {name: g}\n")
    argv = ("call-tool", "-n", "-T", "there/tools.yaml", "--exec", "g=true x")
    shown = gemini(*argv, "hi", environ={"PATH": "/usr/bin:/bin"}).json
    assert shown["commands"]["f"] == [str(Path("there/tool").resolve()), "--json"]
    assert shown["commands"]["g"][0].endswith("/true")
    assert shown["body"]["tools"] == [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]
    assert "commands" not in gemini("generate", "-n", "-T", "there/tools.yaml", "hi").json


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("- name: f\n  run: ./x\n", "tools.yaml:2: run must be a list"),
        ("- name: f\n  run: []\n", "tools.yaml:2: run must be a list"),
        ("- name: f\n  run: [true]\n", "tools.yaml:2: run must be a list"),
        ("- name: f\n  run: ['']\n", "tools.yaml:2: run must be a list"),
        ("- name: f\n  run: [./gone]\n", "tools.yaml:2: f cannot run: no program './gone'"),
        ("- name: f\n  run: [tools.yaml]\n", "tools.yaml:2: f cannot run: no program 'tools.yaml'"),
        ("- name: f\n  run: [./tools.yaml]\n", "tools.yaml:2: f cannot run"),
        ("- name: f\n  timeout: 0\n", "tools.yaml:2: timeout must be seconds"),
        ("- name: f\n  timeout: soon\n", "tools.yaml:2: timeout must be seconds"),
        ("- name: f\n  timeout: true\n", "tools.yaml:2: timeout must be seconds"),
        ("- name: f\n  env: HOME\n", "tools.yaml:2: env must be a list"),
        ("- name: f\n  env: [A=1]\n", "tools.yaml:2: env must be a list"),
        ("- name: f\n  env: [GEMINI_API_KEY]\n", "tools.yaml:2: env must be a list"),
        ("- name: f\n  content_type: png\n", "tools.yaml:2: content_type must be a MIME type"),
        ("- name: f\n  parameters:\n    type: objekt\n", "tools.yaml:3: not a JSON Schema"),
        ("- name: f\n  parameters: {$ref: 'http://e.test/'}\n", "tools.yaml:2: cannot follow"),
        ("- name: f\n- name: f\n", "tools.yaml:2: f is declared twice"),
        ("- name: '-f'\n", "tools.yaml:1: not a function name"),
    ],
)
def test_a_wrong_declaration_is_named_by_file_and_line(declared: str, words: str) -> None:
    outcome = tool("hi", declared=declared)
    assert (outcome.status, outcome.out) == (3, "")
    assert outcome.err.startswith(f"gemini-cli: input: {words}")
    assert outcome.err.count("\n") == 1


def test_so_is_one_in_json() -> None:
    Path("tools.json").write_text('[\n {"name": "f",\n  "run": ["./gone"]}\n]')
    outcome = gemini("call-tool", "-T", "tools.json", "hi")
    assert outcome == (
        3,
        "",
        "gemini-cli: input: tools.json:3: f cannot run: no program './gone' that may be executed\n",
    )


def test_a_function_is_declared_once_over_all_files() -> None:
    Path("more.yaml").write_text("- name: g\n- name: weather\n")
    outcome = tool("-T", "more.yaml", "hi")
    assert (outcome.status, outcome.err) == (3, "gemini-cli: input: more.yaml:2: weather is declared twice\n")


def test_only_call_tool_needs_the_programs() -> None:
    """Declarations travel to machines that do not make the calls."""
    Path("tools.yaml").write_text("- {name: f, run: [./gone]}\n")
    assert gemini("generate", "-n", "-T", "tools.yaml", "hi").status == 0
    assert gemini("call-tool", "-n", "-T", "tools.yaml", "--exec", "f=./gone", "hi").status == 3


def test_a_file_of_tools_is_not_found_unless_named() -> None:
    for name in ("tools.yaml", "tools.json", "default.yaml"):
        Path(name).write_text(WEATHER)
    assert "tools" not in gemini("call-tool", "-n", "hi").body


def test_a_profile_may_declare_functions(home: Path) -> None:
    profiles = home / ".config/gemini-cli/profiles"
    profiles.mkdir(parents=True)
    (profiles / "tool").write_text("#!/bin/sh\necho here\n")
    (profiles / "tool").chmod(0o755)
    profile = "request:\n  tools:\n  - name: weather\n    run: [./tool]\n"
    (profiles / "default.yaml").write_text(profile)
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    wire = ScriptedTransport([calling(call()), streamed("ok")])
    assert gemini("call-tool", "hi", answers=wire, environ=environ)[:2] == (0, "ok\n")
    assert bodies(wire)[0]["tools"] == [{"type": "function", "name": "weather"}]
    assert bodies(wire)[1]["input"][0]["result"] == "here"
    Path("there.yaml").write_text(profile)
    refused = gemini("call-tool", "-n", "-P", "there.yaml", "hi", environ=environ)
    assert refused.err == "gemini-cli: input: there.yaml:4: run in a profile named by path needs --trust-profile=PATH\n"
    named = gemini("call-tool", "-n", "-P", "./there.yaml", "--trust-profile=./there.yaml", "hi", environ=environ)
    assert "there.yaml:4: weather cannot run" in named.err  # beside the profile there is no such program


# The servers' headers ------------------------------------------------------------------------------------------------

SECRET = "Bearer it's-a-secret"


def test_a_header_for_servers_comes_from_a_file_and_is_shown_nowhere() -> None:
    Path("token").write_text(f"{SECRET}\n")
    argv = ("-T", "mcp_server=https://e.test/mcp", "-T", "google_search", "--tool-header", "Authorization=@token", "hi")
    wire = ScriptedTransport([reply(interaction())])
    outcome = gemini("generate", "-vv", *argv, answers=wire)
    assert bodies(wire)[0]["tools"][0]["headers"] == {"Authorization": SECRET}
    assert "secret" not in outcome.err
    for preview in ("-n", "--curl"):
        shown = gemini("call-tool", preview, *argv)
        assert shown.status == 0
        assert "secret" not in shown.out + shown.err
        assert "[redacted]" in shown.out


@pytest.mark.parametrize(
    ("said", "held", "status"),
    [
        ("Authorization=secret", "x", 2),
        ("Authorization", "x", 2),
        ("A b=@token", "x", 2),
        ("A=@gone", "x", 3),
        ("A=@token", "two\nlines", 3),
        ("A=@token", "", 3),
        ("A=@token", "ü", 3),
    ],
)
def test_a_header_that_is_none(said: str, held: str, status: int) -> None:
    Path("token").write_text(held)
    outcome = gemini("generate", "-n", "-T", "mcp_server=https://e.test", "--tool-header", said, "hi")
    assert outcome.status == status
    assert "secret" not in outcome.err
    assert gemini("generate", "-n", "--tool-header", "A=@token", "hi").status in (2, 3)


def test_a_closed_stdin_is_no_empty_result() -> None:
    for argv in (["call-tool", "--previous", "v", "--result", "c1=-"], ["generate", "--system-file", "-", "hi"]):
        outcome = gemini(*argv, stdin=None)
        assert (outcome.status, outcome.out) == (2, "")
        assert "- reads stdin, which is closed" in outcome.err
