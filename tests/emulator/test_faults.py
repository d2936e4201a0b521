"""The effect of each fault."""

import gzip
import json
from typing import Any

import pytest

from gemini_cli.emulator.http.sse_frames import has_text
from gemini_cli.emulator.service import Emulator

from .in_memory_client import MODEL, Clock, InMemoryClient, delta_text, events, text
from .test_files import send, start, upload

CREATE = {"model": MODEL, "input": "Hi"}
STREAM = {**CREATE, "stream": True}
TARGET = "/v1/interactions"
GENERATE = {"contents": [{"parts": [{"text": "Hi"}]}]}
GENERATE_STREAM = f"/v1/models/{MODEL}:streamGenerateContent?alt=sse"


def with_faults(*faults: str) -> InMemoryClient:
    clock = Clock()
    return InMemoryClient(Emulator(faults=faults, clock=clock, sleep=clock.sleep))


def streamed(client: InMemoryClient, body: Any = None, target: str = TARGET) -> tuple[list[bytes], str]:
    """The items of the body, and the exception that broke the connection, if any."""
    got: list[bytes] = []
    try:
        for item in client.call("POST", target, body or STREAM).body:
            got += [item] if item else []
    except (ConnectionResetError, ConnectionAbortedError) as error:
        return got, type(error).__name__
    return got, ""


def said(frames: list[bytes]) -> str:
    return "".join(json.loads(frame.partition(b"data: ")[2])["delta"]["text"] for frame in frames if has_text(frame))


TRUE = delta_text(InMemoryClient(Emulator(clock=Clock())).stream("Hi"))


# --- instead of the response


def test_refuse_has_the_format_of_the_api_or_the_requested_one() -> None:
    client = with_faults(
        "refuse(503)", "refuse(503)", "refuse(503, shape=list)", "refuse(429, retry_info='2s', code=X)"
    )
    interactions = client.post(TARGET, CREATE).json
    theirs = client.post(GENERATE_STREAM, GENERATE).json
    listed = client.post(TARGET, CREATE).json
    informed = client.post(TARGET, CREATE).json
    assert interactions == {"error": {"message": "Unavailable.", "code": "service_unavailable"}}
    assert theirs == {"error": {"code": 503, "message": "Unavailable.", "status": "UNAVAILABLE"}}
    assert listed == [theirs]
    assert informed["error"]["status"] == "X"
    assert informed["error"]["details"][0]["retryDelay"] == "2s"


@pytest.mark.parametrize("value", ["1", "3600", "'inf'", "'1e400'", "-5", "'soon'"])
def test_retry_after_is_sent_unchanged(value: str) -> None:
    response = with_faults(f"rate_limit(retry_after={value})").post(TARGET, CREATE)
    assert (response.status, response.headers["retry-after"]) == (429, value.strip("'"))


def test_retry_after_as_a_date() -> None:
    response = with_faults("refuse(503, retry_after='date+2')").post(TARGET, CREATE)
    assert response.headers["retry-after"].endswith(" GMT")


def test_the_daily_quota() -> None:
    client = with_faults("quota_per_day", "quota_per_day(shape=interactions)")
    response = client.post(TARGET, CREATE)
    assert response.status == 429
    assert "PerDay" in response.json["error"]["details"][0]["violations"][0]["quotaId"]
    assert client.post(TARGET, CREATE).json["error"]["code"] == "quota_exceeded"


def test_the_key_is_echoed() -> None:
    response = with_faults("echo_key").send("POST", TARGET, CREATE, {"x-goog-api-key": "CANARY"})
    assert (response.status, "CANARY" in response.json["error"]["message"]) == (401, True)


def test_pages_and_redirects() -> None:
    client = with_faults(
        "html(502, size=5000)", "redirect(to='http://127.0.0.2:9/x', status=308)", "redirect(to=self)", "empty"
    )
    page = client.post(TARGET, CREATE)
    assert (page.status, page.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert 4900 < len(page.body) <= 5000
    moved = client.post(TARGET, CREATE)
    assert (moved.status, moved.headers["location"]) == (308, "http://127.0.0.2:9/x")
    assert client.post(TARGET, CREATE).headers["location"] == TARGET
    nothing = client.post(TARGET, CREATE)
    assert (nothing.status, nothing.body) == (200, b"")


def test_a_reset_may_or_may_not_have_carried_the_request_out() -> None:
    client = with_faults("reset(carried_out=false)", "reset")
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            client.post(TARGET, CREATE)
    # One of the two requests was carried out and used an id.
    assert client.create()["id"] == InMemoryClient(Emulator(faults=[])).create("x")["id"].replace(
        "MDAwMDAx", "MDAwMDAy"
    )


def test_oversized_and_odd_answers() -> None:
    client = with_faults(
        "huge_headers(size=100000)", "short_body(missing=7)", "gzip_bomb(mib=2)", "deep_json(depth=50)"
    )
    assert sum(len(value) for value in client.post(TARGET, CREATE).headers.values()) > 100_000
    short = client.post(TARGET, CREATE)
    assert int(short.headers["content-length"]) == len(short.body) + 7
    bomb = client.post(TARGET, CREATE)
    assert bomb.headers["content-encoding"] == "gzip"
    assert len(bomb.body) < 10_000
    assert len(gzip.decompress(bomb.body)) == 2 << 20
    assert client.post(TARGET, CREATE).body.count(b"[") == 50


@pytest.mark.parametrize("kind", ["nan", "bigint", "duplicates", "array", "null", "text"])
def test_odd_json_comes_plain_and_as_an_event(kind: str) -> None:
    client = with_faults(f"odd_json(kind={kind}, times=2)")
    plain = client.post(TARGET, CREATE).body
    streamed_body = client.post(TARGET, STREAM).body
    assert streamed_body == b"event: interaction.completed\ndata: " + plain + b"\n\n"


def test_blocked_prompts() -> None:
    client = with_faults("blocked(times=4)")
    failed = client.post(TARGET, CREATE).json
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", "safety")
    assert events(client.post(TARGET, STREAM).body)[-1]["interaction"] == failed
    feedback = {"blockReason": "SAFETY"}
    assert client.post(f"/v1/models/{MODEL}:generateContent", GENERATE).json["promptFeedback"] == feedback
    assert b'"promptFeedback"' in client.post(GENERATE_STREAM, GENERATE).body


def test_faults_below_http_are_raw() -> None:
    client = with_faults("silence(seconds=0.1)", "drip_headers(seconds=0.1)")
    silent = client.call("POST", TARGET, CREATE)
    assert (silent.raw, b"".join(silent.body)) == (True, b"")
    dripping = client.call("POST", TARGET, CREATE)
    items = iter(dripping.body)
    assert [next(items) for _ in range(4)] == [b"H", b"", b"", b"T"]
    assert dripping.raw


def test_a_stream_may_be_answered_with_json() -> None:
    response = with_faults("plain_answer").post(TARGET, STREAM)
    assert response.headers["content-type"] == "application/json"
    assert text(response.json) == TRUE


# --- the end of a stream


@pytest.mark.parametrize("after", [0, 1, 2, 99])
def test_cuts_come_after_that_many_deltas(after: int) -> None:
    for order, broken in (
        (f"cut(after={after})", "ConnectionResetError"),
        (f"cut(after={after}, how=close)", "ConnectionAbortedError"),
        (f"cut_clean(after={after})", ""),
    ):
        frames, how = streamed(with_faults(order))
        assert (said(frames), how) == (TRUE[: 24 * after], broken)
        assert b"completed" not in b"".join(frames)


def test_generate_content_is_cut_in_the_same_way() -> None:
    frames, how = streamed(with_faults("cut(after=2)"), GENERATE, GENERATE_STREAM)
    assert (len(frames), how) == (2, "ConnectionResetError")


def test_a_stall_waits_and_then_breaks() -> None:
    client = with_faults("stall(after=1, seconds=5)")
    frames, how = streamed(client)
    assert (said(frames), how) == (TRUE[:24], "ConnectionResetError")


def test_comments_without_end() -> None:
    frames, _ = streamed(with_faults("comments(after=1, lines=3)"))
    assert frames[-3:] == [b": still here\n\n"] * 3
    assert said(frames[:-3]) == TRUE[:24]


def test_an_error_in_the_stream() -> None:
    client = with_faults("error_event(after=1, code=deadline_exceeded, message='')", "error_event(after=1)")
    found = events(b"".join(streamed(client)[0]))
    assert found[-1] == {"error": {"message": "", "code": "deadline_exceeded"}, "event_type": "error"}
    assert delta_text(found) == TRUE[:24]
    older, _ = streamed(client, GENERATE, GENERATE_STREAM)
    assert b'"status":"UNAVAILABLE"' in older[-1]


def test_an_error_without_a_frame() -> None:
    frames, _ = streamed(with_faults("unframed_error(after=1)"))
    assert json.loads(frames[-1])[0]["error"]["code"] == 503


def test_json_that_stops_half_way() -> None:
    client = with_faults("truncate_json", "truncate_json(after=1)", "bad_json(after=1)")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(client.post(TARGET, CREATE).body)
    half, _ = streamed(client)
    assert half[-1].endswith(b"half of an ev")
    spoilt, _ = streamed(client)
    assert spoilt.count(b"event: step.delta\ndata: {not json}\n\n") == 1
    assert spoilt[-1] == b"event: done\ndata: [DONE]\n\n"


def test_text_after_the_end() -> None:
    frames, _ = streamed(with_faults("talk_on(seconds=1)"))
    end = frames.index(b"event: done\ndata: [DONE]\n\n")
    assert said(frames[:end]) == TRUE
    assert said(frames[end + 1 :]) == TRUE


# --- the content of a stream


def test_a_resumed_stream_may_begin_again_or_diverge() -> None:
    client = with_faults("replay_from_start", "diverge")
    whole = client.stream("Hi")
    target = f"{TARGET}/{whole[0]['interaction']['id']}?last_event_id={whole[5]['event_id']}&stream=true"
    assert events(client.get(target).body) == whole
    diverged = delta_text(events(client.get(target).body))
    assert (diverged.lower(), diverged == TRUE) == (TRUE.lower(), False)
    assert events(client.get(target).body) == whole[6:]


def test_unknown_parts_surround_the_true_answer() -> None:
    found = events(b"".join(streamed(with_faults("unknown_parts"))[0]))
    assert delta_text(found) == TRUE
    assert {"interaction.undocumented", "step.start"} <= {event["event_type"] for event in found}
    assert all("x_unknown" in event for event in found if "event_id" in event)


def test_noise_between_the_frames() -> None:
    body = b"".join(streamed(with_faults("odd_frames"))[0])
    for noise in (b": a comment\n\n", b"event: ping\n\n", b"data:\n\n", b"garbage\n\n"):
        assert noise in body


def test_bytes_that_are_not_text() -> None:
    client = with_faults("bad_utf8", "lone_surrogate", "bad_utf8(on=plain)", "no_event_ids")
    assert b"".join(streamed(client)[0]).count(b'"text":"\xff\xfe\x80Emulator') == 1
    surrogate = events(b"".join(streamed(client)[0]))
    assert delta_text(surrogate).startswith("\ud83dEmulator")
    assert b'"text":"\xff' in client.post(TARGET, CREATE).body


def test_a_huge_event() -> None:
    client = with_faults("huge_event(mib=2, times=2)")
    found = events(b"".join(streamed(client)[0]))
    assert max(len(event.get("delta", {}).get("signature", "")) for event in found) == 2 << 20
    assert delta_text(found) == TRUE
    older, _ = streamed(client, GENERATE, GENERATE_STREAM)
    assert max(map(len, older)) > 2 << 20


def test_other_endings() -> None:
    client = with_faults("finish(failed, code=safety, times=2)", "finish(SAFETY)")
    assert client.post(TARGET, CREATE).json["errors"] == [{"code": "safety", "message": "Emulated."}]
    found = events(client.post(TARGET, STREAM).body)
    assert (delta_text(found), found[-1]["interaction"]["status"]) == (TRUE, "failed")
    older, _ = streamed(client, GENERATE, GENERATE_STREAM)
    assert b'"finishReason":"SAFETY"' in older[-1]
    silent = events(with_faults("no_text").post(TARGET, STREAM).body)
    assert (delta_text(silent), silent[-1]["interaction"]["status"]) == ("", "completed")


# --- the bytes of a stream


def test_bytes_drip() -> None:
    clock = Clock()
    client = InMemoryClient(Emulator(faults=["drip(seconds=0.1, size=7)"], clock=clock, sleep=clock.sleep))
    frames, _ = streamed(client)
    assert max(map(len, frames)) == 7
    assert delta_text(events(b"".join(frames))) == TRUE
    assert clock.now - 1_800_000_000 == pytest.approx(0.1 * len(frames))


def test_an_answer_may_be_slow() -> None:
    clock = Clock()
    client = InMemoryClient(Emulator(faults=["slow(seconds=3)"], clock=clock, sleep=clock.sleep))
    client.create()
    assert clock.now - 1_800_000_000 == pytest.approx(3)


@pytest.mark.parametrize(("name", "end"), [("cr", b"\r"), ("lf", b"\n"), ("crlf", b"\r\n")])
def test_other_line_ends_and_a_byte_order_mark(name: str, end: bytes) -> None:
    frames, _ = streamed(with_faults(f"framing(line_end={name}, size=3)"))
    body = b"".join(frames)
    assert max(map(len, frames)) == 3
    assert body.startswith(b"\xef\xbb\xbf")
    assert delta_text(events(body[3:].replace(end, b"\n"))) == TRUE


# --- the array form of streamGenerateContent

ARRAY = f"/v1/models/{MODEL}:streamGenerateContent"


def array_of(*faults: str) -> bytes:
    items, broken = streamed(with_faults(*faults), GENERATE, ARRAY)
    assert not broken
    return b"".join(items)


def array_text(chunks: Any) -> str:
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    return "".join(part["text"] for part in parts)


@pytest.mark.parametrize("fault", ["no_event_ids", "odd_frames", "unknown_parts", "slow(seconds=1)", "drip(size=5)"])
def test_an_array_stays_whole(fault: str) -> None:
    assert array_text(json.loads(array_of(fault))) == TRUE


def test_comments_in_an_array_are_white_space() -> None:
    body = array_of("comments(after=1, lines=3)")
    assert body.endswith(b"\n\n\n")
    assert array_text(json.loads(body + b"]")) == TRUE[:24]


@pytest.mark.parametrize("fault", ["cut(after=2)", "stall(after=2, seconds=1)", "cut(after=2, how=close)"])
def test_a_cut_array_has_no_end(fault: str) -> None:
    items, broken = streamed(with_faults(fault), GENERATE, ARRAY)
    assert broken
    assert array_text(json.loads(b"".join(items) + b"]")) == TRUE[:48]


def test_a_cleanly_cut_array_has_no_end() -> None:
    body = array_of("cut_clean(after=2)")
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(body)
    assert array_text(json.loads(body + b"]")) == TRUE[:48]


def test_an_error_is_an_element_of_the_array() -> None:
    chunks = json.loads(array_of("error_event(after=1)"))
    assert chunks[-1] == {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    assert array_text(chunks[:-1]) == TRUE[:24]


def test_damaged_elements_of_an_array() -> None:
    assert b"\n,\r\n{not json}\n,\r\n{" in array_of("bad_json(after=1)")
    assert array_of("truncate_json(after=1)").endswith(b'"text":"half')
    assert array_of("unframed_error(after=1)").endswith(b" }\n]\n")
    assert json.loads(array_of("finish(SAFETY)"))[-1]["candidates"][0]["finishReason"] == "SAFETY"
    assert b'"text": "\xff\xfe\x80Emulator' in array_of("bad_utf8").replace(b'":"', b'": "')
    assert b'"text": "\\ud83dEmulator' in array_of("lone_surrogate")
    assert len(json.loads(array_of("huge_event(mib=1)"))[0]["x_filler"]) == 1 << 20


@pytest.mark.parametrize(("target", "wrapped"), [(ARRAY, True), (ARRAY + "?alt=sse", False)])
@pytest.mark.parametrize("fault", ["refuse(503)", "rate_limit(retry_info='2s')", "quota_per_day", "echo_key"])
def test_errors_have_the_form_of_the_stream(target: str, wrapped: bool, fault: str) -> None:
    response = with_faults(fault).post(target, GENERATE)
    assert isinstance(response.json, list) is wrapped
    assert response.body.endswith(b"\n]" if wrapped else b"}\n")
    expected = "application/json; charset=UTF-8" if wrapped else "text/event-stream"
    assert response.headers["content-type"] == expected
    body = response.json[0] if wrapped else response.json
    assert body["error"]["code"] == response.status


def test_a_blocked_prompt_and_odd_json_in_an_array() -> None:
    assert json.loads(array_of("blocked"))[0]["promptFeedback"] == {"blockReason": "SAFETY"}
    assert json.loads(array_of("odd_json(kind=text)")) == ["completed"]
    response = with_faults("plain_answer").post(ARRAY, GENERATE)
    assert response.json["candidates"][0]["finishReason"] == "STOP"


def test_bytes_of_an_array() -> None:
    items, _ = streamed(with_faults("drip(seconds=0.1, size=7)"), GENERATE, ARRAY)
    assert max(map(len, items)) == 7
    response = with_faults("short_body(missing=7)").post(ARRAY, GENERATE)
    assert int(response.headers["content-length"]) == len(response.body) + 7
    assert array_text(response.json) == TRUE


# --- files


def test_chunks_get_lost() -> None:
    client = with_faults("lose_chunk", "lose_chunk(keep=262144)", "lost_ack", "chunk_503", "active_503(keep=262144)")
    body = b"x" * (1 << 20)
    url = start(client, len(body))

    def received() -> int:
        asked = client.emulator
        faults, asked.faults = asked.faults, type(asked.faults)()
        try:
            return int(send(client, url, "query").headers["x-goog-upload-size-received"])
        finally:
            asked.faults = faults

    sizes = []
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            send(client, url, "upload", received(), body[received() : received() + (256 << 10)])
        sizes.append(received())
    refused = send(client, url, "upload", received(), body[received() :][: 256 << 10])
    assert (refused.status, "x-goog-upload-status" in refused.headers) == (503, False)
    sizes.append(received())
    active = send(client, url, "upload, finalize", received(), body[received() :])
    assert (active.status, active.headers["x-goog-upload-status"]) == (503, "active")
    sizes.append(received())
    assert sizes == [0, 256 << 10, 512 << 10, 512 << 10, 768 << 10]
    assert send(client, url, "upload, finalize", 768 << 10, body[768 << 10 :]).json["file"]["sizeBytes"] == str(1 << 20)


def test_starts_and_files_that_go_wrong() -> None:
    client = with_faults(
        "foreign_upload", "no_upload_url", "cancelled_upload", "wrong_hash", "failed_file", "failed_batch"
    )
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    foreign = client.send("POST", "/upload/v1/files", {}, headers)
    assert foreign.headers["x-goog-upload-url"].startswith("http://127.0.0.2:9/")
    assert "x-goog-upload-url" not in client.send("POST", "/upload/v1/files", {}, headers).headers
    assert send(client, start(client, 1), "upload, finalize", 0, b"x").headers["x-goog-upload-status"] == "cancelled"
    file = upload(client, b"x")
    assert file["sha256Hash"] == "MDAwMA=="
    shown = client.get(f"/v1/{file['name']}").json
    assert (shown["state"], shown["error"]["code"]) == ("FAILED", 3)
    inline = {"requests": {"requests": [{"request": GENERATE}]}}
    made = client.post(f"/v1/models/{MODEL}:batchGenerateContent", {"batch": {"inputConfig": inline}}).json
    job = client.get(f"/v1/{made['name']}").json
    assert (job["metadata"]["state"], job["done"], job["error"]["code"]) == ("BATCH_STATE_FAILED", True, 13)
    assert client.emulator.leftovers() == []
