"""Run the turns of a conversation: send, print and save each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation
from gemini_cli.api.interaction import Interaction
from gemini_cli.chat.session import Session
from gemini_cli.client.interactions import InteractionsClient
from gemini_cli.console.presenter import Presenter
from gemini_cli.errors import CliError, OutputError


class TurnRunner:
    """Runs the turns of a conversation, and saves them in its session, if any.

    `on_answer` is called with every interaction that ended, complete or not.
    """

    def __init__(
        self,
        client: InteractionsClient,
        conversation: Conversation,
        session: Session | None,
        on_answer: Callable[[Interaction], None],
    ) -> None:
        self.conversation = conversation
        self.session = session
        self._client = client
        self._on_answer = on_answer
        self._unsaved: OutputError | None = None
        self.usages: list[dict[str, Any]] = []  # the usage of each turn

    def run_turn(self, turn_input: Any, presenter: Presenter) -> Interaction:
        """Run one turn, and print the answer as it arrives.

        A turn that cannot be saved is still sent and printed; the OutputError is raised after it.
        """
        body = self.conversation.next_request(turn_input)
        self._client.resolve_attachments(body)  # a session has the address of a large file, not its bytes
        if self.session is not None:
            self._client.refuse_key(body)  # before it is in the file
        self._save(lambda session: session.record_request(body, turn_input))
        accumulator = StreamAccumulator()
        try:
            interaction = self._send_turn(body, presenter, accumulator)
        except BaseException as error:  # a signal too
            self._record_lost_turn(accumulator, error, body)
            raise
        self.conversation.add_turn(turn_input, interaction)
        self._save(lambda session: session.record_answer(interaction))
        if self._unsaved:
            raise self._unsaved
        return interaction

    def _send_turn(self, body: Body, presenter: Presenter, accumulator: StreamAccumulator) -> Interaction:
        if body.get("stream"):
            interaction = presenter.show_stream(self._client.stream(body, accumulator), accumulator)
        else:
            interaction = self._client.create_and_wait(body)
            accumulator.set_interaction(interaction)
            presenter.show(interaction)
        self._answer_ended(interaction)
        return interaction

    def reset(self) -> None:
        """Start a new conversation with the same settings."""
        self.conversation.reset()
        self._save(lambda session: session.reset())
        if self._unsaved:
            raise self._unsaved

    def _answer_ended(self, interaction: Interaction) -> None:
        self.usages.append(interaction.usage)
        self._on_answer(interaction)

    def _record_lost_turn(self, accumulator: StreamAccumulator, error: BaseException, body: Body) -> None:
        """Save a turn that failed. Its error takes precedence over one of the disk."""
        interaction = accumulator.interaction
        if accumulator.terminal:
            self._answer_ended(interaction)
            self._save(lambda session: session.record_answer(interaction))
        else:
            reason = error.message if isinstance(error, CliError) else "stopped by a signal"
            self._save(lambda session: session.record_cut(interaction, reason))
        self._unsaved = None
        if isinstance(error, CliError) and error.http_status == 404 and "previous_interaction_id" in body:
            error.hint = error.hint or self._expired_hint()

    def _expired_hint(self) -> str:
        forgotten = "the service keeps an interaction for a limited time"
        if self.session is None or not self.session.has_full_history:
            return f"{forgotten}, and its history is not known locally"
        return f"{forgotten}; --resend sends the known history again"

    def _save(self, write: Callable[[Session], None]) -> None:
        if self.session is None:
            return
        try:
            write(self.session)
            self._unsaved = None
        except OutputError as error:
            self._unsaved = error
