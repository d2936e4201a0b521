"""`--set` paths and merging, as tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.api.body import apply_set_option, merge, parse_path
from gemini_cli.client.request_body import encode_body, encoded_length
from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import strict_json
from gemini_cli.formats.strict_json import StreamedString
from gemini_cli.transport.body import StreamedBody


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ["a"]),
        ("a.b", ["a", "b"]),
        ("a.b[0].c", ["a", "b", 0, "c"]),
        ("a[]", ["a", -1]),
        ("a[1][2]", ["a", 1, 2]),
        ("a-b.c_d", ["a-b", "c_d"]),
    ],
)
def test_a_path_is_read(text: str, path: list[str | int]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "[0]", "a[x]", "a[-1]", "a]", "a[0", "a[1234567]", "a[0]b"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_path(text)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ({}, "generation_config.seed=7", {"generation_config": {"seed": 7}}),
        ({"a": {"b": 1}}, "a.c=x", {"a": {"b": 1, "c": "x"}}),
        ({}, "a=not json", {"a": "not json"}),
        ({}, 'a="7"', {"a": "7"}),
        ({}, "a=", {"a": ""}),
        ({}, "a=b=c", {"a": "b=c"}),
        ({}, "a=null", {"a": None}),
        ({}, "a=NaN", {"a": "NaN"}),
        ({"a": [1]}, "a[]=2", {"a": [1, 2]}),
        ({"a": [1, 2]}, "a[0]=9", {"a": [9, 2]}),
        ({"a": [{"b": 1}]}, "a[0].c=2", {"a": [{"b": 1, "c": 2}]}),
        ({}, "tools[].type=google_search", {"tools": [{"type": "google_search"}]}),
        ({"a": None}, "a.b=2", {"a": {"b": 2}}),
        ({"a": [None]}, "a[0].b=2", {"a": [{"b": 2}]}),
        ({"a": {"b": 1}}, "a=2", {"a": 2}),
    ],
)
def test_set_puts_a_value(before: dict[str, Any], text: str, after: dict[str, Any]) -> None:
    apply_set_option(before, text)
    assert before == after


@pytest.mark.parametrize("text", ["novalue", "a[5]=1", "input[0]=1", "input.x=1", "a.b[2]=x"])
def test_set_refuses_places_that_are_not_there(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--set"):
        apply_set_option({"a": {"b": ["x"]}, "input": "hi"}, text)


def test_maps_merge_deeply_and_lists_replace() -> None:
    under = {"a": {"b": 1, "c": [1]}, "d": 1}
    over = {"a": {"c": [2]}, "d": {"e": 1}}
    assert merge(under, over) == {"a": {"b": 1, "c": [2]}, "d": {"e": 1}}
    assert under == {"a": {"b": 1, "c": [1]}, "d": 1}


def test_a_body_over_the_limit_is_refused_with_its_size() -> None:
    with pytest.raises(InputError, match=r"100000\d\d\d bytes"):
        encode_body({"input": "x" * 100_000_000})


class Letters(StreamedString):
    def __init__(self, text: str) -> None:
        super().__init__(len(text), lambda: iter([text[:2].encode(), text[2:].encode()]))


@pytest.mark.parametrize("word", ["streamed", '"streamed', "streamed.", 'x"streamed', "streamed..", '"streamed"'])
def test_what_is_streamed_stands_where_its_text_would(word: str) -> None:
    def body(one: Any, two: Any) -> dict[str, Any]:
        return {"a": [one, word, {word: two}], "b": [word, one]}

    pieces = encode_body(body(Letters("AbCd"), Letters("Ef")))
    assert isinstance(pieces, StreamedBody)
    for _ in range(2):
        assert json.loads(b"".join(pieces.open_chunks())) == body("AbCd", "Ef")
    assert pieces.size == len(b"".join(pieces.open_chunks())) == encoded_length(body("AbCd", "Ef"))
    assert strict_json.dumps(body(Letters("AbCd"), Letters("Ef"))) == strict_json.dumps(body("AbCd", "Ef"))


def test_what_is_streamed_counts_for_the_limit() -> None:
    with pytest.raises(InputError, match=r"100000\d\d\d bytes"):
        encode_body({"input": StreamedString(100_000_000, lambda: iter([]))})


def test_half_a_surrogate_pair_survives_as_its_escape() -> None:
    assert encode_body({"input": "\ud83d"}) == b'{"input":"\\ud83d"}'


names = st.sampled_from(["a", "b", "c"]) | st.text(max_size=3)  # the same ones in both trees, often
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
trees = st.dictionaries(names, json_values, max_size=5)


@given(trees, trees)
def test_merging_keeps_every_word_of_the_upper_layer(under: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(under, over)
    assert merge(merged, over) == merged
    assert set(merged) == set(under) | set(over)


@given(st.text(max_size=40))
def test_any_path_is_read_or_refused(text: str) -> None:
    try:
        path = parse_path(text)
    except UsageError:
        return
    assert path
    assert isinstance(path[0], str)
