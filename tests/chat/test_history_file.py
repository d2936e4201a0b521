"""The file of --history."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from gemini_cli.chat.history_file import read_history, write_history
from gemini_cli.errors import InputError, OutputError
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


def test_a_pipe_is_not_replaced() -> None:
    os.mkfifo("pipe")
    with pytest.raises(InputError, match="a device or a pipe"):
        read_history("pipe")
    with pytest.raises(OutputError, match="not a regular file"):
        write_history("pipe", [])
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
