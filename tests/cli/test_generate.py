"""`generate` in-process: argv and an answer in, stdout, stderr and status out."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import KEY, ScriptedTransport, completed, created, gemini, interaction, reply, sse, start

SCHEMA = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'


def cited(text: str, *notes: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "text", "text": text, "annotations": list(notes)}]
    return {"id": "v1_a", "status": "completed", "steps": [{"type": "model_output", "content": content}]}


NOTE = {"type": "url_citation", "url": "https://a.example", "title": "A\nB"}
USAGE = {"total_input_tokens": 7, "total_output_tokens": 19, "total_thought_tokens": 32, "total_tokens": 58}


def test_the_answer_and_one_newline_are_all_that_is_on_stdout() -> None:
    assert gemini("generate", "hi", answers=[reply(interaction("Hello!"))]) == (0, "Hello!\n", "")
    assert gemini("generate", "hi", answers=[reply(interaction("Hello!\n"))]).out == "Hello!\n"
    assert gemini("generate", "hi", answers=[reply(interaction("ÄÖ 😀 \x1b[31m"))]).out == "ÄÖ 😀 \x1b[31m\n"


def test_one_request_with_the_key_in_a_header_only() -> None:
    wire = ScriptedTransport([reply(interaction())])
    gemini("generate", "-m", "m", "hi", answers=wire)
    (call,) = wire.requests
    assert (call.method, str(call.url)) == ("POST", "https://generativelanguage.googleapis.com/v1beta/interactions")
    assert json.loads(call.content) == {"model": "m", "input": "hi"}
    assert call.headers["Accept"] == "application/json"
    assert call.headers["Accept-Encoding"] == "identity"
    assert len(call.headers["x-goog-api-key"]) > 20


@pytest.mark.parametrize(
    ("argv", "first_byte", "idle"),
    [
        (["generate"], None, 120),
        (["generate", "--idle-timeout", "5"], 5, 5),
        (["generate", "--api", "generate-content"], None, 120),
        (["stream"], 120, 120),
        (["stream", "--idle-timeout", "0"], None, None),
    ],
)
def test_a_plain_answer_may_take_its_time_to_begin(argv: list[str], first_byte: float | None, idle: float) -> None:
    """Models think for minutes before the first byte; a stream shows signs of life."""
    wire = ScriptedTransport([reply({}, 400)])
    gemini(*argv, "hi", answers=wire)
    extensions = wire.requests[0].extensions
    assert (extensions["first_byte_timeout"], extensions["timeout"]["read"]) == (first_byte, idle)


def test_an_answer_that_did_not_come_in_time_has_a_hint() -> None:
    outcome = gemini("generate", "hi", answers=[httpx.ReadTimeout("")])
    assert outcome.status == 12
    assert "--timeout" in outcome.err.splitlines()[1]
    assert "--background" in outcome.err.splitlines()[1]
    assert len(gemini("generate", "hi", answers=[httpx.ReadError("reset")]).err.splitlines()) == 1


# Where the prompt comes from -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "stdin", "said"),
    [
        (["How", "does", "it", "work?"], b"", "How does it work?"),
        ([], b"from stdin\n", "from stdin\n"),
        (["-"], b"from stdin", "from stdin"),
        (["-f", "-"], b"from stdin", "from stdin"),
        (["Summarise"], b"a diff\n", ["Summarise", "a diff\n"]),
        (["Summarise"], b" \n", "Summarise"),
        (["Summarise", "--no-stdin"], b"not read", "Summarise"),
        (["-f", "prompt.txt"], b"", "from a file\n"),
        (["-f", "prompt.txt"], b"and stdin", ["from a file\n", "and stdin"]),
        (["--", "-n", "--json"], b"", "-n --json"),
        (["5", "-", "3"], b"", "5 - 3"),
        (["ÄÖ😀"], "ÜU+2028\u2028".encode(), ["ÄÖ😀", "ÜU+2028\u2028"]),
    ],
)
def test_the_prompt_is_put_together(argv: list[str], stdin: bytes, said: str | list[str]) -> None:
    Path("prompt.txt").write_text("from a file\n")
    expected = said if isinstance(said, str) else [{"type": "text", "text": part} for part in said]
    wire = ScriptedTransport([reply(interaction())])
    gemini("generate", *argv, stdin=stdin, answers=wire)
    assert json.loads(wire.requests[0].content)["input"] == expected


def test_a_terminal_is_not_read_unless_asked() -> None:
    assert gemini("generate", "-n", "hi", stdin=b"typed", stdin_terminal=True).body["input"] == "hi"
    assert gemini("generate", "-n", stdin=b"typed", stdin_terminal=True).status == 2
    assert gemini("generate", "-n", "-", stdin=b"typed", stdin_terminal=True).body["input"] == "typed"


@pytest.mark.parametrize("argv", [[], ["-"], ["-f", "-"], ["-f", "empty.txt"]])
def test_no_prompt_is_a_usage_error(argv: list[str]) -> None:
    Path("empty.txt").write_text("")
    for stdin in (b"", None):
        outcome = gemini("generate", *argv, stdin=stdin)
        assert outcome.status == 2
        assert ("stdin, which is closed" if stdin is None and "-" in argv else "no prompt") in outcome.err


@pytest.mark.parametrize(
    ("argv", "stdin", "words"),
    [
        ([], b"ok \xff", "byte offset 3"),
        (["-f", "latin.txt"], b"", "byte offset 1"),
        (["-f", "none.txt"], b"", "No such file"),
        (["-f", "."], b"", "Is a directory"),
        (["--system-file", "none.txt", "hi"], b"", "No such file"),
        (["-a", "none.png", "hi"], b"", "No such file"),
        (["-a", "empty.png", "hi"], b"", "empty"),
        (["-a", ".", "hi"], b"", "directory"),
        (["-a", "unknown.zzz", "hi"], b"", "type of unknown.zzz is not known"),
        (["-T", "bad.yaml", "hi"], b"", "bad.yaml:2: not a function name"),
        (["--request", "bad.json", "hi"], b"", "not valid JSON"),
        (["--schema", '{"type": 7}', "hi"], b"", "not a JSON Schema"),
        (["--schema", '{"type": }', "hi"], b"", "input: --schema: not valid JSON"),
        (["--schema", "none.json", "hi"], b"", "No such file"),
        (["-c", "hi"], b"", "no last interaction"),
    ],
)
def test_bad_local_input_is_3_before_anything_is_sent(argv: list[str], stdin: bytes, words: str) -> None:
    Path("latin.txt").write_bytes(b"a\xe4")
    Path("empty.png").touch()
    Path("unknown.zzz").write_bytes(b"\x80\x81")
    Path("bad.yaml").write_text("- description: x\n  name: 'not a name'\n")
    Path("bad.json").write_text("{")
    outcome = gemini("generate", *argv, stdin=stdin)
    assert outcome.status == 3, outcome
    assert outcome.out == ""
    assert words in outcome.err


def test_attachments_stand_between_prompt_and_stdin() -> None:
    Path("a.png").write_bytes(b"\x89PNG")
    Path("b.md").write_text("# notes")
    argv = ["-a", "a.png", "-a", "b.md", "-a", "files/abc;type=application/pdf", "-a", "a.png;type=image/webp", "look"]
    assert gemini("generate", "-n", *argv, stdin=b"last").body["input"] == [
        {"type": "text", "text": "look"},
        {"type": "image", "data": "iVBORw==", "mime_type": "image/png"},
        {"type": "text", "text": "# notes"},
        {
            "type": "document",
            "uri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
            "mime_type": "application/pdf",
        },
        {"type": "image", "data": "iVBORw==", "mime_type": "image/webp"},
        {"type": "text", "text": "last"},
    ]


def test_an_attachment_may_come_from_stdin() -> None:
    body = gemini("generate", "-n", "-a", "-;type=image/png", "look", stdin=b"\x89PNG").body
    assert body["input"][1] == {"type": "image", "data": "iVBORw==", "mime_type": "image/png"}


# Output --------------------------------------------------------------------------------------------------------------


def test_a_terminal_gets_controls_in_visible_form_and_a_pipe_gets_bytes() -> None:
    evil = "\x1b]52;c;eA==\x07 \u202e \x9b \x7f \x00 \r tab\t end"
    shown = gemini("generate", "hi", answers=[reply(interaction(evil))], terminal=True).out
    assert shown == "\\u001b]52;c;eA==\\u0007 \\u202e \\u009b \\u007f \\u0000 \\u000d tab\t end\n"
    assert gemini("generate", "hi", answers=[reply(interaction(evil))]).out == evil + "\n"


def test_half_a_surrogate_pair_is_shown_as_replacement() -> None:
    block = b'{"type":"text","text":"a\\ud83d"}'
    body = b'{"id":"v1_a","status":"completed","steps":[{"type":"model_output","content":[%s]}]}' % block
    outcome = gemini("generate", "hi", answers=[reply(body)])
    assert (outcome.status, outcome.out) == (0, "a\ufffd\n")
    assert outcome.err.count("\n") == 1
    assert gemini("generate", "--json", "hi", answers=[reply(body)]).out == body.decode() + "\n"


def test_json_is_what_the_server_sent_on_one_line() -> None:
    body = interaction("Hi", brand_new={"kept": [1, None, "ü"]}, steps_extra=1)
    body["steps"].insert(0, {"type": "brand_new_step", "x": {"y": 1}})
    outcome = gemini("generate", "--json", "hi", answers=[reply(json.dumps(body, indent=4).encode())])
    assert outcome.json == body
    assert outcome.out.count("\n") == 1
    pretty = gemini("generate", "--json", "hi", answers=[reply(body)], terminal=True)
    assert pretty.json == body
    assert pretty.out.count("\n") > 5


@pytest.mark.parametrize("digits", ["-0.026397113800048829", "1.10", "1e5", "0.1234567890123456789012345"])
def test_json_has_the_servers_own_digits(digits: str) -> None:
    body = json.dumps(interaction("Hi", number="DIGITS"), separators=(",", ":")).replace('"DIGITS"', digits)
    assert gemini("generate", "--json", "hi", answers=[reply(body.encode())]).out == f"{body}\n"
    pretty = gemini("generate", "--json", "hi", answers=[reply(body.encode())], terminal=True)
    assert f'  "number": {digits}\n' in pretty.out
    row = gemini("map", "-", stdin=b'"hi"\n', answers=[reply(body.encode())]).out
    assert f'"number":{digits}' in row
    model = f'{{"name":"models/m","temperature":{digits}}}'.encode()
    assert digits in gemini("models", "get", "m", "--json", answers=[reply(model)]).out


def test_citations_follow_the_answer() -> None:
    outcome = gemini("generate", "--citations", "hi", answers=[reply(cited("Text.", NOTE, NOTE))])
    assert outcome.out == "Text.\n\nCitations:\n- [A B](https://a.example)\n"
    untitled = {"type": "url_citation", "title": "A book"}
    outcome = gemini("generate", "--citations", "hi", answers=[reply(cited("Text.", untitled))])
    assert outcome.out == "Text.\n\nCitations:\n- A book\n"
    assert gemini("generate", "--citations", "hi", answers=[reply(cited("Text."))]).out == "Text.\n"
    assert gemini("generate", "hi", answers=[reply(cited("Text.", NOTE))]).out == "Text.\n"


def test_usage_is_one_line_on_stderr() -> None:
    outcome = gemini("generate", "-u", "hi", answers=[reply(interaction(usage=USAGE))])
    assert outcome.err == "usage: 7 input, 19 output, 32 thought, 58 total tokens\n"
    assert gemini("generate", "-u", "-q", "hi", answers=[reply(interaction())]).err == "usage: not reported\n"


def test_thoughts_go_to_stderr() -> None:
    body = interaction()
    body["steps"].insert(0, {"type": "thought", "summary": [{"type": "text", "text": "**Hm**\n\n\n"}]})
    assert gemini("generate", "--thoughts", "hi", answers=[reply(body)]) == (0, "Hello!\n", "**Hm**\n")
    assert gemini("generate", "--thoughts", "-q", "hi", answers=[reply(body)]).err == ""
    dimmed = gemini("generate", "--thoughts", "hi", answers=[reply(body)], terminal=True, environ={"TERM": "xterm"})
    assert dimmed.err == "\x1b[2m**Hm**\x1b[0m\n"
    plain = gemini("generate", "hi", answers=[reply(body)], terminal=True, environ={"TERM": "xterm", "NO_COLOR": "1"})
    assert plain.err == "**Hm**\n"


def test_an_empty_answer_is_a_notice_or_with_require_output_an_error() -> None:
    empty = {"id": "v1_a", "status": "completed"}
    assert gemini("generate", "hi", answers=[reply(empty)]) == (0, "", "gemini-cli: the answer is empty\n")
    assert gemini("generate", "-q", "hi", answers=[reply(empty)]).err == ""
    assert gemini("generate", "--require-output", "hi", answers=[reply(empty)]).status == 8


def test_output_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o640)
    argv = ["generate", "-o", str(target), "hi"]
    failed = gemini(*argv, answers=[reply(interaction("new", "incomplete"))])
    assert (failed.status, failed.out, target.read_text()) == (8, "", "old")
    assert gemini(*argv, answers=[reply(interaction("new"))]) == (0, "", "")
    assert target.read_text() == "new\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []
    assert gemini("generate", "-o", "-", "hi", answers=[reply(interaction("new"))]).out == "new\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    gemini("generate", "-o", str(tmp_path / "link"), "hi", answers=[reply(interaction("new"))])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new\n"


@pytest.mark.parametrize("path", [".", "none/out.txt", "/dev/full"])
def test_an_output_that_cannot_be_written_is_13(path: str) -> None:
    answers = [reply(interaction())] if path == "/dev/full" else []
    outcome = gemini("generate", "-o", path, "hi", answers=answers)
    assert outcome.status == 13
    assert outcome.err.count("\n") == 1


# Exit status ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "out"),
    [
        (interaction("Hel", "incomplete"), 8, "Hel"),
        (interaction("Hel", "cancelled"), 8, "Hel"),
        (interaction("Hel", "failed", errors=[{"code": "safety", "message": "m"}]), 9, "Hel"),
        (interaction("Hel", "failed", errors=[{"code": "api_error", "message": "m"}]), 8, "Hel"),
        (interaction("", "failed", errors=[{"code": "api_error", "message": "m"}]), 5, ""),
        (interaction("", "failed", errors=[{"code": "quota_exceeded", "message": "m"}]), 7, ""),
        (interaction("pre", "requires_action"), 10, "pre"),
        (interaction("Hel", "requires_continuation", continuation_token="t"), 8, "Hel"),
        ({"status": "incomplete"}, 8, ""),
    ],
)
def test_the_status_is_the_exit_status(body: dict[str, Any], status: int, out: str) -> None:
    outcome = gemini("generate", "hi", answers=[reply(body)])
    assert (outcome.status, outcome.out) == (status, out)
    assert outcome.err.startswith("gemini-cli: ")
    as_json = gemini("generate", "--json", "hi", answers=[reply(body)])
    assert as_json.status == status
    told = json.loads(as_json.err)
    assert told["exit_status"] == status
    assert set(told["error"]) - {"hint"} == {
        "kind", "message", "http_status", "code", "retryable", "retry_after_s", "attempts", "interaction_id", "billed",
    }  # fmt: skip


def test_a_server_message_is_one_line_in_visible_form_without_the_key() -> None:
    key = "canary-key-0123456789-abcdefghij"
    body = {"error": {"code": "authentication", "message": f"bad\nkey {key}\x1b[31m\u202e"}}
    outcome = gemini("generate", "hi", answers=[reply(body, 401)])
    assert outcome == (4, "", "gemini-cli: auth: bad\\nkey [redacted]\\u001b[31m\\u202e\n")
    told = gemini("generate", "--json", "hi", answers=[reply(body, 401)]).err
    assert json.loads(told)["error"]["http_status"] == 401


def test_an_unanswered_create_is_not_sent_again() -> None:
    outcome = gemini("generate", "hi", answers=[httpx.ReadError("reset")])
    assert outcome.status == 12
    assert "may have been carried out" in outcome.err


def test_the_schema_is_checked_here_too() -> None:
    argv = ["generate", "--schema", SCHEMA, "hi"]
    assert gemini(*argv, answers=[reply(interaction('{"n": 7}'))]) == (0, '{"n": 7}\n', "")
    for text in ('{"n": "seven"}', "{}", "no json", '{"n": NaN}'):
        outcome = gemini(*argv, answers=[reply(interaction(text))])
        assert (outcome.status, outcome.out) == (14, text + "\n")
        assert outcome.err.count("\n") == 1
    remote = '{"$ref": "http://127.0.0.1:9/schema.json"}'
    assert gemini("generate", "--schema", remote, "hi").status == 3


def test_a_run_that_is_still_running_is_polled() -> None:
    running = {"id": "v1_a", "status": "in_progress"}
    sleeps: list[float] = []
    wire = ScriptedTransport([reply(running), reply(running), reply(running), reply(interaction())])
    assert gemini("generate", "hi", answers=wire, sleeps=sleeps).out == "Hello!\n"
    assert [call.method for call in wire.requests] == ["POST", "GET", "GET", "GET"]
    assert sleeps == [1.0, 2.0]


def test_background_prints_the_id_and_returns() -> None:
    outcome = gemini("generate", "--background", "hi", answers=[reply({"id": "v1_b", "status": "in_progress"})])
    assert outcome == (0, "v1_b\n", "")


@pytest.mark.parametrize("answer", [{"status": "in_progress"}, {"id": "", "status": "in_progress"}])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_background_run_without_an_id_is_none_that_can_be_followed(answer: dict[str, str], flags: list[str]) -> None:
    outcome = gemini("generate", "--background", "hi", *flags, answers=[reply(answer)])
    assert (outcome.status, outcome.out) == (6, "")
    assert "has no id" in outcome.err


@pytest.mark.parametrize("flags", [["--long"], ["--history", "h.json"]])
def test_what_a_background_run_cannot_do_is_a_usage_error(flags: list[str]) -> None:
    assert gemini("generate", "--background", *flags, "hi").status == 2


def test_a_version_is_asked_for_alone() -> None:
    assert gemini("--version").status == 0
    assert gemini("--version", "generate", "hi")[:2] == (2, "")


def test_a_background_run_that_failed_at_once_has_the_status_of_its_failure() -> None:
    failed = {"id": "v1_b", "status": "failed", "errors": [{"code": "invalid_request", "message": "m"}]}
    outcome = gemini("generate", "--background", "hi", answers=[reply(failed)])
    assert (outcome.status, outcome.out) == (6, "")


# Without sending anything --------------------------------------------------------------------------------------------


def test_a_dry_run_needs_no_key_and_shows_none() -> None:
    outcome = gemini("generate", "-n", "hi", environ={"GEMINI_API_KEY": ""})
    assert set(outcome.json) == {"method", "url", "headers", "body"}
    assert not [name for name in outcome.json["headers"] if "key" in name]


def test_curl_has_the_variable_in_place_of_the_key() -> None:
    out = gemini("generate", "--curl", "it's").out
    assert out.startswith("curl ")
    assert '-H "x-goog-api-key: $GEMINI_API_KEY"' in out
    assert "it'\"'\"'s" in out
    assert "<<'END_OF_BODY'" in gemini("generate", "--curl", "x" * 200_000).out


# Continuing ----------------------------------------------------------------------------------------------------------


def test_continue_follows_the_last_interaction(home: Path) -> None:
    environ = {"HOME": str(home)}
    gemini("generate", "hi", answers=[reply(interaction(id="v1_first"))], environ=environ)
    gemini("generate", "hi", answers=[reply({"status": "completed"})], environ=environ)
    assert gemini("generate", "-n", "-c", "more", environ=environ).body["previous_interaction_id"] == "v1_first"
    state = home / ".local/state/gemini-cli"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "last.json").stat().st_mode) == 0o600
    for broken in ("", "{", "[]", '{"id": 7}', '{"id": ""}'):
        (state / "last.json").write_text(broken)
        assert gemini("generate", "-n", "-c", "more", environ=environ).status == 3
        assert (state / "last.json").read_text() == broken


def test_continue_passes_over_what_cannot_be_continued(home: Path) -> None:
    """An interaction that failed, or ended in an error event, cannot be continued (api/README.md 8.9)."""
    environ = {"HOME": str(home)}
    gemini("generate", "hi", answers=[reply(interaction(id="v1_good"))], environ=environ)
    failed = {"event_type": "error", "error": {"code": "internal", "message": "m"}}
    for bad in ([failed], [start(), failed], [completed("failed")]):
        assert gemini("stream", "hi", answers=[sse(created(), *bad)], environ=environ).status in (5, 6, 8)
    gemini("generate", "hi", answers=[reply({"id": "v1_c", "status": "cancelled"})], environ=environ)
    assert gemini("generate", "-n", "-c", "more", environ=environ).body["previous_interaction_id"] == "v1_good"
    gemini("stream", "hi", answers=[sse(created(), start(), failed, completed())], environ=environ)
    assert gemini("generate", "-n", "-c", "more", environ=environ).body["previous_interaction_id"] == "v1_a"


def test_a_home_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = gemini(
        "generate", "hi", answers=[reply(interaction())], environ={"XDG_STATE_HOME": str(tmp_path / "file")}
    )
    assert (outcome.status, outcome.out) == (0, "Hello!\n")
    assert outcome.err.startswith("gemini-cli: -c cannot continue this answer: cannot make ")
    assert outcome.err.count("\n") == 1


def test_verbose_tells_requests_and_never_the_key(home: Path) -> None:
    outcome = gemini(
        "generate", "-v", "hi", answers=[reply(b"", 503), reply(interaction())], environ={"HOME": str(home)}
    )
    assert outcome.status == 0
    assert [line.split(" (")[0] for line in outcome.err.splitlines()] == [
        "gemini-cli: POST https://generativelanguage.googleapis.com/v1beta/interactions -> 503",
        "gemini-cli: waiting 0.5 s before try 2",
        "gemini-cli: POST https://generativelanguage.googleapis.com/v1beta/interactions -> 200",
    ]
    loud = gemini("generate", "-vv", "hi", answers=[reply(interaction())]).err
    assert "> x-goog-api-key: [redacted]" in loud
    assert '> {"model":' in loud
    assert "< content-type: application/json" in loud


def test_a_wait_is_told_to_a_person_and_to_nobody_else() -> None:
    later = {"error": {"message": "Slow down."}}
    for flags, terminal, told in (
        ([], True, "gemini-cli: retry in 0.5 s: Slow down.\n"),
        (["-q"], True, ""),
        ([], False, ""),
    ):
        outcome = gemini("generate", *flags, "hi", answers=[reply(later, 503), reply(interaction())], terminal=terminal)
        assert (outcome.status, outcome.err) == (0, told)


@pytest.mark.parametrize(
    ("status", "error", "key", "hinted"),
    [
        (401, {"details": [{"reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED"}]}, KEY, True),
        (401, {"message": "Expected OAuth 2 access token"}, "AIzaSy0123456789abcdefghijkl", True),
        (400, {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}, "AIzaSy0123456789abcdefghijkl", True),
        (400, {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}, "AQ.0123456789abcdefghijkl", False),
        (401, {"code": "authentication", "message": "no"}, KEY, False),
        (403, {"code": "permission_denied", "message": "no"}, "AIzaSy0123456789abcdefghijkl", False),
        (400, {"code": 400, "message": "Multiple authentication credentials received."}, "AIzaSy" + "0" * 20, False),
    ],
)
def test_a_refused_standard_key_is_explained(status: int, error: dict[str, Any], key: str, hinted: bool) -> None:
    told = reply({"error": {"message": "no", **error}}, status)
    outcome = gemini("generate", "hi", answers=[told], environ={"GEMINI_API_KEY": key})
    assert outcome.status == 4
    hint = "hint: standard keys (AIza…) are being refused; create an auth key (AQ.…) in AI Studio\n"
    assert outcome.err.endswith(hint) == hinted
    assert key not in outcome.err
    assert outcome.err.count("\n") == 1 + hinted


@pytest.mark.parametrize(
    ("argv", "message", "hinted"),
    [
        (["generate", "-a", "files/abc", "hi"], "no", True),
        (["files", "get", "files/abc"], "no", True),
        (["generate", "-a", "files/abc;type=image/png", "hi"], "no", True),
        (["generate", "hi"], "You do not have permission to access the File abc or it may not exist.", True),
        (["generate", "hi"], "The caller does not have permission", False),
        (["generate", "-a", "files/abc;type=image/png", "hi"], "Your API key was reported as leaked.", False),
        (["files", "get", "files/abc"], "Generative Language API has not been used in project 1 before", False),
        (["generate", "-a", "files/abc;type=image/png", "hi"], "Your project has been denied access.", False),
    ],
)
def test_a_file_that_may_have_expired_is_hinted_at(argv: list[str], message: str, hinted: bool) -> None:
    refused = reply({"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}, 403)
    outcome = gemini(*argv, answers=[refused])
    assert outcome.status == 4
    assert ("hint: files live 48 hours" in outcome.err) == hinted


def test_a_403_with_a_reason_is_not_about_a_file() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_SERVICE_BLOCKED"}
    refused = reply({"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": [detail]}}, 403)
    outcome = gemini("generate", "-a", "files/abc;type=image/png", "hi", answers=[refused])
    assert outcome.status == 4
    assert outcome.err.splitlines()[1] == "hint: check the key, its restrictions and its project in AI Studio"


def test_a_404_that_is_not_the_apis_names_the_url() -> None:
    def told(body: bytes, *argv: str) -> str:
        outcome = gemini(*argv, answers=[reply(body, 404, "text/html")])
        assert outcome.status == 6
        return outcome.err

    base = "https://gateway.example/api"
    flags = ("--base-url", base, "-m", "m")
    url = f"{base}/v1beta/interactions"
    assert told(b"<html>", "generate", *flags, "hi") == f"gemini-cli: rejected: HTTP 404 Not Found ({url})\n"
    assert told(b"no such page", "stream", *flags, "hi") == f"gemini-cli: rejected: no such page ({url})\n"
    older = ("generate", "--api", "generate-content", *flags, "hi")
    assert told(b"", *older).endswith(f"({base}/v1beta/models/m:generateContent)\n")
    assert told(b'{"error":{"code":"model_not_found"}}', "generate", *flags, "hi").endswith(" (model: m)\n")


def test_what_is_known_of_the_bill_is_told() -> None:
    def billed(*answers: Any, command: Sequence[str] = ("generate",)) -> tuple[str, int]:
        error = json.loads(gemini(*command, "--json", "hi", answers=list(answers)).err)["error"]
        return error["billed"], error["attempts"]

    assert billed(reply(b"<html>", content_type="text/html")) == ("maybe", 1)
    assert billed(reply(b'{"status": NaN}')) == ("maybe", 1)
    assert billed(reply({"error": {"code": "invalid_request"}}, 400)) == ("no", 1)
    assert billed(reply(b"", 503), httpx.ReadError("reset")) == ("maybe", 2)
    assert billed(httpx.ProxyError("403 Forbidden")) == ("no", 1)
    assert billed(reply(b"")) == ("maybe", 1)
    api = ("--api", "generate-content")
    refusal = {"error": {"code": 503, "message": "Overloaded."}}
    assert billed(reply(refusal), command=("generate", *api)) == ("maybe", 1)
    for command in (["stream"], ["stream", *api]):
        assert billed(sse(b"", done=True), command=command) == ("maybe", 1)
        assert billed(sse(b": a comment\n\n"), command=command) == ("maybe", 1)
        assert billed(sse(httpx.ReadError("reset")), command=command) == ("maybe", 1)
        assert billed(sse(b"data: {\n\n"), command=command) == ("maybe", 1)
        assert billed(reply(b"<html>", content_type="text/html"), command=command) == ("maybe", 1)
        assert billed(sse(refusal), command=command)[0] != "no"
        assert billed(reply({"error": {"code": "invalid_request"}}, 400), command=command) == ("no", 1)


@pytest.mark.parametrize("flags", [["-o", "x"], ["-u"], ["--citations"], ["--require-output"]])
def test_flags_about_an_answer_have_no_effect_where_none_is_awaited(flags: list[str]) -> None:
    assert gemini("generate", "--background", *flags, "hi").status == 2
    for preview in ("-n", "--curl"):
        adds_only = flags in (["-u"], ["--citations"])  # so -n may be put before any command
        assert gemini("generate", preview, *flags, "hi").status == (0 if adds_only else 2)


def test_set_may_choose_an_agent_over_the_model_of_the_environment_but_not_over_an_option() -> None:
    body = gemini("generate", "-n", "--set", "agent=a", "hi", environ={"GEMINI_MODEL": "e"}).body
    assert body == {"agent": "a", "input": "hi"}
    assert gemini("generate", "-n", "-m", "m", "--set", "agent=a", "hi").status == 2


def test_half_a_surrogate_pair_goes_into_a_file_as_replacement() -> None:
    block = b'{"type":"text","text":"a\\ud83d"}'
    body = b'{"id":"v1_a","status":"completed","steps":[{"type":"model_output","content":[%s]}]}' % block
    outcome = gemini("generate", "-o", "out.txt", "hi", answers=[reply(body)])
    assert outcome.status == 0
    assert "U+FFFD" in outcome.err
    assert Path("out.txt").read_text() == "a\ufffd\n"


def test_half_a_surrogate_pair_is_not_sent() -> None:
    for argv in (
        ["--set", r'input="\ud83d"', "--set", "store=true"],
        ["--request", "half.json", "hi"],
        ["--api", "generate-content", "--request", "half.json", "hi"],
        ["-n", "--request", "half.json", "hi"],
    ):
        Path("half.json").write_text(r'{"labels": {"a": ["b\ud83d"]}}')
        outcome = gemini("generate", *argv)
        assert (outcome.status, outcome.out) == (3, "")
        assert "half a surrogate pair" in outcome.err
    assert outcome.err == r'gemini-cli: input: labels.a[0]: half a surrogate pair, "b\ud83d", is not text' + "\n"
    pair = gemini("generate", "-n", "--set", r'input="\ud83d\ude00"')
    assert (pair.status, pair.body["input"]) == (0, "😀")


def test_a_row_with_half_a_surrogate_pair_fails_and_the_others_are_asked() -> None:
    outcome = gemini("map", "-", stdin=b'"a\\ud83d"\n"b"\n', answers=[reply(interaction("B"))])
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert (outcome.status, [row["ok"] for row in rows]) == (11, [False, True])
    assert rows[0]["error"]["kind"] == "input"


def test_half_a_surrogate_pair_in_an_answer_is_kept_as_replacement() -> None:
    block = b'{"type":"text","text":"a\\ud83d"}'
    body = b'{"status":"completed","steps":[{"type":"model_output","content":[%s]}]}' % block
    assert gemini("generate", "--history", "h.json", "one", answers=[reply(body)]).status == 0
    wire = ScriptedTransport([reply(interaction("b"))])
    assert gemini("generate", "--history", "h.json", "two", answers=wire).status == 0
    assert wire.body()["input"][1]["content"] == [{"type": "text", "text": "a\ufffd"}]
    assert json.loads(Path("h.json").read_text())[1]["content"] == [{"type": "text", "text": "a\ufffd"}]


def test_the_file_beside_the_output_cannot_be_planted() -> None:
    """Its name is not to be guessed, and an existing file is never opened."""
    Path("victim").write_text("keep")
    before = {path.name for path in Path().iterdir()}
    assert gemini("generate", "-o", "out" + "x" * 240, "hi", answers=[reply(interaction("new"))]).status == 0
    assert {path.name for path in Path().iterdir()} - before == {"out" + "x" * 240}


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("generate", reply(interaction())),
        ("stream", sse(created(), start(content=[{"type": "text", "text": "Hello!"}]), completed())),
        ("call-tool", reply(interaction())),
    ],
)
def test_an_error_of_this_machine_after_the_answer_says_that_it_was_billed(
    command: str, answer: httpx.Response
) -> None:
    class Meanwhile(ScriptedTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            Path("history.json").write_text('[{"type": "user_input", "content": []}]')
            return super().handle_request(request)

    Path("history.json").write_text("[]")
    wire = Meanwhile([answer])
    outcome = gemini(command, "--json", "--history", "history.json", "hi", answers=wire)
    error = json.loads(outcome.err.splitlines()[-1])
    assert (outcome.status, error["error"]["kind"], error["error"]["billed"]) == (13, "output", "yes")


def test_an_answer_that_failed_says_how_often_it_was_sent() -> None:
    failed = {"id": "v1_a", "status": "failed", "errors": [{"code": "internal", "message": "m"}]}
    outcome = gemini("generate", "--json", "hi", answers=[reply({}, 503), reply(failed)])
    error = json.loads(outcome.err.splitlines()[-1])["error"]
    assert (outcome.status, error["billed"], error["attempts"]) == (5, "yes", 2)


@pytest.mark.parametrize("status", [201, 202, 204])
def test_another_success_than_200_may_be_billed(status: int) -> None:
    outcome = gemini("generate", "--json", "hi", answers=[reply(b"", status)])
    error = json.loads(outcome.err.splitlines()[-1])["error"]
    assert (outcome.status, error["billed"]) == (6, "maybe")


def test_what_follows_a_refused_turn_was_not_billed() -> None:
    refused = reply({"error": {"code": "invalid_request", "message": "no"}}, 400)
    outcome = gemini("chat", "--json", stdin=b"one\ntwo\n", answers=[reply(interaction()), refused])
    error = json.loads(outcome.err.splitlines()[-1])
    assert (outcome.status, error["error"]["billed"]) == (6, "no")


def test_calls_without_a_command_are_printed_with_the_digits_of_the_server() -> None:
    arguments = '{"a":1e20,"b":5.0,"c":1.10}'
    call = f'{{"type":"function_call","id":"c1","name":"f","arguments":{arguments}}}'
    body = f'{{"id":"v1_a","status":"requires_action","steps":[{call}]}}'.encode()
    properties = {name: {"type": "integer"} for name in "ab"}
    Path("f.json").write_text(json.dumps([{"name": "f", "parameters": {"type": "object", "properties": properties}}]))
    for command in ("generate", "call-tool"):
        outcome = gemini(command, "-T", "f.json", "hi", answers=[reply(body)])
        assert outcome.status == 10
        assert f'"arguments":{arguments}' in outcome.out
