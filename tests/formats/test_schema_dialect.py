"""The words of the API's older pages in schemas, and the places of schemas in a schema."""

from __future__ import annotations

from gemini_cli.formats.schema_dialect import find_patterns, to_json_schema


def test_the_words_of_the_older_pages_are_sent_as_json_schema() -> None:
    choice = {"type": "STRING", "nullable": True, "enum": ["x"], "default": {"nullable": True}}
    older = {"type": "OBJECT", "properties": {"nullable": choice, "b": {"type": "INTEGER", "nullable": False}}}
    newer = {"type": ["string", "null"], "enum": ["x", None], "default": {"nullable": True}}
    made = {"type": "object", "properties": {"nullable": newer, "b": {"type": "integer"}}}
    assert to_json_schema(older) == made


def test_patterns_are_found_in_schemas_and_not_in_values() -> None:
    schema = {
        "pattern": "a",
        "patternProperties": {"b": {"items": [{"pattern": "c"}, True]}},
        "properties": {"pattern": {"not": {"pattern": "d"}}},
        "default": {"pattern": "e"},
    }
    assert set(find_patterns(schema)) == {"a", "b", "c", "d"}
