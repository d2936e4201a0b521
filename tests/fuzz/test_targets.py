"""The targets of the fuzzer without the fuzzer: its seeds, and what hypothesis makes of their words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .targets import TARGETS, answer_reader, profile_reader, read_stream, recording_reader, row_reader, stream_reader

SEEDS = sorted(Path(__file__).with_name("seeds").glob("*/*"))
STREAM = [
    *(b"data: ", b"event: step.delta", b"id: 7", b": ", b"[DONE]", b"\n", b"\r", b"\n\n", b"\xef\xbb\xbf", b"\xe2\x80"),
    *(b'{"event_type":"step.delta","delta":{"type":"text","text":"', b"\\ud83e", b"\\udd4a", b'"}}', b"{", b"}", b"["),
    *(b'{"event_type":"interaction.completed","interaction":{"status":"completed"}}', b'{"error":{"code":503}}'),
]
PROFILE = [
    *(b"retries: ", b"request:", b"prompt: ", b"api_key_command: ", b"timeout: ", b"model: ", b"1e9", b"!!int "),
    *(
        b"  ",
        b"- ",
        b"\n",
        b"\t",
        b": ",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"'",
        b"|",
        b">",
        b"---\n",
        b"&a ",
        b"*a",
        b"<<: ",
    ),
]


ROWS = [
    *(b'"', b'""', b",", b";", b"\n", b"\r\n", b"\r", b"{", b"}", b"[", b'"key":', b'"id":', b"1", b"a", b" "),
    *(b'{"key":"k"}', b'"text"', b"key,input\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\\ud83e", b"\0"),
]


def made_of(words: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(words) | st.binary(max_size=4), max_size=30).map(b"".join)


@given(made_of(STREAM))
def test_any_stream(data: bytes) -> None:
    stream_reader(data)


@given(made_of(PROFILE))
def test_any_profile(data: bytes) -> None:
    profile_reader(data)


@given(made_of(ROWS))
def test_any_rows(data: bytes) -> None:
    row_reader(data)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_the_seeds(seed: Path) -> None:
    TARGETS[seed.parent.name](seed.read_bytes())


OTHER_TYPES = [None, True, 5, -0.5, "x", [], {}, ["a"], [None], {"type": ["a"]}]


def changed(value: Any) -> Iterator[Any]:
    """The value with each of its parts in turn replaced by each of OTHER_TYPES, or left out."""
    yield from OTHER_TYPES
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: each for name, each in value.items() if name != key}
            yield from ({**value, key: each} for each in changed(item))
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], each, *value[place + 1 :]] for each in changed(item))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_part_of_another_type(seed: Path) -> None:
    """Of each JSON text in the seeds; a stream is cut into two chunks only, since every cut takes long."""
    text = seed.read_text()
    match seed.parent.name:
        case "answer_reader":
            for value in changed(json.loads(text)):
                answer_reader(json.dumps(value).encode())
        case "recording_reader":
            for line in text.splitlines():
                for value in changed(json.loads(line)):
                    recording_reader(json.dumps(value).encode())
        case "stream_reader":
            lines = text.split("\n")
            for number, line in enumerate(lines):
                if line.startswith("data: {") and line.endswith("}"):
                    for value in changed(json.loads(line.removeprefix("data: "))):
                        data = "\n".join([*lines[:number], f"data: {json.dumps(value)}", *lines[number + 1 :]])
                        read_stream([data.encode()])


def test_every_target_has_seeds() -> None:
    assert {seed.parent.name for seed in SEEDS} == set(TARGETS)
