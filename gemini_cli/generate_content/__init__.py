"""The older API family, generateContent: questions in its words, and what its answers mean (reference.md 11).

`wording.py` and `contents.py` say a question in it, `meaning.py` reads an answer.

Its streams have no last event: there is no `[DONE]`, and a finishReason may be followed by more (traffic.md 70, 84). So
two things together are its last word: a finishReason, or a blocked prompt, after which no content came; and the end of
the body, as HTTP tells it. A connection that breaks, or falls silent, after a finishReason cuts the answer off.
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
    """The family of `models/{model}:generateContent`; see `family.Family`."""

    keeps = False

    def request(self, body: Body) -> Request:
        return wording.request(body)

    def interaction(self, text: str) -> Interaction:
        """Rejected, or what the server's error amounts to, for an answer of 200 that holds no answer."""
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
        """What each chunk means, with the chunk's JSON on the first of its events; then the last word, if it came."""
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
