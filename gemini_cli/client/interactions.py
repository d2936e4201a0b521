"""Send a request and get its answer: whole, or as a stream of events."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.adapter import INTERACTIONS_ADAPTER, ApiAdapter
from gemini_cli.api.body import Body
from gemini_cli.api.events import Event
from gemini_cli.api.interaction import Interaction, merge_continuations
from gemini_cli.client import model_notices
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.failures import EXPIRED_FILE_HINT, no_response
from gemini_cli.client.interaction_resource import HIDDEN_SECONDS, wait_for_interaction
from gemini_cli.client.model_fallback import ModelFallback
from gemini_cli.client.request_body import encode_body
from gemini_cli.client.stream_resume import EventText, follow_stream, resume_stream, stream_errors
from gemini_cli.config.model_names import ALIAS_VERSION, MODEL_ALIASES
from gemini_cli.errors import CliError, DeadlineExceeded, IncompleteError
from gemini_cli.transport.body import RequestContent


class InteractionsClient:
    """Sends interactions and reads their answers, in the format of `adapter`.

    `long`: request the rest of an answer that reached the output limit of one request, until it is complete.
    `resolve_attachments`: upload the attachments that are too large for the request, and put their addresses into it.
    `notice` gets notices about the model of an answer. `fallback`: the models for a request whose model is refused.
    """

    def __init__(
        self,
        api_client: ApiClient,
        adapter: ApiAdapter = INTERACTIONS_ADAPTER,
        *,
        long: bool = False,
        resolve_attachments: Callable[[Body], None] = lambda body: None,
        notice: Callable[[str], None] = lambda text: None,
        fallback: Sequence[str] = (),
    ) -> None:
        self._api_client = api_client
        self._adapter = adapter
        self._long = long
        self.resolve_attachments = resolve_attachments
        self._notice = notice
        self._fallback = fallback

    def create(self, body: Body) -> Interaction:
        """Send one request without streaming. A background run is only started."""
        return self._create(body)[1]

    def _create(self, body: Body) -> tuple[Body, Interaction]:
        """Send one request; return it with the model that answered, and the answer."""

        def send(body: Body) -> Interaction:
            text = self._api_client.json("POST", *self._encoded(body))
            return self._adapter.parse_response(text)

        self.resolve_attachments(body)
        models = self._models(body)
        with _create_errors(self._api_client, models):
            interaction = models.send(send)
        self._notice_model(models.body, interaction.raw)
        return models.body, interaction

    def _encoded(self, body: Body) -> tuple[str, RequestContent]:
        """The path and the body of a request as they are sent."""
        path, sent = self._adapter.build_request(body)
        self._log_ignored_settings(body)
        return path, encode_body(sent)

    def refuse_key(self, body: Body) -> None:
        """InputError if the request would hold the API key in clear."""
        self._api_client.refuse_key(encode_body(body))

    def _models(self, body: Body) -> ModelFallback:
        return ModelFallback(body, self._fallback, self._notice_fallback)

    def _notice_fallback(self, refused: str, following: str, failure: CliError) -> None:
        self._api_client.log(1, f"{refused}: {failure.message}")
        self._notice(f"{refused} is refused with status {failure.http_status}; {following} is used instead")

    def create_and_wait(self, body: Body) -> Interaction:
        """Get one answer without streaming, over several requests with `long`.

        If a later request fails, its error is the answer's `continuation_error`.
        """
        body, first = self._create_and_poll(body)
        parts, sent = [first], set[str]()
        try:
            while rest := self._next_request(body, parts[-1], sent):
                parts.append(self._create_and_poll(rest)[1])
        except CliError as failure:
            return merge_continuations(parts, continuation_error=failure)
        return merge_continuations(parts)

    def _next_request(self, body: Body, part: Interaction, sent: set[str]) -> Body | None:
        """The request for the rest of an answer (api/README.md 8.12), or None.

        No token is sent twice.
        """
        token = part.continuation_token
        if not self._long or token is None or token in sent:
            return None
        sent.add(token)
        if not self._is_stored(body):
            return {**body, "continuation_token": token}
        rest = {key: value for key, value in body.items() if key != "input"}
        return {**rest, "continuation_token": token, "previous_interaction_id": part.id}

    def _is_stored(self, body: Body) -> bool:
        return self._adapter.stores_interactions and body.get("store") is not False

    def _create_and_poll(self, body: Body) -> tuple[Body, Interaction]:
        """Send one request as `_create` does, and wait until the run ends.

        IncompleteError, with the id, if waiting fails: the run goes on at the server.
        """
        body, interaction = self._create(body)
        if not interaction.running or interaction.id is None:
            return body, interaction
        try:
            return body, wait_for_interaction(self._api_client, interaction.id, hidden_for=HIDDEN_SECONDS)
        except CliError as failure:
            reason = f"the interaction is still running as {interaction.id}; following it failed: {failure.message}"
            raise IncompleteError(reason, interaction_id=interaction.id, billed="yes") from failure

    def stream(self, body: Body, accumulator: StreamAccumulator) -> Iterator[EventText]:
        """Yield the events of an answer up to the last one, and the text in each.

        `accumulator` collects them. IncompleteError if the last event does not arrive; other errors only before the
        answer begins.
        """
        body = yield from self._stream_once(body, accumulator)
        sent = set[str]()
        while rest := self._next_request(body, accumulator.latest, sent):
            accumulator.begin_continuation()
            yield from self._stream_once(rest, accumulator)

    def _stream_once(self, body: Body, accumulator: StreamAccumulator) -> Generator[EventText, None, Body]:
        """Yield the events of one request; return it with the model that answered."""
        api_client = self._api_client

        def send(body: Body) -> Generator[Event, None, None]:
            return api_client.events("POST", *self._encoded(body))

        self.resolve_attachments(body)
        models = self._models(body)
        try:
            with stream_errors(api_client, accumulator):
                with _create_errors(api_client, models), closing(models.send(send)) as events:
                    mapped = self._with_notices(models.body, self._adapter.map_events(events))
                    lost = yield from follow_stream(mapped, accumulator, None)
                if not accumulator.terminal:
                    yield from resume_stream(api_client, accumulator, lost, stored=self._is_stored(body))
        except DeadlineExceeded as error:
            if not accumulator.text_began:
                raise no_response(error.message, timed_out=True) from error
            raise
        return models.body

    def _with_notices(self, body: Body, events: Iterator[Event]) -> Iterator[Event]:
        """Pass on events, and give notice of the model before the text."""
        for event in events:
            if event.type in ("interaction.created", "interaction.completed"):
                self._notice_model(body, event.payload.get("interaction"))
            yield event

    def _notice_model(self, body: Body, answer: Any) -> None:
        for text in model_notices.answer_notices(body, answer) if isinstance(answer, dict) else ():
            self._notice(text)

    def _log_ignored_settings(self, body: Body) -> None:
        if ignored := model_notices.ignored_settings(body):
            self._api_client.log(1, ignored)


@contextmanager
def _create_errors(api_client: ApiClient, models: ModelFallback) -> Iterator[None]:
    """Complete the errors of a create: model or id, hint, attempts, billing."""
    try:
        with api_client.create_errors():
            yield
    except CliError as failure:
        body = models.body
        failure.attempts += models.attempts
        named = {key: str(body[key]) for key in ("model", "agent", "previous_interaction_id") if key in body}
        not_found = failure.http_status == 404 and failure.code is not None  # without a code, it was not the API
        if not_found and not any(name in failure.message for name in named.values()):
            failure.message += f" ({', '.join(f'{key}: {name}' for key, name in named.items())})"
        if not_found and named.get("model") in MODEL_ALIASES and api_client.version != ALIAS_VERSION:
            failure.hint = f"{named['model']} exists only in the API version {ALIAS_VERSION}, see --api-version"
        if failure.http_status == 403 and failure.hint is None and _has_file(body.get("input")):
            failure.hint = EXPIRED_FILE_HINT
        raise


def _has_file(value: Any) -> bool:
    """Whether an input holds the address of an uploaded file."""
    if isinstance(value, list):
        return any(map(_has_file, value))
    if not isinstance(value, dict):
        return False
    return "/files/" in str(value.get("uri")) or any(map(_has_file, value.values()))
