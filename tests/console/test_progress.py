"""The line that says how far something is."""

from __future__ import annotations

import re

from gemini_cli.console.progress import ProgressBar


def test_what_must_be_done_again_makes_no_negative_rate() -> None:
    drawn: list[str] = []
    bar = ProgressBar(drawn.append, {"TERM": "xterm", "COLUMNS": "120"}, "film.mp4", 100, "B")
    for count in (20, 20, -40):
        bar.advance(count)
    bar.note("again")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(drawn)).rpartition("film.mp4")[2]
    bar.close()
    assert "0/100 bytes" in shown
    assert not re.search(r"-\d", shown)
