"""Whole numbers in the arguments of a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_cli.tools.arguments import with_integers

INTEGER = {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "value", "converted"),
    [
        ({"properties": {"n": INTEGER}}, {"n": 5.0}, {"n": 5}),
        ({"properties": {"n": INTEGER}}, {"n": -0.0}, {"n": 0}),
        ({"properties": {"n": INTEGER}}, {"n": 5.5, "m": 5.0}, {"n": 5.5, "m": 5.0}),
        ({"properties": {"n": INTEGER}}, {"n": "5.0"}, {"n": "5.0"}),
        ({"properties": {"n": INTEGER}}, {"n": 1e300}, {"n": 1e300}),
        ({"properties": {"n": {"type": "number"}}}, {"n": 5.0}, {"n": 5.0}),
        ({"properties": {"n": {"type": ["integer", "null"]}}}, {"n": 5.0}, {"n": 5}),
        ({"properties": {"n": {"type": ["integer", "number"]}}}, {"n": 5.0}, {"n": 5.0}),
        ({"properties": {"n": {"type": "INTEGER"}}}, {"n": 5.0}, {"n": 5}),
        ({"properties": {"n": {"anyOf": [INTEGER, {"type": "string"}]}}}, {"n": 5.0}, {"n": 5}),
        ({"properties": {"n": {"type": "array", "items": INTEGER}}}, {"n": [1.0, 2.0]}, {"n": [1, 2]}),
        ({"properties": {"n": {"prefixItems": [INTEGER], "items": {}}}}, {"n": [1.0, 2.0]}, {"n": [1, 2.0]}),
        ({"additionalProperties": INTEGER}, {"n": 5.0}, {"n": 5}),
        ({"$defs": {"i": INTEGER}, "properties": {"n": {"$ref": "#/$defs/i"}}}, {"n": 5.0}, {"n": 5}),
        ({"properties": {"n": {"$ref": "#"}, "m": INTEGER}}, {"n": {"m": 5.0}}, {"n": {"m": 5}}),
        ({"$ref": "#"}, {"n": 5.0}, {"n": 5.0}),
        ({}, {"n": 5.0}, {"n": 5.0}),
    ],
)
def test_a_whole_number_is_an_integer_where_the_schema_says_so(schema: Any, value: Any, converted: Any) -> None:
    assert json.dumps(with_integers(value, schema)) == json.dumps(converted)
