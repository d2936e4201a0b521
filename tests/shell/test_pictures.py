"""An image on a real pseudo-terminal, and the command that saves it."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

from gemini_cli.console.pictures import encode_for_iterm2
from gemini_cli.emulator.model.media import SAMPLE_JPEG
from tests.waiting import PATIENCE

PROGRAM = [sys.executable, "-m", "gemini_cli"]


def shown_on_a_terminal(argv: list[str], environ: dict[str, str]) -> str:
    """Run a command that succeeds; its stdout and stderr are one terminal."""
    ours, terminal = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:
        run = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
        os.close(terminal)
        shown = b""
        try:
            while piece := screen.read(65536):
                shown += piece
        except OSError:  # Linux: the other end is closed
            pass
        assert run.wait(PATIENCE) == 0
    return shown.decode().replace("\r\n", "\n")


def test_an_image_is_shown_and_saved_by_the_command_that_is_named(home: Path) -> None:
    environ = {**os.environ, "HOME": str(home), "GEMINI_OFFLINE": "1", "TERM": "xterm", "TERM_PROGRAM": "iTerm.app"}
    environ.pop("TMUX", None)
    argv = [*PROGRAM, "generate", "--format-image", "1:1", "a cat"]
    shown = shown_on_a_terminal(argv, environ)
    assert encode_for_iterm2(SAMPLE_JPEG).decode() in shown
    found = re.search(r"`gemini-cli (.*) -o FILE` saves the image", shown)
    assert found
    subprocess.run([*PROGRAM, *shlex.split(found[1]), "-q", "-o", "cat.jpg"], env=environ, check=True, timeout=PATIENCE)
    assert Path("cat.jpg").read_bytes() == SAMPLE_JPEG
    piped = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "\x1b" not in piped.stdout + piped.stderr
