"""`interactions watch` in-process: the events of a stored interaction, and what follows a cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.emulator.service import Emulator
from gemini_cli.transport.emulator_transport import EmulatorTransport
from tests.emulator.in_memory_client import Clock
from tests.harness import Outcome, ScriptedTransport, completed, created, gemini, interaction, reply, sse, start, text

STOP = {"event_type": "step.stop", "index": 0}
HELLO = [created(), start(), text("Hel"), text("lo "), text("there"), STOP, completed()]
WITH_IDS = [{**event, "event_id": f"e{number}"} for number, event in enumerate(HELLO)]
RESET = httpx.ReadError("Connection reset by peer")
HIDDEN = {"error": {"code": "not_found", "message": "Requested entity was not found."}}


def watched(*answers: httpx.Response, argv: tuple[str, ...] = (), **more: Any) -> tuple[Outcome, list[str]]:
    """The outcome, and the method and the query of each request."""
    wire = ScriptedTransport(answers)
    outcome = gemini("interactions", "watch", "v1_a", *argv, answers=wire, **more)
    assert {call.url.path for call in wire.requests} == {"/v1beta/interactions/v1_a"}
    return outcome, [f"{call.method} {call.url.query.decode()}".strip() for call in wire.requests]


def test_the_events_are_requested_from_the_start_and_their_text_is_printed() -> None:
    assert watched(sse(*HELLO, done=True)) == ((0, "Hello there\n", ""), ["GET stream=true"])


def test_json_is_an_event_a_line() -> None:
    outcome, _ = watched(sse(*HELLO), argv=("--json",))
    assert [json.loads(line) for line in outcome.out.splitlines()] == HELLO


def test_thoughts_go_to_stderr_and_the_file_of_o_gets_the_text(tmp_path: Path) -> None:
    delta = {"type": "thought_summary", "content": {"text": "Hm\n\n"}}
    thought = {"event_type": "step.delta", "index": 0, "delta": delta}
    events = [created(), start(0, type="thought"), thought, start(1), text("Hi", 1), completed()]
    assert watched(sse(*events))[0] == (0, "Hi\n", "Hm\n")
    assert watched(sse(*events), argv=("-o", str(tmp_path / "a")))[0] == (0, "", "Hm\n")
    assert (tmp_path / "a").read_text() == "Hi\n"


@pytest.mark.parametrize("ending", [[RESET], []], ids=["reset", "clean end"])
def test_a_cut_is_resumed_after_the_last_event(ending: list[httpx.ReadError]) -> None:
    outcome, asked = watched(sse(*WITH_IDS[:4], *ending), sse(*WITH_IDS[4:]))
    assert outcome == (0, "Hello there\n", "")
    assert asked == ["GET stream=true", "GET last_event_id=e3&stream=true"]


@pytest.mark.parametrize("first", [[RESET], []], ids=["reset", "clean end"])
def test_a_stream_without_an_event_is_requested_again(first: list[httpx.ReadError]) -> None:
    outcome, asked = watched(sse(*first), sse(*HELLO))
    assert (outcome, asked) == ((0, "Hello there\n", ""), ["GET stream=true"] * 2)


def test_the_finished_interaction_stands_in_for_a_stream_that_cannot_be_had() -> None:
    answers = [sse(*HELLO[:3], RESET), *(sse() for _ in range(2)), reply(interaction("Hello there"))]
    outcome, asked = watched(*answers)
    assert outcome == (0, "Hello there\n", "")
    assert asked[-1] == "GET"


def test_a_fresh_run_may_be_hidden_for_a_while() -> None:
    sleeps: list[float] = []
    outcome, _ = watched(reply(HIDDEN, 404), reply(HIDDEN, 404), sse(*HELLO), sleeps=sleeps)
    assert (outcome.out, sleeps) == ("Hello there\n", [1.0, 2.0])
    assert watched(*(reply(HIDDEN, 404) for _ in range(27)))[0].status == 6


@pytest.mark.parametrize(
    ("status", "exit_status"), [("incomplete", 8), ("cancelled", 8), ("requires_action", 10), ("budget_exceeded", 8)]
)
def test_the_exit_statuses_are_those_of_stream(status: str, exit_status: int) -> None:
    events = [*HELLO[:-1], completed(status)]
    outcome, _ = watched(sse(*events))
    assert (outcome.status, outcome.out) == (exit_status, "Hello there")
    assert gemini("stream", "hi", answers=[sse(*events)]) == outcome


def test_a_refusal_is_the_servers_and_nothing_is_unknown() -> None:
    refused = reply({"error": {"code": "authentication", "message": "No."}}, 401)
    assert watched(refused)[0] == (4, "", "gemini-cli: auth: No.\n")
    lost = [httpx.ReadError("reset") for _ in range(4)]
    assert gemini("interactions", "watch", "v1_a", answers=lost).status == 5
    unrelated = sse({"event_type": "brand.new"}, RESET)
    assert watched(unrelated)[0].status == 6


def test_a_run_of_deep_research_is_watched_with_its_thoughts() -> None:
    clock = Clock(0)  # of which no sleep is rounded
    emulator = EmulatorTransport(Emulator(clock=clock, sleep=clock.sleep))
    request = ["--background", "--thoughts", "--agent", "deep-research-preview-04-2026", "Rain?"]
    started = gemini("generate", *request, answers=emulator)
    assert (started.status, started.err) == (0, "")
    interaction_id = started.out.strip()
    outcome = gemini("interactions", "watch", interaction_id, answers=emulator)
    assert (outcome.status, clock.slept != []) == (0, True)
    assert '"Rain?"' in outcome.out
    assert "Reading the request" in outcome.err
    assert gemini("interactions", "get", interaction_id, answers=emulator).out == outcome.out


def test_on_a_terminal_a_background_run_says_how_to_watch_it() -> None:
    started = reply({"id": "v1_b", "status": "in_progress"})
    outcome = gemini("generate", "--background", "hi", answers=[started], terminal=True)
    assert "`gemini-cli interactions watch v1_b`" in outcome.err
