"""The loop of function calling, from the prompt to the last answer.

Text before the first result is not the answer: those rounds are sent without streaming, and their text is shown on
stderr. After the first result the text is streamed to stdout, unless a call may still come that cannot be run on this
machine: then stdout is for that call.
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

MAX_HINTED_CALLS = 64  # whose results a hint asks for


class ToolLoop:
    """Sends a prompt, and the results of calls, until the model answers.

    `run_calls` answers calls, or raises ActionRequired; `is_runnable` tells which calls it can answer. `on_end` gets
    the last answer, also if it is one whose calls were not run.
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
        """Send `body`, which begins the conversation, and go on to the last answer."""
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
        """The first round that ends without runnable calls.

        The rounds before it were billed, however it ends.
        """
        sent, before = body.get("input", []), None
        try:
            while True:
                latest = self._run_round(body, live=self._streamed and _ends_in_result(sent))
                if not latest.interaction.calls or not all(map(self._is_runnable, latest.interaction.calls)):
                    return latest
                before = latest.interaction
                self._presenter.show_tool_round(before, printed=latest.printed)
                conversation.add_turn(sent, before)
                sent = self._run_calls(before.calls)
                body = conversation.next_request(sent)
        except CliError as failure:
            if before is not None:
                failure.interaction_id, failure.billed = failure.interaction_id or before.id, "yes"
                if isinstance(failure, ActionRequired) and (waiting := completion_error(before)):
                    failure.hint = waiting.hint if len(before.calls) <= MAX_HINTED_CALLS else None
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
    """A request and its answer; `printed` if the text of the answer was streamed."""

    body: Body
    interaction: Interaction
    printed: bool


def _ends_in_result(turn_input: Any) -> bool:
    last = turn_input[-1] if isinstance(turn_input, list) and turn_input else None
    return isinstance(last, dict) and last.get("type") == "function_result"
