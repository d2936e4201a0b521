"""The notation of faults, and the requests they apply to."""

from typing import Any

import pytest

from gemini_cli.emulator.faults.fault_table import all_faults, parse_fault
from gemini_cli.emulator.faults.faults import FaultSpec
from gemini_cli.emulator.service import Emulator

from .in_memory_client import InMemoryClient
from .test_faults import CREATE, TARGET, said, streamed, with_faults

# --- the notation


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("cut", "cut", {}),
        ("cut()", "cut", {}),
        ("cut(3)", "cut", {"after": 3}),
        ("cut(after=3, times=2)", "cut", {"after": 3, "times": 2}),
        (
            "refuse(503, times=forever, retry_after='soon')",
            "refuse",
            {"status": 503, "times": "forever", "retry_after": "soon"},
        ),
        ("refuse(429, retry_after=-5)", "refuse", {"status": 429, "retry_after": -5}),
        ("slow(0.5)", "slow", {"seconds": 0.5}),
        ("cut(how=close)", "cut", {"how": "close"}),
        ("reset(carried_out=false)", "reset", {"carried_out": False}),
    ],
)
def test_parse_fault(text: str, name: str, arguments: dict[str, Any]) -> None:
    found, given = parse_fault(text)
    assert (found.name, given) == (name, arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stal", "unknown fault 'stal', did you mean 'stall'?"),
        ("cut(", "expected name"),
        ("", "expected name"),
        ("__import__('os')(1)", "expected name"),
        ("cut(1, 2, 3)", "too many arguments"),
        ("cut(before=1)", "has no argument 'before'"),
        ("cut(3, after=3)", "is given twice"),
        ("cut(after=soon)", "after is a whole number from 0 on"),
        ("cut(after=1.5)", "after is a whole number from 0 on"),
        ("drip(size=-1)", "size is a whole number from 0 on"),
        ("slow(-1)", "seconds is a number from 0 on"),
        ("slow(1e999)", "seconds is a number from 0 on"),
        ("cut(how=slowly)", "how is one of reset, close"),
        ("odd_json(kind=strange)", "kind is one of nan, bigint"),
        ("framing(line_end=tab)", "line_end is one of cr, lf, crlf"),
        ("refuse(shape=round)", "shape is one of interactions, rpc, list"),
        ("refuse(message=[1])", "arguments are numbers and words"),
        ("cut({[]: 1})", "arguments are numbers and words"),
        ("cut(" + "-" * 5000 + "1)", "expected name"),
        ("cut(after=open('x'))", "arguments are numbers and words"),
        ("cut(times=0)", "times is a number from 1 on"),
        ("cut(on=moon)", "on is one of any, asks"),
        ("cut(**x)", "has no argument None"),
    ],
)
def test_a_wrong_fault_is_an_error_at_the_start(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace("?", r"\?")):
        Emulator(faults=[text])


def test_every_fault_has_a_description_and_a_usage_that_parses() -> None:
    for found in all_faults().values():
        assert found.description.endswith("."), found.name
        assert FaultSpec.parse(found.usage).type == found


# --- the requests


def test_faults_apply_in_their_order_and_are_counted() -> None:
    client = with_faults("refuse(500)", "refuse(503, times=2)")
    assert [client.post(TARGET, CREATE).status for _ in range(4)] == [500, 503, 503, 200]
    assert client.emulator.leftovers() == []


def test_unused_faults_are_left_over() -> None:
    client = with_faults("refuse(503, times=2)", "cut", "rate_limit(times=forever, on=delete)")
    client.post(TARGET, CREATE)
    assert client.emulator.leftovers() == [
        "fault not used: refuse(503, times=2)",
        "fault not used: cut",
        "fault not used: rate_limit(times=forever, on=delete)",
    ]


def test_forever_is_used_after_one_request() -> None:
    client = with_faults("refuse(503, times=forever)")
    assert [client.post(TARGET, CREATE).status for _ in range(5)] == [503] * 5
    assert client.emulator.leftovers() == []


def test_on_selects_requests() -> None:
    client = with_faults("refuse(404, on=resumes)", "refuse(500, on=delete)")
    id = client.create()["id"]
    assert client.get(f"{TARGET}/{id}").status == 200
    assert client.get(f"{TARGET}/{id}?stream=true").status == 404
    assert client.send("DELETE", f"{TARGET}/{id}").status == 500


def test_faults_of_different_slots_apply_to_one_request() -> None:
    client = with_faults("cut(after=1)", "cut(after=3)", "no_event_ids")
    first, second = streamed(client), streamed(client)
    assert [len(said(frames)) for frames, _ in (first, second)] == [24, 72]
    assert b"event_id" not in b"".join(first[0])
    assert b"event_id" in b"".join(second[0])
    assert client.emulator.leftovers() == []


def test_a_fault_in_a_header_needs_the_token() -> None:
    client = InMemoryClient(Emulator(token="t"))
    headers = {"x-emulator-fault": "refuse(418)"}
    assert client.send("POST", TARGET, CREATE, headers).status == 403
    assert client.send("POST", TARGET, CREATE, {**headers, "x-emulator-token": "t"}).status == 418
    wrong = client.send("POST", TARGET, CREATE, {"x-emulator-fault": "stal", "x-emulator-token": "t"})
    assert (wrong.status, "did you mean 'stall'" in wrong.json["error"]["message"]) == (400, True)
    assert InMemoryClient(Emulator()).send("POST", TARGET, CREATE, {**headers, "x-emulator-token": ""}).status == 403


def test_pieces_of_no_size_are_events() -> None:
    plain = b"".join(with_faults().call("POST", TARGET, {**CREATE, "stream": True}).body)
    for text in ("drip(seconds=0, size=0)", "framing(line_end=lf, bom=false, size=0)"):
        pieces = list(with_faults(text).call("POST", TARGET, {**CREATE, "stream": True}).body)
        assert b"".join(pieces) == plain
        assert all(piece.endswith(b"\n\n") for piece in pieces if piece)


def test_a_fault_of_a_file_leaves_a_stream_as_it_is() -> None:
    body = with_faults("failed_file(on=any)").post(TARGET, {**CREATE, "stream": True}).body
    assert body.endswith(b"data: [DONE]\n\n")


def test_a_stream_field_in_the_arguments_of_a_call_is_not_a_stream() -> None:
    call = {"type": "function_call", "id": "a", "name": "f", "arguments": {"stream": True}}
    steps = [call, {"type": "function_result", "call_id": "a", "result": "x"}]
    client = with_faults("cut")
    assert client.post(TARGET, {**CREATE, "input": steps}).status == 200
    assert client.emulator.leftovers() == ["fault not used: cut"]
    client = with_faults("plain_answer")
    assert client.post(TARGET, {**CREATE, "input": steps, "stream": True}).json["status"] == "completed"
