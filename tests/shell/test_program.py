"""The real program in a real shell: pipes, closed descriptors, locales, stray files. Offline: it needs no server."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import pytest

PROGRAM = f"{sys.executable} -m gemini_cli"


def shell(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script in bash; `gemini-cli` in it is the program."""
    return subprocess.run(
        ["bash", "-c", f'gemini-cli() {{ {PROGRAM} "$@"; }}\n{script}'],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environ},
        check=False,
    )


def test_a_stranger_asks_a_first_question() -> None:
    done = shell('gemini-cli generate --offline "How does AI work?"')
    assert (done.returncode, done.stderr) == (0, "")
    assert "How does AI work?" in done.stdout


def test_prompt_and_stdin_are_two_parts() -> None:
    done = shell('echo "+ a line" | gemini-cli generate -n "One-line changelog entry" | cat')
    assert json.loads(done.stdout)["body"]["input"] == [
        {"type": "text", "text": "One-line changelog entry"},
        {"type": "text", "text": "+ a line\n"},
    ]


def test_a_reader_that_has_enough_ends_the_program_by_sigpipe_silently() -> None:
    Path("script.yaml").write_text(f"- when: story\n  reply: |\n    first line\n    {'x' * 200_000}\n")
    emulator = f"{PROGRAM} emulator --script script.yaml -- bash -c"
    for command in ("generate", "stream"):
        pipeline = f'{PROGRAM} {command} story | head -1; echo "${{PIPESTATUS[0]}}"'
        done = shell(f"{emulator} '{pipeline}'")
        assert done.stdout.splitlines() == ["first line", str(128 + signal.SIGPIPE)]
        assert done.stderr == ""


def test_json_goes_into_a_pipe_as_one_line() -> None:
    done = shell("gemini-cli generate --json --offline hi")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["id"].startswith("v1_")


def test_a_conversation_goes_on_in_the_next_process() -> None:
    done = shell('gemini-cli generate --offline "I have 2 dogs" >/dev/null && gemini-cli generate --offline -c "paws?"')
    assert "turn 2" in done.stdout


def test_structured_output_fits_its_schema() -> None:
    schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'
    done = shell(f"gemini-cli generate --offline --schema '{schema}' 'a number'")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout)["n"], int)


@pytest.mark.parametrize("command", ["generate", "stream"])
def test_a_full_disk_is_13_and_one_line(command: str) -> None:
    done = shell(f"gemini-cli {command} --offline hi >/dev/full")
    assert done.returncode == 13
    assert done.stderr == "gemini-cli: output: cannot write to stdout: No space left on device\n"


@pytest.mark.parametrize(
    ("redirections", "status"),
    [("<&-", 0), (">&-", 13), ("2>&-", 0), ("<&- 2>&-", 0), ("<&- >&-", 13), (">&- 2>&-", 13), ("<&- >&- 2>&-", 13)],
)
def test_closed_descriptors_are_survived(redirections: str, status: int) -> None:
    done = shell(f"gemini-cli generate --offline hi {redirections}")
    assert done.returncode == status
    assert ("Emulator" in done.stdout) is (status == 0)
    assert "Traceback" not in done.stderr


def test_help_to_a_full_disk_is_13_too() -> None:
    assert shell("gemini-cli --help >/dev/full").returncode == 13


@pytest.mark.parametrize(
    "environ", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0"}]
)
def test_utf8_goes_through_in_any_locale(environ: dict[str, str]) -> None:
    done = shell("echo 'Übergrößen 😀' | gemini-cli generate -n 'Straße ✓'", **environ)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["body"]["input"] == [
        {"type": "text", "text": "Straße ✓"},
        {"type": "text", "text": "Übergrößen 😀\n"},
    ]


def test_a_word_that_is_not_utf8_is_an_input_error() -> None:
    done = shell("gemini-cli generate -n $'ab\\xff'")
    assert done.returncode == 3
    assert "byte offset 2" in done.stderr


def test_stray_files_in_the_working_directory_have_no_effect() -> None:
    for name in ("httpx", "yaml", "typer", "json", "sitecustomize", "usercustomize"):
        Path(f"{name}.py").write_text(f"open('ran-{name}', 'w')\nraise SystemExit('stray {name}.py ran')\n")
    Path(".env").write_text("GEMINI_MODEL=stray\n")
    Path("default.yaml").write_text("request: {model: stray}\n")
    done = shell("gemini-cli generate --offline hi && gemini-cli stream --offline hi")
    assert (done.returncode, done.stderr) == (0, "")
    assert "stray" not in done.stdout
    assert not list(Path().glob("ran-*"))


def test_a_missing_or_read_only_home_costs_only_what_is_kept_there(home: Path) -> None:
    assert shell("unset HOME; gemini-cli generate --offline hi").returncode == 0
    assert shell("HOME=/proc/nowhere gemini-cli generate --offline hi").returncode == 0
    assert shell("HOME= gemini-cli generate --offline -c hi").returncode == 3


def test_nothing_is_written_to_the_working_directory() -> None:
    shell("gemini-cli generate --offline hi; gemini-cli stream --offline -c hi")
    assert list(Path().iterdir()) == []


def test_a_closed_stdout_that_nothing_goes_to_is_no_fault() -> None:
    done = shell("gemini-cli generate --offline -q -o answer.txt hi >&-; echo $? >&2")
    assert done.stderr == "0\n"
    assert "hi" in Path("answer.txt").read_text()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_a_stream_that_the_shell_has_opened_is_not_replaced(name: str) -> None:
    Path("log").write_text("old\n")
    done = shell(f"(echo header; gemini-cli generate --offline -q -o {name} hi; echo; echo footer) >>log")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, *answer, last = Path("log").read_text().splitlines()
    assert (first, second, last) == ("old", "header", "footer")
    assert "hi" in "".join(answer)
    assert shell(f"gemini-cli generate --offline -q -o {name} hi | tail -n 1").stdout == answer[-1]


def test_a_command_of_the_emulator_is_not_offline_whatever_a_profile_says() -> None:
    profiles = Path(os.environ["HOME"]) / ".config/gemini-cli/profiles"
    profiles.mkdir(parents=True)
    (profiles / "default.yaml").write_text("offline: true\n")
    assert shell(f"gemini-cli emulator --fault 'refuse(400)' -- {PROGRAM} generate hi").returncode == 6


def unread(pipe: IO[bytes]) -> int:
    """Bytes that nobody took out of it yet."""
    count = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_stdin_is_read_ends_by_that_signal_silently(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gemini_cli", "generate", "--offline"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"half a prompt")
        process.stdin.flush()
        ends = time.monotonic() + 15
        while unread(process.stdin):
            assert time.monotonic() < ends
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(timeout=10) == -number
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_the_program_is_the_same_as_a_module_and_as_a_script() -> None:
    script = Path(sys.executable).with_name("gemini-cli")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == shell("gemini-cli --version").stdout
    assert shell("gemini-cli").stdout == shell("gemini-cli --help").stdout == shell("gemini-cli -h").stdout
