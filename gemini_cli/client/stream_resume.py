"""Follow the stream of an answer to its last event; resume one that breaks off.

Resuming requests the rest of an answer that exists; it never sends the prompt again. It needs an id, so the interaction
must be stored. It tries the stream after the last event id, then the stream from the start, then the finished
interaction (api/README.md 8.1). If all fail, the text so far is a prefix of the answer.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlencode

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.api_error import StreamError
from gemini_cli.api.events import Event
from gemini_cli.api.resume_filter import ResumeFilter
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.failures import no_response
from gemini_cli.client.interaction_resource import HIDDEN_SECONDS, interaction_path, poll_run, wait_for_interaction
from gemini_cli.errors import CliError, DeadlineExceeded, IncompleteError, RejectedError
from gemini_cli.transport.errors import BrokenBodyError

RESUMES_WITHOUT_NEWS = 2  # consecutive resumes without a new event before the finished interaction is fetched

EventText = tuple[Event, str]  # an event, and the text of the answer in it


def watch_interaction(api_client: ApiClient, accumulator: StreamAccumulator) -> Iterator[EventText]:
    """Yield the events of an interaction, and follow a run to its end.

    `accumulator` has its id, and collects them. The errors are those of `InteractionsClient.stream`, except that no
    outcome is unknown: nothing is created.
    """
    with stream_errors(api_client, accumulator):
        events = _open_stream(api_client, accumulator)
        try:
            with closing(events):
                lost = yield from follow_stream(events, accumulator, None)
        except CliError as failure:  # no event arrived
            if accumulator.events or isinstance(failure, DeadlineExceeded):
                raise
            lost = failure.message
        if not accumulator.terminal:
            yield from resume_stream(api_client, accumulator, lost, stored=True)


def _open_stream(api_client: ApiClient, accumulator: StreamAccumulator) -> Generator[Event, None, None]:
    """Request the events of an interaction, again while a fresh run is hidden."""
    path = _stream_path(accumulator)
    return poll_run(api_client, lambda: api_client.events("GET", path), lambda events: True, HIDDEN_SECONDS)


@contextmanager
def stream_errors(api_client: ApiClient, accumulator: StreamAccumulator) -> Iterator[None]:
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


def follow_stream(
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


def resume_stream(
    api_client: ApiClient, accumulator: StreamAccumulator, lost: str, *, stored: bool
) -> Iterator[EventText]:
    """Request the rest of a stream that broke off, and yield its events.

    `lost` is the reason. IncompleteError if the last event does not arrive.
    """
    silent = 0
    while not accumulator.terminal and silent < RESUMES_WITHOUT_NEWS:
        _require_resumable(accumulator, lost, stored=stored)
        api_client.log(1, f"{lost}; asking for the rest")
        before = accumulator.events
        try:
            with closing(api_client.events("GET", _stream_path(accumulator))) as events:
                lost = yield from follow_stream(events, accumulator, ResumeFilter(accumulator))
        except IncompleteError:
            raise
        except CliError as failure:
            api_client.log(1, failure.message)
            break
        silent = silent + 1 if accumulator.events == before else 0
    if not accumulator.terminal:
        yield from _fetch_finished(api_client, accumulator, lost)


def _require_resumable(accumulator: StreamAccumulator, lost: str, *, stored: bool) -> None:
    if accumulator.error is not None:
        raise accumulator.error.after_output_began()
    if accumulator.events and not accumulator.recognized:
        raise RejectedError("not the API's stream: it has none of its events")
    if not stored or accumulator.id is None:
        raise IncompleteError(f"the answer is cut off: {lost} (not stored, so it cannot be resumed)", billed="yes")


def _fetch_finished(api_client: ApiClient, accumulator: StreamAccumulator, lost: str) -> Iterator[EventText]:
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
    return f"{interaction_path(accumulator.id or '')}?{urlencode({**query, 'stream': 'true'}, errors='replace')}"
