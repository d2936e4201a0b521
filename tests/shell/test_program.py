"""The real program in a real shell, offline: pipes, conversations, closed descriptors, locales.

What a server, a signal, a full disk or a stray file does to a run is in `tests/faults`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.program import on_the_path
from tests.waiting import PATIENCE

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


def bash(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environ},
        check=False,
    )


def started(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which `gemini-cli` is the program, started as it is: where that is what may go wrong."""
    return bash(f'gemini-cli() {{ {sys.executable} -m gemini_cli "$@"; }}\n{script}', **environ)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run a script in which `gemini-cli` is the program, forked."""
    path = on_the_path(tmp_path / "bin")
    return lambda script: bash(script, PATH=path)


def test_a_stranger_asks_a_first_question(shell: Shell) -> None:
    done = shell('gemini-cli generate --offline "How does AI work?"')
    assert (done.returncode, done.stderr) == (0, "")
    assert "How does AI work?" in done.stdout


@pytest.mark.parametrize("module", ["json", "lib-dynload", "typer"])
def test_it_starts_in_a_directory_of_python(module: str) -> None:
    """Although it takes the working directory off the path of modules."""
    directory = {"lib-dynload": Path(json.__file__).parents[1] / "lib-dynload"}.get(module)
    directory = directory or Path(sys.modules[module].__file__ or "").parents[1]
    script = shlex.quote(str(Path(sys.executable).with_name("gemini-cli")))
    for program in (f"{sys.executable} -m gemini_cli", script):
        done = bash(f"cd {shlex.quote(str(directory))} && {program} generate --offline -n hi")
        assert (done.returncode, done.stderr) == (0, "")


def test_prompt_and_stdin_are_two_parts(shell: Shell) -> None:
    done = shell('echo "+ a line" | gemini-cli generate -n "One-line changelog entry" | cat')
    assert json.loads(done.stdout)["body"]["input"] == [
        {"type": "text", "text": "One-line changelog entry"},
        {"type": "text", "text": "+ a line\n"},
    ]


def test_json_goes_into_a_pipe_as_one_line(shell: Shell) -> None:
    done = shell("gemini-cli generate --json --offline hi")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["id"].startswith("v1_")


def test_a_conversation_goes_on_in_the_next_process(shell: Shell) -> None:
    done = shell('gemini-cli generate --offline "I have 2 dogs" >/dev/null && gemini-cli generate --offline -c "paws?"')
    assert "turn 2" in done.stdout


def test_structured_output_fits_its_schema(shell: Shell) -> None:
    schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'
    done = shell(f"gemini-cli generate --offline --schema '{schema}' 'a number'")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout)["n"], int)


@pytest.mark.parametrize(
    ("redirections", "status"),
    [("<&- 2>&-", 0), ("<&- >&- 2>&-", 13)],
)
def test_closed_descriptors_are_survived(redirections: str, status: int) -> None:
    """Each combination is in `tests/faults`; here a database is opened as well, which must not get their numbers."""
    done = started(f"gemini-cli generate --offline hi {redirections}")
    assert done.returncode == status
    assert ("Emulator" in done.stdout) is (status == 0)
    assert "Traceback" not in done.stderr


def test_help_to_a_full_disk_is_13_too(shell: Shell) -> None:
    assert shell("gemini-cli --help >/dev/full").returncode == 13


def test_utf8_goes_through_from_a_pipe_in_any_locale() -> None:
    done = started("echo 'Übergrößen 😀' | gemini-cli generate -n 'Straße ✓'", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"]["input"] == [
        {"type": "text", "text": "Straße ✓"},
        {"type": "text", "text": "Übergrößen 😀\n"},
    ]


def test_a_word_that_is_not_utf8_is_an_input_error(shell: Shell) -> None:
    done = shell("gemini-cli generate -n $'ab\\xff'")
    assert done.returncode == 3
    assert "byte offset 2" in done.stderr


def test_a_missing_or_read_only_home_costs_only_what_is_kept_there(home: Path, shell: Shell) -> None:
    assert shell("unset HOME; gemini-cli generate --offline hi").returncode == 0
    assert shell("HOME=/proc/nowhere gemini-cli generate --offline hi").returncode == 0
    assert shell("HOME= gemini-cli generate --offline -c hi").returncode == 3


def test_nothing_is_written_to_the_working_directory(shell: Shell) -> None:
    shell("gemini-cli generate --offline hi; gemini-cli stream --offline -c hi")
    assert list(Path().iterdir()) == []


def test_a_closed_stdout_that_nothing_goes_to_is_no_fault(shell: Shell) -> None:
    done = shell("gemini-cli generate --offline -q -o answer.txt hi >&-; echo $? >&2")
    assert done.stderr == "0\n"
    assert "hi" in Path("answer.txt").read_text()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_a_stream_that_the_shell_has_opened_is_not_replaced(name: str, shell: Shell) -> None:
    Path("log").write_text("old\n")
    done = shell(f"(echo header; gemini-cli generate --offline -q -o {name} hi; echo footer) >>log")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, *answer, last = Path("log").read_text().splitlines()
    assert (first, second, last) == ("old", "header", "footer")
    assert "hi" in "".join(answer)
    assert shell(f"gemini-cli generate --offline -q -o {name} hi | tail -n 1").stdout == answer[-1] + "\n"


def test_a_command_of_the_emulator_is_not_offline_whatever_a_profile_says(shell: Shell) -> None:
    profiles = Path(os.environ["HOME"]) / ".config/gemini-cli/profiles"
    profiles.mkdir(parents=True)
    (profiles / "default.yaml").write_text("offline: true\n")
    assert shell("gemini-cli emulator --fault 'refuse(400)' -- gemini-cli generate hi").returncode == 6


def test_the_program_is_the_same_as_a_module_and_as_a_script(shell: Shell) -> None:
    script = Path(sys.executable).with_name("gemini-cli")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == started("gemini-cli --version").stdout
    assert shell("gemini-cli --help").stdout == shell("gemini-cli -h").stdout


def test_without_a_command_the_usage_is_on_stderr(shell: Shell) -> None:
    done = shell("echo x | gemini-cli > out; status=$?; cat out; exit $status")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no command" in done.stderr
    for noun in ("gemini-cli files", "gemini-cli files nosuch"):
        done = shell(noun)
        assert (done.returncode, done.stdout) == (2, "")
        assert "list, get, delete, download" in done.stderr
    assert shell("gemini-cli completion").stderr.endswith("Choose from: bash, zsh, fish\n")


@pytest.mark.parametrize("prompt", ["'How does AI work?'", "$'two\\nlines'"])
def test_a_first_argument_with_a_blank_is_a_prompt(prompt: str, shell: Shell) -> None:
    asked = f"{prompt} -n -m x"
    assert shell(f"gemini-cli {asked}").stdout == shell(f"gemini-cli generate {asked}").stdout
    unknown = shell("gemini-cli explain")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "gemini-cli generate explain" in unknown.stderr


def test_file_names_are_never_options(shell: Shell) -> None:
    """Names that begin with `-` come from an expanded `*`."""
    Path("--trust-profile").touch()
    Path("-Pevil.yaml").write_text("base_url: https://evil.example\n")
    done = shell("gemini-cli upload *")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hint: put -- before file names" in done.stderr
    assert shell("gemini-cli generate -n -- -Pevil.yaml").returncode == 0


@pytest.mark.parametrize("option", ["-s", "--system", "-qs"])
def test_the_value_of_an_option_may_begin_with_a_dash(option: str, shell: Shell) -> None:
    asked = shell(f"gemini-cli generate -n {option} '- answer in a list' hi")
    assert json.loads(asked.stdout)["body"]["system_instruction"] == "- answer in a list"
    for wrong in (f"-s x '- answer in a list' {option} y", f"{option} -- '-x y'"):
        assert shell(f"gemini-cli generate -n {wrong}").returncode == 2


@pytest.mark.parametrize(
    "prompt", ["-summarise this", "-m is a short option", "--wow, a prompt", "---\na: b", "-- or this"]
)
def test_a_prompt_that_looks_like_an_option_is_an_error_with_a_hint(prompt: str, shell: Shell) -> None:
    done = shell(f"echo text | gemini-cli generate -n '{prompt}'")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hint: put -- before a prompt" in done.stderr
