"""One question in rounds: the model calls functions, gets their results, and answers in the end.

Where its words go: what it says before it has a result is not the answer, so those rounds are asked plainly, and their
words are shown on stderr. From the first result on they are streamed to stdout as they come, unless a call could still
turn out to be nobody's here: then stdout is for that call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation
from gemini_cli.api.interaction import Interaction, Step
from gemini_cli.api.outcome import completion_error
from gemini_cli.client.interactions import InteractionsClient
from gemini_cli.console.presenter import Presenter
from gemini_cli.errors import ActionRequired, CliError


class ToolLoop:
    """`run_calls` makes calls, or raises ActionRequired; `is_runnable` are the calls it can make.

    `on_end` hears the last answer, also if it is one whose calls were not made.
    """

    def __init__(
        self,
        client: InteractionsClient,
        presenter: Presenter,
        *,
        run_calls: Callable[[Sequence[Step]], list[Step]],
        is_runnable: Callable[[Step], bool],
        on_end: Callable[[Body, Interaction], None],
        streamed: bool,
    ) -> None:
        self._client = client
        self._presenter = presenter
        self._run_calls = run_calls
        self._is_runnable = is_runnable
        self._on_end = on_end
        self._streamed = streamed

    def run(self, body: Body, conversation: Conversation) -> Interaction:
        """Ask `body`, which begins the conversation, and go on to the last answer."""
        last = self._run_to_last_round(body, conversation)
        try:
            if last.printed:
                self._presenter.finish_stream(last.interaction)
            else:
                self._presenter.show(last.interaction)
        finally:
            self._on_end(last.body, last.interaction)
        return last.interaction

    def _run_to_last_round(self, body: Body, conversation: Conversation) -> _Round:
        """The first round that ends without calls for us. What came before it was billed, however it ends."""
        asked, before = body.get("input", []), None
        try:
            while True:
                latest = self._run_round(body, live=self._streamed and _ends_in_result(asked))
                if not latest.interaction.calls or not all(map(self._is_runnable, latest.interaction.calls)):
                    return latest
                before = latest.interaction
                self._presenter.show_tool_round(before, printed=latest.printed)
                conversation.add_turn(asked, before)
                asked = self._run_calls(before.calls)
                body = conversation.next_request(asked)
        except CliError as failure:
            if before is not None:
                failure.interaction_id, failure.billed = failure.interaction_id or before.id, "yes"
                if isinstance(failure, ActionRequired) and (waiting := completion_error(before)):
                    failure.hint = waiting.hint
                    self._on_end(body, before)
                self._presenter.print_usage()
            raise

    def _run_round(self, body: Body, *, live: bool) -> _Round:
        if not live:
            return _Round(body, self._client.create_and_wait(body), printed=False)
        accumulator = StreamAccumulator()
        self._presenter.show_events(self._client.stream({**body, "stream": True}, accumulator))
        return _Round(body, accumulator.interaction, printed=True)


class _Round(NamedTuple):
    """What was asked and answered; `printed` if the words of the answer are out already."""

    body: Body
    interaction: Interaction
    printed: bool


def _ends_in_result(turn_input: Any) -> bool:
    last = turn_input[-1] if isinstance(turn_input, list) and turn_input else None
    return isinstance(last, dict) and last.get("type") == "function_result"
