"""The request of the next turn of a conversation. Pure.

If the server stores the conversation, a turn names the interaction before it. Otherwise it repeats all steps so far
unchanged, unknown ones, thoughts and signatures included (api/README.md 4.2, 8.8, 8.10). Neither inherits settings,
so model, tools, system instruction and configuration are sent again in every turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gemini_cli.api.body import Body
from gemini_cli.api.interaction import MEDIA_BLOCKS, Interaction, Step
from gemini_cli.errors import UsageError
from gemini_cli.formats import strict_json

CONTENT_TYPES = {"text", *MEDIA_BLOCKS}  # parts that may stand in an input without a step around them
PER_TURN = ("input", "previous_interaction_id", "continuation_token")


class Conversation:
    """The settings and the history of a conversation.

    `body`: a request whose settings apply to every turn. `steps`: the history, if it is known. `stored`: the server
    stores the interactions. `resend_history`: the next request repeats the history, because the server has lost it.
    UsageError if an interaction is to be continued without storage, and its history is unknown.
    """

    def __init__(self, body: Body, steps: Iterable[Step] = (), *, stored: bool) -> None:
        self.settings = settings_of(body)
        self.steps = list(steps)
        self.stored = stored and self.settings.get("store") is not False
        self.previous: str | None = body.get("previous_interaction_id")
        self.resend_history = False
        if self.previous and not self.stored and not self.steps:
            raise UsageError(f"{self.previous} cannot be continued with --no-store: its history is not known")

    def reset(self) -> None:
        self.steps, self.previous, self.resend_history = [], None, False

    def next_request(self, turn_input: Any) -> Body:
        """Build the request for the next input of any format (api/README.md 2.3)."""
        if self.stored and self.previous and not self.resend_history:
            return {**self.settings, "previous_interaction_id": self.previous, "input": turn_input}
        return {**self.settings, "input": [*self.steps, *input_to_steps(turn_input)] if self.steps else turn_input}

    def add_turn(self, turn_input: Any, interaction: Interaction) -> None:
        """Add a turn that is complete, or that waits for the results of its calls."""
        self.steps += [*input_to_steps(turn_input), *interaction.steps]
        self.resend_history = interaction.id is None
        self.previous = interaction.id


def settings_of(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in PER_TURN}


def input_to_steps(turn_input: Any) -> list[Step]:
    """Convert an input of any format to a list of steps, which can be joined.

    UsageError for other JSON.
    """
    if isinstance(turn_input, str):
        turn_input = {"type": "text", "text": turn_input}
    parts = [turn_input] if isinstance(turn_input, dict) else turn_input
    if not isinstance(parts, list):
        raise UsageError(f"input: neither content blocks nor steps: {strict_json.dumps(parts)[:40]}")
    if all(isinstance(part, dict) and (part.get("type") or "text") in CONTENT_TYPES for part in parts):
        return [{"type": "user_input", "content": parts}]
    return [*parts]
