"""The targets of the fuzzer without the fuzzer: its seeds, and what hypothesis makes of their words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .targets import TARGETS, profile_reader, stream_reader

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


def made_of(words: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(words) | st.binary(max_size=4), max_size=30).map(b"".join)


@given(made_of(STREAM))
def test_any_stream(data: bytes) -> None:
    stream_reader(data)


@given(made_of(PROFILE))
def test_any_profile(data: bytes) -> None:
    profile_reader(data)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_the_seeds(seed: Path) -> None:
    TARGETS[seed.parent.name](seed.read_bytes())


def test_every_target_has_seeds() -> None:
    assert {seed.parent.name for seed in SEEDS} == set(TARGETS)
