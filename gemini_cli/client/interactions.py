"""Send a request and get its final answer: follow, resume, poll.

Resuming requests the rest of an answer that exists; it never sends the prompt again. It needs an id, so the interaction
must be stored. It tries the stream after the last event id, then the stream from the start, then the finished
interaction (api/README.md 8.1). If all fail, the text so far is a prefix of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.adapter import INTERACTIONS_ADAPTER, ApiAdapter
from gemini_cli.api.api_error import StreamError
from gemini_cli.api.body import Body
from gemini_cli.api.events import Event
from gemini_cli.api.interaction import Interaction, merge_continuations
from gemini_cli.api.resume_filter import ResumeFilter
from gemini_cli.client import model_notices
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.failures import EXPIRED_FILE_HINT, no_response
from gemini_cli.client.model_fallback import ModelFallback
from gemini_cli.client.polling import Polled, PollInterval, poll_until_done
from gemini_cli.client.request_body import encode_body
from gemini_cli.config.model_names import ALIAS_VERSION, MODEL_ALIASES
from gemini_cli.errors import CliError, DeadlineExceeded, IncompleteError, RejectedError, UsageError
from gemini_cli.transport.body import RequestContent
from gemini_cli.transport.errors import BrokenBodyError

RUN_POLL = PollInterval(1.0, 5.0)  # 5 s is the interval of the documentation for models (api/README.md 8.4)
HIDDEN_SECONDS = 120.0  # seconds in which the GET of a fresh run may fail with 403 or 404 (api/README.md 8.7)
RESUMES_WITHOUT_NEWS = 2  # consecutive resumes without a new event before the finished interaction is fetched

EventText = tuple[Event, str]  # an event, and the text of the answer in it


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
        with _create(self._api_client, models):
            interaction = models.send(send)
        self._notice_model(models.body, interaction.raw)
        return models.body, interaction

    def _encoded(self, body: Body) -> tuple[str, RequestContent]:
        """The path and the body of a request as they are sent."""
        path, sent = self._adapter.build_request(body)
        self._log_ignored_settings(body)
        return path, encode_body(sent)

    def _models(self, body: Body) -> ModelFallback:
        return ModelFallback(body, self._fallback, self._notice_fallback)

    def _notice_fallback(self, refused: str, following: str, failure: CliError) -> None:
        self._api_client.log(1, f"{refused}: {failure.message}")
        self._notice(f"{refused} is refused with status {failure.http_status}; {following} is used instead")

    def create_and_wait(self, body: Body) -> Interaction:
        """Get one answer without streaming, over several requests with `long`.

        If a later request fails, its error is the answer's `lost`.
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
            with _stream_errors(api_client, accumulator):
                with _create(api_client, models), closing(models.send(send)) as events:
                    mapped = self._with_notices(models.body, self._adapter.map_events(events))
                    lost = yield from _follow(mapped, accumulator, None)
                if not accumulator.terminal:
                    yield from _resume(api_client, accumulator, lost, stored=self._is_stored(body))
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
def _stream_errors(api_client: ApiClient, accumulator: StreamAccumulator) -> Iterator[None]:
    """Complete the errors of a stream: exit status, id, attempts, billing."""
    try:
        yield
    except DeadlineExceeded:
        raise
    except CliError as failure:
        completed = failure.after_output_began() if accumulator.text_began else failure
        completed.interaction_id = completed.interaction_id or accumulator.id
        completed.attempts = completed.attempts or api_client.attempts
        if accumulator.text_began or accumulator.events:
            completed.billed = "yes"
        raise completed from (failure if completed is not failure else failure.__cause__)


@contextmanager
def _create(api_client: ApiClient, models: ModelFallback) -> Iterator[None]:
    """Complete the errors of a create: model or id, hint, attempts, billing."""
    try:
        with api_client.create():
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


def _poll_run(
    api_client: ApiClient, fetch: Callable[[], Polled], is_done: Callable[[Polled], bool], hidden_for: float
) -> Polled:
    """Poll a run at the server.

    403 and 404 count as running for `hidden_for` seconds (api/README.md 8.7).
    """
    waited = 0.0

    def fetch_visible() -> Polled | None:
        api_client.check_deadline()
        try:
            return fetch()
        except CliError as failure:
            if failure.http_status not in (403, 404) or waited >= hidden_for:
                api_client.check_deadline()  # it may be the cause
                raise
            return None

    def sleep(seconds: float) -> None:
        nonlocal waited
        api_client.sleep(seconds)
        waited += seconds

    found = poll_until_done(fetch_visible, lambda found: found is not None and is_done(found), sleep, RUN_POLL)
    assert found is not None
    return found


def watch_interaction(api_client: ApiClient, accumulator: StreamAccumulator) -> Iterator[EventText]:
    """Yield the events of an interaction, and follow a run to its end.

    `accumulator` has its id, and collects them. The errors are those of `InteractionsClient.stream`, except that no
    outcome is unknown: nothing is created.
    """
    with _stream_errors(api_client, accumulator):
        events = _open_stream(api_client, accumulator)
        try:
            with closing(events):
                lost = yield from _follow(events, accumulator, None)
        except CliError as failure:  # no event arrived
            if accumulator.events or isinstance(failure, DeadlineExceeded):
                raise
            lost = failure.message
        if not accumulator.terminal:
            yield from _resume(api_client, accumulator, lost, stored=True)


def _open_stream(api_client: ApiClient, accumulator: StreamAccumulator) -> Generator[Event, None, None]:
    """Request the events of an interaction, again while a fresh run is hidden."""
    path = _stream_path(accumulator)
    return _poll_run(api_client, lambda: api_client.events("GET", path), lambda events: True, HIDDEN_SECONDS)


def wait_for_interaction(
    api_client: ApiClient,
    interaction_id: str,
    *,
    hidden_for: float = 0,
    on_poll: Callable[[Interaction], None] = lambda found: None,
) -> Interaction:
    """Poll until a run ends; `on_poll` gets each state in between.

    403 and 404 count as running for `hidden_for` seconds.
    """

    def fetch() -> Interaction:
        found = fetch_interaction(api_client, interaction_id)
        if found.running:
            on_poll(found)
        return found

    return _poll_run(api_client, fetch, lambda found: not found.running, hidden_for)


def fetch_interaction(api_client: ApiClient, interaction_id: str) -> Interaction:
    return Interaction.parse(api_client.json("GET", _path(interaction_id)))


def cancel_interaction(api_client: ApiClient, interaction_id: str) -> Interaction:
    """Stop a run (api/README.md 8.3). Repeating it does no harm."""
    return Interaction.parse(api_client.json("POST", f"{_path(interaction_id)}/cancel", repeatable=True))


def delete_interaction(api_client: ApiClient, interaction_id: str) -> None:
    api_client.delete(_path(interaction_id))


def _follow(
    events: Iterator[Event], accumulator: StreamAccumulator, resume_filter: ResumeFilter | None
) -> Generator[EventText, None, str]:
    """Yield events up to the last one, and return why it is missing, if it is.

    Only the last event makes an answer complete (api/README.md 7.17).
    """
    try:
        for event in events:
            fresh = resume_filter.new_part(event) if resume_filter else event
            if fresh is not None:
                yield fresh, accumulator.add(fresh)
            if accumulator.terminal:
                return ""
    except BrokenBodyError as error:
        if not accumulator.events:
            raise no_response(str(error)) from error
        return str(error)
    except StreamError as error:
        if not accumulator.events:
            raise error.error.to_cli_error() from error
        return str(error)
    if not accumulator.events:
        raise RejectedError("the server answered with an empty stream")
    return "the stream ended before its last event"


def _resume(api_client: ApiClient, accumulator: StreamAccumulator, lost: str, *, stored: bool) -> Iterator[EventText]:
    silent = 0
    while not accumulator.terminal and silent < RESUMES_WITHOUT_NEWS:
        _resumable(accumulator, lost, stored=stored)
        api_client.log(1, f"{lost}; asking for the rest")
        before = accumulator.events
        try:
            with closing(api_client.events("GET", _stream_path(accumulator))) as events:
                lost = yield from _follow(events, accumulator, ResumeFilter(accumulator))
        except IncompleteError:
            raise
        except CliError as failure:
            api_client.log(1, failure.message)
            break
        silent = silent + 1 if accumulator.events == before else 0
    if not accumulator.terminal:
        yield from _fetched(api_client, accumulator, lost)


def _resumable(accumulator: StreamAccumulator, lost: str, *, stored: bool) -> None:
    if accumulator.error is not None:
        raise accumulator.error.after_output_began()
    if accumulator.events and not accumulator.recognized:
        raise RejectedError("not the API's stream: it has none of its events")
    if not stored or accumulator.id is None:
        raise IncompleteError(f"the answer is cut off: {lost} (not stored, so it cannot be resumed)", billed="yes")


def _fetched(api_client: ApiClient, accumulator: StreamAccumulator, lost: str) -> Iterator[EventText]:
    """Fetch the finished interaction in place of the stream's last event.

    Its steps have the rest of the text.
    """
    try:
        finished = wait_for_interaction(api_client, accumulator.id or "")
    except IncompleteError:
        raise
    except CliError as failure:
        raise IncompleteError(
            f"the answer is cut off: {lost}; fetching it failed: {failure.message}", billed="yes"
        ) from failure
    event = Event.from_payload({"event_type": "interaction.completed", "interaction": finished.raw})
    yield event, accumulator.add(event)


def _stream_path(accumulator: StreamAccumulator) -> str:
    """The path of the events after those that `accumulator` has (api/README.md 8.1)."""
    query = {"last_event_id": accumulator.resume_point.event_id} if accumulator.resume_point else {}
    return f"{_path(accumulator.id or '')}?{urlencode({**query, 'stream': 'true'}, errors='replace')}"


def _path(interaction_id: str) -> str:
    """The path of an interaction; UsageError for an id that would change the path.

    Characters that UTF-8 cannot encode are replaced: no id has them.
    """
    if interaction_id.strip(".") == "":
        raise UsageError(f"{interaction_id!r} is not the id of an interaction")
    return f"interactions/{quote(interaction_id, safe='', errors='replace')}"
