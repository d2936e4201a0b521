"""`--api generate-content`, in-process: the same flags, the other words, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import Outcome, ScriptedTransport, gemini, reply, sse

API = ("--api", "generate-content")


def chunk(text: str | None = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    content = {} if text is None else {"content": {"role": "model", "parts": [{"text": text}]}}
    return {"candidates": [{**content, **({"finishReason": reason} if reason else {})}], **more}


def data(*chunks: Any) -> list[bytes]:
    """Frames of the older API: no `event:` line, CRLF (api/README.md 11.9)."""
    return [f"data: {json.dumps(each)}\r\n\r\n".encode() for each in chunks]


HELLO = [chunk("Hel"), chunk("lo "), chunk("there"), chunk("", "STOP")]
ERROR = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}


def ask(*argv: str, answers: Any) -> Outcome:
    return gemini("generate", *API, *argv, "hi", answers=answers)


def stream(*items: Any, argv: tuple[str, ...] = ()) -> Outcome:
    return gemini("stream", *API, *argv, "hi", answers=[sse(*items)])


def test_generate_asks_and_prints() -> None:
    wire = ScriptedTransport([reply(chunk("Hello!", "STOP"))])
    assert ask("-m", "m", "-s", "Be brief.", answers=wire) == (0, "Hello!\n", "")
    (call,) = wire.requests
    assert call.url == "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent"
    assert "Api-Revision" not in call.headers
    assert json.loads(call.content) == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    }


def test_stream_asks_and_prints() -> None:
    wire = ScriptedTransport([sse(*data(*HELLO))])
    assert gemini("stream", *API, "-m", "m", "hi", answers=wire) == (0, "Hello there\n", "")
    (call,) = wire.requests
    assert call.url == "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse"
    assert json.loads(call.content) == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_text_around_code_is_one_text_in_both_commands(tmp_path: Path) -> None:
    """As the SDK reads this API (api/README.md 11.26); of Interactions it reads only the last run of text (6.10)."""
    parts = [
        {"text": "Before. "},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"text": "After."},
    ]
    body = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}
    said = (0, "Before. After.\n", "")
    assert ask(answers=[reply(body)]) == said
    assert stream(*data(body)) == said
    assert ask("--long", answers=[reply(body)]) == said
    for command in ("generate", "stream"):
        answer = reply(body) if command == "generate" else sse(*data(body))
        path = tmp_path / command
        assert gemini(command, *API, "-o", str(path), "hi", answers=[answer]).status == 0
        assert path.read_text() == "Before. After.\n"


def test_a_source_without_an_address_is_its_title() -> None:
    sources = {"groundingMetadata": {"groundingChunks": [{"web": {"title": "a.org"}}, {"web": {"uri": "u"}}]}}
    body = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", **sources}]}
    assert ask("--citations", answers=[reply(body)]).out == "Hi\n\nCitations:\n- a.org\n- [u](u)\n"


def test_json_is_what_the_server_sent() -> None:
    body = chunk("Hello!", "STOP", x_unknown=[1, None])
    assert ask("--json", answers=[reply(body)]).json == body
    assert [json.loads(line) for line in stream(*data(*HELLO), argv=("--json",)).out.splitlines()] == HELLO


def test_the_request_can_be_looked_at() -> None:
    shown = gemini("stream", *API, "-n", "-m", "m", "hi")
    assert shown.json["url"].endswith("/v1beta/models/m:streamGenerateContent?alt=sse")
    assert shown.json["headers"]["Accept"] == "text/event-stream"
    assert shown.body == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    assert "-N -X POST" in gemini("stream", *API, "--curl", "hi").out


@pytest.mark.parametrize(
    ("flag", "argv"),
    [
        ("--previous", ("--previous", "v1_a")),
        ("-c, --continue", ("-c",)),
        ("--background", ("--background",)),
        ("--agent", ("--agent", "deep-research")),
        ("previous_interaction_id", ("--set", "previous_interaction_id=v1_a")),
        ("environment", ("--set", "environment=remote")),
    ],
)
def test_what_has_no_counterpart_is_said_before_a_key_is_missed(flag: str, argv: tuple[str, ...]) -> None:
    outcome = gemini("generate", *API, *argv, "hi", environ={"GEMINI_API_KEY": ""})
    assert (outcome.status, outcome.out) == (2, "")
    assert flag.replace("previous_interaction_id", "--previous") in outcome.err


def test_a_profile_says_the_family(tmp_path: Path) -> None:
    profile = tmp_path / "gateway.yaml"
    profile.write_text("api: generate-content\nrequest:\n  generationConfig: {topK: 4}\n")
    shown = gemini("generate", "-P", str(profile), "-n", "--seed", "7", "hi")
    assert shown.body["generationConfig"] == {"seed": 7, "topK": 4}
    other = gemini("generate", "-P", str(profile), "--api", "interactions", "-n", "hi")
    assert (other.status, other.out) == (2, "")
    assert "generationConfig is a field of generateContent" in other.err
    profile.write_text("api: generate-content\n")
    assert gemini("generate", "-P", str(profile), "--api", "interactions", "-n", "hi").json["url"].endswith("s")
    profile.write_text("retries: 1\napi: soap\n")
    outcome = gemini("generate", "-P", str(profile), "hi")
    assert outcome.status == 3
    assert "gateway.yaml:2" in outcome.err


def test_another_family_is_a_mistake() -> None:
    outcome = gemini("generate", "--api", "soap", "hi")
    assert (outcome.status, outcome.err) == (
        2,
        "gemini-cli: usage: Invalid value for '--api': 'soap' is not one of 'interactions', 'generate-content'.\n",
    )


def test_its_own_words_are_enough() -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"topK": 4}}
    Path("body.json").write_text(json.dumps(body))
    assert gemini("generate", *API, "-n", "--request", "body.json").body == body
    outcome = gemini("generate", *API, "-n", "--request", "body.json", "and these words")
    assert outcome.status == 2
    assert "contents is given twice" in outcome.err


def test_long_follows_the_token() -> None:
    def hop(text: str, token: str | None) -> dict[str, Any]:
        wire = chunk(text, "CONTINUATION" if token else "STOP", usageMetadata={"totalTokenCount": 10})
        wire["candidates"][0] |= {"continuationToken": token} if token else {}
        return wire

    hops = [hop("one ", "VA=="), hop("two", None)]
    for command, answers in (("generate", map(reply, hops)), ("stream", (sse(*data(each)) for each in hops))):
        wire = ScriptedTransport(answers)
        outcome = gemini(command, *API, "--long", "-u", "hi", answers=wire)
        assert outcome == (0, "one two\n", "usage: 20 total tokens\n")
        first, second = (json.loads(call.content) for call in wire.requests)
        assert second == {**first, "continuationToken": "VA=="}
    assert ask("--long", "--json", answers=[reply(each) for each in hops]).json["continuation_ids"] == []
    outcome = ask(answers=[reply(hops[0])])
    assert (outcome.status, outcome.out) == (8, "one ")
    assert "--long" in outcome.err


def test_thoughts_go_to_stderr_and_calls_end_with_10() -> None:
    parts = [
        {"text": "Hm.", "thought": True},
        {"text": "Let me see."},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "S"},
    ]
    body = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}
    calls = '{"interaction_id":null,"calls":[{"id":"no-id-1","name":"f","arguments":{}}]}\n'
    plain = ask(answers=[reply(body)])
    assert (plain.status, plain.out) == (10, calls)
    assert "Let me see." in plain.err
    streamed = stream(*data(body))
    assert (streamed.status, streamed.out) == (10, f"Let me see.\n{calls}")
    assert all("Hm." in outcome.err for outcome in (plain, streamed))


# Conversations --------------------------------------------------------------------------------------------------------


def said(*parts: dict[str, Any]) -> dict[str, Any]:
    """A whole answer of these parts."""
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}]}


def sent(wire: ScriptedTransport) -> list[Any]:
    return [json.loads(call.content)["contents"] for call in wire.requests]


def function_call(city: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {**more, "name": "weather", "args": {"city": city}}}


def response(city: str, **more: Any) -> dict[str, Any]:
    return {"functionResponse": {**more, "name": "weather", "response": {"city": city}}}


@pytest.fixture
def tools() -> str:
    Path("tools.yaml").write_text("- {name: weather, run: [cat]}\n")
    return "tools.yaml"


def test_calls_are_made_and_what_the_model_said_is_sent_back_unchanged(tools: str) -> None:
    """Calls with an id and without (api/README.md 11.16); an id that the program makes up is not sent."""
    first: list[Any] = [
        {"text": "Hm.", "thought": True},
        {"text": "Let me look.", "thoughtSignature": "A"},
        {**function_call("Oslo"), "thoughtSignature": "B"},
        function_call("Rome", id="q7"),
    ]
    second: list[Any] = [{"text": "One more."}, function_call("Bern"), {"text": "", "thoughtSignature": "C"}]
    wire = ScriptedTransport([reply(said(*first)), sse(*data(said(*second))), sse(*data(*HELLO))])
    outcome = gemini("call-tool", *API, "-m", "m", "-T", tools, "hi", answers=wire)
    assert outcome == (0, "One more.\nHello there\n", "Hm.\nLet me look.\n")
    asked = {"role": "user", "parts": [{"text": "hi"}]}
    turns: list[list[Any]] = [
        [asked],
        [{"role": "model", "parts": first}, {"role": "user", "parts": [response("Oslo"), response("Rome", id="q7")]}],
        [{"role": "model", "parts": second}, {"role": "user", "parts": [response("Bern")]}],
    ]
    assert sent(wire) == [turns[0], turns[0] + turns[1], turns[0] + turns[1] + turns[2]]
    assert [str(call.url).partition("m:")[2] for call in wire.requests] == [
        "generateContent",
        "streamGenerateContent?alt=sse",
        "streamGenerateContent?alt=sse",
    ]


@pytest.mark.parametrize("command", ["generate", "stream", "call-tool"])
def test_in_two_phases_the_history_has_what_the_service_does_not_keep(command: str, tools: str) -> None:
    Path(tools).write_text("- {name: weather}\n")
    first = said({**function_call("Oslo"), "thoughtSignature": "B"})
    again = (*API, "-m", "m", "-T", tools, "--history", "h.json")
    asked = gemini(command, *again, "hi", answers=[sse(*data(first)) if command == "stream" else reply(first)])
    assert asked.status == 10
    assert asked.json["interaction_id"] is None
    assert "`gemini-cli call-tool --history FILE --result no-id-1=@FILE` with the same options" in asked.err
    wire = ScriptedTransport([reply(chunk("Hello!", "STOP"))])
    answered = gemini("call-tool", *again, "--result", 'no-id-1={"city":"Oslo"}', answers=wire)
    assert answered == (0, "Hello!\n", "")
    [contents] = sent(wire)
    assert contents[1:] == [first["candidates"][0]["content"], {"role": "user", "parts": [response("Oslo")]}]


def test_chat_says_everything_again() -> None:
    signed = {"text": "Hello!", "thoughtSignature": "S"}
    wire = ScriptedTransport([sse(*data(said(signed))), sse(*data(said(signed)))])
    assert gemini("chat", *API, stdin=b"one\ntwo\n", answers=wire) == (0, "Hello!\nHello!\n", "")
    one, two = ({"role": "user", "parts": [{"text": word}]} for word in ("one", "two"))
    assert sent(wire) == [[one], [one, {"role": "model", "parts": [signed]}, two]]


# What a stream may end with -------------------------------------------------------------------------------------------

BEGUN = data(*HELLO[:2])


@pytest.mark.parametrize(
    ("items", "status", "out", "words"),
    [
        (BEGUN, 8, "Hello ", "the stream ended before its last event"),
        ([*BEGUN, httpx.ReadError("reset")], 8, "Hello ", "reset"),
        # After a finishReason more could have come; what was cut may not be whole.
        ([*data(*HELLO), httpx.ReadError("no byte came for 1 s")], 8, "Hello there", "no byte came"),
        ([*data(chunk("Hel", "STOP"), chunk("lo"))], 8, "Hello", "ended before"),
        (data(chunk("Hel", "STOP"), chunk("lo", "STOP")), 0, "Hello\n", ""),
        ([*BEGUN, *data(ERROR)], 8, "Hello ", "Overloaded."),
        ([*BEGUN, *data([ERROR])], 8, "Hello ", "Overloaded."),
        ([*BEGUN, json.dumps([ERROR]).encode()], 8, "Hello ", "503: Overloaded."),
        ([*BEGUN, *data({"error": {}})], 8, "Hello ", "cut off"),
        ([*BEGUN, *data(ERROR, *HELLO)], 8, "Hello ", "Overloaded."),
        (data(ERROR), 5, "", "Overloaded."),
        (data([ERROR]), 5, "", "Overloaded."),
        ([json.dumps([ERROR], indent=1).encode()], 5, "", "Overloaded."),
        (data({"error": {"code": 400, "message": "Bad.", "status": "INVALID_ARGUMENT"}}), 6, "", "Bad."),
        (data({"error": {"code": 400, "message": "API key not valid."}}), 4, "", "API key not valid."),
        ([httpx.ReadError("reset")], 12, "", "may have been carried out"),
        ([b""], 6, "", "empty stream"),
        ([b"data: {not json}\n\n"], 6, "", "not JSON"),
        ([*BEGUN, b"data: {not json}\n\n"], 8, "Hello ", "not JSON"),
        (data({"hello": 1}), 6, "", "not the API's stream"),
        (data({"promptFeedback": {"blockReason": "SAFETY"}}), 9, "", "blocked: SAFETY"),
        ([*BEGUN, *data(chunk(None, "SAFETY"))], 9, "Hello ", "blocked: SAFETY"),
        ([*BEGUN, *data(chunk(None, "MAX_TOKENS"))], 8, "Hello ", "token limit"),
        (data(chunk(None, "MAX_TOKENS")), 8, "", "thinking used up"),
        (data({**chunk("a", "STOP"), "modelVersion": 7}), 6, "", "modelVersion"),
    ],
)
def test_an_ending_has_its_status(items: list[Any], status: int, out: str, words: str) -> None:
    outcome = stream(*items)
    assert (outcome.status, outcome.out) == (status, out)
    assert words in outcome.err
    assert outcome.err.count("\n") == (status != 0)


def test_an_error_of_200_is_an_error() -> None:
    assert ask(answers=[reply(ERROR)]) == (5, "", "gemini-cli: temporary: Overloaded.\n")
    assert ask(answers=[reply([ERROR])]).status == 5


def test_an_error_body_under_the_type_of_a_stream_is_read() -> None:
    """A JSON error of type text/event-stream (api/README.md 11.12)."""
    refused = reply({"error": {"code": 404, "message": "No model m.", "status": "NOT_FOUND"}}, 404, "text/event-stream")
    outcome = gemini("stream", *API, "-m", "m", "hi", answers=[refused])
    assert outcome == (6, "", "gemini-cli: rejected: No model m.\n")


def test_nothing_of_it_is_kept_to_be_continued() -> None:
    ask(answers=[reply(chunk("Hello!", "STOP", responseId="r1"))])
    assert gemini("generate", "-c", "hi").status == 3


def test_a_stream_is_read_to_its_end() -> None:
    """The last word is the end of the body, so that a finishReason is not taken for it."""
    read: list[bytes] = []

    def chunks() -> Any:
        for each in data(*HELLO):
            read.append(each)
            yield each

    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=chunks())
    assert gemini("stream", *API, "hi", answers=[answer]).status == 0
    assert len(read) == len(HELLO)
