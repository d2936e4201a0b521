"""One question in rounds: the model calls functions, gets their results, and answers in the end.

Where its words go: what it says before it has a result is not the answer, so those rounds are asked plainly, and their
words are shown on stderr. From the first result on they are streamed to stdout as they come, unless a call could still
turn out to be nobody's here: then stdout is for that call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gemini_cli.api.accumulator import Fold
from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation
from gemini_cli.api.interaction import Interaction, Step
from gemini_cli.api.outcome import verdict
from gemini_cli.client.interactions import Dialogue
from gemini_cli.console.presenter import Answer
from gemini_cli.errors import ActionRequired, Failure


class Rounds:
    """`make` makes calls, or raises ActionRequired; `ours` are the calls it can make.

    `ended` hears the last answer, also if it is one whose calls were not made.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        answer: Answer,
        *,
        make: Callable[[Sequence[Step]], list[Step]],
        ours: Callable[[Step], bool],
        ended: Callable[[Body, Interaction], None],
        streamed: bool,
    ) -> None:
        self._dialogue = dialogue
        self._answer = answer
        self._make = make
        self._ours = ours
        self._ended = ended
        self._streamed = streamed

    def follow(self, body: Body, conversation: Conversation) -> Interaction:
        """Ask `body`, which begins the conversation, and go on to the last answer."""
        last = self._last(body, conversation)
        try:
            if last.heard:
                self._answer.end(last.interaction)
            else:
                self._answer.show(last.interaction)
        finally:
            self._ended(last.body, last.interaction)
        return last.interaction

    def _last(self, body: Body, conversation: Conversation) -> _Round:
        """The first round that ends without calls for us. What came before it was billed, however it ends."""
        asked, before = body.get("input", []), None
        try:
            while True:
                latest = self._ask(body, live=self._streamed and _ends_in_result(asked))
                if not latest.interaction.calls or not all(map(self._ours, latest.interaction.calls)):
                    return latest
                before = latest.interaction
                self._answer.pause(before, heard=latest.heard)
                conversation.answered(asked, before)
                asked = self._make(before.calls)
                body = conversation.question(asked)
        except Failure as failure:
            if before is not None:
                failure.interaction_id, failure.billed = failure.interaction_id or before.id, "yes"
                if isinstance(failure, ActionRequired) and (waiting := verdict(before)):
                    failure.hint = waiting.hint
                    self._ended(body, before)
                self._answer.count()
            raise

    def _ask(self, body: Body, *, live: bool) -> _Round:
        if not live:
            return _Round(body, self._dialogue.ask(body), heard=False)
        fold = Fold()
        self._answer.hear(self._dialogue.listen({**body, "stream": True}, fold))
        return _Round(body, fold.interaction, heard=True)


class _Round(NamedTuple):
    """What was asked and answered; `heard` if the words of the answer are out already."""

    body: Body
    interaction: Interaction
    heard: bool


def _ends_in_result(asked: Any) -> bool:
    last = asked[-1] if isinstance(asked, list) and asked else None
    return isinstance(last, dict) and last.get("type") == "function_result"
