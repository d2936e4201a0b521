"""The line that says how far something is."""

from __future__ import annotations

import re

from gemini_cli.console.progress import ProgressBar


def test_what_must_be_done_again_makes_no_negative_rate() -> None:
    drawn: list[str] = []
    bar = ProgressBar(drawn.append, {"TERM": "xterm", "COLUMNS": "120"}, "film.mp4", 100, "B")
    for count in (20, 20, -40):
        bar.advance(count)
    bar.advance_to(30)
    bar.advance_to(0)
    bar.note("again")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(drawn)).rpartition("film.mp4")[2]
    bar.close()
    assert "0/100 bytes" in shown
    assert not re.search(r"-\d", shown)


def test_amount_and_rate_have_the_same_units() -> None:
    drawn: list[str] = []
    bar = ProgressBar(drawn.append, {"TERM": "xterm", "COLUMNS": "120"}, "film.mp4", 100 << 20, "B")
    for _ in range(20):
        bar.advance(4 << 20)
    bar.note("")
    bar.close()
    assert re.search(r"80.0/100.0 MiB.* [KMG]iB/s", "".join(drawn))


def test_label_and_note_are_visible_and_redacted() -> None:
    drawn: list[str] = []
    environ = {"TERM": "xterm", "COLUMNS": "200"}
    bar = ProgressBar(
        drawn.append, environ, "job\x1b]0;x\x07", 3, "rows", lambda text: text.replace("secret", "[redacted]")
    )
    bar.note("STATE\x1b]52;c;eA==\x07 secret")
    bar.close()
    shown = "".join(drawn)
    assert "\x1b]" not in shown
    assert "\x07" not in shown
    assert "job\\u001b]0;x\\u0007" in shown
    assert "STATE\\u001b]52;c;eA==\\u0007 [redacted]" in shown
