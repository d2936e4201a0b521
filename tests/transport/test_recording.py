"""Recordings: what is written of an exchange, and which one answers a request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.errors import DeadlineExceeded, InputError, Interrupted, RejectedError
from gemini_cli.transport.recording.file_format import RECORDING_HEADER, REQUEST_BODY_LIMIT, RESPONSE_BODY_LIMIT
from gemini_cli.transport.recording.record_transport import RecordTransport
from gemini_cli.transport.recording.replay import Recording
from gemini_cli.transport.recording.replay_transport import ReplayTransport
from tests.harness import Answer, ScriptedTransport, created, frame, reply, sse, text

URL = "https://api.test/v1beta/interactions"


def post(body: Any = None, url: str = URL, headers: Any = None) -> httpx.Request:
    content = body if isinstance(body, bytes) else json.dumps({"input": "hi"} if body is None else body).encode()
    return httpx.Request("POST", url, headers=headers, content=iter([content]))


def redact(value: str) -> str:
    return value.replace("secret", "[redacted]")


def record(*exchanges: tuple[httpx.Request, Answer], read: int | None = None) -> list[bytes]:
    """The lines that are recorded when the client reads `read` chunks of each response, or all."""
    lines: list[bytes] = []
    ticks = iter(range(1000))
    transport = RecordTransport(
        ScriptedTransport([answer for _, answer in exchanges]), lines.append, redact, lambda: next(ticks) / 4
    )
    for request, _ in exchanges:
        try:
            response = transport.handle_request(request)
            body = iter(response.stream)  # type: ignore[arg-type]
            for _ in range(1000 if read is None else read):
                if next(body, None) is None:
                    break
            response.close()
        except httpx.TransportError:
            pass
    return lines


def recording(*lines: bytes, header: bytes = RECORDING_HEADER) -> Recording:
    return Recording(b"".join([header, *lines]), "FILE")


def replay(recorded: Recording, *requests: httpx.Request) -> list[bytes]:
    transport = ReplayTransport(recorded, redact)
    return [transport.handle_request(request).read() for request in requests]


def exchange(body: Any = None, response: Any = None, **more: Any) -> bytes:
    request = {"method": "POST", "path": "/v1beta/interactions", "headers": {}, **more}
    answer = {"status": 200, "headers": {}, "text": "ok"} if response is None else response
    return (
        json.dumps({"request": request | ({} if body is None else {"body": body}), "response": answer}).encode() + b"\n"
    )


# What is recorded -----------------------------------------------------------------------------------------------------


def test_an_exchange_is_one_line_with_chosen_headers_and_the_body_of_the_response_byte_for_byte() -> None:
    request = post(headers={"X-Goog-Api-Key": "k", "Accept": "application/json", "User-Agent": "u"})
    answer = reply(b'{"n": 1.10}\n', headers={"server": "s", "retry-after": "3"})
    (line,) = record((request, answer))
    assert line.endswith(b"}\n")
    recorded = json.loads(line)
    assert len(recorded.pop("run")) == 8
    assert recorded == {
        "request": {
            "method": "POST",
            "path": "/v1beta/interactions",
            "headers": {"accept": "application/json"},
            "body": {"input": "hi"},
        },
        "response": {
            "status": 200,
            "headers": {"content-type": "application/json", "retry-after": "3"},
            "text": '{"n": 1.10}\n',
        },
    }


def test_events_are_recorded_one_by_one_with_their_gaps_however_they_arrive() -> None:
    events = [frame(created()), frame(text("Hel")), frame(text("lo"))]
    whole = b"".join(events)
    (line,) = record((post(), sse(whole[:10], whole[10:-5], whole[-5:])))
    recorded = json.loads(line)["response"]["events"]
    assert [event["text"].encode() for event in recorded] == events
    assert [event["after"] for event in recorded] == [0.5, 0.0, 0.25]


def test_secrets_are_removed_from_path_headers_and_bodies() -> None:
    answer = sse(b"data: the sec", b"ret\n\n")
    request = post({"input": "a secret"}, f"{URL}?x=secret", {"range": "secret"})
    (line,) = record((request, answer), (post(), reply(b"\xff secret"))[:2])[:1]
    assert b"secret" not in line
    assert line.count(b"[redacted]") == 4
    (binary,) = record((post(), reply(b"\xff secret")))
    assert json.loads(binary)["response"]["base64"] == "/yBbcmVkYWN0ZWRd"


def test_a_large_request_is_recorded_by_its_digest() -> None:
    body = b"x" * (REQUEST_BODY_LIMIT + 1)
    (line,) = record((post(body), reply(b"{}")))
    request = json.loads(line)["request"]
    assert (request["size"], len(request["sha256"])) == (len(body), 64)
    assert "text" not in request
    recorded = recording(line)
    assert replay(recorded, post(body)) == [b"{}"]
    with pytest.raises(RejectedError, match="sha256"):
        replay(recorded, post(body.replace(b"x", b"y")))


def test_of_a_response_that_is_too_large_there_is_only_the_digest_and_it_answers_nothing() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(65):
            yield b"x" * (RESPONSE_BODY_LIMIT // 64)

    (line,) = record((post(), httpx.Response(200, content=chunks())))
    assert len(line) < 1000
    with pytest.raises(RejectedError, match="FILE, line 2 has only the digest"):
        replay(recording(line), post())


def test_what_was_not_sent_is_not_recorded() -> None:
    assert record((post(), httpx.ConnectError("refused")), (post(), httpx.ProxyError("407"))) == []


def test_a_request_without_a_response_is_recorded_and_replayed_as_lost() -> None:
    (line,) = record((post(), httpx.ReadError("reset")))
    assert json.loads(line)["response"] == {"lost": "reset"}
    with pytest.raises(httpx.ReadError, match="reset"):
        replay(recording(line), post())


def test_a_body_that_breaks_off_is_replayed_as_cut() -> None:
    (line,) = record((post(), sse(created(), httpx.ReadError("reset"))))
    assert json.loads(line)["response"]["cut"] == "reset"
    transport = ReplayTransport(recording(line), redact)
    stream = iter(transport.handle_request(post()).stream)  # type: ignore[arg-type]
    assert next(stream) == frame(created())
    with pytest.raises(httpx.ReadError, match="reset"):
        next(stream)


def test_a_stream_whose_rest_the_client_did_not_want_is_recorded_up_to_there() -> None:
    (line,) = record((post(), sse(created(), text("Hello"))), read=1)
    response = json.loads(line)["response"]
    assert [event["text"].encode() for event in response["events"]] == [frame(created())]
    assert "cut" not in response


def test_a_signal_leaves_out_what_was_under_way_and_the_deadline_does_not() -> None:
    def broken(error: BaseException) -> list[bytes]:
        def chunks() -> Iterator[bytes]:
            yield b"{"
            raise error

        lines: list[bytes] = []
        answer = httpx.Response(200, content=chunks())
        transport = RecordTransport(ScriptedTransport([answer]), lines.append, redact)
        response = transport.handle_request(post())
        with pytest.raises(type(error)):
            list(response.stream)  # type: ignore[arg-type]
        response.close()
        transport.close()
        return lines

    assert broken(Interrupted(2)) == []
    assert json.loads(broken(DeadlineExceeded("late"))[0])["response"]["cut"] == "late"


def test_closing_records_what_an_error_left_open() -> None:
    lines: list[bytes] = []
    transport = RecordTransport(ScriptedTransport([sse(created(), text("x"))]), lines.append, redact)
    stream = iter(transport.handle_request(post()).stream)  # type: ignore[arg-type]
    next(stream)
    assert lines == []
    transport.close()
    assert len(lines) == 1


def test_a_body_that_the_server_did_not_read_is_recorded_whole() -> None:
    class Early(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return reply(b"{}", 413)

    lines: list[bytes] = []
    RecordTransport(Early(), lines.append, redact).handle_request(post()).close()
    assert json.loads(lines[0])["request"]["body"] == {"input": "hi"}


def test_addresses_at_the_server_are_replayed_at_the_address_of_the_replay() -> None:
    there = "https://api.test/upload/v1beta/files?upload_id=1"
    (line,) = record((post(), reply(b"{}", headers={"x-goog-upload-url": there, "location": "https://else.test/"})))
    response = ReplayTransport(recording(line), redact).handle_request(
        post(url="http://127.0.0.1:9/v1beta/interactions")
    )
    assert response.headers["x-goog-upload-url"] == "http://127.0.0.1:9/upload/v1beta/files?upload_id=1"
    assert response.headers["location"] == "https://else.test/"


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(100, 999), st.text(max_size=20))
def test_whatever_is_recorded_answers_the_same_request_with_the_same_bytes(
    body: bytes, answer: bytes, status: int, header: str
) -> None:
    raw = [(b"Content-Type", header.encode()), (b"Location", header.encode()), (b"Server", b"x")]
    response = httpx.Response(status, headers=raw, content=iter([answer]))
    lines = record((post(body), response))
    replayed = ReplayTransport(recording(*lines), lambda value: value).handle_request(post(body))
    assert (replayed.status_code, replayed.read()) == (status, answer)


# Which exchange answers ---------------------------------------------------------------------------------------------


def test_keys_may_be_in_any_order_and_lists_may_not() -> None:
    recorded = recording(exchange({"a": 1, "b": [1, 2]}))
    assert replay(recorded, post({"b": [1, 2], "a": 1})) == [b"ok"]
    with pytest.raises(RejectedError, match=r"line 2, has body\.b\[0\] 1, this one 2"):
        replay(recorded, post({"a": 1, "b": [2, 1]}))


def test_equal_requests_are_answered_in_order_and_the_last_answer_again() -> None:
    answers: list[Any] = [{"status": 200, "headers": {}, "text": word} for word in ("one", "two")]
    recorded = recording(exchange({}, answers[0]), exchange({"x": 1}), exchange({}, answers[1]))
    assert replay(recorded, *(post({}) for _ in range(3))) == [b"one", b"two", b"two"]


def test_a_get_is_answered_as_in_the_last_run_that_made_it() -> None:
    def poll(run: str, state: str) -> bytes:
        answer = {"status": 200, "headers": {}, "text": state}
        return json.dumps({"run": run, **json.loads(exchange(None, answer, method="GET"))}).encode() + b"\n"

    lines = [poll("a", "running"), poll("a", "done"), poll("b", "done"), poll("b", "gone")]
    requests = [httpx.Request("GET", URL) for _ in range(3)]
    assert replay(recording(*lines), *requests) == [b"done", b"gone", b"gone"]
    served = Recording(RECORDING_HEADER + b"".join(lines), "FILE", for_one_run=False)
    assert replay(served, *requests) == [b"running", b"done", b"done"]


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ("body.input[1].text", True),
        ("body.input[1]", True),
        ("body.input", True),
        ("body", True),
        ("body.input[0]", False),
        ("body.inp", False),
        ("input", False),
    ],
)
def test_a_rule_in_the_first_line_leaves_out_a_field(rule: str, matches: bool) -> None:
    header = json.dumps({"recording": "gemini-cli", "version": 1, "matching": {rule: "ignore"}}).encode() + b"\n"
    recorded = recording(exchange({"input": [{"text": "What day?"}, {"text": "Monday"}]}), header=header)
    request = post({"input": [{"text": "What day?"}, {"text": "Tuesday"}]})
    if matches:
        assert replay(recorded, request) == [b"ok"]
    else:
        with pytest.raises(RejectedError, match=r'has body\.input\[1\]\.text "Monday", this one "Tuesday"'):
            replay(recorded, request)


def test_the_nearest_request_and_its_first_difference_are_named() -> None:
    recorded = recording(
        exchange({"model": "m", "input": "Summarise: the cat sat on the mat, and there it stayed for long"}),
        exchange({"model": "m", "input": "Translate"}),
        exchange({"model": "m"}, path="/v1beta/other"),
    )
    with pytest.raises(RejectedError) as caught:
        replay(
            recorded, post({"model": "m", "input": "Summarise: the cat sat on the hat, and there it stayed for long"})
        )
    assert caught.value.message == (
        "FILE has no answer to POST /v1beta/interactions: the nearest request, line 2, has body.input "
        '… the cat sat on the mat, and there it stayed for long", '
        'this one … the cat sat on the hat, and there it stayed for long"'
    )
    with pytest.raises(RejectedError, match=r"line 4, has path .*, this one"):
        replay(recording(b"\n", b"\n", exchange({}, path="/v1beta/files")), post({}))
    with pytest.raises(RejectedError, match="it is empty"):
        replay(recording(), post())


def test_requests_of_an_upload_differ_in_their_command_too() -> None:
    recorded = recording(
        exchange(headers={"x-goog-upload-command": "query"}),
        exchange(headers={"x-goog-upload-command": "cancel"}, response={"status": 200, "headers": {}, "text": "gone"}),
    )
    assert replay(recorded, post(b"", headers={"X-Goog-Upload-Command": "cancel"})) == [b"gone"]


# Damaged files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [b"", b"{}\n", b'"x"\n', b"\xff\n", b"[" * 9999 + b"\n", RECORDING_HEADER[:-4]])
def test_another_file_is_refused(header: bytes) -> None:
    with pytest.raises(InputError, match="FILE is not a recording"):
        recording(header=header)


@pytest.mark.parametrize("rules", [{"body": "regex"}, ["body"], "body"])
def test_a_rule_that_is_not_known_is_refused(rules: Any) -> None:
    with pytest.raises(InputError, match="not a recording"):
        recording(header=json.dumps({"recording": "gemini-cli", "version": 1, "matching": rules}).encode())


DAMAGED = [
    b"{",
    b"[]",
    b"\xff",
    b"[" * 99999,
    b"1" * 9999,
    exchange(path=1),
    exchange(response={"status": 99, "headers": {}}),
    exchange(response={"status": "200", "headers": {}}),
    exchange(response={"status": 200}),
    exchange(response={"status": 200, "headers": {"a": "b\r\nc: d"}}),
    exchange(response={"status": 200, "headers": {"a": 1}}),
    exchange(response={"status": 200, "headers": {}, "text": 1}),
    exchange(response={"status": 200, "headers": {}, "base64": "?"}),
    exchange(response={"status": 200, "headers": {}, "events": 1}),
    exchange(response={"status": 200, "headers": {}, "events": [{"text": "x"}]}),
    exchange(response={"status": 200, "headers": {}, "events": [{"after": 1}]}),
    exchange(response={"status": 200, "headers": {}, "cut": 1}),
    exchange(response={"lost": 1}),
]


@pytest.mark.parametrize("line", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_line_is_named_by_its_number(line: bytes) -> None:
    with pytest.raises(InputError, match="FILE, line 3 is damaged: "):
        recording(exchange({}), line.rstrip() + b"\n", exchange({}))


def test_a_last_line_without_its_end_does_not_count_unless_it_is_whole() -> None:
    torn = recording(exchange({"x": 1}), exchange({"x": 2})[:-9])
    assert torn.is_cut
    assert replay(torn, post({"x": 1})) == [b"ok"]
    with pytest.raises(RejectedError):
        replay(torn, post({"x": 2}))
    whole = recording(exchange({"x": 1}), exchange({"x": 2})[:-1])
    assert not whole.is_cut
    assert replay(whole, post({"x": 2})) == [b"ok"]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_arbitrary_lines_are_damaged_or_harmless(lines: Sequence[bytes]) -> None:
    with pytest.raises((InputError, RejectedError), match=r"is damaged|has no answer"):
        replay(recording(*lines), post())
