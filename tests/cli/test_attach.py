"""Attachments in-process: what goes inline, what goes ahead through the Files API, and what is looked up."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import DeadlineExceeded, TemporaryError
from gemini_cli.files.attachments import Attachments, InlinePolicy
from gemini_cli.files.content_parts import FileReference
from tests.harness import Outcome, ScriptedTransport, gemini, interaction, reply

HERE = "https://generativelanguage.googleapis.com/v1beta"
PNG = b"\x89PNG\r\n\x1a\n\0"


def file(state: str = "ACTIVE", mime_type: str = "video/mp4", **more: Any) -> httpx.Response:
    described = {"name": "files/abc-1", "uri": f"{HERE}/files/abc-1", "mimeType": mime_type, "state": state, **more}
    return reply(described)


def picture(name: str, size: int) -> None:
    Path(name).write_bytes(PNG + bytes(size - len(PNG)))


def offline(*argv: str, stdin: bytes = b"") -> list[str]:
    """How the emulator saw each part: inline with its bytes, or by reference."""
    outcome = gemini("generate", "--offline", *argv, "look", stdin=stdin)
    assert outcome.status == 0, outcome.err
    return [line.partition(": ")[2] for line in outcome.out.splitlines() if line.startswith("Part ")][1:]


def asked(outcome: Outcome, wire: ScriptedTransport) -> Any:
    assert outcome.status == 0, outcome.err
    return json.loads(wire.requests[-1].content)["input"]


# Inline --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [9, 10, 11, 200_000, 196_608, 196_609, 500_000])
def test_an_attachment_is_streamed_with_its_size_known(size: int) -> None:
    picture("a.png", size)
    wire = ScriptedTransport([reply(status=503), reply(interaction())])
    assert gemini("generate", "-a", "a.png", "streamed", answers=wire, stdin=b'say "streamed"').status == 0
    for call in wire.requests:
        assert call.headers["Content-Length"] == str(len(call.content))
        assert "Transfer-Encoding" not in call.headers
    dry = gemini("generate", "-n", "-a", "a.png", "streamed", stdin=b'say "streamed"').body
    assert json.loads(wire.requests[0].content) == json.loads(wire.requests[1].content) == dry


class Reading(ScriptedTransport):
    """Reads the body before it answers, as a socket does; between two tries the file changes."""

    def handle_request(self, call: httpx.Request) -> httpx.Response:
        call.read()
        Path("a.png").write_bytes(PNG * 2)
        return super().handle_request(call)


def test_a_file_that_changes_before_another_try_is_not_sent() -> None:
    picture("a.png", 1000)
    outcome = gemini("generate", "-a", "a.png", "look", answers=Reading([reply(status=503)]))
    assert outcome.status == 3
    assert "a.png changed while it was being sent" in outcome.err


def test_headers_and_size_are_shown_but_no_body() -> None:
    picture("a.png", 1000)
    outcome = gemini("generate", "-vv", "-a", "a.png", "look", answers=[reply(interaction())])
    assert "> (14" in outcome.err
    assert "AAAAAAAA" not in outcome.err


# Ahead ---------------------------------------------------------------------------------------------------------------


def test_the_largest_go_through_the_files_api_until_the_rest_fits() -> None:
    for name, size in (("a.png", 900), ("b.png", 3000), ("c.png", 2000)):
        picture(name, size)
    three = ["-a", "a.png", "-a", "b.png", "-a", "c.png"]
    inline = ["image, image/png, 900 bytes", "image, image/png, 3000 bytes", "image, image/png, 2000 bytes"]
    ahead = "image, image/png, at https:"
    assert [part.rstrip(".") for part in offline(*three)] == inline
    for limit, uploaded in ((9000, []), (5000, [1]), (2000, [1, 2]), (0, [0, 1, 2])):
        seen = offline("--inline-limit", str(limit), *three)
        assert [place for place, part in enumerate(seen) if part.startswith(ahead)] == uploaded
    assert [part.rstrip(".") for part in offline("--inline", "--inline-limit", "0", *three)] == inline
    assert all(part.startswith(ahead) for part in offline("--upload", *three))


def test_a_profile_sets_the_limit() -> None:
    picture("a.png", 900)
    Path("p.yaml").write_text("inline_limit: 500\n")
    assert offline("-P", "p.yaml", "-a", "a.png")[0].startswith("image, image/png, at https:")
    assert offline("-P", "p.yaml", "--inline-limit", "5000", "-a", "a.png") == ["image, image/png, 900 bytes."]


def test_what_comes_from_stdin_may_go_ahead_too_and_text_never_does() -> None:
    Path("notes.txt").write_text("some notes")
    seen = offline("--upload", "-a", "-;type=audio/wav", "-a", "notes.txt", stdin=b"RIFF")
    assert [part.partition(", ")[0] for part in seen] == ["audio", "text"]
    assert "at https:" in seen[0]


def test_every_command_that_asks_sends_them_ahead() -> None:
    picture("a.png", 900)
    for command in ("generate", "stream", "chat"):
        outcome = gemini(command, "--offline", "--upload", "-a", "a.png", "look")
        assert (outcome.status, "image/png, at https:" in outcome.out) == (0, True)
    turns = gemini("chat", "--offline", "--upload", "-v", "-a", "a.png", stdin=b"look\nlook again\n")
    assert (turns.status, turns.err.count("is uploaded first")) == (0, 1)
    assert gemini("tokens", "--offline", "--upload", "-a", "a.png", "look").out.strip().isdigit()


def test_what_was_said_of_a_part_stays_when_it_goes_ahead() -> None:
    picture("a.png", 900)
    said = ["--set", "input[1].resolution=high", "--upload", "-a", "a.png", "look"]
    part = gemini("generate", "-n", *said).body["input"][1]
    assert (part["resolution"], part["type"], "data" in part) == ("high", "image", False)
    assert gemini("generate", "--offline", *said).status == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--inline", "--upload", "-a", "a.png"], "exclude each other"),
        (["--upload"], "--upload has no effect without -a"),
        (["--inline"], "--inline has no effect without -a"),
        (["--curl", "--upload", "-a", "a.png"], "a.png"),
        (["--inline-limit", "-1", "-a", "a.png"], "not in the range"),
    ],
)
def test_contradictions_are_usage_errors(argv: list[str], words: str) -> None:
    picture("a.png", 900)
    outcome = gemini("generate", *argv, "look")
    assert (outcome.status, words in outcome.err) == (2, True)


def test_a_dry_run_says_what_would_go_ahead() -> None:
    picture("a.png", 900)
    part = gemini("generate", "-n", "--upload", "-a", "a.png", "look").body["input"][1]
    assert part == {"type": "image", "mime_type": "image/png", "uri": "(of a.png, uploaded first)"}
    assert '"data":"iVBORw0K' in gemini("generate", "--curl", "-a", "a.png", "look").out


def test_a_pdf_and_a_request_have_limits_of_the_apis_own() -> None:
    for name, size in (("a.pdf", 50_000_001), ("b.mp4", 80_000_000)):
        with open(name, "wb") as sparse:
            sparse.truncate(size)
    outcome = gemini("generate", "--inline", "-a", "a.pdf", "look")
    assert (outcome.status, "50000001 bytes" in outcome.err) == (3, True)
    outcome = gemini("generate", "--inline", "-a", "b.mp4", "look")
    assert (outcome.status, "1066667" in outcome.err) == (3, True)
    for name in ("a.pdf", "b.mp4"):
        body = gemini("generate", "-n", "--inline-limit", "100000000", "-a", name, "look").body
        assert "uri" in body["input"][1]


def test_a_failed_upload_asks_nothing() -> None:
    picture("a.png", 900)
    wire = ScriptedTransport([reply(b"no", 403)])
    outcome = gemini("generate", "--upload", "-a", "a.png", "-o", "out.txt", "look", answers=wire)
    assert (outcome.status, len(wire.requests), os.path.exists("out.txt")) == (4, 1, False)
    assert gemini("generate", "--upload", "-a", "a.png", "-o", "/no/such/place", "look").status == 13


# Looked up -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["files/abc-1", f"{HERE}/files/abc-1"])
def test_a_file_of_the_services_is_looked_up_and_waited_for(said: str) -> None:
    wire = ScriptedTransport([file("PROCESSING"), file("PROCESSING"), file(), reply(interaction())])
    sleeps: list[float] = []
    outcome = gemini("generate", "-a", said, "look", answers=wire, sleeps=sleeps)
    assert asked(outcome, wire)[1] == {"type": "video", "uri": f"{HERE}/files/abc-1", "mime_type": "video/mp4"}
    assert [str(call.url) for call in wire.requests[:3]] == [f"{HERE}/files/abc-1"] * 3
    assert len(sleeps) == 2


def test_a_local_file_of_that_name_is_named_in_a_notice() -> None:
    Path("files").mkdir()
    Path("files/abc-1").write_text("local")
    argv = ["generate", "-n", "-a", "files/abc-1;type=video/mp4", "-a", "files/abc-1;type=video/mp4", "look"]
    assert gemini(*argv).err == "gemini-cli: -a files/abc-1 is the server's file; ./files/abc-1 is the local one\n"
    local = gemini("generate", "-n", "-a", "./files/abc-1", "look")
    assert (local.err, local.body["input"][1]) == ("", {"type": "text", "text": "local"})


def test_with_a_type_it_is_not_looked_up() -> None:
    wire = ScriptedTransport([reply(interaction())])
    outcome = gemini("generate", "-a", "files/abc-1;type=audio/mp3", "look", answers=wire)
    assert asked(outcome, wire)[1] == {"type": "audio", "uri": f"{HERE}/files/abc-1", "mime_type": "audio/mp3"}


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (file("FAILED", error={"message": "no film"}), 6, "no film"),
        (reply(b'{"error":{"message":"gone"}}', 404), 6, "gone"),
        (reply({"name": "files/abc-1", "state": "ACTIVE"}), 6, "does not tell"),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_run_before_the_question(
    answer: httpx.Response, status: int, words: str
) -> None:
    outcome = gemini("generate", "-a", "files/abc-1", "look", answers=[answer])
    assert (outcome.status, words in outcome.err) == (status, True)


def test_a_text_by_reference_is_a_notice() -> None:
    outcome = gemini(
        "generate", "-a", "files/abc-1", "look", answers=[file(mime_type="text/plain"), reply(interaction())]
    )
    assert (outcome.status, "models do not see" in outcome.err) == (0, True)


@pytest.mark.parametrize("flag", ["-n", "--curl"])
def test_nothing_is_looked_up_where_nothing_is_sent(flag: str) -> None:
    outcome = gemini("generate", flag, "-a", "files/abc-1", "look")
    assert (outcome.status, "add ;type=" in outcome.err) == (3, True)
    assert gemini("generate", flag, "-a", "files/abc-1;type=video/mp4", "look").status == 0


def test_time_that_ends_before_the_question_is_no_half_answer() -> None:
    def ended() -> Any:
        raise DeadlineExceeded("the limit of 1 s has passed")

    attachments = Attachments(InlinePolicy(1000), ended, Terminal(None, None, None))
    with pytest.raises(TemporaryError, match="no request was sent"):
        attachments.resolve({"input": [{"uri": FileReference("files/a")}]})


def test_a_text_that_is_only_a_byte_order_mark_is_empty() -> None:
    Path("mark.txt").write_bytes(b"\xef\xbb\xbf")
    outcome = gemini("generate", "-a", "mark.txt", "hi")
    assert (outcome.status, outcome.out) == (3, "")
    assert "cannot send mark.txt: it is empty but for a byte order mark" in outcome.err
