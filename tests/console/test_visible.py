"""Text in a visible form."""

from __future__ import annotations

import pytest

from gemini_cli.console.visible import HEAD, TAIL, shorten, visible_in_full


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 🐕", "plain é 漢 🐕"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u00adb", "a\\u00adb"),
        ("a\u2060\ufeffb", "a\\u2060\\ufeffb"),
        ("a\u3164b", "a\\u3164b"),
        ("a\u115f\uffa0b", "a\\u115f\\uffa0b"),
        ("a\ufe0fb", "a\\ufe0fb"),
        ("a\U000e0041b", "a\\udb40\\udc41b"),
        ("a\U000e0100b", "a\\udb40\\udd00b"),
        ("a\u00a0\u2003b", "a\\u00a0\\u2003b"),
        ("a\u2800b", "a\\u2800b"),
        ("\x1b]52;c;eA==\x07", "\\u001b]52;c;eA==\\u0007"),
        ("two\nlines", "two\\nlines"),
        ("a\ud83d", "a\\ud83d"),
    ],
)
def test_a_question_hides_no_character(text: str, shown: str) -> None:
    assert visible_in_full(text) == shown


def test_a_long_question_keeps_its_head_and_tail() -> None:
    text = "run rm(" + "x" * 20_000 + "; last words)?"
    shown = shorten(text)
    assert shown.startswith("run rm(xxx")
    assert shown.endswith("; last words)?")
    assert f"[{len(text) - HEAD - TAIL} characters not shown]" in shown
    assert shorten("x" * (HEAD + TAIL)) == "x" * (HEAD + TAIL)
