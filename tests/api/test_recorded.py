"""Replay recorded traffic: bodies, streams and errors of both APIs, through the program in-process.

The recordings are other people's data and are not part of this project; they are read from a folder beside it.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.client.event_stream import read_api_events
from tests.harness import Outcome, gemini, reply

BESIDE = Path(__file__).parents[3] / "shared" / "api" / "recorded"
RECORDED = BESIDE / "interactions"
OLDER = BESIDE / "generate_content"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recordings at {RECORDED.name}/ beside the project")

BASE = "https://generativelanguage.googleapis.com/v1beta"
METHODS = {"generate": "generateContent", "stream": "streamGenerateContent"}
EXIT = {"completed": 0, "incomplete": 8, "requires_action": 10}


def recordings(kind: str, family: Path = RECORDED) -> list[Path]:
    return sorted(path for path in family.glob(f"{kind}/*") if not path.name.endswith(".meta.json"))


def read(kind: str, family: Path = RECORDED) -> list[Any]:
    return [pytest.param(path, id=f"{path.stem[:50]}{path.stem[-10:]}") for path in recordings(kind, family)]


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


def calls_of(interaction: dict[str, Any]) -> str:
    """The line for whoever makes the calls that have no result yet."""
    steps = interaction["steps"]
    done = {step.get("call_id") for step in steps if step["type"] == "function_result"}
    waiting = [step for step in steps if step["type"] == "function_call" and step["id"] not in done]
    return line_of(
        interaction.get("id") or None, [{key: step[key] for key in ("id", "name", "arguments")} for step in waiting]
    )


def line_of(interaction_id: str | None, calls: list[dict[str, Any]]) -> str:
    line = {"interaction_id": interaction_id, "calls": calls}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


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
    assert plain.out == {0: ended(said(body["steps"])), 8: said(body["steps"]), 10: calls_of(body)}[plain.status]
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
    assert plain.out == {0: ended(text), 8: text, 10: ended(text) + calls_of(folded(path))}[plain.status]
    assert [json.loads(line) for line in replay("--json").out.splitlines()] == events


def folded(path: Path) -> dict[str, Any]:
    fold = StreamAccumulator()
    for event in read_api_events([path.read_bytes()], lambda: None):
        fold.add(event)
    return fold.interaction.raw


@pytest.mark.parametrize("path", read("sse"))
def test_a_folded_stream_has_the_shape_of_a_plain_body(path: Path) -> None:
    """Every step and field of the fold is one that some recorded plain body has too."""
    if "interaction.start" in path.read_text():
        return
    assert shapes([folded(path)]) <= shapes_of_plain_bodies() | shapes_of_what_was_never_plain()


@functools.cache
def shapes_of_plain_bodies() -> set[tuple[str, str]]:
    return shapes([json.loads(path.read_bytes()) for path in recordings("json")])


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
    """Fields that were recorded in streams only: summaries and images (api/README.md 3.1, 4.1)."""
    image = {("image", field) for field in ("type", "data", "mime_type")}
    return {("thought", "summary"), ("google_search_result", "is_error"), *image}


@pytest.mark.parametrize("path", [path for path in recordings("sse") if '"type":"image"' in path.read_text()], ids=str)
def test_a_recorded_picture_goes_to_a_file(path: Path) -> None:
    """Those who published it cut its base64 short; without their mark in the middle it is base64 again."""
    as_it_is = reply(path.read_bytes(), content_type="text/event-stream")
    refused = gemini("stream", "-o", "out.jpg", "hi", answers=[as_it_is])
    assert (refused.status, refused.out, Path("out.jpg").exists()) == (6, "", False)
    mended = re.sub(r"\.\.\.TRIMMED-BY-US\.\.\.[^\"]*", "", path.read_text())
    answer = reply(mended.encode(), content_type="text/event-stream")
    assert gemini("stream", "-o", "out.jpg", "hi", answers=[answer]).status == 0
    assert Path("out.jpg").read_bytes().startswith(b"\xff\xd8\xff\xe0\0\x10JFIF")


@pytest.mark.parametrize("path", read("errors"))
def test_a_recorded_error_gives_its_message_and_status(path: Path) -> None:
    meta = json.loads(path.with_name(f"{path.stem}.meta.json").read_text())
    for_the_day = "limit: 0" in path.read_text()
    tries = 4 if meta["status"] == 429 and not for_the_day else 1
    outcome = gemini("generate", "hi", answers=[reply(path.read_bytes(), meta["status"]) for _ in range(tries)])
    assert outcome.status == (7 if for_the_day else {400: 6, 404: 6, 429: 5}[meta["status"]])
    message = json.loads(path.read_bytes())["error"]["message"].strip().replace("\n", "\\n")
    assert message in outcome.err


# generateContent ------------------------------------------------------------------------------------------------------


def parts_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    candidates = [chunk["candidates"][0] for chunk in chunks if "candidates" in chunk]
    return [part for candidate in candidates for part in candidate.get("content", {}).get("parts", [])]


def texts(parts: list[dict[str, Any]]) -> str:
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def older_status(chunks: list[dict[str, Any]]) -> int:
    """Put together here a second time: the last reason, and whether a call is left without a response."""
    if any("blockReason" in chunk.get("promptFeedback", {}) for chunk in chunks):
        return 9
    reasons = [chunk["candidates"][0].get("finishReason") for chunk in chunks]
    reason = [each for each in reasons if each][-1]
    parts = parts_of(chunks)
    waiting = sum("functionCall" in part for part in parts) > sum("functionResponse" in part for part in parts)
    return {"STOP": 10 if waiting else 0, 1: 10 if waiting else 0, "MAX_TOKENS": 8, "MALFORMED_FUNCTION_CALL": 8}[
        reason
    ]


def arguments_of(call: dict[str, Any]) -> dict[str, Any]:
    """Streamed arguments come one by one, each under its path (api/README.md 11.17)."""
    partial = {each["jsonPath"].removeprefix("$."): each["numberValue"] for each in call.get("partialArgs", [])}
    return partial or call.get("args", {})


def older_calls(chunks: list[dict[str, Any]]) -> str:
    calls = [part["functionCall"] for part in parts_of(chunks) if "functionCall" in part]
    named = [call.get("id", f"no-id-{place}") for place, call in enumerate(calls, 1)]
    said = [
        {"id": name, "name": call["name"], "arguments": arguments_of(call)}
        for name, call in zip(named, calls, strict=True)
    ]
    return line_of(None, said)


def ask_older(command: str, *flags: str, answers: list[Any]) -> Outcome:
    return gemini(command, "--api", "generate-content", *flags, "hi", answers=answers)


@pytest.mark.parametrize("path", read("json", OLDER))
def test_an_older_body_gives_its_text_and_status(path: Path) -> None:
    body = json.loads(path.read_bytes())
    plain = ask_older("generate", "-q", answers=[reply(path.read_bytes())])
    assert plain.status == older_status([body])
    said = texts(parts_of([body]))
    assert plain.out == {0: ended(said), 10: older_calls([body])}.get(plain.status, said)
    assert plain.err.count("\n") == {0: 0, 10: 2}.get(plain.status, 1)
    assert ask_older("generate", "--json", answers=[reply(path.read_bytes())]).json == body


@pytest.mark.parametrize("path", read("sse", OLDER))
def test_an_older_stream_gives_its_text_and_status(path: Path) -> None:
    def replay(*flags: str) -> Outcome:
        return ask_older("stream", *flags, answers=[reply(path.read_bytes(), content_type="text/event-stream")])

    chunks = [json.loads(line[6:]) for line in path.read_text().splitlines() if line.startswith("data: {")]
    plain = replay("-q")
    if not chunks:  # an empty body (api/README.md 11.14), or an array, for which `alt=sse` does not ask
        assert (plain.status, plain.out) == (6, "")
        return
    assert plain.status == older_status(chunks)
    text = texts(parts_of(chunks))
    assert plain.out == {0: ended(text), 10: ended(text) + older_calls(chunks)}.get(plain.status, text)
    assert [json.loads(line) for line in replay("--json").out.splitlines()] == chunks


@pytest.mark.parametrize("path", read("sse", OLDER))
def test_an_older_stream_cut_anywhere_is_never_whole(path: Path) -> None:
    """Every recorded stream says with its last content how it ended; what it said before does not count."""
    frames = path.read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n\n")
    for place in {len(frames) // 2, len(frames) - 1}:
        cut = b"".join(frame + b"\n\n" for frame in frames[:place])
        outcome = ask_older("stream", "-q", answers=[reply(cut, content_type="text/event-stream")])
        assert outcome.status in (6, 8)


@pytest.mark.parametrize("path", read("errors", OLDER))
@pytest.mark.parametrize("command", ["generate", "stream"])
def test_an_older_error_gives_its_message_and_status(command: str, path: Path) -> None:
    """With the content type that it has in a stream (api/README.md 11.12); an error with status 200 is one too."""
    status = json.loads(path.with_name(f"{path.stem}.meta.json").read_text())["status"]
    content_type = "text/event-stream" if command == "stream" else "application/json"
    if path.read_text().startswith("<"):
        outcome = ask_older(command, answers=[reply(path.read_bytes(), 404, "text/html")])
        assert (outcome.status, outcome.err) == (
            6,
            f"gemini-cli: rejected: HTTP 404 Not Found ({BASE}/models/gemini-flash-latest:{METHODS[command]})\n",
        )
        return
    error = json.loads(path.read_bytes())["error"]
    per_day = "PerDay" in json.dumps(error.get("details"))
    tries = 4 if status == 429 and not per_day else 1
    outcome = ask_older(command, answers=[reply(path.read_bytes(), status, content_type) for _ in range(tries)])
    bad_key = "API_KEY_INVALID" in json.dumps(error)
    assert outcome.status == (4 if bad_key else {200: 6, 400: 6, 404: 6, 429: 7 if per_day else 5}[status])
    assert error["message"].strip().replace("\n", "\\n") in outcome.err
