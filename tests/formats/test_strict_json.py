"""Strict JSON: numbers keep their digits, depth is bounded, and other texts are refused."""

from __future__ import annotations

import copy
import json

import pytest

from gemini_cli.formats import strict_json
from gemini_cli.formats.strict_json import MAX_DEPTH, StreamedString

NUMBERS = [
    "-0.026397113800048829",
    "1.10",
    "1e5",
    "1E+05",
    "-0.0",
    "0.1",
    "5.0",
    "1e-400",
    "3.1415926535897932384626433",
]


@pytest.mark.parametrize("digits", NUMBERS)
def test_a_number_is_written_as_it_was_read(digits: str) -> None:
    text = f'{{"a":[{digits},{{"b":{digits}}}],"c":"streamed"}}'
    value = strict_json.loads(text)
    assert value["a"][0] == float(digits)
    assert isinstance(value["a"][0], float)
    assert strict_json.dumps(value) == text
    assert strict_json.dumps({"again": copy.deepcopy(value)}) == f'{{"again":{text}}}'
    indented = strict_json.dumps(value, indent=2)
    assert json.loads(indented) == json.loads(text)
    assert f'      "b": {digits}\n' in indented
    assert strict_json.dumps(strict_json.loads(digits)) == digits


def test_numbers_and_streamed_strings_go_together() -> None:
    value = {"n": strict_json.loads("1.10"), "data": StreamedString(2, lambda: iter([b"ab"])), "m": [0.5, True, "ü"]}
    text = '{"n":1.10,"data":"ab","m":[0.5,true,"ü"]}'
    assert strict_json.dumps(value) == text
    parts = strict_json.encode_parts(value)
    assert [part if isinstance(part, str) else "ab" for part in parts] == [
        '{"n":1.10,"data":"',
        "ab",
        '","m":[0.5,true,"ü"]}',
    ]


def test_a_value_may_hold_the_words_of_the_encoder() -> None:
    text = '["streamed","streamed.",1.10,{"streamed":1e5}]'
    assert strict_json.dumps(strict_json.loads(text)) == text


def test_what_is_no_json_is_refused() -> None:
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            strict_json.dumps({"a": wrong, "b": strict_json.loads("1.10")})
    with pytest.raises(TypeError, match="set is not JSON"):
        strict_json.dumps([set(), strict_json.loads("1.10")])


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_value_may_be_as_deep_as_it_can_be_handled(opening: str, closing: str) -> None:
    for depth, fits in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False)):
        text = opening * depth + "1" + closing * depth
        if fits:
            assert strict_json.dumps(strict_json.loads(text)) == text
        else:
            with pytest.raises(ValueError, match="nested too deeply"):
                strict_json.loads(text)


def test_brackets_in_strings_and_beside_each_other_are_not_depth() -> None:
    for text in ('["' + "[" * 1000 + '\\"[{\\\\"]', "[" + "[],{}," * 1000 + "0]"):
        assert strict_json.dumps(strict_json.loads(text)) == text


@pytest.mark.parametrize("text", ["[" * 1000, "]" * 1000, "[}" * 1000, '"' + "[" * 1000])
def test_brackets_without_their_ends_are_not_json(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the message is the parser's
        strict_json.loads(text)


@pytest.mark.parametrize("item", ["[]", '{"a":1}', "1e5", '"text"'])
def test_a_text_of_too_many_values_is_refused_before_it_is_parsed(item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_VALUES", 40_000)
    with pytest.raises(ValueError, match="more than 40000 values"):
        strict_json.loads(f"[{','.join([item] * (strict_json.MAX_VALUES + 1))}]")


def test_marks_in_strings_are_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_VALUES", 40_000)
    text = r"[{,:\\\"" * (strict_json.MAX_VALUES // 4 + 1)
    assert strict_json.loads(f'["{text}"]') == [text.replace(r"\\", "\\").replace(r"\"", '"')]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"a":1,"b":2,"b":3,"a":4}', '"b"'),
        ('[{"":{"\\u00fc\\n":0,"\u00fc\\n":0}}]', r'"\u00fc\\n"'),
        ('{"\\ud83d":0,"\\ud83d":0}', r'"\\ud83d"'),
    ],
)
def test_a_repeated_key_is_named(text: str, key: str) -> None:
    with pytest.raises(ValueError, match=f"^repeated key {key}$"):
        strict_json.loads(text)


def test_many_exact_numbers_are_written() -> None:
    text = f"[{','.join(['1.10'] * 100_000)}]"
    assert strict_json.dumps(strict_json.loads(text)) == text
