"""One conversation, turn by turn: asked, shown, and kept where there is a place to keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gemini_cli.api.accumulator import Fold
from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation
from gemini_cli.api.interaction import Interaction
from gemini_cli.chat.session import Session
from gemini_cli.client.interactions import Dialogue
from gemini_cli.console.presenter import Answer
from gemini_cli.errors import Failure, OutputError


class Turns:
    """`ended` is told every interaction that came to its end, whole or not."""

    def __init__(
        self,
        dialogue: Dialogue,
        conversation: Conversation,
        session: Session | None,
        ended: Callable[[Interaction], None],
    ) -> None:
        self.conversation = conversation
        self.session = session
        self._dialogue = dialogue
        self._ended = ended
        self._unsaved: OutputError | None = None
        self.counted: list[dict[str, Any]] = []  # the usage of each turn

    def take(self, asked: Any, answer: Answer) -> Interaction:
        """One turn, shown as it comes; with `--json` plainly, as the server sent it.

        A turn that cannot be written down is still asked and shown; the OutputError comes after it.
        """
        body = self.conversation.question(asked)
        self._dialogue.settle(body)  # a session keeps the address of a large file, not its bytes
        self._keep(lambda session: session.sent(body, asked))
        heard = Fold()
        try:
            interaction = self._asked(body, answer, heard)
        except BaseException as error:  # a signal too
            self._lost(heard, error, body)
            raise
        self.conversation.answered(asked, interaction)
        self._keep(lambda session: session.answered(interaction))
        if self._unsaved:
            raise self._unsaved
        return interaction

    def _asked(self, body: Body, answer: Answer, heard: Fold) -> Interaction:
        if body.get("stream"):
            interaction = answer.follow(self._dialogue.listen(body, heard), heard)
        else:
            interaction = self._dialogue.ask(body)
            heard.add_whole(interaction)
            answer.show(interaction)
        self._note(interaction)
        return interaction

    def begin_again(self) -> None:
        """A new conversation, with the same settings."""
        self.conversation.forget()
        self._keep(lambda session: session.forget())
        if self._unsaved:
            raise self._unsaved

    def _note(self, interaction: Interaction) -> None:
        self.counted.append(interaction.usage)
        self._ended(interaction)

    def _lost(self, heard: Fold, error: BaseException, body: Body) -> None:
        """Written down as what it is. What a failure says about the turn comes before what the disk says."""
        interaction = heard.interaction
        if heard.terminal:
            self._note(interaction)
            self._keep(lambda session: session.answered(interaction))
        else:
            reason = error.message if isinstance(error, Failure) else "stopped by a signal"
            self._keep(lambda session: session.cut(interaction, reason))
        self._unsaved = None
        if isinstance(error, Failure) and error.http_status == 404 and "previous_interaction_id" in body:
            error.hint = error.hint or self._way_back()

    def _way_back(self) -> str:
        forgotten = "the service keeps an interaction for a limited time"
        if self.session is None or not self.session.whole:
            return f"{forgotten}, and its history is not known here"
        return f"{forgotten}; --replay sends the known history again"

    def _keep(self, write: Callable[[Session], None]) -> None:
        if self.session is None:
            return
        try:
            write(self.session)
            self._unsaved = None
        except OutputError as error:
            self._unsaved = error
