"""The key: what cannot be one, a file that cannot be closed to others, and a command that prints it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.config import api_key
from gemini_cli.errors import AuthError
from tests.harness import Outcome, ScriptedTransport, gemini, interaction, reply

KEY = "AQ.Ab8RN6_-" + "k" * 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'"{KEY}"', "a double quote"),
        (f"'{KEY}'", "a single quote"),
        (f"GEMINI_API_KEY={KEY}", "an assignment, with '='"),
        (f"export GOOGLE_API_KEY={KEY}", "an assignment, with '='"),
        (f"api_key: {KEY}", "an assignment, with ':'"),
        ("${GEMINI_API_KEY_PRODUCTION}", "the character $ (a variable that was not expanded)"),
        ("$GEMINI_API_KEY_PRODUCTION", "the character $"),
        ("{{ secrets.GEMINI_API_KEY }}", "the character {"),
        (f"{KEY} ", "a space"),
        (f" {KEY}", "a space"),
        (f"{KEY}\r\n", "a carriage return"),
        (f"{KEY}\n\n", "a newline"),
        (f"{KEY}é", "U+00E9"),
        (f"\u201c{KEY}\u201d", "U+201C"),
        (f"{KEY}\udce9", "a byte that is not UTF-8"),
        ("short", "this one has 5"),
        (f"{KEY},", "it ends in the character ,"),
        (f"{KEY};", "it ends in the character ;"),
        (f"<{KEY}>", "the placeholder of an example"),
        ("YOUR_API_KEY", "the placeholder of an example"),
        ("your-gemini-api-key-here", "the placeholder of an example"),
        ("INSERT_YOUR_KEY_HERE", "the placeholder of an example"),
        ("<your-api-key>", "the placeholder of an example"),
    ],
)
def test_a_text_that_cannot_be_a_key_is_refused_before_anything_is_sent(text: str, words: str) -> None:
    outcome = gemini("generate", "hi", environ={"GEMINI_API_KEY": text})
    assert outcome.status == 4
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert KEY not in outcome.err


@pytest.mark.parametrize("key", [KEY, "AIza" + "x" * 35, "a/b+c==" * 4])
def test_a_key_may_hold_what_keys_hold(key: str) -> None:
    transport = ScriptedTransport([reply(interaction())])
    assert gemini("generate", "hi", environ={"GEMINI_API_KEY": key}, answers=transport).status == 0
    assert transport.requests[0].headers["x-goog-api-key"] == key


def secret_file(mode: int = 0o600) -> str:
    Path("key").write_text(f"{KEY}\n")
    Path("key").chmod(mode)
    return "key"


def about(owner: int, mode: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))


def test_a_key_file_whose_mode_can_be_changed_says_chmod() -> None:
    outcome = gemini("generate", "hi", "--api-key-file", secret_file(0o440))
    assert outcome.status == 4
    assert "chmod 600" in outcome.err


@pytest.mark.parametrize("change", ["owner", "read-only"])
def test_a_mounted_secret_has_a_hint_that_can_be_followed(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret_file(0o440)
    if change == "owner":
        monkeypatch.setattr(os, "fstat", lambda descriptor: about(os.geteuid() + 1, 0o440))
    else:
        monkeypatch.setattr(
            os, "fstatvfs", lambda descriptor: os.statvfs_result((0, 0, 0, 0, 0, 0, 0, 0, os.ST_RDONLY, 0))
        )
    with pytest.raises(AuthError) as refused:
        api_key._from_file(path)
    assert refused.value.hint is not None
    assert "--api-key-file <(cat FILE)" in refused.value.hint
    assert "chmod" not in refused.value.message + refused.value.hint


# A command ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(home: Path) -> Any:
    def run(*argv: str, path: str = "/usr/bin:/bin", answers: int = 0) -> Outcome:
        profiles = home / ".config" / "gemini-cli" / "profiles"
        profiles.mkdir(parents=True, exist_ok=True)
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in argv)
        (profiles / "default.yaml").write_text(f"api_key_command: [{words}]\n")
        environ = {"HOME": str(home), "PATH": path, "GEMINI_API_KEY": ""}
        return gemini("generate", "hi", environ=environ, answers=[reply(interaction())] * answers)

    return run


def test_the_last_line_of_stderr_is_told(command: Any) -> None:
    outcome = command("sh", "-c", r"echo first >&2; printf 'gpg: \033[2Jno secret key\n\n' >&2; exit 2")
    assert outcome.status == 4
    assert outcome.err.splitlines()[0].endswith("failed with exit status 2: gpg: \\u001b[2Jno secret key")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (15, "SIGTERM")])
def test_a_command_that_a_signal_ended_names_the_signal(command: Any, number: int, name: str) -> None:
    outcome = command("sh", "-c", f"kill -{number} $$")
    assert (outcome.status, outcome.err) == (4, f"gemini-cli: auth: api_key_command was ended by {name}\n")


def test_a_command_that_says_much_on_stderr_is_not_held_up(command: Any) -> None:
    outcome = command("sh", "-c", f"head -c 1000000 /dev/zero | tr '\\0' x >&2; echo {KEY}", answers=1)
    assert outcome.status == 0


def test_what_a_command_printed_is_not_told_of_its_stderr(command: Any) -> None:
    outcome = command("sh", "-xc", f"echo {KEY}; false {KEY}")
    assert (outcome.status, outcome.err) == (
        4,
        "gemini-cli: auth: api_key_command failed with exit status 1: + false [redacted]\n",
    )


def test_a_key_in_place_of_the_command_is_not_repeated(command: Any) -> None:
    outcome = command(KEY)
    assert (outcome.status, outcome.err.count("\n")) == (4, 1)
    assert "its first word" in outcome.err
    assert KEY not in outcome.err


def test_the_first_line_is_the_key(command: Any) -> None:
    assert command("printf", f"{KEY}\\nuser: me\\n", answers=1).status == 0


@pytest.mark.parametrize("path", ["", ":/usr/bin", ".:/usr/bin", "/usr/bin:"])
def test_a_program_in_the_working_directory_is_not_run(command: Any, path: str) -> None:
    Path("my-pass").write_text(f"#!/bin/sh\ntouch ran\necho {KEY}\n")
    Path("my-pass").chmod(0o755)
    outcome = command("my-pass", path=path)
    assert outcome.status == 4
    assert "no program 'my-pass'" in outcome.err
    assert command("./my-pass", path=path).status == 4
    assert not Path("ran").exists()


def test_a_program_beside_the_profile_is_run(command: Any, home: Path) -> None:
    program = home / ".config" / "gemini-cli" / "profiles" / "my-pass"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho {KEY}\n")
    program.chmod(0o755)
    assert command("./my-pass", answers=1).status == 0
