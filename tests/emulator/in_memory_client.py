"""A client of an emulator in memory, and an accumulator of its streams."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from gemini_cli.emulator.http.exchange import HttpRequest, HttpResponse
from gemini_cli.emulator.service import Emulator

Json = Any
MODEL = "gemini-3.8-flash"


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


class Clock:
    """A clock that moves only in sleep() and when a test sets it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class InMemoryClient:
    """Requests to an emulator, as tests need them."""

    def __init__(self, emulator: Emulator | None = None) -> None:
        self.emulator = emulator or Emulator()

    def call(self, method: str, target: str, body: Json = None, headers: dict[str, str] | None = None) -> HttpResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.emulator.handle(HttpRequest(method, target, headers or {}, data))

    def send(self, method: str, target: str, body: Json = None, headers: dict[str, str] | None = None) -> Response:
        reply = self.call(method, target, body, headers)
        return Response(reply.status, dict(reply.headers), b"".join(reply.body))

    def get(self, target: str) -> Response:
        return self.send("GET", target)

    def post(self, target: str, body: Json = None) -> Response:
        return self.send("POST", target, body)

    def create(self, input: Json = "Hi", **more: Json) -> Json:
        """The interaction of a create, which must succeed."""
        response = self.post("/v1beta/interactions", {"model": MODEL, "input": input, **more})
        assert response.status == 200, response.body
        return response.json

    def error(self, **body: Json) -> tuple[int, str, str]:
        """Status, code and message of a create, which must fail."""
        response = self.post("/v1beta/interactions", body)
        return response.status, response.json["error"]["code"], response.json["error"]["message"]

    def stream(self, input: Json = "Hi", **more: Json) -> list[Json]:
        body = {"model": MODEL, "input": input, "stream": True, **more}
        return events(self.post("/v1beta/interactions", body).body)

    def generate(self, prompt: str = "Hi", model: str = MODEL, **more: Json) -> Json:
        body = {"contents": [{"parts": [{"text": prompt}]}], **more}
        response = self.post(f"/v1beta/models/{model}:generateContent", body)
        assert response.status == 200, response.body
        return response.json


def events(body: bytes) -> list[Json]:
    """The events of a stream (api/README.md 7.1) without the final `done`."""
    frames = body.decode().split("\n\n")
    assert frames[-2:] == ["event: done\ndata: [DONE]", ""]
    return [_event(frame) for frame in frames[:-2]]


def _event(frame: str) -> Json:
    name, data = frame.split("\n")
    event = json.loads(data.removeprefix("data: "))
    assert name == f"event: {event['event_type']}"
    return event


def text(interaction: Json) -> str:
    return "".join(
        part.get("text", "")
        for step in interaction.get("steps", [])
        if step["type"] == "model_output"
        for part in step["content"]
    )


def delta_text(found: Iterable[Json]) -> str:
    return "".join(event["delta"]["text"] for event in found if event.get("delta", {}).get("type") == "text")


def fold(found: Iterable[Json]) -> Json:
    """The interaction accumulated from a stream (api/README.md 7.6-7.11)."""
    steps: dict[int, Json] = {}
    arguments: dict[int, str] = {}
    last: Json = {}
    for event in found:
        match event["event_type"]:
            case "step.start":
                steps[event["index"]] = dict(event["step"])
            case "step.delta":
                _apply(steps[event["index"]], event["delta"], arguments, event["index"])
            case "step.stop" if event["index"] in arguments:
                steps[event["index"]]["arguments"] = json.loads(arguments[event["index"]])
            case "interaction.completed":
                last = event["interaction"]
    return {**last, "steps": [steps[index] for index in sorted(steps)]}


def _apply(step: Json, delta: Json, arguments: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text":
            content = step.setdefault("content", [{"type": "text", "text": ""}])
            content[-1]["text"] += delta["text"]
        case "text_annotation_delta":
            step["content"][-1].setdefault("annotations", []).extend(delta["annotations"])
        case "thought_summary":
            step.setdefault("summary", []).append(delta["content"])
        case "thought_signature":
            step["signature"] = delta["signature"]
        case "arguments_delta":
            arguments[index] = arguments.get(index, "") + delta["arguments"]
        case "image" | "audio":
            step.setdefault("content", []).append(delta)
        case _:
            assert delta["type"] == step["type"], delta
            step.update(delta)
