"""Session files: the API family that they stay with, and keys that this program did not write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ScriptedTransport, gemini, interaction, reply

OLDER = {"candidates": [{"content": {"parts": [{"text": "old"}], "role": "model"}, "finishReason": "STOP"}]}


def file(home: Path) -> Path:
    return home / ".local" / "state" / "gemini-cli" / "sessions" / "s.json"


def chat(*argv: str, answer: Any = None) -> tuple[Any, list[str]]:
    transport = ScriptedTransport([reply(answer)] if answer else [])
    home = str(Path.cwd().parent / "home")
    outcome = gemini("chat", "--json", "--session", "s", *argv, answers=transport, environ={"HOME": home})
    return outcome, [request.url.path for request in transport.requests]


def test_a_session_stays_with_its_api(home: Path) -> None:
    assert chat("--api", "generate-content", "one", answer=OLDER)[0].status == 0
    assert json.loads(file(home).read_text())["api"] == "generate-content"
    outcome, paths = chat("two", answer=OLDER)
    assert outcome.status == 0
    assert paths[0].endswith(":generateContent")
    assert chat("--api", "generate-content", "three", answer=OLDER)[0].status == 0


@pytest.mark.parametrize("first", ["interactions", "generate-content"])
def test_another_api_is_a_usage_error(first: str, home: Path) -> None:
    other = {"interactions": "generate-content", "generate-content": "interactions"}[first]
    chat("--api", first, "one", answer=interaction("1") if first == "interactions" else OLDER)
    before = file(home).read_bytes()
    outcome, paths = chat("--api", other, "two")
    assert (outcome.status, paths) == (2, [])
    assert first in outcome.err
    assert file(home).read_bytes() == before


def test_a_session_without_an_api_is_of_the_interactions(home: Path) -> None:
    chat("one", answer=interaction("1"))
    record = json.loads(file(home).read_text())
    del record["api"]
    file(home).write_text(json.dumps(record))
    assert chat("--api", "generate-content", "two")[0].status == 2
    assert chat("two", answer=interaction("2"))[0].status == 0


@pytest.mark.parametrize("where", [[], ["settings"], ["turns", 0]])
def test_an_unknown_key_is_refused(where: list[Any], home: Path) -> None:
    chat("one", answer=interaction("1"))
    record = json.loads(file(home).read_text())
    part = record
    for step in where:
        part = part[step]
    part["base_url"] = "https://evil.test"
    file(home).write_text(json.dumps(record))
    before = file(home).read_bytes()
    outcome, paths = chat("two")
    assert (outcome.status, paths) == (3, [])
    assert "unknown key 'base_url'" in outcome.err
    assert file(home).read_bytes() == before


def test_a_setting_that_set_added_is_known(home: Path) -> None:
    chat("--set", "brand_new=1", "one", answer=interaction("1"))
    assert json.loads(file(home).read_text())["settings"]["brand_new"] == 1
    shown = gemini("chat", "-n", "--session", "s", "two", environ={"HOME": str(home)})
    assert shown.body["brand_new"] == 1
