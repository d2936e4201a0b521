"""Profiles and precedence: who may say what, and who wins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.config import option_groups
from gemini_cli.config.option_groups import PROFILE_KEY, option_fields
from gemini_cli.config.profiles import fill_template, profile_keys
from gemini_cli.config.request_options import RequestOptions
from gemini_cli.errors import UsageError
from tests.harness import KEY, Outcome, ScriptedTransport, gemini, interaction, reply


@pytest.fixture
def profiles(home: Path) -> Path:
    directory = home / ".config" / "gemini-cli" / "profiles"
    directory.mkdir(parents=True)
    return directory


def dry(home: Path, *argv: str, **environ: str) -> Outcome:
    return gemini("generate", "-n", *argv, environ={"HOME": str(home), **environ})


def test_default_applies_when_none_is_named(home: Path, profiles: Path) -> None:
    (profiles / "default.yaml").write_text("request: {model: d}\n")
    (profiles / "other.yaml").write_text("request: {model: o}\n")
    assert dry(home, "hi").body["model"] == "d"
    assert dry(home, "hi", "-P", "other").body["model"] == "o"
    assert dry(home, "hi", GEMINI_PROFILE="other").body["model"] == "o"
    assert dry(home, "hi", "-P", "default", GEMINI_PROFILE="other").body["model"] == "d"
    assert dry(home, "hi", XDG_CONFIG_HOME="relative").body["model"] == "d"


def test_nothing_is_read_from_the_working_directory(home: Path) -> None:
    for name in ("default.yaml", ".env", "gemini-cli/profiles/default.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("request: {model: stray}\n")
    assert dry(home, "hi", XDG_CONFIG_HOME=".").body["model"] == "gemini-flash-latest"


def test_a_profile_by_path_needs_trust_for_where_the_key_goes(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("retries: 1\nrequest: {model: p}\n")
    assert dry(home, "hi", "-P", str(path)).body["model"] == "p"
    for key, value in {"base_url": "https://gw.example", "api_key_file": "/k", "api_key_command": "[x]"}.items():
        path.write_text(f"retries: 1\n{key}: {value}\n")
        refused = dry(home, "hi", "-P", str(path))
        assert refused.status == 3
        assert (
            refused.err == f"gemini-cli: input: {path}:2: {key} in a profile named by path needs --trust-profile=PATH\n"
        )
        assert dry(home, "hi", "-P", str(path), f"--trust-profile={path}").status == 0


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["-P", "./p.yaml", "--trust-profile=./p.yaml"], 0),
        (["-P", "./p.yaml", "--trust-profile", "./p.yaml"], 0),
        (["-P", "./p.yaml", "--trust-profile=./q.yaml"], 2),
        (["-P", "p.yaml", "--trust-profile=p.yaml"], 2),
        (["-P", "./p.yaml", "--trust-profile=p.yaml"], 2),
        (["--trust-profile=./p.yaml"], 2),
    ],
)
def test_trust_repeats_the_path_with_a_slash_in_it(argv: list[str], status: int, home: Path) -> None:
    """No file name of an expanded `*` holds a slash."""
    Path("p.yaml").write_text("base_url: https://gateway.example\n")
    assert dry(home, "hi", *argv).status == status


@pytest.mark.parametrize("key", ["run", "env"])
def test_a_tool_of_a_profile_by_path_needs_trust_to_run_or_to_see_variables(key: str, home: Path) -> None:
    Path("p.yaml").write_text(f"request:\n  tools:\n    - name: f\n      {key}: [x]\n")
    assert f"{key} in a profile named by path needs" in dry(home, "hi", "-P", "./p.yaml").err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("retires: 2\n", ":1: unknown setting 'retires'; did you mean 'retries'?"),
        ("retries: 2\nbase-url: x\n", ":2: unknown setting 'base-url'; did you mean 'base_url'?"),
        ("model: x\n", ":1: unknown setting 'model'"),
        ("retries: two\n", ":1: retries must be a whole number"),
        ("retries: -1\n", ":1: retries must be a whole number"),
        ("retries: true\n", ":1: retries must be a whole number"),
        ("timeout: [1]\n", ":1: timeout must be a number"),
        ("offline: 1\n", ":1: offline must be true or false"),
        ("base_url: 7\n", ":1: base_url must be text"),
        ("request: [1]\n", ":1: request must be a map"),
        ("request:\n", ":1: request must be a map"),
        ("prompt: [1]\n", ":1: prompt must be text"),
        ("api_key_command: pass show\n", ":1: api_key_command must be a list"),
        ("api_key_command: [pass, 1]\n", ":1: api_key_command must be a list"),
        ("- 1\n", ":1: a profile is a map of settings"),
        ("retries: 1\n\tx: 1\n", ":2: "),
    ],
)
def test_a_wrong_profile_is_named_by_file_and_line(home: Path, profiles: Path, text: str, words: str) -> None:
    (profiles / "default.yaml").write_text(text)
    outcome = dry(home, "hi")
    assert outcome.status == 3
    assert outcome.err.startswith(f"gemini-cli: input: {profiles}/default.yaml{words}")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("name", ["../x", "/etc/x", ".x", "a/b", "x" * 300, "a\nb", "CON", ""])
def test_a_name_that_is_no_name_touches_nothing(home: Path, name: str) -> None:
    assert dry(home, "hi", "-P", name).status == 2


def test_a_profile_that_is_not_there_is_an_input_error(home: Path, profiles: Path) -> None:
    assert dry(home, "hi", "-P", "none").status == 3
    assert gemini("generate", "hi", "-P", "x").status == 3


def test_the_prompt_of_a_profile_comes_before_the_words(home: Path, profiles: Path) -> None:
    (profiles / "log.yaml").write_text("prompt: Write a changelog entry in ${LANG}.\n")
    said = gemini(
        "generate", "-n", "-P", "log", "--var", "LANG=German", "Be brief.", stdin=b"diff", environ={"HOME": str(home)}
    )
    assert said.body["input"] == [
        {"type": "text", "text": "Write a changelog entry in German. Be brief."},
        {"type": "text", "text": "diff"},
    ]
    alone = dry(home, "-P", "log", "--var", "LANG=German")
    assert alone.body["input"] == "Write a changelog entry in German."
    assert dry(home, "-P", "log").err == "gemini-cli: usage: the profile's prompt needs --var LANG=VALUE\n"


@pytest.mark.parametrize(
    ("prompt", "said", "filled"),
    [
        ("a ${X} b ${X}", ["X=1"], "a 1 b 1"),
        ("$${X} $5 $X {X}", [], "${X} $5 $X {X}"),
        ("${X}", ["X=${X}"], "${X}"),
        ("", [], ""),
    ],
)
def test_variables_are_filled_in(prompt: str, said: list[str], filled: str) -> None:
    assert fill_template(prompt, said) == filled


@pytest.mark.parametrize(("prompt", "said"), [("${X}", []), ("x", ["X=1"]), ("${X}", ["X"])])
def test_variables_that_do_not_fit_are_refused(prompt: str, said: list[str]) -> None:
    with pytest.raises(UsageError):
        fill_template(prompt, said)


def test_flag_wins_over_environment_over_profile_over_default(home: Path, profiles: Path) -> None:
    def url(*argv: str, **environ: str) -> str:
        return str(dry(home, "hi", *argv, **environ).json["url"])

    assert url().startswith("https://generativelanguage.googleapis.com/v1beta/")
    (profiles / "default.yaml").write_text("base_url: https://profile.example/a/\napi_version: v9\n")
    assert url() == "https://profile.example/a/v9/interactions"
    environ = {"GOOGLE_GEMINI_BASE_URL": "https://second.example"}
    assert url(**environ) == "https://second.example/v9/interactions"
    environ["GEMINI_BASE_URL"] = "https://first.example"
    assert url(**environ) == "https://first.example/v9/interactions"
    assert url("--base-url", "https://flag.example", **environ) == "https://flag.example/v9/interactions"
    assert url("--api-version", "v1", **environ) == "https://first.example/v1/interactions"


@pytest.fixture
def more_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two fields of the body as keys of a profile, as a new option may be."""
    fields = [
        field._replace(markers=(*field.markers, PROFILE_KEY)) if field.name in ("temperature", "thoughts") else field
        for field in option_fields(RequestOptions)
    ]
    monkeypatch.setitem(option_groups._FIELDS, RequestOptions, tuple(fields))
    profile_keys.cache_clear()
    yield
    profile_keys.cache_clear()


@pytest.mark.usefixtures("more_keys")
def test_a_key_of_a_profile_lies_under_request_also_if_it_is_a_field_of_the_body(home: Path, profiles: Path) -> None:
    request = "request: {generation_config: {temperature: 0.1}}\n"
    (profiles / "default.yaml").write_text(f"temperature: 0.2\nthoughts: true\n{request}")
    Path("body.json").write_text('{"generation_config": {"temperature": 0.3, "thinking_summaries": "none"}}')

    def config(*argv: str) -> Any:
        return dry(home, *argv, "hi").body["generation_config"]

    assert config() == {"temperature": 0.2, "thinking_summaries": "auto"}
    assert config("--request", "body.json") == {"temperature": 0.3, "thinking_summaries": "none"}
    assert config("--request", "body.json", "--temperature", "0.4") == {
        "temperature": 0.4,
        "thinking_summaries": "none",
    }
    assert config("--temperature", "0.4") == {"temperature": 0.4, "thinking_summaries": "auto"}


def test_the_revision_can_be_changed_or_left_out(home: Path) -> None:
    assert dry(home, "hi").json["headers"]["Api-Revision"] == "2026-05-20"
    assert dry(home, "hi", GEMINI_API_REVISION="2027-01-01").json["headers"]["Api-Revision"] == "2027-01-01"
    assert "Api-Revision" not in dry(home, "hi", GEMINI_API_REVISION="").json["headers"]


@pytest.mark.parametrize("environ", [{"GEMINI_OFFLINE": "maybe"}, {"GEMINI_NO_STDIN": "x"}])
def test_a_variable_of_the_wrong_type_is_a_usage_error(environ: dict[str, str]) -> None:
    outcome = gemini("generate", "hi", environ=environ)
    assert outcome.status == 2
    assert next(iter(environ)) in outcome.err


def test_a_variable_may_switch_off_what_the_profile_switches_on(home: Path, profiles: Path) -> None:
    (profiles / "default.yaml").write_text("no_stdin: true\n")
    environ = {"HOME": str(home)}
    assert gemini("generate", "-n", "hi", stdin=b"more", environ=environ).body["input"] == "hi"
    heard = gemini("generate", "-n", "hi", stdin=b"more", environ={**environ, "GEMINI_NO_STDIN": "0"})
    assert [part["text"] for part in heard.body["input"]] == ["hi", "more"]


def test_a_variable_that_is_not_utf8_is_an_input_error() -> None:
    outcome = gemini("generate", "-n", "hi", environ={"GEMINI_BASE_URL": "https://x\udcff"})
    assert outcome.status == 3
    assert "GEMINI_BASE_URL is not valid UTF-8" in outcome.err


def test_cleartext_is_refused_before_anything_is_sent() -> None:
    outcome = gemini("generate", "hi", environ={"GEMINI_BASE_URL": "http://example.test"})
    assert outcome.status == 6
    assert "cleartext" in outcome.err


# Keys --------------------------------------------------------------------------------------------------------------


def sent_key(*argv: str, **environ: str) -> tuple[str, Outcome]:
    wire = ScriptedTransport([reply(interaction())])
    outcome = gemini("generate", "hi", *argv, answers=wire, environ=environ)
    return wire.requests[0].headers["x-goog-api-key"] if wire.requests else "", outcome


def test_both_variables_give_one_notice() -> None:
    key, outcome = sent_key(GOOGLE_API_KEY="g" * 30)
    assert key == "g" * 30
    assert outcome.err == "gemini-cli: both GOOGLE_API_KEY and GEMINI_API_KEY are set; using GOOGLE_API_KEY\n"
    assert sent_key(GOOGLE_API_KEY=KEY)[1].err == ""
    assert sent_key(GOOGLE_API_KEY="")[0] == KEY


def test_a_key_file_is_read_as_ssh_reads_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("f" * 30 + "\n")
    path.chmod(0o600)
    assert sent_key("--api-key-file", str(path))[0] == "f" * 30
    path.chmod(0o640)
    refused = gemini("generate", "hi", "--api-key-file", str(path))
    assert refused.status == 4
    (tmp_path / "link").symlink_to(path)
    assert gemini("generate", "hi", "--api-key-file", str(tmp_path / "link")).status == 4
    assert gemini("generate", "hi", "--api-key-file", str(tmp_path / "none")).status == 4


@pytest.mark.parametrize(
    "key", ["short", "x" * 201, "with space" * 4, "tab\t" * 10, "é" * 30, "cr" * 15 + "\r\n", "two\n\n" * 9]
)
def test_a_malformed_key_is_refused_and_not_repeated(key: str) -> None:
    outcome = gemini("generate", "hi", environ={"GEMINI_API_KEY": key})
    assert outcome.status == 4
    assert key.strip() not in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_trailing_newline_belongs_to_the_file_not_to_the_key() -> None:
    assert sent_key(GEMINI_API_KEY="k" * 30 + "\n")[0] == "k" * 30


def test_no_key_names_the_variable_and_the_way_without() -> None:
    outcome = gemini("generate", "hi", environ={"GEMINI_API_KEY": ""})
    assert outcome.status == 4
    message, hint = outcome.err.splitlines()
    assert "GEMINI_API_KEY" in message
    assert hint.startswith("hint: ")
    assert "--offline" in hint


@pytest.mark.parametrize(
    ("command", "status"),
    [("[echo, kkkkkkkkkkkkkkkkkkkkkkkkk]", 0), ("['false']", 4), ("['true']", 4), ("[/no/such/program]", 4)],
)
def test_a_key_command_speaks_when_no_variable_does(home: Path, profiles: Path, command: str, status: int) -> None:
    (profiles / "default.yaml").write_text(f"api_key_command: {command}\n")
    answers = [reply(interaction())] if status == 0 else []
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "GEMINI_API_KEY": ""}
    assert gemini("generate", "hi", answers=answers, environ=environ).status == status


@pytest.mark.parametrize("argv", [["--api-key", "SECRET"], ["--api-key=SECRET"], ["--api-key", "SECRET", "--json"]])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(argv: list[str]) -> None:
    outcome = gemini("generate", "hi", *argv)
    assert outcome.status == 2
    assert "SECRET" not in outcome.err
