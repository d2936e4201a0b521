"""Genuine traffic, replayed: every recorded Interactions body and stream through the whole program, in-process.

The recordings are other people's data and are not part of this project; they are read from the folder beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.fold import Fold
from gemini_cli.transport.stream import read_events
from tests.harness import Outcome, gemini, reply

RECORDED = Path(__file__).parents[2] / "shared" / "api" / "recorded" / "interactions"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recordings at {RECORDED.name}/ beside the project")

EXIT = {"completed": 0, "incomplete": 8, "requires_action": 10}


def recordings(kind: str) -> list[Path]:
    return sorted(path for path in RECORDED.glob(f"{kind}/*") if not path.name.endswith(".meta.json"))


def read(kind: str) -> list[Any]:
    return [pytest.param(path, id=path.stem[:60]) for path in recordings(kind)]


def said(steps: list[dict[str, Any]]) -> str:
    """The text of the answer, put together here a second time: all recorded answers have theirs in one run."""
    texts = [
        block["text"]
        for step in steps
        if step["type"] == "model_output"
        for block in step.get("content", [])
        if block["type"] == "text"
    ]
    return "".join(texts)


def ended(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def status_of(interaction: dict[str, Any]) -> int:
    return EXIT[interaction["status"]]


@pytest.mark.parametrize("path", read("json"))
def test_a_recorded_body_gives_its_text_and_status(path: Path) -> None:
    body = json.loads(path.read_bytes())
    plain = gemini("generate", "hi", answers=[reply(path.read_bytes())])
    whole = gemini("generate", "--json", "hi", answers=[reply(path.read_bytes())])
    if "status" not in body or "outputs" in body:  # an acknowledged delete, or the legacy shape
        assert (plain.status, plain.out) == (6, "")
        return
    assert plain.status == whole.status == status_of(body)
    assert plain.out == (ended(said(body["steps"])) if plain.status == 0 else said(body["steps"]))
    assert whole.json == body


@pytest.mark.parametrize("path", read("sse"))
def test_a_recorded_stream_gives_its_text_and_status(path: Path) -> None:
    def replay(*flags: str) -> Outcome:
        return gemini("stream", *flags, "hi", answers=[reply(path.read_bytes(), content_type="text/event-stream")])

    events = [json.loads(line[6:]) for line in path.read_text().splitlines() if line.startswith("data: {")]
    plain = replay()
    if any(event["event_type"] == "interaction.start" for event in events):
        assert (plain.status, plain.out) == (6, "")
        assert "legacy" in plain.err
        return
    text = "".join(
        event["delta"]["text"]
        for event in events
        if event["event_type"] == "step.delta" and event["delta"]["type"] == "text"
    )
    last = events[-1]["interaction"]
    assert plain.status == status_of(last)
    assert plain.out == (ended(text) if plain.status == 0 else text)
    assert [json.loads(line) for line in replay("--json").out.splitlines()] == events


@pytest.mark.parametrize("path", read("sse"))
def test_a_folded_stream_has_the_shape_of_a_plain_body(path: Path) -> None:
    """Every step and field of the fold is one that some recorded plain body has too."""
    if "interaction.start" in path.read_text():
        return
    fold = Fold()
    for event in read_events([path.read_bytes()], lambda text: None):
        fold.add(event)
    known = shapes(plain_bodies())
    assert shapes([fold.interaction.raw]) <= known | shapes_of_what_was_never_plain()


def plain_bodies() -> list[dict[str, Any]]:
    bodies = [json.loads(path.read_bytes()) for path in recordings("json")]
    return [body for body in bodies if "steps" in body]


def shapes(bodies: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(step type or block type, field) pairs."""
    found: set[tuple[str, str]] = set()
    for body in bodies:
        for step in body.get("steps", []):
            found |= {(step["type"], field) for field in step}
            for block in [*step.get("content", []), *step.get("summary", [])]:
                found |= {(block["type"], field) for field in block}
    return found


def shapes_of_what_was_never_plain() -> set[tuple[str, str]]:
    """Summaries and images were recorded in streams only; their fields are those of reference.md 3 and 4."""
    image = {("image", field) for field in ("type", "data", "mime_type")}
    return {("thought", "summary"), ("google_search_result", "is_error"), *image}


@pytest.mark.parametrize("path", read("errors"))
def test_a_recorded_error_gives_its_message_and_status(path: Path) -> None:
    meta = json.loads(path.with_name(f"{path.stem}.meta.json").read_text())
    for_the_day = "limit: 0" in path.read_text()
    tries = 4 if meta["status"] == 429 and not for_the_day else 1
    outcome = gemini("generate", "hi", answers=[reply(path.read_bytes(), meta["status"]) for _ in range(tries)])
    assert outcome.status == (7 if for_the_day else {400: 6, 404: 6, 429: 5}[meta["status"]])
    message = json.loads(path.read_bytes())["error"]["message"].strip().replace("\n", "\\n")
    assert message in outcome.err
