"""Surrogate pairs: halves are joined, counted in UTF-16, and replaced if they stay alone."""

from __future__ import annotations

import pytest

from gemini_cli.formats.surrogates import (
    from_utf16,
    has_lone_surrogate,
    join_surrogates,
    replace_lone_surrogates,
    to_utf16,
    utf16_length,
)


@pytest.mark.parametrize("text", ["", "abc", "\u00fc", "\U0001f600", "a\ud83d", "\ude00\ud83d"])
def test_a_text_keeps_its_units(text: str) -> None:
    assert from_utf16(to_utf16(text)) == join_surrogates(text) == text
    assert utf16_length(text) == len(to_utf16(text))


def test_two_halves_are_one_character() -> None:
    assert join_surrogates("a\ud83d\ude00") == "a\U0001f600"
    assert not has_lone_surrogate("a\ud83d\ude00")
    assert has_lone_surrogate("a\ude00\ud83d")


def test_a_lone_half_is_replaced_in_keys_and_values() -> None:
    value = {"\ud83d": ["\ud83d\ude00\ud83d", "a\ude00", 1, None]}
    assert replace_lone_surrogates(value) == {"\ufffd": ["\U0001f600\ufffd", "a\ufffd", 1, None]}
