"""The application through `typer.testing.CliRunner` alone: streams, environment and exit status are the program's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from gemini_cli.cli.app import COMMANDS, app
from gemini_cli.cli.program import Dependencies
from tests.harness import KEY, ScriptedTransport, interaction, reply


def invoke(*argv: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(argv), **more)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = invoke(command, "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: gemini-cli {command}")


@pytest.mark.parametrize("words", [[], ["map"], ["files", "list"]])
def test_help_is_a_command_too(words: list[str]) -> None:
    done = invoke("help", *words)
    assert (done.exit_code, done.stdout) == (0, invoke(*words, "--help").stdout)


def test_stdin_environment_stdout_and_status() -> None:
    done = invoke("generate", "--offline", "hi", input="more", env={"GEMINI_MODEL": "gemini-4-neon"})
    assert (done.exit_code, done.stderr) == (0, "")
    assert '"hi"' in done.stdout
    assert '"more"' in done.stdout
    assert "gemini-4-neon" in done.stdout


def test_errors_have_words_on_stderr_and_a_status() -> None:
    done = invoke("generate", "hi")
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith("gemini-cli: auth: no API key")
    done = invoke("generate", "--no-such-option")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--no-such-option" in done.stderr
    done = invoke("generate", "--json", "--retries", "x", "hi")
    assert json.loads(done.stderr)["exit_status"] == 2


def test_the_transport_is_httpxs() -> None:
    transport = ScriptedTransport([reply(interaction("Hello!"))])
    dependencies = Dependencies(transport=lambda: transport)
    done = invoke("generate", "-m", "m", "hi", env={"GEMINI_API_KEY": KEY}, obj=dependencies)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Hello!\n", "")
    assert transport.body() == {"model": "m", "input": "hi"}


@pytest.mark.parametrize(
    ("argv", "environ", "profile", "timeout", "origin"),
    [
        ([], {}, "", 120.0, "default"),
        ([], {}, "idle_timeout: 7\n", 7.0, "default.yaml"),
        (["--idle-timeout", "5"], {}, "idle_timeout: 7\n", 5.0, "--idle-timeout"),
    ],
)
def test_an_option_wins_over_the_profile_which_wins_over_the_default(
    argv: list[str], environ: dict[str, str], profile: str, timeout: float, origin: str, home: Path
) -> None:
    path = home / ".config/gemini-cli/profiles/default.yaml"
    path.parent.mkdir(parents=True)
    if profile:
        path.write_text(profile)
    done = invoke("config", "show", "--json", *argv, env=environ)
    found = json.loads(done.stdout)["idle_timeout"]
    assert found["value"] == timeout
    assert found["origin"].endswith(origin)


def test_a_variable_wins_over_the_profile(home: Path) -> None:
    path = home / ".config/gemini-cli/profiles/default.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("api_version: v1\n")
    for environ, value, origin in (
        ({}, "v1", str(path)),
        ({"GOOGLE_GENAI_API_VERSION": "v1alpha"}, "v1alpha", "GOOGLE_GENAI_API_VERSION"),
    ):
        done = invoke("config", "show", "--json", env=environ)
        assert json.loads(done.stdout)["api_version"] == {"value": value, "origin": origin}


def test_a_profile_key_that_is_a_field_of_the_body_does_not_outrank_the_request(home: Path) -> None:
    """The layers: the profile, the environment, --request, options and --set."""
    path = home / ".config/gemini-cli/profiles/default.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("request: {model: profile}\n")
    Path("request.json").write_text('{"model": "request", "input": "x"}')

    def body(*argv: str, **env: str) -> str:
        model: str = json.loads(invoke("generate", "-n", *argv, env=env).stdout)["body"]["model"]
        return model

    assert body("hi") == "profile"
    assert body("hi", GEMINI_MODEL="variable") == "variable"
    assert body("--request", "request.json", GEMINI_MODEL="variable") == "request"
    assert body("--request", "request.json", "-m", "option") == "option"
    assert body("--request", "request.json", "--set", "model=set") == "set"


@pytest.mark.parametrize(
    "argv",
    [
        ["-f", "a", "-f", "b"],
        ["-s", "a", "-s", "b", "hi"],
        ["-o", "a", "-o", "b", "hi"],
        ["--schema", "{}", "--schema", "{}", "hi"],
        ["--system-file", "a", "--system-file", "b", "hi"],
        ["--history", "a", "--history", "b", "hi"],
        ["--request", "a", "--request", "b"],
        ["--previous", "a", "--previous", "b", "hi"],
        ["--format-image", "1:1", "--format-image", "16:9", "hi"],
        ["--format-video", "16:9", "--format-video", "9:16", "hi"],
    ],
)
def test_what_would_be_dropped_silently_is_given_once(argv: list[str]) -> None:
    done = invoke("generate", "-n", *argv)
    assert done.exit_code == 2
    assert "given twice" in done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["map", "-p", "{a}", "-p", "{b}", "rows"],
        ["map", "--checkpoint", "a", "--checkpoint", "b", "rows"],
        ["batch", "submit", "--display-name", "a", "--display-name", "b", "rows"],
        ["upload", "--name", "a", "--name", "b", "file"],
        ["upload", "--mime", "text/plain", "--mime", "image/png", "file"],
        ["emulator", "--script", "a", "--script", "b"],
        ["emulator", "--requests", "a", "--requests", "b"],
    ],
)
def test_an_option_of_one_command_is_given_once(argv: list[str]) -> None:
    done = invoke(*argv)
    assert done.exit_code == 2
    assert "given twice" in done.stderr


def test_of_models_numbers_and_settings_the_last_one_wins() -> None:
    """So that an alias may have defaults, as with curl."""
    settings = ("--thinking", "low", "--thinking", "high", "--timeout", "1", "--timeout", "2")
    done = invoke("generate", "-n", "-m", "a", "-m", "b", "--seed", "1", "--seed", "2", *settings, "hi")
    config = {"seed": 2, "thinking_level": "high"}
    assert json.loads(done.stdout)["body"] == {"model": "b", "generation_config": config, "input": "hi"}


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["-m", "X", "How does it work?"], "-m stands before the command", "put options after it: gemini-cli generate"),
        (["--offline", "hi there"], "--offline stands before the command", "put options after it: gemini-cli generate"),
        (["generat", "hi"], "there is no command 'generat'", "did you mean 'generate'?"),
        (["-summarise this"], "looks like an option", "gemini-cli generate -- '-summarise this' sends it"),
        (["-"], "there is no command '-'", "gemini-cli generate - reads the prompt from stdin"),
        ([""], "there is no command ''", "gemini-cli --help lists the commands"),
        (["hi"], "there is no command 'hi'", "gemini-cli generate hi sends a prompt of one word"),
    ],
)
def test_a_command_line_without_a_command_has_a_hint(argv: list[str], message: str, hint: str) -> None:
    done = invoke(*argv)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert f"hint: {hint}" in done.stderr


def test_the_value_of_an_option_before_the_command_is_not_repeated() -> None:
    for argv in ([f"--api-key={KEY}", "generate", "hi"], [f"-k{KEY}", "generate", "hi"]):
        done = invoke(*argv)
        assert done.exit_code == 2
        assert KEY not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_committed_script(shell: str) -> None:
    names = {"bash": "gemini-cli.bash", "zsh": "_gemini-cli", "fish": "gemini-cli.fish"}
    committed = Path(__file__).parents[2] / "completions" / names[shell]
    assert invoke("completion", shell).stdout == committed.read_text()


def test_words_that_name_a_file_get_a_notice() -> None:
    Path("f.txt").write_text("x")
    done = invoke("generate", "--offline", "Translate this", "f.txt")
    assert (done.exit_code, done.stderr.count("\n")) == (0, 1)
    assert "-a f.txt attaches the file" in done.stderr


def test_a_quoted_pattern_is_expanded() -> None:
    for name in ("b.txt", "a.txt"):
        Path(name).write_text(name)
    body = json.loads(invoke("generate", "-n", "-a", "*.txt", "hi").stdout)["body"]
    assert ["a.txt" in str(part) for part in body["input"][1:]] == [True, False]
    Path("odd;type=x.txt").write_text("odd")
    for pattern in ("odd*", "odd;type=*;type=text/plain"):
        odd = json.loads(invoke("generate", "-n", "-a", pattern, "hi").stdout)["body"]
        assert odd["input"][1:] == [{"type": "text", "text": "odd"}]
    missing = invoke("generate", "-n", "-a", "*.png", "hi")
    assert (missing.exit_code, missing.stdout) == (3, "")


def test_a_request_that_holds_the_key_in_clear_is_not_sent() -> None:
    Path("prompt.txt").write_text(f"GEMINI_API_KEY={KEY}")
    transport = httpx.MockTransport(lambda request: pytest.fail("sent"))
    for argv in (
        ["generate", "-f", "prompt.txt"],
        ["stream", "-a", "prompt.txt", "hi"],
        ["generate", "-s", KEY, "hi"],
        ["upload", "--display-name", KEY, "prompt.txt"],
        ["models", "get", KEY],
    ):
        done = invoke(*argv, env={"GEMINI_API_KEY": KEY}, obj=Dependencies(transport=lambda: transport))
        assert (done.exit_code, done.stdout) == (3, "")
        assert "holds the API key" in done.stderr
        assert KEY not in done.stderr


@pytest.mark.parametrize("argv", [["-f", "link"], ["--system-file", "link", "hi"], ["--request", "link"]])
def test_the_environment_of_a_process_is_never_read(argv: list[str]) -> None:
    Path("link").symlink_to("/proc/self/environ")
    done = invoke("generate", "-n", *argv)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "are never sent" in done.stderr


@pytest.mark.parametrize("argv", [["map", "link"], ["map", "--csv", "-p", "{x}", "link"], ["batch", "submit", "link"]])
def test_rows_never_come_from_a_process(argv: list[str]) -> None:
    Path("link").symlink_to("/proc/self/environ")
    done = invoke(*argv, "-n")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "are never sent" in done.stderr


def test_a_value_may_begin_with_dashes() -> None:
    assert json.loads(invoke("generate", "-n", "--system", "-- be terse", "hi").stdout)["body"]["system_instruction"]
