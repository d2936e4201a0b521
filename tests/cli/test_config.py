"""`config show`: every setting in force, and who said it; never a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import KEY, gemini

PROFILE = """\
base_url: https://gateway.example/gemini
retries: 2
usage: true
prompt: "Be brief: "
request: {model: m-profile, system_instruction: You are terse.}
"""


def settings(*argv: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    found = gemini("config", "show", "--json", *argv, environ=environ).json
    return {name: (row["value"], row["origin"]) for name, row in found.items()}


@pytest.fixture
def profile() -> str:
    Path("ci.yaml").write_text(PROFILE)
    return "./ci.yaml"


@pytest.mark.parametrize(
    ("environ", "argv", "expected"),
    [
        ({}, [], {"retries": (3, "default"), "timeout": (900, "default"), "profile": (None, "default")}),
        ({}, ["--timeout", "5"], {"timeout": (5, "--timeout")}),
        ({"GEMINI_OFFLINE": "1"}, [], {"offline": (True, "GEMINI_OFFLINE")}),
        ({"GEMINI_BASE_URL": "https://a.example/v1"}, [], {"api_version": ("v1", "GEMINI_BASE_URL")}),
        ({}, ["--base-url", "https://a.example/v1beta"], {"api_version": ("v1beta", "default")}),
        ({}, ["--api-version", "beta"], {"api_version": ("v1beta", "--api-version")}),
        ({"GEMINI_NO_STDIN": "1"}, [], {"no_stdin": (True, "GEMINI_NO_STDIN")}),
        (
            {"GOOGLE_GEMINI_BASE_URL": "https://a.example"},
            [],
            {"base_url": ("https://a.example", "GOOGLE_GEMINI_BASE_URL")},
        ),
        (
            {"GEMINI_BASE_URL": "https://a.example"},
            ["--base-url", "https://b.example"],
            {"base_url": ("https://b.example", "--base-url")},
        ),
        ({"GEMINI_MODEL": "m"}, [], {"request.model": ("m", "GEMINI_MODEL")}),
        ({}, [], {"request.model": ("gemini-flash-latest", "default"), "api_revision": ("2026-05-20", "default")}),
        ({"GEMINI_API_REVISION": ""}, [], {"api_revision": ("", "GEMINI_API_REVISION")}),
        (
            {"SSL_CERT_FILE": "/c.pem", "SSL_CERT_DIR": "/c"},
            [],
            {"ca_file": ("/c.pem", "SSL_CERT_FILE"), "ca_directory": (None, "default")},
        ),
        ({"SSL_CERT_DIR": "/c"}, [], {"ca_directory": ("/c", "SSL_CERT_DIR")}),
        ({"https_proxy": "http://me:secret@p:1"}, [], {"proxy": ("http://p:1", "https_proxy")}),
        ({"https_proxy": "http://me:secret@[::1"}, [], {"proxy": ("[::1 (invalid)", "https_proxy")}),
        ({"https_proxy": "http://p:1", "NO_PROXY": "*"}, [], {"proxy": (None, "default")}),
        (
            {"XDG_CONFIG_HOME": "/c", "HOME": "/h"},
            [],
            {
                "config_directory": ("/c/gemini-cli", "XDG_CONFIG_HOME"),
                "state_directory": ("/h/.local/state/gemini-cli", "HOME"),
            },
        ),
        ({}, [], {"state_directory": (None, "default")}),
    ],
    ids=str,
)
def test_every_setting_says_who_said_it(environ: dict[str, str], argv: list[str], expected: dict[str, Any]) -> None:
    assert settings(*argv, environ=environ).items() >= expected.items()


def test_a_profile_is_named_by_its_file(profile: str) -> None:
    found = settings("-P", profile, f"--trust-profile={profile}", "--retries", "1", environ={"GEMINI_MODEL": "m"})
    assert found["profile"] == found["profile_file"] == (profile, "--profile")
    assert found["base_url"] == ("https://gateway.example/gemini", profile)
    assert found["retries"] == (1, "--retries")
    assert found["usage"] == (True, profile)
    assert found["prompt"] == ("Be brief: ", profile)
    assert found["request.model"] == ("m", "GEMINI_MODEL")
    assert found["request.system_instruction"] == ("You are terse.", profile)


@pytest.mark.parametrize(
    ("said", "there", "origin"),
    [
        ("api_key_command: [touch, ran]", True, "./key.yaml: api_key_command"),
        ("api_key_file: key", True, "./key.yaml: api_key_file"),
        ("api_key_file: no-such-file", False, "./key.yaml: api_key_file"),
        (f"api_key_file: {KEY}", False, "./key.yaml: api_key_file"),
        ("retries: 1", False, "default"),
    ],
)
def test_of_the_key_it_says_only_where_it_is(said: str, there: bool, origin: str) -> None:
    Path("key.yaml").write_text(f"{said}\n")
    Path("key").write_text(KEY)
    found = settings("-P", "./key.yaml", "--trust-profile=./key.yaml", environ={"GEMINI_API_KEY": ""})
    assert found["api_key"] == (there, origin)
    assert not Path("ran").exists()


def test_a_key_in_the_environment_or_a_flag_is_not_shown() -> None:
    assert settings()["api_key"] == (True, "GEMINI_API_KEY")
    assert settings(environ={"GOOGLE_API_KEY": KEY})["api_key"] == (True, "GOOGLE_API_KEY")
    assert settings("--api-key-file", KEY)["api_key"] == (False, "--api-key-file")


def test_a_table_on_a_terminal_rows_of_tabs_in_a_pipe() -> None:
    assert "retries\t3\tdefault\n" in gemini("config", "show").out
    table = gemini("config", "show", terminal=True).out.splitlines()
    assert table[0].split() == ["SETTING", "VALUE", "FROM"]
    assert "retries 3 default" in [" ".join(line.split()) for line in table]


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["--base-url", "http://elsewhere.example"], 6),
        (["--base-url", f"https://me:{KEY}@elsewhere.example"], 2),
        (["--base-url", f"https://me:{KEY}@[::1"], 2),
        (["--base-url", f"https:/me:{KEY}@elsewhere.example"], 2),
        (["--retries", "-1"], 2),
        (["-P", "no-such"], 3),
        (["-o", "file"], 2),
        (["--model", "m"], 2),
    ],
    ids=str,
)
def test_what_cannot_be_in_force_fails_as_it_does_elsewhere(argv: list[str], status: int) -> None:
    outcome = gemini("config", "show", *argv, environ={"HOME": "/nowhere"})
    assert (outcome.status, outcome.out) == (status, "")


def test_profiles_are_listed_with_their_descriptions(home: Path) -> None:
    directory = home / ".config/gemini-cli/profiles"
    directory.mkdir(parents=True)
    (directory / "default.yaml").write_text("retries: 2\n")
    (directory / "terse.yaml").write_text("description: One line, no more.\nrequest: {model: m}\n")
    (directory / "wrong.yaml").write_text("retires: 2\n")
    (directory / "Not A Name.yaml").write_text("")
    environ = {"HOME": str(home)}
    found = gemini("config", "profiles", environ=environ)
    files = [directory / name for name in ("default.yaml", "terse.yaml", "wrong.yaml")]
    descriptions = ["", "One line, no more.", ""]
    expected = [f"{file.stem}\t{text}\t{file}\n" for file, text in zip(files, descriptions, strict=True)]
    assert (found.status, found.out) == (0, "".join(expected))
    assert "wrong.yaml:1: unknown setting 'retires'" in found.err
    listed = gemini("config", "profiles", "--json", "-q", environ=environ).json
    assert listed["terse"] == {"description": "One line, no more.", "file": str(files[1])}
    shown = gemini("config", "profiles", environ=environ, terminal=True).out
    assert shown.splitlines()[0].split() == ["PROFILE", "DESCRIPTION", "FILE"]


def test_without_a_profile_the_list_is_empty() -> None:
    assert gemini("config", "profiles") == (0, "", "")
