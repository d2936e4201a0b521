"""The request of the next turn of a conversation. Pure.

If the server stores the conversation, a turn names the interaction before it. Otherwise it repeats all steps so far
unchanged, unknown ones, thoughts and signatures included (api/README.md 4.2, 8.8, 8.10). Neither inherits settings,
so model, tools, system instruction and configuration are sent again in every turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gemini_cli.body import Body
from gemini_cli.errors import UsageError
from gemini_cli.interaction import Interaction, Step

PER_TURN = ("input", "previous_interaction_id", "continuation_token")


class Conversation:
    """`body` is a create whose settings hold for every turn; `steps` is the history as far as it is known.

    `kept`: the service keeps the interactions. `repeat` makes the next turn send the history once more, for a service
    that has forgotten it. UsageError for a history that is known neither here nor there.
    """

    def __init__(self, body: Body, steps: Iterable[Step] = (), *, kept: bool) -> None:
        self.settings = settings(body)
        self.steps = list(steps)
        self.kept = kept and self.settings.get("store") is not False
        self.previous: str | None = body.get("previous_interaction_id")
        self.repeat = False
        if self.previous and not self.kept and not self.steps:
            raise UsageError(f"{self.previous} cannot be continued with --no-store: its history is not known here")

    def forget(self) -> None:
        self.steps, self.previous, self.repeat = [], None, False

    def question(self, asked: Any) -> Body:
        """The request body for the next input, in any of the API's shapes (api/README.md 2.3)."""
        if self.kept and self.previous and not self.repeat:
            return {**self.settings, "previous_interaction_id": self.previous, "input": asked}
        return {**self.settings, "input": [*self.steps, *as_steps(asked)] if self.steps else asked}

    def answered(self, asked: Any, interaction: Interaction) -> None:
        """Take in a turn that the service finished, or stopped for the results of its calls."""
        self.steps += [*as_steps(asked), *interaction.steps]
        self.repeat = interaction.id is None
        self.previous = interaction.id


def settings(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in PER_TURN}


def as_steps(asked: Any) -> list[Step]:
    """Any shape of an input as a list of steps: the one shape that can be joined to others."""
    if isinstance(asked, str):
        asked = {"type": "text", "text": asked}
    parts = [asked] if isinstance(asked, dict) else list(asked)
    if all(isinstance(part, dict) and part.get("type", "text") in CONTENT for part in parts):
        return [{"type": "user_input", "content": parts}]
    return parts


CONTENT = ("text", "image", "audio", "video", "document")
