"""Convert requests and answers to and from generateContent (api/README.md 11).

Its streams have no last event: there is no `[DONE]`, and more may follow a finishReason (api/README.md 11.13, 11.14).
So a stream is complete after two things together: a finishReason, or a blocked prompt (api/README.md 11.8), with no
content after it; and the end of the HTTP body. A connection that breaks or stalls after a finishReason leaves the
answer incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator

from gemini_cli import refusal
from gemini_cli.body import Body
from gemini_cli.errors import Rejected
from gemini_cli.family import Request
from gemini_cli.fold import Fold
from gemini_cli.generate_content import wording
from gemini_cli.generate_content.contents import contents
from gemini_cli.generate_content.meaning import Meaning
from gemini_cli.interaction import Event, Interaction, parse_object, want


class GenerateContent:
    """The API family of `models/{model}:generateContent`."""

    keeps = False

    def request(self, body: Body) -> Request:
        return wording.request(body)

    def interaction(self, text: str) -> Interaction:
        """Convert a response; Rejected, or the error in it, if it has no answer."""
        if text.lstrip().startswith("[") and (said := refusal.parse(text)):
            raise said.failure()
        wire = parse_object(text, "the answer")
        if (error := want(wire, "error", dict)) is not None:
            raise refusal.from_error(error).failure()
        meaning, fold = Meaning(), Fold()
        for payload in meaning.chunk(wire):
            fold.add(Event(payload["event_type"], payload, ""))
        if not meaning.begun:
            raise Rejected("the answer is not generateContent's: it has neither candidates nor promptFeedback")
        fold.add(Event("interaction.completed", meaning.ending(), ""))
        return Interaction(fold.interaction.raw, wire)

    def events(self, heard: Iterator[Event]) -> Iterator[Event]:
        """Convert each chunk to events, with `interaction.completed` at a proper end.

        The chunk's JSON is the `raw` of the first of its events.
        """
        meaning = Meaning()
        for chunk in heard:
            error = want(chunk.payload, "error", dict)
            if error is not None and not meaning.begun:
                raise refusal.from_error(error).failure()
            if error is not None:
                yield Event("error", {"event_type": "error", "error": error}, chunk.raw)
                return
            raw = chunk.raw
            for payload in meaning.chunk(chunk.payload):
                yield Event(payload["event_type"], payload, raw)
                raw = ""
            if raw:
                yield Event("", chunk.payload, raw)
        if meaning.finished:
            yield Event("interaction.completed", meaning.ending(), "")


GENERATE_CONTENT = GenerateContent()

__all__ = ["GENERATE_CONTENT", "contents"]
