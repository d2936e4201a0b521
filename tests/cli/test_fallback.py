"""`--fallback`: what is sent to the next model, and when nothing is.

The reasons of a server are in tests/faults/table.txt.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import Outcome, ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text

NOTICE = "gemini-cli: one is refused with status 503; two is used instead\n"


def refused(status: int = 503, code: str = "service_unavailable", message: str = "Busy.") -> httpx.Response:
    return reply({"error": {"message": message, "code": code}}, status)


def answer(said: str = "Hello!", **more: Any) -> httpx.Response:
    return reply(interaction(said, **more))


def asked(
    *argv: str, answers: list[Any], environ: dict[str, str] | None = None, stdin: bytes = b""
) -> tuple[Outcome, ScriptedTransport]:
    wire = ScriptedTransport(answers)
    words = [*argv, "--retries", "0"] if "--retries" not in argv else argv
    return gemini(*words, answers=wire, environ=environ, stdin=stdin), wire


def models(wire: ScriptedTransport) -> list[str]:
    return [json.loads(request.content)["model"] for request in wire.requests if request.method == "POST"]


BUSY = {"event_type": "error", "error": {"code": "service_unavailable", "message": "Busy."}}
ONE_TWO = ["-m", "one", "--fallback", "two"]


@pytest.mark.parametrize("command", ["generate", "stream", "chat"])
def test_the_next_model_gets_the_same_request_but_for_the_model(command: str) -> None:
    good = answer() if command == "generate" else sse(created(), start(), text("Hello!"), completed())
    outcome, wire = asked(command, *ONE_TWO, "--seed", "7", "-s", "Be terse", "hi", answers=[refused(), good])
    assert outcome == (0, "Hello!\n", NOTICE)
    first, second = wire.body(0), wire.body(1)
    assert (first.pop("model"), second.pop("model")) == ("one", "two")
    assert first == second


def test_of_the_older_family_only_the_path_changes() -> None:
    good = reply({"candidates": [{"content": {"parts": [{"text": "Hello!"}]}, "finishReason": "STOP"}]})
    outcome, wire = asked("generate", "--api", "generate-content", *ONE_TWO, "hi", answers=[refused(), good])
    assert (outcome.status, outcome.out) == (0, "Hello!\n")
    assert [request.url.path for request in wire.requests] == [
        "/v1beta/models/one:generateContent",
        "/v1beta/models/two:generateContent",
    ]
    assert wire.body(0) == wire.body(1)


def test_an_attachment_is_uploaded_once() -> None:
    Path("note.txt").write_text("a note")
    started = reply(
        {},
        headers={
            "x-goog-upload-status": "active",
            "x-goog-upload-url": "https://generativelanguage.googleapis.com/upload?upload_id=1",
        },
    )
    file = {
        "name": "files/a",
        "uri": "https://generativelanguage.googleapis.com/v1beta/files/a",
        "state": "ACTIVE",
        "mimeType": "application/pdf",
        "sizeBytes": "6",
    }
    sent = reply({"file": file}, headers={"x-goog-upload-status": "final"})
    outcome, wire = asked(
        "generate",
        "--upload",
        "-a",
        "note.txt;type=application/pdf",
        *ONE_TWO,
        "hi",
        answers=[started, sent, refused(), answer()],
    )
    assert outcome.status == 0
    assert len(wire.requests) == 4
    assert wire.body(2)["input"] == wire.body(3)["input"]


def test_every_model_has_its_retries_and_the_last_error_counts_all_attempts() -> None:
    outcome, wire = asked(
        *("generate", *ONE_TWO, "--fallback", "three", "--retries", "1", "--json", "hi"), answers=[refused()] * 6
    )
    assert models(wire) == ["one", "one", "two", "two", "three", "three"]
    error = json.loads(outcome.err.splitlines()[-1])["error"]
    assert (outcome.status, error["kind"], error["attempts"], error["billed"]) == (5, "temporary", 6, "no")


def test_no_model_is_asked_twice() -> None:
    _, wire = asked("generate", *ONE_TWO, "--fallback", "one", "--fallback", "two", "hi", answers=[refused()] * 2)
    assert models(wire) == ["one", "two"]


def test_a_log_has_the_error_of_each_model() -> None:
    outcome, _ = asked("generate", *ONE_TWO, "-v", "hi", answers=[refused(message="All busy."), answer()])
    assert "gemini-cli: one: All busy.\n" in outcome.err


def test_quiet_has_no_notice() -> None:
    outcome, _ = asked("generate", *ONE_TWO, "-q", "hi", answers=[refused(), answer()])
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([sse(BUSY)], 8),
        ([sse(created(), start(), text("Hel"), BUSY)], 8),
        ([httpx.ReadError("reset")], 12),
        ([reply(b"", 200, "text/event-stream")], 6),
        ([refused(400, "safety", "Blocked.")], 9),
        ([refused(500, "safety", "Blocked.")], 9),
        ([refused(404, "not_found", "Interaction v1_x not found.")], 6),
        ([reply(b"<html>one", 404, "text/html")], 6),
        ([refused(429, "quota_exceeded", "Spend limit."), refused(402, "payment_required", "Pay.")], 7),
    ],
)
def test_after_an_answer_began_and_for_other_errors_no_further_model_is_asked(answers: list[Any], status: int) -> None:
    more = ["--fallback", "three"] if len(answers) > 1 else []
    outcome, wire = asked("stream", *ONE_TWO, *more, "--no-store", "hi", answers=answers)
    assert outcome.status == status
    assert len(wire.requests) == len(answers)


def test_an_unknown_outcome_before_the_refusal_stops_the_search_too() -> None:
    argv = ["generate", *ONE_TWO, "--retry-unknown", "1", "--json", "hi"]
    outcome, wire = asked(*argv, answers=[httpx.ReadError("reset"), refused()])
    assert (outcome.status, json.loads(outcome.err)["error"]["billed"]) == (5, "maybe")
    assert models(wire) == ["one", "one"]


def test_a_session_keeps_the_model_that_was_asked_for(home: Path) -> None:
    stream = [sse(created(), start(), text(word), completed()) for word in ("1", "2")]
    argv = ["chat", "--session", "s", *ONE_TWO]
    _, first = asked(*argv, "hi", answers=[refused(), stream[0]], environ={"HOME": str(home)})
    outcome, second = asked("chat", "--session", "s", "on", answers=[stream[1]], environ={"HOME": str(home)})
    assert outcome.status == 0
    assert models(first) == ["one", "two"]
    assert models(second) == ["one"]


def test_the_rest_of_a_long_answer_comes_from_the_model_that_began_it() -> None:
    part = answer("Hel", status="requires_continuation", continuation_token="t1")
    outcome, wire = asked("generate", "--long", *ONE_TWO, "hi", answers=[refused(), part, answer("lo")])
    assert (outcome.status, outcome.out) == (0, "Hello\n")
    assert models(wire) == ["one", "two", "two"]


def test_each_row_of_map_begins_with_the_first_model() -> None:
    answers = [refused(), answer("a"), answer("b"), refused(), answer("c")]
    outcome, wire = asked("map", "-j", "1", *ONE_TWO, answers=answers, stdin=b'"1"\n"2"\n"3"\n')
    assert outcome.status == 0
    assert [json.loads(line)["text"] for line in outcome.out.splitlines()] == ["a", "b", "c"]
    assert models(wire) == ["one", "two", "one", "one", "two"]
    assert outcome.err == NOTICE


def test_a_row_with_an_agent_has_no_further_model() -> None:
    outcome, wire = asked("map", *ONE_TWO, answers=[refused()], stdin=b'{"input": "1", "agent": "a"}\n')
    assert outcome.status == 11
    assert len(wire.requests) == 1


def test_a_dry_run_shows_the_first_model() -> None:
    assert gemini("generate", *ONE_TWO, "-n", "hi").body == {"model": "one", "input": "hi"}


def test_a_profile_may_have_the_list(home: Path) -> None:
    profile = home / ".config/gemini-cli/profiles/p.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text("fallback: [two, three]\nrequest: {model: one}\n")
    environ = {"HOME": str(home)}
    _, wire = asked("generate", "-P", "p", "hi", answers=[refused(), refused(), answer()], environ=environ)
    assert models(wire) == ["one", "two", "three"]
    _, wire = asked("generate", "-P", "p", "--fallback", "four", "hi", answers=[refused(), answer()], environ=environ)
    assert models(wire) == ["one", "four"]
    assert gemini("generate", "-P", "p", "--agent", "a", "-n", "hi", environ=environ).status == 0
    for wrong in ("two", "[1]", "{a: b}"):
        profile.write_text(f"fallback: {wrong}\n")
        outcome = gemini("generate", "-P", "p", "hi", environ=environ)
        assert outcome.status == 3
        assert "fallback must be a list of text" in outcome.err


@pytest.mark.parametrize(
    "argv",
    [
        ["generate", "--fallback", "two", "--agent", "a", "hi"],
        ["generate", "--fallback", "two", "--set", "agent=a", "hi"],
        ["generate", "--fallback", "", "hi"],
        ["batch", "submit", "--fallback", "two"],
    ],
)
def test_where_it_has_no_effect_it_is_exit_2(argv: list[str]) -> None:
    outcome = gemini(*argv, stdin=b'"1"\n')
    assert (outcome.status, outcome.out) == (2, "")
    assert "--fallback" in outcome.err
