"""Headers for a gateway: their sources, the hosts that receive them, and that no output shows their values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ScriptedTransport, gemini, interaction, reply

TOKEN = "gateway-token-0123456789"


@pytest.fixture(autouse=True)
def token() -> Path:
    path = Path("token")
    path.write_text(f"Bearer {TOKEN}\n")
    path.chmod(0o600)
    return path


def sent(*argv: str, **options: Any) -> dict[str, str]:
    wire = ScriptedTransport([reply(interaction())])
    assert gemini("generate", *argv, "hi", answers=wire, **options).status == 0
    return dict(wire.requests[0].headers)


def test_a_header_has_its_value_from_a_file_or_the_command_line() -> None:
    headers = sent("--header", "Authorization=@token", "--header", "X-Tenant=a=b c")
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-tenant"] == "a=b c"
    assert headers["x-goog-api-key"]


def test_a_header_comes_from_the_profile_and_an_option_replaces_it(home: Path) -> None:
    profile = home / ".config" / "gemini-cli" / "profiles" / "gw.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text('headers: {X-Tenant: one, X-Team: "@team"}\n')
    (profile.parent / "team").write_text("blue")  # beside the profile
    (profile.parent / "team").chmod(0o600)
    environ = {"HOME": str(home)}
    headers = sent("-P", "gw", environ=environ)
    assert (headers["x-tenant"], headers["x-team"]) == ("one", "blue")
    headers = sent("-P", "gw", "--header", "x-tenant=two", environ=environ)
    assert (headers["x-tenant"], headers["x-team"]) == ("two", "blue")


def test_a_profile_by_path_needs_trust_for_headers() -> None:
    Path("p.yaml").write_text("retries: 1\nheaders: {X-Secret: '@~/.netrc'}\n")
    refused = gemini("generate", "-P", "./p.yaml", "hi")
    assert (refused.status, refused.err.partition("p.yaml:2: ")[2]) == (
        3,
        "headers in a profile named by path needs --trust-profile=PATH\n",
    )
    assert gemini("generate", "-n", "-P", "./p.yaml", "--trust-profile=./p.yaml", "hi").status == 0


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ("[a]", "p.yaml:1: headers must be a map of names and values"),
        ("{X-A: 1}", "p.yaml:1: the value of X-A must be text"),
        ('{X-A: "two\\nlines"}', "p.yaml:1: the value of X-A must be one line of printable ASCII"),
        ("{x-goog-api-key: a}", "p.yaml:1: x-goog-api-key is set by gemini-cli and cannot be given"),
        ("{a b: a}", "p.yaml:1: not the name of a header"),
    ],
)
def test_bad_headers_of_a_profile_are_named_with_file_and_line(headers: str, message: str) -> None:
    Path("p.yaml").write_text(f"headers: {headers}\n")
    outcome = gemini("generate", "-P", "./p.yaml", "--trust-profile=./p.yaml", "hi")
    assert outcome == (3, "", f"gemini-cli: input: ./{message}\n")


@pytest.mark.parametrize(
    "given",
    [
        *(f"{name}={TOKEN}" for name in ("x-goog-api-key", "X-Goog-Api-Key", "Host", "Content-Length", "Connection")),
        *(f"{name}={TOKEN}" for name in ("TE", "Transfer-Encoding", "Proxy-Authorization", "User-Agent", "Accept")),
        *(f"{name}={TOKEN}" for name in ("X-Goog-Upload-Command", "Api-Revision", "a b", "a:b", "", "`id`")),
        f"Authorization: Bearer {TOKEN}",
        f"A={TOKEN}\nB: c",
        f"A= {TOKEN}",
        f"A={TOKEN}\u00e9",
        "A=",
        "A=@",
        "A",
    ],
)
@pytest.mark.parametrize("how", [[], ["-n"]])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(given: str, how: list[str]) -> None:
    outcome = gemini("generate", *how, "--header", given, "hi")
    assert (outcome.status, outcome.out) == (2, "")
    assert TOKEN not in outcome.err


def test_a_header_given_twice_is_refused() -> None:
    outcome = gemini("generate", "--header", "X-A=1", "--header", "x-a=2", "hi")
    assert outcome == (2, "", "gemini-cli: usage: --header x-a is given twice\n")


def test_a_header_has_no_effect_offline(home: Path) -> None:
    assert gemini("generate", "--offline", "--header", "X-A=1", "hi").status == 2
    profile = home / ".config" / "gemini-cli" / "profiles" / "default.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text('headers: {X-Team: "@no-such-file"}\n')
    assert gemini("generate", "--offline", "hi", environ={"HOME": str(home)}).status == 0


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0o600, "cannot read the file of --header A: No such file or directory"),
        (TOKEN, 0o644, "the file of --header A must be yours and closed to others: chmod 600"),
        (f"{TOKEN}\nsecond", 0o600, "the file of --header A does not hold one line of printable ASCII"),
        (f"{TOKEN}\u00e9", 0o600, "the file of --header A does not hold one line of printable ASCII"),
        ("", 0o600, "the file of --header A does not hold one line of printable ASCII"),
    ],
)
def test_a_file_that_holds_no_header_stops_the_run_before_it_sends(
    content: str | None, mode: int, message: str, token: Path
) -> None:
    token.unlink()
    if content is not None:
        token.write_text(content)
        token.chmod(mode)
    assert gemini("generate", "--header", "A=@token", "hi") == (3, "", f"gemini-cli: input: {message}\n")


def test_a_value_may_come_through_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from-a-pipe\n")
    os.close(writing)
    try:
        assert sent("--header", f"A=@/dev/fd/{reading}")["a"] == "from-a-pipe"
    finally:
        os.close(reading)


def test_a_file_of_a_process_is_no_header() -> None:
    assert gemini("generate", "--header", "A=@/proc/self/environ", "hi").status == 3


# Hosts --------------------------------------------------------------------------------------------------------------

GIVEN = ["--header", "X-Tenant=tenant-secret"]
GOOGLE = "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("location", "received"),
    [
        (f"{GOOGLE}/download/v1beta/files/a:download?alt=media", True),
        ("/download/v1beta/files/a:download?alt=media", True),
        ("https://storage.googleapis.com/x", False),
        (f"{GOOGLE}:444/x", False),
    ],
)
def test_a_redirect_to_another_host_does_not_get_the_header(location: str, received: bool) -> None:
    moved = reply({"error": {"code": 302}}, 302, headers={"location": location})
    wire = ScriptedTransport([moved, reply(b"bytes", content_type="application/octet-stream")])
    assert gemini("files", "download", "a", *GIVEN, answers=wire).out == "bytes"
    assert wire.requests[0].headers["x-tenant"] == "tenant-secret"
    assert ("x-tenant" in wire.requests[1].headers) is received


@pytest.mark.parametrize(
    ("url", "received"), [(f"{GOOGLE}/upload/x", True), ("https://upload.googleapis.com/x", False)]
)
def test_an_upload_to_another_host_does_not_get_the_header(url: str, received: bool, home: Path) -> None:
    Path("a.png").write_bytes(b"data")
    started = reply(b"", headers={"x-goog-upload-url": url, "x-goog-upload-status": "active"})
    file = {"file": {"name": "files/a", "state": "ACTIVE"}}
    wire = ScriptedTransport([started, reply(file, headers={"x-goog-upload-status": "final"})])
    assert gemini("upload", "a.png", *GIVEN, answers=wire, environ={"HOME": str(home)}).status == 0
    assert wire.requests[0].headers["x-tenant"] == "tenant-secret"
    assert ("x-tenant" in wire.requests[1].headers) is received


# Secrecy ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["Authorization=@token", f"Authorization=Bearer {TOKEN}", f"X-Key={TOKEN}"])
@pytest.mark.parametrize("voice", ["-vv", "--json", "-q"])
def test_a_value_is_not_in_the_log_nor_in_an_error_that_repeats_it(given: str, voice: str) -> None:
    said = reply({"error": {"code": 400, "message": f"unknown token {TOKEN}", "status": "INVALID_ARGUMENT"}}, 400)
    outcome = gemini("generate", voice, "--header", given, "hi", answers=[said])
    assert outcome.status == 6
    assert TOKEN not in outcome.out + outcome.err
    assert "unknown token [redacted]" in outcome.err


def test_a_short_value_is_hidden_in_the_log_and_leaves_other_words_alone() -> None:
    outcome = gemini("generate", "-vv", "--header", "X-Env=a", "hi", answers=[reply(interaction("an answer"))])
    assert "> X-Env: [redacted]" in outcome.err
    assert "an answer" in outcome.err


@pytest.mark.parametrize("command", ["generate", "stream", "map"])
def test_a_dry_run_shows_the_names_and_reads_no_file(command: str) -> None:
    argv = ["--header", "X-Tenant=tenant-secret", "--header", "Authorization=@no-such-file"]
    prompt, stdin = (["-"], b'"a"\n') if command == "map" else (["hi"], b"")
    outcome = gemini(command, "-n", *argv, *prompt, stdin=stdin)
    assert outcome.status == 0, outcome.err
    assert outcome.json["headers"].items() >= {"X-Tenant": "[redacted]", "Authorization": "[redacted]"}.items()


def test_curl_gets_the_values_from_a_file_and_a_variable() -> None:
    argv = ["--header", "X-Tenant=tenant-secret", "--header", "Authorization=@my token"]
    outcome = gemini("generate", "--curl", *argv, "hi")
    assert "tenant-secret" not in outcome.out
    assert """-H "Authorization: $(cat 'my token')" \\\n""" in outcome.out
    assert '-H "X-Tenant: $HEADER_X_TENANT" \\\n' in outcome.out


def test_config_show_has_the_names_only() -> None:
    outcome = gemini("config", "show", "--json", "--header", "X-Tenant=tenant-secret")
    assert outcome.json["headers"] == {"value": ["X-Tenant"], "origin": "--header"}
    assert "tenant-secret" not in outcome.out
