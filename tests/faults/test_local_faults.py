"""Faults of local files and of other processes: profiles, sessions, locks, rows (tests/README.md, 57 to 61, 67).

The program runs as a process where a process, its memory or its permissions matter. The tables of refused files are in
`test_profiles.py`, `test_documents.py`, `test_rows.py` and `commands/test_chat.py`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

from .program import (
    Home,
    Process,
    assert_always_true,
    command,
    killed_at_the_end,
    run,
    run_forked,
    run_measured,
)
from .setups import T, emulator

# Root may write everywhere; without its capabilities it is a user like any other.
POWERLESS = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "fault")


# 57: profiles ---------------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name}\n  <<: [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
PROFILES = {
    "tab": ("retries: 1\n\tprompt: x\n", ":2: "),
    "unknown key": ("retries: 1\nretrys: 2\n", ":2: "),
    "duplicate key": ("retries: 1\nretries: 2\n", ":2: "),
    "aliases": (LAUGHS, ":1: "),
    "merge keys": (MERGES, ":1: "),
    "a Python object": ("prompt: !!python/object/apply:os.system ['touch ran']\n", ":1: "),
    "deep": ("prompt: " + "[" * 3000, ":1: "),
    "1 MB": ("# \n" * 349_525, "the limit is"),
    "two documents": ("retries: 1\n---\nretries: 2\n", ":2: "),
    "a list": ("- retries: 1\n", ":1: "),
    "NUL": ("retries: 1\nprompt: a\0b\n", ":2: "),
}


@pytest.mark.parametrize("name", PROFILES)
def test_57_a_hostile_profile_costs_neither_time_nor_memory(name: str, place: Home) -> None:
    text, words = PROFILES[name]
    environ = place.environ("http://127.0.0.1:9")
    profile = Path(environ["XDG_CONFIG_HOME"]) / "gemini-cli" / "profiles" / "default.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(text)
    done = run_measured(command("generate", "hi"), place, environ)
    assert done.status == 3
    assert f"{profile}" in done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.peak_mib is not None
    assert done.peak_mib < 80
    assert_always_true(done, place, "")


# 59: what lies in the place of a file of ours -------------------------------------------------------------------------

SOUND: dict[str, Any] = {"format": 1, "settings": {}, "turns": []}


def _text(path: Path) -> None:
    path.write_text("mine")
    path.chmod(0o600)


def _link(path: Path) -> None:
    _text(path.with_name("target"))
    path.symlink_to(path.with_name("target"))


def _of_another(path: Path) -> None:
    path.write_text(json.dumps({**SOUND, "id": "v1_x"}))
    path.chmod(0o600)
    os.chown(path, 12345, -1)


def seen(directory: Path) -> dict[str, tuple[int, bytes]]:
    """All that lies there, by its name: its mode and owner, and its content."""
    return {
        path.name: (path.lstat().st_mode ^ path.lstat().st_uid, path.read_bytes() if path.is_file() else b"")
        for path in directory.iterdir()
    }


SESSION, LAST = ("sessions/s.json", ["chat", "--session", "s"]), ("last.json", ["generate", "-c"])
LOCK = ("locks/session s", ["chat", "--session", "s"])  # any file will do as one, but it is made no link's target


@pytest.mark.parametrize(
    ("name", "argv", "make"),
    [
        *((*each, make) for each in (SESSION, LAST) for make in (_text, _link, _of_another, Path.mkdir, os.mkfifo)),
        *((*LOCK, make) for make in (_link, Path.mkdir)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_59_what_is_not_ours_is_left_as_it_is(
    name: str, argv: list[str], make: Callable[[Path], None], place: Home
) -> None:
    if make is _of_another and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    with emulator() as server:
        environ = place.environ(server.url)
        path = Path(environ["XDG_STATE_HOME"], "gemini-cli", name)
        path.parent.mkdir(parents=True)
        make(path)
        before = seen(path.parent)
        done = run_forked(command(*argv, "hi"), place, environ)
        assert len(server.requests) == 0
    assert done.status == 3
    assert done.stderr.count("\n") == 1
    assert seen(path.parent) == before
    assert_always_true(done, place, "")


def test_files_of_ours_are_closed_to_others(place: Home) -> None:
    with emulator() as server:
        environ = place.environ(server.url)
        assert run_forked(command("chat", "--session", "s", "hi"), place, environ).status == 0
        del environ["GEMINI_BASE_URL"]
        assert run_forked(command("generate", "--offline", "hi"), place, environ).status == 0
    state = Path(environ["XDG_STATE_HOME"], "gemini-cli")
    modes = {path.name: path.stat().st_mode & 0o777 for path in [state, *state.rglob("*")]}
    assert {"s.json", "last.json", "offline.db"} <= set(modes)
    assert set(modes.values()) == {0o700, 0o600}


# 60: two at once ------------------------------------------------------------------------------------------------------


def test_60_the_second_chat_is_told_who_has_the_session_and_nothing_is_lost(place: Home) -> None:
    with emulator("slow(2)") as server:
        environ = place.environ(server.url)
        first = Process(command("chat", "--session", "s", "one"), place, environ)
        with killed_at_the_end(first):
            until(lambda: len(server.requests) == 1)
            second = run_forked(command("chat", "--session", "s", "two"), place, environ)
            done = first.finish()
        assert second.status == 3
        assert f"session s is in use by process {first.popen.pid}" in second.stderr
        assert_always_true(second, place, "")
        assert len(server.requests) == 1
        assert done.status == 0
        assert run_forked(command("chat", "--session", "s", "two"), place, environ).status == 0
    turns = json.loads(Path(environ["XDG_STATE_HOME"], "gemini-cli", "sessions", "s.json").read_text())["turns"]
    assert [(turn["input"], turn["status"]) for turn in turns] == [("one", "completed"), ("two", "completed")]


# 61: a place that cannot be written -----------------------------------------------------------------------------------


@pytest.mark.skipif(bool(POWERLESS) and not shutil.which("setpriv"), reason="root cannot be made powerless here")
@pytest.mark.parametrize("which", ["sessions", "all of them"])
def test_61_a_session_that_cannot_be_written_is_13_with_the_answer_on_stdout(which: str, place: Home) -> None:
    with emulator() as server:
        environ = place.environ(server.url)
        turn = [*POWERLESS, *command("chat", "--session", "s", "hi")]
        assert run(turn, place, environ).status == 0
        state = Path(environ["XDG_STATE_HOME"], "gemini-cli")
        before = (state / "sessions" / "s.json").read_bytes()
        closed = [state / "sessions"] if which == "sessions" else [*state.glob("*/"), state]
        for directory in closed:
            directory.chmod(0o500)
        try:
            done = run(turn, place, environ)
        finally:
            for directory in reversed(closed):
                directory.chmod(0o700)
    assert done.status == 13
    assert done.stdout == T.encode() + b"\n"
    assert done.stderr.count("\n") == (1 if which == "sessions" else 2)  # `-c` cannot continue it either
    assert (state / "sessions" / "s.json").read_bytes() == before


# 67: rows -------------------------------------------------------------------------------------------------------------

MIB = 1 << 20


def test_67_every_good_row_of_a_bad_file_is_asked(place: Home) -> None:
    """A BOM, CRLF, blank lines, what is no JSON, a line of 33 MiB, an id twice, NaN, and no newline at the end."""
    lines = [
        b'\xef\xbb\xbf{"id":"a","input":"one"}',
        b"",
        b"{bad",
        b'{"id":"long","input":"' + b"x" * (33 * MIB) + b'"}',
        b'{"id":"a","input":"again"}',
        b'{"id":"nan","temperature":NaN,"input":"x"}',
        b"   ",
        b'"\xff"',
        b'{"id":"b","input":"two"}',
    ]
    rows = place.path / "rows.jsonl"
    rows.write_bytes(b"\r\n".join(lines))
    with emulator() as server:
        done = run_measured(command("map", str(rows)), place, place.environ(server.url))
        asked = sorted(json.loads(request.body)["input"] for request in server.requests)
        batch = run_forked(command("batch", "submit", str(rows)), place, place.environ(server.url))
        assert len(server.requests) == 2
    found = [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]
    assert done.status == 11
    assert [(row["key"], row["ok"], row.get("line")) for row in found] == [
        ("a", True, None),
        (3, False, 3),
        (4, False, 4),
        ("a", False, 5),
        (6, False, 6),
        (8, False, 8),
        ("b", True, None),
    ]
    assert {row["error"]["kind"] for row in found if not row["ok"]} == {"input"}
    assert asked == ["one", "two"]
    assert done.stderr.count("\n") == 1
    assert done.peak_mib is not None
    assert done.peak_mib < 100
    assert (batch.status, batch.stdout) == (3, b"")
    rows.unlink()
    assert_always_true(batch, place, "")
