"""Schemas as people write them: which are read, which are refused, and how an answer is compared with them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.errors import InputError, SchemaMismatch
from gemini_cli.formats import ecma_regex, json_schema, schema_process
from gemini_cli.formats.documents import Document, parse_document
from gemini_cli.formats.schema_process import SchemaProcess
from tests.harness import gemini, interaction
from tests.waiting import PATIENCE, until

EVIL = r"^([a-zA-Z0-9]+[._-]?)+@example\.com$"
BOMB = "a" * 40 + "!"


def read(schema: Any) -> tuple[Document, list[str]]:
    notices: list[str] = []
    document = parse_document(json.dumps(schema).encode(), "schema.json")
    return json_schema.read_schema(document, notices.append), notices


def fits(schema: Any, value: Any) -> bool:
    return json_schema.schema_mismatch(value, read(schema)[0].value) is None


# Patterns -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [r"^\p{L}+$", r"\P{Script=Greek}", r"(?<n>a)\k<n>", r"[\w-.]", r"[^]", r"[]", r"(?<=a+)b", r"\u{1F600}", r"\cA"],
)
def test_a_good_pattern_that_python_cannot_compile_is_sent_with_a_notice(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern}
    document, notices = read(schema)
    assert document.value == schema
    assert len(notices) == 1
    assert pattern in notices[0]
    assert fits(schema, "anything")
    assert not fits(schema, 5)


def test_a_tool_with_such_a_pattern_is_sent_with_a_notice() -> None:
    parameters = {"type": "object", "properties": {"name": {"type": "string", "pattern": r"^\p{L}+$"}}}
    Path("tool.json").write_text(json.dumps({"name": "greet", "parameters": parameters}))
    shown = gemini("generate", "-n", "-T", "tool.json", "hi")
    assert shown.status == 0
    assert shown.body["tools"][0]["parameters"] == parameters
    assert shown.err.count("\n") == 1
    assert r"^\p{L}+$" in shown.err


@pytest.mark.parametrize("pattern", ["[", "(", ")", "*", "a**", "a{3,2}", "[z-a]", "(?<n", "(?x", "\\", r"\p{", "a|*"])
def test_a_broken_pattern_is_refused(pattern: str) -> None:
    assert not ecma_regex.is_pattern(pattern)
    with pytest.raises(InputError, match="not a regular expression"):
        read({"properties": {"a": {"pattern": pattern}}})
    with pytest.raises(InputError, match="not a regular expression"):
        read({"patternProperties": {pattern: {}}})


@pytest.mark.parametrize("pattern", [r"^a|b$", "a{2}", "a{2,}?", "(?:a)+", "a{", "]", "[a-]", "(?!x)y*", r"\d+\.\d{2}"])
def test_a_usual_pattern_is_one(pattern: str) -> None:
    assert ecma_regex.is_pattern(pattern)
    assert ecma_regex.can_compile(pattern)


def test_properties_beside_a_pattern_that_cannot_be_compiled_are_allowed() -> None:
    schema = {
        "patternProperties": {r"^\p{L}+$": {"type": "integer"}, "^x": {"type": "integer"}},
        "additionalProperties": False,
    }
    assert fits(schema, {"ä": 1})
    assert not fits(schema, {"x": "text"})
    assert not fits({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"y": 1})


def test_pattern_is_also_the_name_of_a_property() -> None:
    schema = {"properties": {"pattern": {"type": "string"}}, "enum": [{"pattern": "["}]}
    assert read(schema)[1] == []
    assert fits(schema, {"pattern": "["})


# References ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        {"default": {"$ref": "nowhere"}},
        {"enum": [{"$ref": "#/nowhere"}], "examples": [{"$ref": "x"}]},
        {"$id": "https://e.test/a.json", "$defs": {"b": {"$id": "b.json", "type": "integer"}}, "$ref": "b.json"},
        {
            "$id": "https://e.test/a",
            "$ref": "https://e.test/b",
            "$defs": {"b": {"$id": "b", "$ref": "#/$defs/c", "$defs": {"c": {"type": "integer"}}}},
        },
        {"$defs": {"n": {"$anchor": "n", "type": "integer"}}, "$ref": "#n"},
        {"definitions": {"a/b": {"type": "integer"}}, "$ref": "#/definitions/a~1b"},
    ],
)
def test_a_reference_that_the_validator_can_follow_is_good(schema: Any) -> None:
    read(schema)
    if "$ref" in schema:
        assert fits(schema, 1)
        assert not fits(schema, "text")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "nowhere"},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"$ref": "https://e.test/elsewhere.json"},
        {"$ref": "file:///etc/passwd"},
        {"$dynamicRef": "#none"},
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(schema: Any) -> None:
    with pytest.raises(InputError, match="cannot follow"):
        read(schema)


@pytest.mark.parametrize("schema", [{"$schema": 5}, {"type": "strin"}, [], 5, {"minimum": "x"}])
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(InputError):
        read(schema)


# Spellings ----------------------------------------------------------------------------------------------------------


def test_types_in_upper_case_are_read_as_lower_case() -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "ARRAY", "items": {"type": "INTEGER"}}}, "title": "OBJECT"}
    document, _ = read(schema)
    assert document.value == {
        "type": "object",
        "properties": {"n": {"type": "array", "items": {"type": "integer"}}},
        "title": "OBJECT",
    }
    assert json_schema.schema_mismatch({"n": [1]}, schema) is None
    assert json_schema.schema_mismatch({"n": ["x"]}, schema) is not None


def test_a_dialect_that_is_not_a_url_is_refused() -> None:
    with pytest.raises(InputError, match=r"--schema:1: \$schema is not a URL"):
        json_schema.read_schema(parse_document(b'{"$schema":"http://[","type":"object"}', "--schema"), print)


def test_a_schema_in_the_place_of_a_type_is_named_as_json() -> None:
    """In draft 3."""
    schema = {"$schema": "http://json-schema.org/draft-03/schema#", "type": [{"type": "string"}, "null"]}
    assert json_schema.schema_mismatch(5, schema) == '$: 5 is not of type {"type":"string"} or null'


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"const": "a", "nullable": True},
        {"type": "STRING", "nullable": True, "enum": ["a"]},
        {"anyOf": [{"type": "string"}], "nullable": True},
        {"$ref": "#/$defs/a", "nullable": True, "$defs": {"a": {"type": "string"}}},
    ],
)
def test_nullable_is_honoured(schema: Any) -> None:
    assert fits(schema, None)
    assert fits(schema, "a")
    assert not fits(schema, 5)
    assert not fits({**schema, "nullable": False}, None)


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        ({"type": "string"}, None, "$: null is not of type string"),
        ({"type": ["string", "null"]}, True, "$: true is not of type string or null"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 5, "$: 5 has none of the allowed forms"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 5, "$: 5 has several of the allowed forms"),
    ],
)
def test_a_reason_has_the_words_of_json(schema: Any, value: Any, reason: str) -> None:
    assert json_schema.schema_mismatch(value, schema) == reason


@pytest.mark.parametrize(
    "wrap",
    [
        lambda schema: {"name": "answer", "schema": schema},
        lambda schema: {"name": "answer", "strict": True, "schema": schema},
        lambda schema: {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
        lambda schema: {"type": "json_schema", "name": "answer", "schema": schema},
        lambda schema: {"type": "text", "mime_type": "application/json", "schema": schema},
    ],
)
def test_the_schema_is_taken_out_of_a_wrapper(wrap: Any) -> None:
    schema = {"type": "object", "properties": {"schema": {"type": "object"}}}
    assert read(wrap(schema))[0].value == schema
    body = gemini("generate", "-n", "--schema", json.dumps(wrap(schema)), "hi").body
    assert body["response_format"]["schema"] == schema
    text = json.dumps(wrap({"type": "nonsense"}), indent=1)
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "nonsense" in each)
    Path("schema.json").write_text(text)
    assert f"schema.json:{line}: " in gemini("generate", "-n", "--schema", "schema.json", "hi").err


def test_a_schema_is_no_wrapper() -> None:
    schema = {"type": "object", "properties": {"name": {}, "schema": {}}}
    assert read(schema)[0].value == schema


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"typ": "object"}, "'typ' is no keyword; did you mean 'type'"),
        ({"Properties": {"a": {}}}, "did you mean 'properties'"),
        ({"city": "string", "zip": "string"}, "is no keyword"),
    ],
)
def test_a_schema_without_a_keyword_is_refused(schema: Any, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        read(schema)
    assert gemini("generate", "--schema", json.dumps(schema), "hi").status == 3


def test_every_keyword_of_the_dialects_is_known() -> None:
    from jsonschema import Draft202012Validator, validators

    for dialect in ("Draft4Validator", "Draft6Validator", "Draft7Validator", "Draft201909Validator"):
        assert set(getattr(validators, dialect).META_SCHEMA.get("properties", {})) <= json_schema.KEYWORDS
    assert set(Draft202012Validator.VALIDATORS) <= json_schema.KEYWORDS


def test_numbers_that_are_too_large_do_not_end_the_program() -> None:
    assert json_schema.schema_mismatch(10**400, {"multipleOf": 0.1}) is not None


def test_a_message_is_short_however_long_the_value() -> None:
    why = json_schema.schema_mismatch("x" * 100_000, {"type": "integer"})
    assert why is not None
    assert len(why) < 500


# Patterns that take for ever ----------------------------------------------------------------------------------------


def test_a_thread_compares_in_a_child_process() -> None:
    validate = json_schema.thread_validator(read({"type": "string", "pattern": "^a+$"})[0])
    assert validate('"aa"') == "aa"
    with pytest.raises(SchemaMismatch, match="does not match"):
        validate('"b"')
    with pytest.raises(SchemaMismatch, match="not JSON"):
        validate("{")


def block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


@pytest.mark.parametrize("prepare_thread", [lambda: None, block_signals], ids=["signals", "no signals"])
def test_a_pattern_that_takes_too_long_is_a_mismatch(
    monkeypatch: pytest.MonkeyPatch, prepare_thread: Callable[[], None]
) -> None:
    program = schema_process.CHILD_PROGRAM.replace(
        "schema_process.serve()", "schema_process.TIME_LIMIT = 0.3; schema_process.serve()"
    )
    monkeypatch.setattr(schema_process, "CHILD_PROGRAM", program)
    child = SchemaProcess({"pattern": EVIL})
    with ThreadPoolExecutor(1, initializer=prepare_thread) as pool:
        assert pool.submit(child.mismatch, BOMB).result(PATIENCE) == schema_process.TOO_SLOW
        assert pool.submit(child.mismatch, "a@example.com").result(PATIENCE) is None


def test_other_threads_run_meanwhile() -> None:
    child = SchemaProcess({"pattern": EVIL})
    thread = threading.Thread(target=child.mismatch, args=(BOMB,))
    thread.start()
    until(lambda: child._process is not None)
    assert child._process is not None
    child._process.kill()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize("command", ["map", "generate"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, None])
def test_a_run_ends_while_a_pattern_is_compared(command: str, end: signal.Signals | None, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    answer.write_text(json.dumps(interaction(json.dumps(BOMB))))
    program = (
        "import json, sys, httpx\n"
        "from gemini_cli.cli import app, program\n"
        "from gemini_cli.console import signals\n"
        "from gemini_cli.errors import Interrupted\n"
        "from gemini_cli.transport.deadline import set_alarm\n"
        "def answer(request):\n"
        "    print('asked', file=sys.stderr, flush=True)\n"
        "    return httpx.Response(200, json=json.load(open(sys.argv[1])))\n"
        "signals.install_handlers()\n"
        "try:\n"
        "    scripted = program.Dependencies(set_alarm=set_alarm, transport=lambda: httpx.MockTransport(answer))\n"
        "    app.app(sys.argv[2:], obj=scripted)\n"
        "except Interrupted as ended:\n"
        "    signals.exit_with_signal(ended.signum)\n"
    )
    schema = json.dumps({"type": "string", "pattern": EVIL})
    Path("rows.jsonl").write_text('{"input":"row"}\n' * 3)
    argv = [command, "--schema", schema, *(["rows.jsonl"] if command == "map" else ["--no-stdin", "row"])]
    argv += ["--timeout", "4"] if end is None else []  # the imports may take a second
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(answer), *argv],
        env={**os.environ, "GEMINI_API_KEY": "canary-key-0123456789-abcdefghij"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        while b"asked" not in process.stderr.readline():
            assert process.poll() is None
        if end is not None:
            process.send_signal(end)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    if end is None:
        assert b"the time limit of 4 s for the whole run has passed" in err
    else:
        assert process.returncode == -end
