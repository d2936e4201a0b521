"""Which flag lands where, and the requests that the API's own pages document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.config.option_groups import OptionField, Suggestions, option_fields
from gemini_cli.config.request_options import RequestOptions
from tests.harness import Outcome, gemini

M = ("-m", "gemini-3-flash-preview")
WEATHER = {
    "type": "function",
    "name": "get_current_temperature",
    "description": "Gets the current temperature for a given location.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city name, e.g. San Francisco"}},
        "required": ["location"],
    },
}


def dry(*argv: str, command: str = "generate", **more: Any) -> Outcome:
    outcome = gemini(command, "-n", *argv, **more)
    assert outcome.status == 0, outcome.err
    assert outcome.err == ""
    return outcome


# The pages' own calls, as in documented.jsonl: what a reader of the documentation types first must come out the same.
DOCUMENTED: list[tuple[str, list[str], dict[str, Any]]] = [
    ("text", ["How does AI work?"], {"input": "How does AI work?"}),
    (
        "thinking level",
        ["--thinking", "low", "How does AI work?"],
        {"input": "How does AI work?", "generation_config": {"thinking_level": "low"}},
    ),
    (
        "system instruction",
        ["-s", "You are a cat. Your name is Neko.", "Hello there"],
        {"system_instruction": "You are a cat. Your name is Neko.", "input": "Hello there"},
    ),
    (
        "temperature",
        ["--temperature", "1.0", "Explain how AI works"],
        {"input": "Explain how AI works", "generation_config": {"temperature": 1.0}},
    ),
    (
        "image by uri",
        ["-a", "https://example.test/instrument;type=image/jpeg", "Tell me about this instrument"],
        {
            "input": [
                {"type": "text", "text": "Tell me about this instrument"},
                {"type": "image", "uri": "https://example.test/instrument", "mime_type": "image/jpeg"},
            ]
        },
    ),
    (
        "multi-turn",
        ["--previous", "ID", "How many paws are in my house?"],
        {"input": "How many paws are in my house?", "previous_interaction_id": "ID"},
    ),
    ("google_search", ["-T", "google_search", "Who won?"], {"input": "Who won?", "tools": [{"type": "google_search"}]}),
]


@pytest.mark.parametrize(("argv", "body"), [row[1:] for row in DOCUMENTED], ids=[row[0] for row in DOCUMENTED])
def test_the_documented_request_is_sent(argv: list[str], body: dict[str, Any]) -> None:
    assert dry(*M, *argv).body == {"model": "gemini-3-flash-preview", **body}


def test_the_documented_stream_is_sent() -> None:
    outcome = dry(*M, "Explain how AI works", command="stream")
    assert outcome.body == {"model": "gemini-3-flash-preview", "input": "Explain how AI works", "stream": True}
    assert outcome.json["method"] == "POST"
    assert outcome.json["url"] == "https://generativelanguage.googleapis.com/v1beta/interactions"
    assert outcome.json["headers"]["Accept"] == "text/event-stream"
    assert outcome.json["headers"]["Api-Revision"] == "2026-05-20"
    assert outcome.json["headers"]["Content-Type"] == "application/json"


def test_the_documented_stateless_request_is_sent(tmp_path: Path) -> None:
    steps = [{"type": "user_input", "content": [{"type": "text", "text": "I have 2 dogs in my house."}]}]
    (tmp_path / "steps.json").write_text(json.dumps({"input": steps}))
    body = dry(*M, "--no-store", "--request", str(tmp_path / "steps.json")).body
    assert body == {"model": "gemini-3-flash-preview", "store": False, "input": steps}


def test_the_documented_function_declaration_is_sent(tmp_path: Path) -> None:
    """Without `type`, and with what only we read (`run`), as a tools file for call-tool has it."""
    local = {key: value for key, value in WEATHER.items() if key != "type"} | {"run": ["./temperature"], "timeout": 10}
    (tmp_path / "tools.json").write_text(json.dumps([local]))
    body = dry(*M, "-T", str(tmp_path / "tools.json"), "What's the temperature in London?").body
    assert body["tools"] == [WEATHER]
    assert body["input"] == "What's the temperature in London?"


def test_the_documented_function_result_is_sent(tmp_path: Path) -> None:
    result = {
        "type": "function_result",
        "name": "get_current_temperature",
        "call_id": "CALL_ID",
        "result": [{"type": "text", "text": '{"temperature": "15C", "condition": "Cloudy"}'}],
    }
    (tmp_path / "tools.json").write_text(json.dumps({"tools": [WEATHER]}))
    body = dry(
        *M,
        "--previous",
        "ID",
        "-T",
        str(tmp_path / "tools.json"),
        "--request",
        "-",
        stdin=json.dumps({"input": [result]}).encode(),
    ).body
    assert body == {
        "model": "gemini-3-flash-preview",
        "input": [result],
        "tools": [WEATHER],
        "previous_interaction_id": "ID",
    }


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["--top-p", "0.5"], {"generation_config": {"top_p": 0.5}}),
        (["--max-tokens", "10"], {"generation_config": {"max_output_tokens": 10}}),
        (["--seed", "0"], {"generation_config": {"seed": 0}}),
        (["--seed", "-3"], {"generation_config": {"seed": -3}}),
        (["--stop", "a", "--stop", "b"], {"generation_config": {"stop_sequences": ["a", "b"]}}),
        (["--thoughts"], {"generation_config": {"thinking_summaries": "auto"}}),
        (["--no-store"], {"store": False}),
        (["--background"], {"background": True}),
        (["--service-tier", "flex"], {"service_tier": "flex"}),
        (["--label", "a=b", "--label", "c=d=e"], {"labels": {"a": "b", "c": "d=e"}}),
        (["--safety", "harassment=off"], {"safety_settings": [{"type": "harassment", "threshold": "off"}]}),
        (["--tool-choice", "any"], {"generation_config": {"tool_choice": "any"}}),
        (
            ["--tool-choice", "f"],
            {"generation_config": {"tool_choice": {"allowed_tools": {"mode": "any", "tools": ["f"]}}}},
        ),
        (["-T", "file_search=s"], {"tools": [{"type": "file_search", "file_search_store_names": ["s"]}]}),
        (
            ["-T", "mcp_server=https://my-host.test/mcp"],
            {"tools": [{"type": "mcp_server", "name": "my_host_test", "url": "https://my-host.test/mcp"}]},
        ),
        (
            ["-T", "code_execution", "-T", "url_context"],
            {"tools": [{"type": "code_execution"}, {"type": "url_context"}]},
        ),
        (
            ["--schema", '{"type":"object"}'],
            {"response_format": {"type": "text", "mime_type": "application/json", "schema": {"type": "object"}}},
        ),
        (["--set", "generation_config.top_k=3"], {"generation_config": {"top_k": 3}}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_lands_in_its_place(argv: list[str], part: dict[str, Any]) -> None:
    assert dry("hi", *argv).body == {"model": "gemini-flash-latest", "input": "hi", **part}


# Values of the options that take neither their first suggestion nor 1.
VALUES = {
    "thinking": "low",
    "max_tokens": "100",
    "system": "Be short.",
    "stop": "END",
    "schema": '{"type":"object"}',
    "format_image": "1:1",
    "format_audio": "audio/wav",
    "format_video": "16:9",
    "voice": "Kore",
    "label": "team=a",
    "safety": "harassment=off",
}
# `agent` and `background` start a run that takes minutes; `previous` needs an answer.
NOT_ALONE = {"agent", "background", "previous"}


@pytest.mark.parametrize(
    "field",
    [field for field in option_fields(RequestOptions) if field.is_body_field and field.name not in NOT_ALONE],
    ids=lambda field: field.name,
)
def test_the_emulator_knows_the_field_of_every_option(field: OptionField, home: Path) -> None:
    """A new option may need its line in `emulator/api/request_schema.py`."""
    suggestions = field.marker(Suggestions)
    value = VALUES.get(field.name) or (suggestions.values[0] if suggestions else "1")
    argv = [field.long, value] if field.takes_value else [field.long]
    argv += ["--format-audio", "audio/wav"] if field.name == "voice" else []
    done = gemini("generate", "--offline", *argv, "--json", "hi", environ={"HOME": str(home)})
    assert done.status == 0, done


def test_an_agent_takes_the_place_of_the_model() -> None:
    assert dry("--agent", "deep-research", "hi", environ={"GEMINI_MODEL": "m"}).body == {
        "agent": "deep-research",
        "input": "hi",
    }


def test_deep_research_is_asked_for_thoughts_in_its_own_field() -> None:
    """Agents have no generation_config (api/README.md 2.1, 2.12)."""
    agent = "deep-research-preview-04-2026"
    config = {"type": "deep-research", "thinking_summaries": "auto"}
    assert dry("--agent", agent, "--thoughts", "hi").body == {"agent": agent, "input": "hi", "agent_config": config}
    more = dry("--agent", agent, "--thoughts", "--set", "agent_config.visualization=off", "hi").body
    assert more["agent_config"] == {**config, "visualization": "off"}
    assert "generation_config" in dry("-m", "m", "--thoughts", "hi").body


def test_layers_lie_over_each_other(home: Path, tmp_path: Path) -> None:
    """profile < GEMINI_MODEL < --request < flags < --set; maps merge deeply, lists replace."""
    profiles = home / ".config/gemini-cli/profiles"
    profiles.mkdir(parents=True)
    (profiles / "default.yaml").write_text(
        "request:\n  model: profile\n  system_instruction: terse\n"
        "  generation_config: {seed: 1, temperature: 1, top_p: 1}\n  tools: [{type: google_search}]\n  labels: {a: p}\n"
    )
    request = tmp_path / "request.yaml"
    request.write_text("generation_config: {seed: 2, temperature: 2}\ninput: from the file\n")
    env = {"HOME": str(home)}
    assert dry("hi", environ=env).body["model"] == "profile"
    assert dry("hi", environ={**env, "GEMINI_MODEL": "env"}).body["model"] == "env"
    argv = ["--request", str(request), "--temperature", "3", "--label", "b=f", "-T", "url_context"]
    body = dry(*argv, "--set", "generation_config.x=4", environ=env).body
    assert body == {
        "model": "profile",
        "system_instruction": "terse",
        "input": "from the file",
        "generation_config": {"seed": 2, "temperature": 3.0, "top_p": 1, "x": 4},
        "tools": [{"type": "url_context"}],
        "labels": {"a": "p", "b": "f"},
    }
    request.write_text("model: file\n")
    assert dry("hi", "--request", str(request), environ={**env, "GEMINI_MODEL": "env"}).body["model"] == "file"
    assert dry("hi", "--request", str(request), "-m", "flag", environ=env).body["model"] == "flag"


HINTS = {
    "-f x hi": "-f FILE is the whole prompt; -a x sends it with the words",
}


@pytest.mark.parametrize(
    "argv",
    [
        ["-m", "a", "--agent", "b", "hi"],
        ["-s", "a", "--system-file", "b", "hi"],
        ["-c", "--previous", "x", "hi"],
        ["--background", "--no-store", "hi"],
        ["--label", "novalue", "hi"],
        ["--safety", "=x", "hi"],
        ["-T", "no_such_tool", "hi"],
        ["--set", "stream=true", "hi"],
        ["--offline", "--base-url", "http://127.0.0.1:1", "hi"],
        ["--trust-profile=./p.yaml", "hi"],
        ["--var", "A=b", "hi"],
        ["--timeout", "nan", "hi"],
        ["--retries", "-1", "hi"],
        ["-f", "x", "hi"],
        ["--set", "stream=5", "hi"],
        ["--set", "model=null", "--api", "generate-content", "hi"],
        ["--history", "new.json", "--set", "input=5"],
        ["-f", "-", "--no-stdin"],
        ["-", "--no-stdin"],
        ["-f", "-", "--request", "-"],
        ["--base-url", "ftp://x", "hi"],
        ["--base-url", "https://user:pw@x", "hi"],
        ["--base-url", "https://evil.example\\.googleapis.com", "hi"],
        ["-P", "../x", "hi"],
        ["-P", "CON", "hi"],
        ["-P", "", "hi"],
        [""],
        [],
    ],
    ids=" ".join,
)
def test_what_contradicts_itself_or_asks_nothing_is_a_usage_error(argv: list[str]) -> None:
    outcome = gemini("generate", *argv)
    assert outcome.status == 2, outcome.err
    assert outcome.out == ""
    assert outcome.err.startswith("gemini-cli: usage: ")
    hint = HINTS.get(" ".join(argv))
    assert outcome.err.splitlines()[1:] == ([f"hint: {hint}"] if hint else [])


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["--set", 'input="x"', "hi"], "give the prompt in one way"),
        (["--request", "input.json", "hi"], "give the prompt in one way; --no-stdin does not read one from stdin"),
        (["--set", "generationConfig.topK=5", "hi"], "add --api generate-content"),
        (
            ["--set", "generation_config.topK=5", "hi"],
            "write generation_config.top_k, or add --api generate-content",
        ),
        (["--request", "contents.json"], "add --api generate-content"),
    ],
    ids=str,
)
def test_a_request_in_the_wrong_format_is_not_sent(argv: list[str], hint: str) -> None:
    Path("contents.json").write_text('{"contents": [{"parts": [{"text": "hi"}]}]}')
    Path("input.json").write_text('{"input": "another prompt"}')
    outcome = gemini("generate", *argv)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.splitlines()[1] == f"hint: {hint}"


def test_the_input_of_a_request_is_not_replaced_by_stdin_rows_or_turns() -> None:
    Path("input.json").write_text('{"input": "a prompt"}')
    Path("rows.jsonl").write_text('"a"\n')
    for argv in (["generate"], ["map", "rows.jsonl"], ["chat"], ["chat", "words"]):
        outcome = gemini(*argv, "--request", "input.json", stdin=b"" if argv[1:] else b"from a pipe")
        assert (outcome.status, outcome.out) == (2, "")
        assert "the prompt would replace the input of input.json" in outcome.err


@pytest.mark.parametrize(
    "argv",
    [
        ["-m", "y", "--set", "model=x"],
        ["-m", "y", "--set", "agent=x"],
        ["--temperature", "1", "--set", "generation_config={}"],
        ["--no-store", "--set", "store=true"],
        ["--schema", '{"type":"object"}', "--set", "response_format.schema.type=array"],
        ["-T", "google_search", "--set", "tools=[]"],
        ["--label", "a=1", "--label", "a=2"],
    ],
    ids=" ".join,
)
def test_two_values_for_one_field_are_a_usage_error(argv: list[str]) -> None:
    outcome = gemini("generate", *argv, "hi")
    assert (outcome.status, outcome.out) == (2, "")
    assert "has no effect" in outcome.err


def test_set_may_repeat_or_extend_the_value_of_an_option() -> None:
    body = dry("-m", "m", "--set", "model=m", "-T", "google_search", "--set", 'tools[]={"type":"x"}', "hi").body
    assert body == {"model": "m", "tools": [{"type": "google_search"}, {"type": "x"}], "input": "hi"}
    body = dry("--schema", '{"type":"object"}', "--set", "response_format.schema.title=t", "hi").body
    assert body["response_format"]["schema"] == {"type": "object", "title": "t"}


def test_the_input_of_rows_is_not_set() -> None:
    Path("rows.jsonl").write_text('"a"\n')
    outcome = gemini("map", "-n", "--set", 'input="x"', "rows.jsonl")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--set input would replace the prompt" in outcome.err
