"""Bytes -> events: whatever the split, the line endings, the noise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.api.api_error import StreamError
from gemini_cli.client.event_stream import read_api_events
from gemini_cli.errors import RejectedError


def ignore() -> None: ...


ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])


def read(chunks: list[bytes], limit: int = 10_000) -> tuple[list[str], list[str]]:
    notices: list[str] = []
    return [event.raw for event in read_api_events(chunks, lambda: notices.append("invalid"), limit=limit)], notices


def split(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[left:right] for left, right in pairwise(edges)]


payloads = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(st.characters(codec="utf-8"), max_size=10), max_size=2),
    min_size=1,
    max_size=4,
)
noise = st.sampled_from(
    ["", ": keep-alive\n", "id: 7\n\n", "event: x\n\n", "garbage\n", "retry: 10\n", "data:\n\n", "id: 1\n: c\n\n"]
)


@given(payloads, noise, noise, ENDINGS, st.booleans(), st.booleans(), st.lists(st.integers(0, 2000), max_size=12))
def test_every_split_gives_the_same_events(
    values: list[dict[str, str]], before: str, between: str, ending: str, bom: bool, done: bool, places: list[int]
) -> None:
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    framed = (
        before + between.join(f"event: e\ndata: {line}\n\n" for line in lines) + ("data: [DONE]\n\n" if done else "")
    )
    data = ("\ufeff" * bom + framed.replace("\n", ending)).encode()
    assert read([data]) == (lines, [])
    assert read(split(data, places)) == (lines, [])
    assert read([data[place : place + 1] for place in range(len(data))]) == (lines, [])


def test_an_event_does_not_wait_for_the_byte_after_its_end() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'data: {"a":1}\r\r'
        raise AssertionError("asked for more before giving the event")

    assert next(read_api_events(chunks(), ignore)).raw == '{"a":1}'


def test_a_last_event_that_is_nested_too_deeply_does_not_count() -> None:
    deep = b'data: {"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert read([b'data: {"a":1}\n\n' + deep])[0] == ['{"a":1}']


def test_nothing_after_done_is_read() -> None:
    assert read([b'data: {"a":1}\n\ndata: [DONE]\n\ndata: {"b":2}\n\n'])[0] == ['{"a":1}']


def test_the_type_in_the_data_counts() -> None:
    (event,) = read_api_events([b'event: other\ndata: {"event_type":"step.stop"}\n\n'], ignore)
    assert event.type == "step.stop"
    (event,) = read_api_events([b"event: named\ndata: {}\n\n"], ignore)
    assert event.type == "named"


def test_data_over_several_lines_is_one_line_of_json() -> None:
    assert read([b'data: {"a":\ndata: 1}\n\n'])[0] == ['{"a":1}']


def test_invalid_utf8_is_shown_and_told() -> None:
    events, notices = read([b'data: {"a":"\xff"}\n\n'])
    assert events == ['{"a":"\ufffd"}']
    assert len(notices) == 1
    assert read(['data: {"a":"\ufffd"}\n\n'.encode()])[1] == []


@pytest.mark.parametrize("data", [b"data: {not json}\n\n", b"data: [1]\n\n", b'data: "x"\n\n', b'data: {"a":NaN}\n\n'])
def test_what_is_no_object_is_rejected(data: bytes) -> None:
    with pytest.raises(RejectedError):
        read([data])


def test_an_event_without_end_is_rejected_at_the_limit() -> None:
    def endless() -> Iterator[bytes]:
        yield b"data: "
        for _ in range(10_000):
            yield b"x" * 100

    with pytest.raises(RejectedError, match="larger than 5000 bytes"):
        list(read_api_events(endless(), ignore, limit=5000))
    big = b'data: {"a":"' + b"x" * 4000 + b'"}\n\n'
    assert len(read([big] * 5, limit=5000)[0]) == 5


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\r"])
def test_a_last_event_without_its_blank_line_counts_if_its_json_is_whole(ending: bytes) -> None:
    assert read([b'data: {"a":1}\n\ndata: {"b":2}' + ending])[0] == ['{"a":1}', '{"b":2}']
    assert read([b'data: {"a":1}\n\ndata: {"b":' + ending])[0] == ['{"a":1}']
    assert read([b'data: {"a":1}\n\ndata: 12' + ending])[0] == ['{"a":1}']


def test_an_error_body_without_a_frame_is_told() -> None:
    body = b'{\n "error": {\n  "code": 503,\n  "message": "overloaded",\n  "status": "UNAVAILABLE"\n }\n}\n'
    events = read_api_events([b'data: {"a":1}\n\n', body[:20], body[20:]], ignore)
    assert next(events).raw == '{"a":1}'
    with pytest.raises(StreamError, match="broke off with 503: overloaded"):
        next(events)


def test_an_error_in_a_list_is_told() -> None:
    """An error body without a frame, or in a list (api/README.md 7.15, 11.11)."""
    with pytest.raises(StreamError, match="broke off with 503: overloaded") as told:
        list(read_api_events([b'data: [{"error":{"code":503,"message":"overloaded"}}]\n\n'], ignore))
    assert told.value.error.code == 503
