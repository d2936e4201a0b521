"""Samples must fit their schemas (api/README.md 2.11)."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.emulator.model.sample import sample_value

LEAVES = st.one_of(
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "null"},
            {"type": "string", "format": "date-time"},
            {"type": ["string", "null"]},
            {"enum": ["b", "a"]},
            {"const": 7},
            {},
        ]
    ),
    st.builds(
        lambda low, more, whole: {"type": "integer" if whole else "number", "minimum": low, "maximum": low + more},
        st.integers(-50, 50),
        st.integers(0, 9),
        st.booleans(),
    ),
    st.builds(lambda low: {"type": "integer", "exclusiveMinimum": low, "multipleOf": 3}, st.integers(-9, 9)),
    st.builds(lambda high: {"type": "number", "exclusiveMaximum": high}, st.integers(-9, 9)),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, *[st.integers(0, 20)] * 2
    ),
)


def _bigger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from("abc"), inner, min_size=1)
    return st.one_of(
        st.builds(lambda fields: {"type": "object", "properties": fields, "required": sorted(fields)}, properties),
        st.builds(lambda fields: {"type": "object", "properties": fields, "additionalProperties": False}, properties),
        st.builds(lambda item, least: {"type": "array", "items": item, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda choices: {"anyOf": choices}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda item: {"$defs": {"x": item}, "type": "object", "properties": {"r": {"$ref": "#/$defs/x"}}},
            LEAVES,
        ),
    )


@given(schema=st.recursive(LEAVES, _bigger, max_leaves=8))
def test_every_sample_fits_its_schema(schema: dict[str, Any]) -> None:
    # A nested "$defs" is not at the root, where its reference points; only a whole schema is checked.
    if "$ref" not in str(schema) or "$defs" in schema:
        jsonschema.validate(sample_value(schema), schema)


NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}},
            "required": ["name"],
        }
    },
    "$ref": "#/$defs/node",
}


def test_a_recursive_schema_ends() -> None:
    found = sample_value(NODE)
    jsonschema.validate(found, NODE)
    assert found["next"]["next"]["name"] == "emulator"


def test_a_schema_that_requires_itself_ends() -> None:
    endless = {"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]}
    assert "emulator" in str(sample_value(endless))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}, {"n": 1}),
        (
            {"allOf": [{"properties": {"a": {"type": "null"}}}, {"properties": {"b": {"const": 2}}}]},
            {"a": None, "b": 2},
        ),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}}, [1, 2]),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True},
            ["emulator 1", "emulator 2"],
        ),
        (
            {"type": "object", "properties": {"a": {}, "b": {}}, "propertyOrdering": ["b", "a"]},
            {"b": "emulator", "a": "emulator"},
        ),
        ({"type": "object", "required": ["x"]}, {"x": "emulator"}),
        ({"type": "array", "maxItems": 0}, []),
    ],
)
def test_samples(schema: dict[str, Any], value: Any) -> None:
    found = sample_value(schema)
    assert found == value
    if isinstance(value, dict):
        assert list(found) == list(value)
