"""Text from files and stdin."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_cli.errors import InputError
from gemini_cli.formats.text_files import decode_text
from tests.harness import gemini

BOM = b"\xef\xbb\xbf"


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    Path("prompt.txt").write_bytes(BOM + "grüße".encode())
    assert gemini("generate", "-n", "-f", "prompt.txt").body["input"] == "grüße"
    assert gemini("generate", "-n", "-", stdin=BOM + b"hi").body["input"] == "hi"
    piped = gemini("generate", "-n", "read", stdin=BOM + b"hi").body["input"]
    assert "\ufeff" not in str(piped)
    Path("system.txt").write_bytes(BOM + b"be brief")
    assert gemini("generate", "-n", "--system-file", "system.txt", "hi").body["system_instruction"] == "be brief"


def test_only_one_at_the_start_is_dropped() -> None:
    assert decode_text(BOM + BOM + b"a" + BOM, "x") == "\ufeffa\ufeff"
    with pytest.raises(InputError, match="byte offset 4"):
        decode_text(BOM + b"a\xff", "x")
