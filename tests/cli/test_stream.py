"""`stream` in-process: events in, text and status out; cuts and what follows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.harness import Outcome, ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text

STOP = {"event_type": "step.stop", "index": 0}
HELLO = [created(), start(), text("Hel"), text("lo "), text("there"), STOP, completed()]
T = "Hello there\n"


def streamed(*answers: httpx.Response, argv: tuple[str, ...] = (), **more: Any) -> tuple[Outcome, list[str]]:
    """The outcome, and what was asked: `POST` or `GET ?query`."""
    wire = ScriptedTransport(answers)
    outcome = gemini("stream", "hi", *argv, answers=wire, **more)
    asked = [f"{call.method} {call.url.query.decode()}".strip() for call in wire.requests]
    return outcome, asked


def test_text_is_printed_as_it_comes() -> None:
    assert streamed(sse(*HELLO, done=True)) == ((0, T, ""), ["POST"])


def test_a_stream_equals_the_plain_answer() -> None:
    plain = gemini("generate", "hi", answers=[reply(interaction("Hello there"))])
    assert streamed(sse(*HELLO))[0] == plain


def test_json_is_an_event_a_line_as_the_server_sent_it() -> None:
    odd: list[Any] = [
        created(),
        {"event_type": "brand.new", "x": "ü\u2028"},
        start(),
        text("Hi", weird=1),
        STOP,
        completed(),
    ]
    outcome, _ = streamed(sse(*odd), argv=("--json",))
    assert [json.loads(line) for line in outcome.out.split("\n")[:-1]] == odd


def test_nothing_after_the_terminal_event_is_read() -> None:
    def endless() -> Any:
        for event in HELLO:
            yield b"data: " + json.dumps(event).encode() + b"\n\n"
        raise AssertionError("read on after the last word")

    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=endless())
    assert streamed(answer)[0] == (0, T, "")


def test_the_content_of_step_start_is_part_of_the_text() -> None:
    begun = start(0, content=[{"type": "text", "text": "Hel"}])
    assert streamed(sse(created(), begun, text("lo there"), completed()))[0].out == T


def test_citations_and_usage_come_at_the_end() -> None:
    notes = {"type": "text_annotation_delta", "annotations": [{"type": "url_citation", "url": "u", "title": "t"}]}
    events = [
        created(),
        start(),
        text("Hi"),
        {"event_type": "step.delta", "index": 0, "delta": notes},
        completed(usage={"total_tokens": 3}),
    ]
    outcome, _ = streamed(sse(*events), argv=("--citations", "-u"))
    assert outcome == (0, "Hi\n\nCitations:\n- [t](u)\n", "usage: 3 total tokens\n")


HALVES = [text("Hi \ud83e"), text("\udd4a"), text("!\ud83e")]  # a character in two deltas, and half of another
SHOWN = "Hi 🥊!\ufffd"
TOLD = "gemini-cli: the answer holds half a surrogate pair; it is shown as U+FFFD\n"


def test_half_a_character_waits_for_the_other_or_for_the_end(tmp_path: Path) -> None:
    whole = [created(), start(), *HALVES, STOP, completed()]
    assert streamed(sse(*whole))[0] == (0, f"{SHOWN}\n", TOLD)
    assert streamed(sse(*whole), argv=("-o", str(tmp_path / "a")))[0] == (0, "", TOLD)
    assert (tmp_path / "a").read_text() == f"{SHOWN}\n"
    only_half, _ = streamed(sse(created(), start(), text("\ud83e"), completed()))
    assert only_half == (0, "\ufffd\n", TOLD)


@pytest.mark.parametrize("status", ["incomplete", "failed", "requires_action"])
def test_half_a_character_is_shown_at_the_end_of_an_answer_that_failed(status: str) -> None:
    outcome, _ = streamed(sse(created(), start(), *HALVES, STOP, completed(status)))
    assert outcome.status in (8, 10)
    assert outcome.out == SHOWN
    assert outcome.err.startswith(TOLD)


def test_half_a_character_at_a_cut_is_no_prefix_of_the_answer() -> None:
    """The other half is what the cut took; U+FFFD would be a byte of another answer."""
    cut = sse(created(), start(), *HALVES, httpx.ReadError("it broke"))
    outcome, _ = streamed(cut, argv=("--no-store",))
    assert (outcome.status, outcome.out) == (8, "Hi 🥊!")


def test_thoughts_go_to_stderr_as_they_come() -> None:
    thought = {
        "event_type": "step.delta",
        "index": 0,
        "delta": {"type": "thought_summary", "content": {"text": "Hm\n\n"}},
    }
    outcome, _ = streamed(sse(created(), start(0, type="thought"), thought, start(1), text("Hi", 1), completed()))
    assert outcome == (0, "Hi\n", "Hm\n")


# Cuts ----------------------------------------------------------------------------------------------------------------

RESET = httpx.ReadError("Connection reset by peer")
WITH_IDS = [{**event, "event_id": f"e{number}"} for number, event in enumerate(HELLO)]


@pytest.mark.parametrize("ending", [[RESET], []], ids=["reset", "clean end"])
def test_a_cut_is_resumed_after_the_last_event(ending: list[httpx.ReadError]) -> None:
    outcome, asked = streamed(sse(*WITH_IDS[:4], *ending), sse(*WITH_IDS[4:]))
    assert outcome == (0, T, "")
    assert asked[0] == "POST"
    assert parse_qs(asked[1].removeprefix("GET ")) == {"stream": ["true"], "last_event_id": ["e3"]}


def test_an_error_in_place_of_a_stream_is_the_servers_no() -> None:
    """An error without a frame, with status 200 (api/README.md 7.15): the reason is known."""
    outcome, _ = streamed(sse(b'[{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}]'))
    assert outcome == (5, "", "gemini-cli: temporary: Busy.\n")


def test_without_ids_the_replay_is_skipped_to_the_place_of_the_cut() -> None:
    rechunked = [created(), start(), text("H"), text("ello th"), text("ere"), STOP, completed()]
    outcome, asked = streamed(sse(*HELLO[:4], RESET), sse(*rechunked))
    assert outcome == (0, T, "")
    assert asked == ["POST", "GET stream=true"]


def test_json_events_are_not_repeated_after_a_resume() -> None:
    outcome, _ = streamed(sse(*HELLO[:4], RESET), sse(*HELLO), argv=("--json",))
    assert [json.loads(line) for line in outcome.out.splitlines()] == HELLO


def test_a_server_that_cannot_stream_again_is_asked_for_the_interaction() -> None:
    missing = reply({"error": {"code": "not_found", "message": "m"}}, 404)
    outcome, asked = streamed(sse(*HELLO[:4], RESET), missing, reply(interaction("Hello there")))
    assert outcome == (0, T, "")
    assert asked == ["POST", "GET stream=true", "GET"]


def test_an_interaction_that_still_runs_is_polled() -> None:
    running = reply({"id": "v1_a", "status": "in_progress"})
    sleeps: list[float] = []
    missing = reply(b"", 404)
    outcome, _ = streamed(sse(*HELLO[:3], RESET), missing, running, reply(interaction("Hello there")), sleeps=sleeps)
    assert (outcome.status, outcome.out, sleeps) == (0, T, [1.0])


def test_an_error_that_says_nothing_is_no_news_in_a_replay() -> None:
    """An error event with an empty payload (api/README.md 7.14) must not count as progress of a resumed stream."""
    same = [*HELLO[:4], {"event_type": "error", "error": {}}]
    outcome, asked = streamed(sse(*same), sse(*same), sse(*same), reply(interaction("Hello there")))
    assert outcome == (0, T, "")
    assert asked == ["POST", "GET stream=true", "GET stream=true", "GET"]


@pytest.mark.parametrize(
    "answers",
    [
        [sse(created(), start(), text("Help"), completed())],
        [reply(b"", 404), reply(interaction("Help"))],
        [reply(b"", 404), reply({"id": "v1_a", "status": "completed"} | {"steps": [{"type": "model_output"}]})],
        [reply(b"", 404), reply(b"", 404)],
        [sse(*HELLO[:4]), sse(*HELLO[:4]), reply(interaction("Hello the", "incomplete"))],
    ],
    ids=["diverged", "diverged fetch", "nothing fetched", "gone", "cut at the same place"],
)
def test_what_cannot_be_made_whole_is_a_prefix_and_8(answers: list[httpx.Response]) -> None:
    outcome, asked = streamed(sse(*HELLO[:4], RESET), *answers)
    assert outcome.status == 8
    assert T.startswith(outcome.out)
    assert outcome.out.startswith("Hello ")
    assert asked.count("POST") == 1


def test_what_was_not_stored_cannot_be_resumed() -> None:
    outcome, asked = streamed(sse(*HELLO[:4], RESET), argv=("--no-store",))
    assert (outcome.status, outcome.out, asked) == (8, "Hello ", ["POST"])
    outcome, asked = streamed(sse(created(""), *HELLO[1:4], RESET))
    assert (outcome.status, asked) == (8, ["POST"])


def test_a_cut_before_the_first_event_is_unknown() -> None:
    assert streamed(sse(RESET))[0].status == 12
    assert streamed(sse(b": comment\n", RESET))[0].status == 12


def test_an_error_event_ends_as_8_with_its_words_unless_the_stream_completes() -> None:
    failed = {"event_type": "error", "error": {"code": "service_unavailable", "message": "told"}}
    outcome, asked = streamed(sse(*HELLO[:4], failed, done=True))
    assert (outcome.status, outcome.out, asked) == (8, "Hello ", ["POST"])
    assert "told" in outcome.err
    assert streamed(sse(*HELLO[:4], failed, *HELLO[4:]))[0].status == 0
    blocked = {"event_type": "error", "error": {"code": "safety", "message": "told"}}
    assert streamed(sse(created(), blocked))[0].status == 9


@pytest.mark.parametrize(("code", "status"), [("safety", 9), ("deadline_exceeded", 5), ("quota_exceeded", 7)])
def test_why_a_run_failed_may_be_said_by_an_event_alone(code: str, status: int) -> None:
    told = {"event_type": "error", "error": {"code": code, "message": "told"}}
    outcome, _ = streamed(sse(created(), told, completed("failed")))
    assert (outcome.status, "told" in outcome.err) == (status, True)
    outcome, _ = streamed(sse(created(), told, completed("incomplete")))
    assert (outcome.status, "told" in outcome.err) == (9 if code == "safety" else 8, True)


def test_what_the_server_says_instead_of_a_stream_is_not_lost() -> None:
    """A JSON response to a request for a stream: the response's type counts (api/README.md 7.16)."""
    outcome, _ = streamed(reply({"error": {"code": 400, "message": "Not streamed here."}}))
    assert outcome.status == 6
    assert outcome.err.endswith("application/json instead of text/event-stream: Not streamed here.\n")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (sse(), 6),
        (reply(interaction()), 6),
        (reply(b"<html>", content_type="text/html"), 6),
        (sse(b"data: {not json}\n\n"), 6),
        (sse(*HELLO[:3], b"data: {not json}\n\n"), 8),
        (sse(created(), {"event_type": "step.start", "index": 0, "step": []}), 6),
        (sse(*HELLO[:3], {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": 7}}), 8),
        (sse({"event_type": "interaction.start", "interaction": {}}), 6),
        (sse({"event_type": "brand.new"}), 6),
        (sse(*HELLO[:-1], completed("incomplete")), 8),
        (sse(*HELLO[:-1], completed("failed", errors=[{"code": "safety", "message": "m"}])), 9),
        (sse(*HELLO[:-1], completed("requires_action")), 10),
        (sse(*HELLO[:-1], completed("requires_continuation")), 8),
        (sse(created(), completed("failed", errors=[{"code": "api_error", "message": "m"}])), 5),
        (sse(created(), completed()), 0),
        (sse(created(), completed("incomplete"), done=True), 8),
    ],
)
def test_every_other_ending_has_its_status(answer: httpx.Response, status: int) -> None:
    outcome, asked = streamed(answer)
    assert outcome.status == status
    assert T.startswith(outcome.out)
    assert asked == ["POST"]
    assert "Traceback" not in outcome.err


def test_output_stays_as_it_was_when_the_stream_fails() -> None:
    Path("out.txt").write_text("old")
    outcome, _ = streamed(sse(*HELLO[:4], RESET), argv=("--no-store", "-o", "out.txt"))
    assert (outcome.status, outcome.out, Path("out.txt").read_text()) == (8, "", "old")
    streamed(sse(*HELLO), argv=("-o", "out.txt"))
    assert Path("out.txt").read_text() == "Hello there\n"


def test_the_schema_is_checked_after_the_stream() -> None:
    outcome, _ = streamed(sse(*HELLO), argv=("--schema", '{"type":"object"}'))
    assert (outcome.status, outcome.out) == (14, T)


def test_background_has_nothing_to_stream() -> None:
    assert gemini("stream", "--background", "hi").status == 2
