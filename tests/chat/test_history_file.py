"""The file of --history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness import gemini, interaction, reply


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_a_new_history(content: bytes) -> None:
    Path("h.json").write_bytes(content)
    assert gemini("generate", "--history", "h.json", "hi", answers=[reply(interaction("yes"))]).status == 0
    assert [step["type"] for step in json.loads(Path("h.json").read_text())] == ["user_input", "model_output"]


@pytest.mark.parametrize("content", ["{}", "[1]", "not JSON", '[{"no": "type"}]'])
def test_another_file_is_refused_and_not_changed(content: str) -> None:
    Path("h.json").write_text(content)
    assert gemini("generate", "--history", "h.json", "hi").status == 3
    assert Path("h.json").read_text() == content
