"""Completion in the real shells: every line is typed, Tab is pressed, and what the shell found is compared.

One command is made up, to see that a new command is completed by itself.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from typer import Option

from gemini_cli.config.option_groups import Saved, Suggestions
from gemini_cli.docgen import command_info, completion, zsh
from gemini_cli.docgen.command_info import CommandInfo, load_commands
from tests.waiting import PATIENCE


@dataclass
class TalkOptions:
    """Voice."""

    session: Annotated[str | None, Option("--session", metavar="NAME", help="the session"), Saved("session")] = None
    mood: Annotated[
        str | None, Option("-z", "--mood", metavar="MOOD", help="it's the [mood]: any"), Suggestions(("calm", "cross"))
    ] = None
    loud: Annotated[bool, Option("--loud", help="shout")] = False


TALK = CommandInfo("talk", "Talk: to [nobody]. It's made up.", (TalkOptions,), "FILE...", argument_completes="file")
COMMANDS = (*load_commands(), TALK)
FIRST = set(command_info.command_words(COMMANDS)[""])

CASES: list[tuple[str, set[str]]] = [
    ("", FIRST),
    ("gen", {"generate"}),
    ("files ", {"list", "get", "delete", "download"}),
    ("files d", {"delete", "download"}),
    ("generate --dry", {"--dry-run"}),
    ("models list --dry", set()),
    ("files list --verb", {"--verbose"}),
    ("generate hello there --thinking ", {"minimal", "low", "medium", "high", "xhigh"}),
    ("stream --thinking=m", {"minimal", "medium"}),
    ("generate -P wor", {"work", "work-2"}),
    ("generate -P not", {"notes.txt"}),
    ("generate -T goog", {"google_search", "google_maps"}),
    ("generate --tool not", {"notes.txt"}),
    ("generate -o not", {"notes.txt"}),
    ("generate --api ", {"interactions", "generate-content"}),
    ("generate --seed not", set()),
    ("generate not", set()),
    ("generate -- --dry", set()),
    ("emulator --port 0 -- basenam", {"basename"}),
    ("api P", {"POST", "PUT", "PATCH"}),
    ("api POST -d not", {"notes.txt"}),
    ("completion ", {"bash", "zsh", "fish"}),
    ("talk not", {"notes.txt"}),
    ("talk --session mon", {"monday", "monster"}),
    ("talk -z c", {"calm", "cross"}),
    ("talk --lo", {"--loud"}),
]
LINES = [f"gemini-cli {line}" for line, _ in CASES]


KEPT = (
    "notes.txt",
    ".config/gemini-cli/profiles/work.yaml",
    ".config/gemini-cli/profiles/work-2.yaml",
    ".local/state/gemini-cli/sessions/monday.json",
    ".local/state/gemini-cli/sessions.offline/monster.json",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with profiles, a session and files; a program of our name that leaves a trace when it is started."""
    home = tmp_path_factory.mktemp("completion")
    for name, make_script in completion.COMPLETION_SCRIPTS.values():
        (home / name).write_text(make_script(COMMANDS))
    for path in KEPT:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).touch()
    (home / "bin").mkdir()
    for name in ("gemini-cli", "python3", "python"):
        (home / "bin" / name).write_text(f"#!/bin/sh\ntouch {home}/started\n")
        (home / "bin" / name).chmod(0o755)
    return home


def environ(home: Path) -> dict[str, str]:
    path = f"{home}/bin:{os.environ['PATH']}"
    return {"HOME": str(home), "PATH": path, "TERM": "dumb", "LC_ALL": "C.UTF-8", "ZDOTDIR": str(home)}


def typed(argv: Sequence[str], home: Path, pieces: Sequence[str]) -> None:
    """Type each piece when the shell says that it is ready, and wait until it ends."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execvpe(argv[0], list(argv), environ(home))
    shown, ends = b"", time.monotonic() + PATIENCE
    try:
        for piece in [*pieces, "exit\n"]:
            while b"READY>" not in shown:
                assert select.select([terminal], [], [], max(0, ends - time.monotonic()))[0], shown.decode()
                shown += os.read(terminal, 65536)
            shown = b""
            os.write(terminal, piece.encode())
        while select.select([terminal], [], [], max(0, ends - time.monotonic()))[0] and os.read(terminal, 65536):
            pass
    except OSError:
        pass  # Linux says that the shell has gone by EIO
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def in_bash(home: Path, lines: Sequence[str]) -> list[set[str]]:
    """ESC * inserts every match; then the line is made a printf."""
    (home / "bashrc").write_text(
        "PS1='READY>'; bind 'set enable-bracketed-paste off'; source gemini-cli.bash\n"
        "found() { printf '%s\\n' \"$@\"; }\n"
    )
    pieces = [f"{line}\x1b*\x01found \x05 > found-{number}\n" for number, line in enumerate(lines)]
    typed(["bash", "--noprofile", "--rcfile", "bashrc", "-i"], home, pieces)
    return [
        set((home / f"found-{number}").read_text().split("\n")) - {"", *line.split(), line.rpartition(" ")[2]}
        for number, line in enumerate(lines)
    ]


def in_zsh(home: Path, lines: Sequence[str]) -> list[set[str]]:
    """compadd, through which every match goes, also writes them down. Keys that wait would end a completion."""
    (home / ".zshrc").write_text(
        "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D\n"
        "ready() { print -n 'READY>' > /dev/tty }\n"
        "complete-it() { zle complete-word; ready }; zle -N complete-it; bindkey '^I' complete-it\n"
        "zle -N zle-line-init ready\n"
        "compadd() {\n"
        "  local -a hits\n"
        "  if [[ ! ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then\n"
        '    builtin compadd -O hits "$@"; print -rl -- $hits >> found\n'
        "  fi\n"
        '  builtin compadd "$@"\n'
        "}\n"
        "next() { mv found found-$1; }\n"
    )
    pieces = [(f"{line}\t", f"\x15touch found; next {number}\n") for number, line in enumerate(lines)]
    typed(["zsh", "-i"], home, [piece for pair in pieces for piece in pair])
    return [set((home / f"found-{number}").read_text().split("\n")) - {""} for number, _ in enumerate(lines)]


def in_fish(home: Path, lines: Sequence[str]) -> list[set[str]]:
    """fish says what it would complete."""
    script = "source gemini-cli.fish; for line in $argv; complete -C $line; echo READY; end"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, *lines],
        cwd=home,
        env=environ(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    found = [block.split("\n") for block in done.stdout.split("READY\n")]
    return [{line.partition("\t")[0] for line in block} - {""} for block in found]


SHELLS: dict[str, Callable[[Path, Sequence[str]], list[set[str]]]] = {
    "bash": in_bash,
    "zsh": in_zsh,
    "fish": in_fish,
}


@pytest.fixture(scope="module", params=SHELLS)
def found(request: pytest.FixtureRequest, place: Path) -> Iterator[list[set[str]]]:
    """The completions that a shell found for each line."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed here")
    yield SHELLS[request.param](place, LINES)
    assert not (place / "started").exists(), "completion started a program"


@pytest.mark.parametrize("number", range(len(CASES)), ids=LINES)
def test_every_line_is_completed(number: int, found: list[set[str]]) -> None:
    line, expected = CASES[number]
    flag = line.rpartition(" ")[2].partition("=")[0]
    assert {match.removeprefix(f"{flag}=") for match in found[number]} == expected


def test_zsh_takes_the_script_with_source_too(tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed here")
    (tmp_path / "script").write_text(zsh.zsh_script(COMMANDS))
    script = "autoload -Uz compinit; compinit -u -D; source script; print $_comps[gemini-cli]"
    done = subprocess.run(
        ["zsh", "-f", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert (done.stdout, done.stderr) == ("_gemini-cli\n", "")
