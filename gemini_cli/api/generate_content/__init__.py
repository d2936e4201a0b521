"""Convert requests and answers to and from generateContent (api/README.md 11).

Its streams have no last event: there is no `[DONE]`, and more may follow a finishReason (api/README.md 11.13, 11.14).
So a stream is complete after two things together: a finishReason, or a blocked prompt (api/README.md 11.8), with no
content after it; and the end of the HTTP body. A connection that breaks or stalls after a finishReason leaves the
answer incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.adapter import Request
from gemini_cli.api.api_error import api_error_from, parse_api_error
from gemini_cli.api.body import Body, require_text
from gemini_cli.api.events import Event
from gemini_cli.api.fields import get_typed, parse_object
from gemini_cli.api.generate_content import request_mapping
from gemini_cli.api.generate_content.contents import to_contents
from gemini_cli.api.generate_content.response_mapping import ResponseMapper
from gemini_cli.api.interaction import Interaction, Step
from gemini_cli.errors import RejectedError


class GenerateContentAdapter:
    """The API family of `models/{model}:generateContent`."""

    stores_interactions = False

    def build_request(self, body: Body) -> Request:
        require_text(body)
        return request_mapping.map_request(body)

    def parse_response(self, text: str) -> Interaction:
        """Convert a response; RejectedError, or the error in it, if it has no answer."""
        if text.lstrip().startswith("[") and (api_error := parse_api_error(text)):
            raise api_error.to_cli_error()
        wire = parse_object(text, "the answer")
        if (error := get_typed(wire, "error", dict)) is not None:
            raise api_error_from(error).to_cli_error()
        mapper, accumulator = ResponseMapper(), StreamAccumulator()
        for payload in mapper.map_chunk(wire):
            accumulator.add(Event(payload["event_type"], payload, ""))
        if not mapper.begun:
            raise RejectedError("the answer is not generateContent's: it has neither candidates nor promptFeedback")
        accumulator.add(Event("interaction.completed", mapper.final_event(), ""))
        return Interaction(accumulator.interaction.raw, wire)

    def map_events(self, events: Iterator[Event]) -> Iterator[Event]:
        """Convert each chunk to events, with `interaction.completed` at a proper end.

        The chunk's JSON is the `raw` of the first of its events.
        """
        mapper = ResponseMapper()
        for chunk in events:
            error = get_typed(chunk.payload, "error", dict)
            if error is not None and not mapper.begun:
                raise api_error_from(error).to_cli_error()
            if error is not None:
                yield Event("error", {"event_type": "error", "error": error}, chunk.raw)
                return
            raw = chunk.raw
            for payload in mapper.map_chunk(chunk.payload):
                yield Event(payload["event_type"], payload, raw)
                raw = ""
            if raw:
                yield Event("", chunk.payload, raw)
        if mapper.finished:
            yield Event("interaction.completed", mapper.final_event(), "")


def steps_from_contents(contents: list[dict[str, Any]]) -> list[Step]:
    """Convert `contents`, each with its role, to steps; the inverse of `to_contents`.

    RejectedError if a part has a field of a wrong type.
    """
    steps: list[Step] = []
    for content in contents:
        mapper, accumulator = ResponseMapper(), StreamAccumulator()
        for payload in mapper.map_chunk({"candidates": [{"content": content, "finishReason": "STOP"}]}):
            accumulator.add(Event(payload["event_type"], payload, ""))
        is_user = content.get("role") != "model"
        steps += [
            {**step, "type": "user_input"} if is_user and step.get("type") == "model_output" else step
            for step in accumulator.latest.steps
        ]
    return steps


GENERATE_CONTENT_ADAPTER = GenerateContentAdapter()

__all__ = ["GENERATE_CONTENT_ADAPTER", "steps_from_contents", "to_contents"]
