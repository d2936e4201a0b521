"""`emulator` as a program: what it prints, how it ends, and a pipeline tested in one line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.program import on_the_path
from tests.waiting import PATIENCE

PROGRAM = [sys.executable, "-m", "gemini_cli"]


Emulator = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    """Run the emulator, forked, with these arguments; `gemini-cli` is on its PATH."""
    path = on_the_path(tmp_path / "bin")
    return lambda *argv: subprocess.run(
        [tmp_path / "bin" / "gemini-cli", "emulator", *argv],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": path},
        check=False,
    )


@contextmanager
def serving(*argv: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A running emulator and the variables that it printed."""
    with subprocess.Popen(
        [*PROGRAM, "emulator", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        pairs = [re.fullmatch(r"export (\w+)=(\S+)\n", line) for line in lines]
        try:
            yield process, {match[1]: match[2] for match in pairs if match}
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_what_to_export_serves_and_ends_at_once(number: signal.Signals) -> None:
    with serving() as (process, exported):
        assert set(exported) == {"GEMINI_BASE_URL", "GEMINI_API_KEY", "GEMINI_EMULATOR_TOKEN"}
        asked = subprocess.run(
            [*PROGRAM, "generate", "hi"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **exported},
            check=False,
        )
        assert (asked.returncode, asked.stderr) == (0, "")
        assert "Emulator" in asked.stdout
        process.send_signal(number)
        assert process.wait(PATIENCE) == -number
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_command_is_tested_against_it_in_one_line(emulator: Emulator) -> None:
    script = 'gemini-cli generate -u hi && gemini-cli stream hi && test "$GEMINI_OFFLINE" = 0 && exit 7'
    done = emulator("-v", "--fault", "rate_limit", "--", "bash", "-c", script)
    assert done.returncode == 7
    assert done.stdout.count("Emulator: turn 1") == 2
    assert [line.split()[1:4] for line in done.stderr.splitlines() if " /v1beta" in line] == [
        ["POST", "/v1beta/interactions", "429"],
        ["POST", "/v1beta/interactions", "200"],
        ["POST", "/v1beta/interactions", "200"],
    ]


def test_a_fault_that_was_not_spent_is_told(emulator: Emulator) -> None:
    done = emulator("--fault", "cut(after=1)", "--", "true")
    assert (done.returncode, done.stderr) == (0, "gemini-cli: fault not used: cut(after=1)\n")


def test_a_script_says_what_the_model_says(tmp_path: Path, emulator: Emulator) -> None:
    (tmp_path / "script.yaml").write_text("- when: dogs\n  reply: Eight paws.\n")
    done = emulator("--script", str(tmp_path / "script.yaml"), "--", "bash", "-c", "gemini-cli generate 2 dogs")
    assert (done.returncode, done.stdout) == (0, "Eight paws.\n")


def test_state_is_kept_in_a_file(tmp_path: Path, emulator: Emulator) -> None:
    state = ["--state", str(tmp_path / "state.db")]
    assert emulator(*state, "--", "bash", "-c", "gemini-cli generate 2 dogs").returncode == 0
    assert "turn 2" in emulator(*state, "--", "bash", "-c", "gemini-cli generate -c paws").stdout


def test_a_mistake_in_a_script_is_reported_with_its_file_and_line(tmp_path: Path, emulator: Emulator) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("- reply: x\n- fault: no_such_fault\n")
    done = emulator("--script", str(script), "--", "true")
    assert done.returncode == 3
    assert done.stderr.startswith(f"gemini-cli: input: {script}: script line 2: unknown fault 'no_such_fault'")
    script.write_text("- [")
    assert emulator("--script", str(script), "--", "true").stderr.count(str(script)) == 2  # once by the YAML parser


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["--fault", "no_such_fault"], 2, "no_such_fault"),
        (["--fault", "cut(after="], 2, "cut"),
        (["--script", "/no/such/file"], 3, "/no/such/file"),
        (["--state", "/no/such/folder/db"], 3, "/no/such/folder"),
        (["--state", __file__], 3, f"{__file__}: file is not a database"),
        (["--port", "99999999"], 2, "port"),
        (["--", "/no/such/program"], 127, "/no/such/program"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    argv: list[str], status: int, words: str, emulator: Emulator
) -> None:
    done = emulator(*argv)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_host_of_file_uris(tmp_path: Path, emulator: Emulator) -> None:
    (tmp_path / "a.txt").write_text("x")
    upload = f"gemini-cli upload --json {tmp_path}/a.txt"
    done = emulator("--file-host", "generativelanguage.googleapis.com", "--", "bash", "-c", upload)
    assert '"https://generativelanguage.googleapis.com/v1beta/files/emu000000001"' in done.stdout
    wrong = emulator("--file-host", "two words", "--", "true")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_the_faults_are_listed(emulator: Emulator) -> None:
    lines = emulator("--list-faults").stdout.splitlines()
    names = {re.split(r"[( ]", line)[0] for line in lines}
    assert {"refuse", "rate_limit", "quota_per_day", "cut", "cut_clean", "stall", "drip", "reset"} <= names
    assert {"truncate_json", "error_event", "unframed_error", "html", "redirect", "bad_utf8", "huge_event"} <= names
    assert {"no_event_ids", "replay_from_start", "diverge", "lose_chunk", "lost_ack", "active_503"} <= names
    assert all(re.match(r"\S.*  \S", line) for line in lines)


def test_the_variables_of_a_command(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the two variables that the official SDKs read there is one: they warn of both."""
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key-that-must-not-be-used")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    found = dict(line.split("=", 1) for line in emulator("--", "env").stdout.splitlines())
    url, key = found["GEMINI_BASE_URL"], found["GEMINI_API_KEY"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert found["GOOGLE_GEMINI_BASE_URL"] == url
    assert found["GEMINI_API_BASE"] == f"{url}/v1beta"
    assert found["GOOGLE_GENERATIVE_AI_API_KEY"] == key
    assert len(found["GEMINI_EMULATOR_TOKEN"]) == 32
    assert found.keys().isdisjoint(("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"))


def test_the_official_sdk_is_a_command_without_settings_and_warnings(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("google.genai", reason="the official SDK, google-genai, is not installed")
    monkeypatch.setenv("GOOGLE_API_KEY", "a-key-that-must-not-be-used")
    program = (
        "import logging; logging.basicConfig(level='WARNING')\n"
        "from google import genai\n"
        "client = genai.Client()\n"
        "print(client.interactions.create(model='gemini-3.8-flash', input='Hi').status)"
    )
    done = emulator("--", sys.executable, "-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "completed\n", "")


CACHE = """
name=$(gemini-cli api POST cachedContents -d '{"model": "models/gemini-3.8-flash", "contents": []}' | jq -r .name)
echo '{"ttl": "10s"}' | gemini-cli api PATCH "$name" -d - |
    jq '(.expireTime[:19] + "Z" | fromdate) - (.updateTime[:19] + "Z" | fromdate) <= 11'
fault="--header X-Emulator-Fault=refuse(503) --header X-Emulator-Token=$GEMINI_EMULATOR_TOKEN"
gemini-cli api DELETE "$name" $fault --retries 0 || echo "status $?"
gemini-cli api DELETE "$name"
gemini-cli api GET "$name" || echo "status $?"
"""


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_any_call_of_the_api_over_http(emulator: Emulator) -> None:
    """A body from stdin with PATCH, a header of the user's own, and statuses."""
    done = emulator("--", "sh", "-c", CACHE)
    assert done.stdout.split() == ["true", "status", "5", "{}", "status", "4"]
    assert "CachedContent not found" in done.stderr


# --- strict

SCRIPT = "- when: dogs\n  reply: Eight paws.\n"


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    return str(tmp_path / "script.yaml")


def test_strict_is_silent_when_all_was_used(script: str, emulator: Emulator) -> None:
    command = "gemini-cli generate -q dogs"
    done = emulator("--strict", "--script", script, "--fault", "refuse(503)", "--", "bash", "-c", command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Eight paws.\n", "")


def test_strict_has_a_status_of_its_own_and_a_line_for_each_mismatch(script: str, emulator: Emulator) -> None:
    asked = 'gemini-cli generate cats >&2 && curl -s "$GEMINI_BASE_URL/v1beta/nonsense" >&2'
    command = ["--script", script, "--fault", "cut", "--", "bash", "-c", asked]
    done = emulator("--strict", *command)
    assert done.returncode == 15
    assert [line for line in done.stderr.splitlines() if line.startswith("gemini-cli: ")] == [
        "gemini-cli: fault not used: cut",
        "gemini-cli: unknown request: GET /v1beta/nonsense",
        "gemini-cli: script line 1 not used: when prompt: dogs",
        'gemini-cli: no script line for turn 1, model gemini-flash-latest, prompt "cats"',
    ]
    assert emulator(*command).returncode == 0


def test_strict_leaves_the_status_of_a_command_that_failed(script: str, emulator: Emulator) -> None:
    done = emulator("--strict", "--script", script, "--", "bash", "-c", "exit 7")
    assert (done.returncode, done.stderr) == (7, "gemini-cli: script line 1 not used: when prompt: dogs\n")


@pytest.mark.parametrize(("prompt", "status"), [("dogs", -signal.SIGTERM), ("cats", 15)])
def test_a_strict_server_says_at_its_end_what_did_not_match(prompt: str, status: int, script: str) -> None:
    with serving("--strict", "--script", script) as (process, exported):
        environ = {**os.environ, **exported}
        subprocess.run([*PROGRAM, "generate", prompt], env=environ, stdin=subprocess.DEVNULL, check=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == status
        assert process.stderr is not None
        assert ('prompt "cats"' in process.stderr.read()) is (status == 15)


# --- requests


def test_requests_are_written_to_a_file_while_the_server_runs(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    with serving("--requests", str(path)) as (_, exported):
        environ = {**os.environ, **exported}
        for prompt in ("one", "two"):
            subprocess.run([*PROGRAM, "generate", prompt], env=environ, stdin=subprocess.DEVNULL, check=True)
        lines = path.read_text().splitlines()
        assert exported["GEMINI_API_KEY"] not in path.read_text()
    found = [json.loads(line) for line in lines]
    assert [(each["method"], each["path"], each["query"]) for each in found] == [
        ("POST", "/v1beta/interactions", {})
    ] * 2
    assert [each["body"]["input"] for each in found] == ["one", "two"]
    assert found[0]["headers"]["api-revision"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_emulators_append_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    prompt = "$(printf '%030000d' $i)"
    many = f'for i in 1 2 3 4 5; do {" ".join(PROGRAM)} generate --no-stdin "{prompt}"; done'
    with serving("--requests", str(path)) as (_, one), serving("--requests", str(path)) as (_, two):
        asked = [
            subprocess.Popen(["bash", "-c", many], env={**os.environ, **exported}, stdout=subprocess.DEVNULL)
            for exported in (one, two)
        ]
        assert [each.wait(PATIENCE) for each in asked] == [0, 0]
    prompts = [json.loads(line)["body"]["input"] for line in path.read_text().splitlines()]
    assert sorted(each[-1] for each in prompts) == list("1122334455")


def test_a_request_of_a_sandbox_has_its_name(tmp_path: Path, emulator: Emulator) -> None:
    path = tmp_path / "requests.jsonl"
    command = 'gemini-cli generate --base-url "$GEMINI_BASE_URL/sandbox/a" dogs'
    assert emulator("--requests", str(path), "--", "bash", "-c", command).returncode == 0
    assert [(each["sandbox"], each["path"]) for each in map(json.loads, path.read_text().splitlines())] == [
        ("a", "/v1beta/interactions")
    ]


def test_a_file_of_requests_that_cannot_be_written_is_an_error(tmp_path: Path, emulator: Emulator) -> None:
    """With an answer for the client, and at the end if it is found only then."""
    done = emulator("--requests", "/no/such/folder/r", "--", "true")
    words = "gemini-cli: output: cannot write /no/such/folder/r: No such file or directory\n"
    assert (done.returncode, done.stderr) == (13, words)
    path = tmp_path / "requests.jsonl"
    limited = f"ulimit -f 1; exec {' '.join(PROGRAM)} emulator --requests {path} -- {' '.join(PROGRAM)} generate"
    ask = subprocess.run(
        ["bash", "-c", f"{limited} --no-stdin {'x' * 2000}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ask.returncode, "Emulator: " in ask.stdout) == (13, True)
    assert ask.stderr == f"gemini-cli: output: cannot write {path}: File too large\n"
    assert path.read_text() == ""


def test_a_file_of_something_else_is_not_changed(tmp_path: Path, emulator: Emulator) -> None:
    path = tmp_path / "notes"
    path.write_text("Do not\nlose this")
    done = emulator("--requests", str(path), "--", "true")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert path.read_text() == "Do not\nlose this"


def test_a_replay_in_a_sandbox(tmp_path: Path, emulator: Emulator) -> None:
    path = tmp_path / "recording.jsonl"
    record = f"gemini-cli generate --offline --record {path} Hi"
    whole = emulator("--", "bash", "-c", record).stdout
    command = 'gemini-cli generate --base-url "$GEMINI_BASE_URL/sandbox/a" Hi'
    done = emulator("--replay", str(path), "--strict", "--", "bash", "-c", command)
    assert (done.returncode, done.stdout, done.stderr) == (0, whole, "")


def test_a_killed_command_is_told_as_a_shell_tells_it(emulator: Emulator) -> None:
    assert emulator("--", "bash", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_a_command_that_cannot_be_run_has_the_status_of_a_shell(tmp_path: Path, emulator: Emulator) -> None:
    assert emulator("--", "no-such-command").returncode == 127
    (tmp_path / "plain").write_text("")
    assert emulator("--", str(tmp_path / "plain")).returncode == 126
