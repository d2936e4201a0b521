"""The API's two families: the same request and the same answer in two formats.

The program builds each request in the format of Interactions, and reads each answer as an Interaction or its events.
A family converts both to and from the format that is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from gemini_cli.body import Body
from gemini_cli.interaction import Event, Interaction


class Request(NamedTuple):
    """A POST: `path` as the API's pages write it, without the version."""

    path: str
    body: Body


class Family(Protocol):
    """The format of one family, and whether its server `keeps` interactions.

    Only interactions that are stored can be continued, resumed and fetched by id.
    """

    keeps: bool

    def request(self, body: Body) -> Request:
        """Convert a request; UsageError for a field that this family lacks."""

    def interaction(self, text: str) -> Interaction:
        """Parse an answer without streaming; Rejected if it has another format."""

    def events(self, heard: Iterator[Event]) -> Iterator[Event]:
        """Convert the events of a streamed answer."""


class Interactions:
    """The format that the program uses itself: nothing is converted."""

    keeps = True

    def request(self, body: Body) -> Request:
        return Request("interactions", body)

    def interaction(self, text: str) -> Interaction:
        return Interaction.parse(text)

    def events(self, heard: Iterator[Event]) -> Iterator[Event]:
        return heard


INTERACTIONS = Interactions()
