"""The API's two families: the same question in two wordings, and answers that mean the same.

What is asked is built in the words of Interactions (`request.py`), and what comes back is an Interaction or its events,
whichever family spoke. A family says what goes over the wire between the two.
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
    """`keeps`: the service keeps interactions, so that one can be continued, resumed and fetched by its id."""

    keeps: bool

    def request(self, body: Body) -> Request:
        """UsageError, naming the flag, for what this family cannot be asked."""

    def interaction(self, text: str) -> Interaction:
        """The text of a plain answer; Rejected if it is none of this family's."""

    def events(self, heard: Iterator[Event]) -> Iterator[Event]:
        """What the frames of a streamed answer mean."""


class Interactions:
    """The words that the program speaks are this family's own."""

    keeps = True

    def request(self, body: Body) -> Request:
        return Request("interactions", body)

    def interaction(self, text: str) -> Interaction:
        return Interaction.parse(text)

    def events(self, heard: Iterator[Event]) -> Iterator[Event]:
        return heard


INTERACTIONS = Interactions()
