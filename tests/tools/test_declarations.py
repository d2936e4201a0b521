"""Tool files as people have them for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.errors import InputError
from gemini_cli.tools.declarations import ToolDeclarations, parse_tool_options

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA}
NAMED = {"name": "weather", "description": "d"}
GEMINI = {"functionDeclarations": [{**NAMED, "parameters": SCHEMA}]}
OPENAI = {"type": "function", "function": {**NAMED, "parameters": SCHEMA, "strict": True}}
MCP = {**NAMED, "title": "t", "inputSchema": SCHEMA, "outputSchema": {}, "annotations": {"readOnlyHint": True}}
ANTHROPIC = {**NAMED, "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}


def read(value: Any) -> ToolDeclarations:
    Path("tools.json").write_text(json.dumps(value, indent=1))
    return parse_tool_options(["tools.json"])


@pytest.mark.parametrize(
    "value",
    [
        [GEMINI],
        GEMINI,
        {"tools": [GEMINI]},
        [{"function_declarations": [{**NAMED, "parametersJsonSchema": SCHEMA}]}],
        [OPENAI],
        OPENAI,
        {"tools": [OPENAI]},
        [{"type": "function", **NAMED, "parameters": SCHEMA, "strict": True}],
        [MCP],
        {"tools": [MCP], "nextCursor": "c"},
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [MCP]}},
        [ANTHROPIC],
        [{**ANTHROPIC, "type": "custom"}],
        [
            {
                "functionDeclarations": [
                    {**NAMED, "parameters": json.loads(json.dumps(SCHEMA).replace('"object"', '"OBJECT"'))}
                ]
            }
        ],
    ],
    ids=json.dumps,
)
def test_declarations_of_other_programs_are_read(value: Any) -> None:
    found = read(value)
    assert found.tools == [WEATHER]
    assert [(each.name, each.parameters) for each in found.functions] == [("weather", SCHEMA)]


def test_how_to_run_it_stands_beside_any_of_them() -> None:
    for value in (
        {"functionDeclarations": [{**NAMED, "parameters": SCHEMA, "run": ["x"]}]},
        {**OPENAI, "run": ["x"]},
        {**MCP, "run": ["x"]},
        {**ANTHROPIC, "run": ["x"]},
    ):
        found = read([value])
        assert found.functions[0].local == {"run": ["x"]}
        assert found.tools == [WEATHER]


def test_built_in_tools_of_the_older_api_are_read() -> None:
    older = [
        {"googleSearch": {}, **GEMINI},
        {"code_execution": {}},
        {"urlContext": {}},
        {"fileSearch": {"fileSearchStoreNames": ["s"]}},
    ]
    assert read(older).tools == [
        {"type": "google_search"},
        WEATHER,
        {"type": "code_execution"},
        {"type": "url_context"},
        {"type": "file_search", "file_search_store_names": ["s"]},
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"functionDeclarations": []}], "tools.json:3: tools are a list of declarations"),
        ([{"functionDeclarations": [{"name": "1f"}]}], "tools.json:5: not a function name: '1f'"),
        ([{"type": "function", "function": {"name": "f", "parameters": 7}}], "a JSON Schema is a map"),
        ([{**MCP, "parameters": SCHEMA}], "parameters and inputSchema are the same"),
        ([{"name": "f", "inputSchema": {"$schema": 5}}], "$schema is the URL of a dialect"),
        ([{"name": "f", "inputSchema": {"$dynamicRef": "nowhere"}}], "cannot follow $dynamicRef nowhere"),
        ([{"type": "function", "function": 5}], "tools.json:4: the function of a tool is a map"),
        ([{"brandNew": {}}], "not a function name: None"),
        ([GEMINI, MCP], "weather is declared twice"),
        ({"result": {"tools": []}}, "tools are a list of declarations"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(value: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        read(value)
    assert message in raised.value.message
