"""The API's two families: the same request and the same answer in two formats.

The program builds each request in the format of Interactions, and reads each answer as an Interaction or its events.
A family converts both to and from the format that is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from gemini_cli.api.body import Body, require_text
from gemini_cli.api.events import Event
from gemini_cli.api.field_names import to_snake_case
from gemini_cli.api.interaction import Interaction
from gemini_cli.errors import UsageError

# Fields of the older family only; the Interactions API has other ones for each (api/README.md 11.2).
GENERATE_CONTENT_FIELDS = (
    "contents",
    "generationConfig",
    "systemInstruction",
    "safetySettings",
    "toolConfig",
    "cachedContent",
)


class Request(NamedTuple):
    """A POST: `path` as the API's pages write it, without the version."""

    path: str
    body: Body


class UnsupportedFieldError(UsageError):
    """The request has a field that generateContent lacks.

    `field` is its name in the body, or the option that sets it.
    """

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} has no counterpart in generate-content")
        self.field = field


class ApiAdapter(Protocol):
    """The format of one family.

    `stores_interactions`: its server can store interactions, so that they can be continued, resumed and fetched by id.
    """

    stores_interactions: bool

    def build_request(self, body: Body) -> Request:
        """Convert a request.

        UnsupportedFieldError for a field that the family lacks, InputError for strings that are not text.
        """

    def parse_response(self, text: str) -> Interaction:
        """Parse an answer without streaming; RejectedError if it has another format."""

    def map_events(self, events: Iterator[Event]) -> Iterator[Event]:
        """Convert the events of a streamed answer."""


class InteractionsAdapter:
    """The format that the program uses itself: nothing is converted."""

    stores_interactions = True

    def build_request(self, body: Body) -> Request:
        for field in GENERATE_CONTENT_FIELDS:
            if field in body:
                raise UsageError(f"{field} is a field of generateContent", hint="add --api generate-content")
        config = body.get("generation_config")
        for key in config if isinstance(config, dict) else ():
            if re.fullmatch(r"[a-z]+(?:[A-Z][a-z0-9]*)+", key):  # the Interactions API has only snake_case
                hint = f"write generation_config.{to_snake_case(key)}, or add --api generate-content"
                raise UsageError(f"generation_config.{key} is a field of generateContent", hint=hint)
        require_text(body)
        return Request("interactions", body)

    def parse_response(self, text: str) -> Interaction:
        return Interaction.parse(text)

    def map_events(self, events: Iterator[Event]) -> Iterator[Event]:
        return events


INTERACTIONS_ADAPTER = InteractionsAdapter()
