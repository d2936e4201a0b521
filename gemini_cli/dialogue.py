"""Send a request and get its final answer: follow, resume, poll.

Resuming asks for the rest of an answer that exists; it never sends the request again. It needs an id, so the
interaction must be stored. Tried in this order: the stream after the last event id, the stream from the start, the
finished interaction (api/README.md 8.1). If all fail, the text so far is a prefix of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from gemini_cli.body import Body, encoded
from gemini_cli.client.api_client import ApiClient, no_response
from gemini_cli.errors import DeadlinePassed, Failure, Incomplete, Rejected, UsageError
from gemini_cli.family import INTERACTIONS, Family
from gemini_cli.fold import Fold
from gemini_cli.interaction import Event, Interaction, merged
from gemini_cli.refusal import StreamError
from gemini_cli.replay import Replay
from gemini_cli.transport.errors import BrokenBodyError

POLL = 1.0  # seconds between two polls of a run, at first
POLL_LONGEST = 5.0  # the interval of the documentation for models (api/README.md 8.4)
HIDDEN = 120.0  # seconds in which the GET of a fresh run may fail with 403 or 404 (api/README.md 8.7)
RESUMES_WITHOUT_NEWS = 2  # after as many in a row that bring nothing, the finished interaction is fetched

Heard = tuple[Event, str]  # an event, and the text of the answer in it


class Dialogue:
    """Requests in the format of one family.

    `long`: request the rest of an answer that reached the output limit of one request, until it is complete.
    `settle`: upload the attachments that are too large for the request, and put their addresses into it.
    """

    def __init__(
        self,
        service: ApiClient,
        family: Family = INTERACTIONS,
        *,
        long: bool = False,
        settle: Callable[[Body], None] = lambda body: None,
    ) -> None:
        self._service = service
        self._family = family
        self._long = long
        self.settle = settle

    def start(self, body: Body) -> Interaction:
        """Send one request without streaming. A background run is only started."""
        self.settle(body)
        path, sent = self._family.request(body)
        with _create(self._service, body):
            return self._family.interaction(self._service.json("POST", path, encoded(sent)))

    def ask(self, body: Body) -> Interaction:
        """Get one answer without streaming, over several requests with `long`.

        If a later request fails, its error is the answer's `lost`.
        """
        hops, sent = [self._followed(body)], set[str]()
        try:
            while rest := self._rest(body, hops[-1], sent):
                hops.append(self._followed(rest))
        except Failure as failure:
            return merged(hops, lost=failure)
        return merged(hops)

    def _rest(self, body: Body, hop: Interaction, sent: set[str]) -> Body | None:
        """The request for the rest of an answer (api/README.md 8.12), or None.

        No token is sent twice.
        """
        token = hop.token
        if not self._long or token is None or token in sent:
            return None
        sent.add(token)
        if not self._keeps(body):
            return {**body, "continuation_token": token}
        rest = {key: value for key, value in body.items() if key != "input"}
        return {**rest, "continuation_token": token, "previous_interaction_id": hop.id}

    def _keeps(self, body: Body) -> bool:
        return self._family.keeps and body.get("store") is not False

    def _followed(self, body: Body) -> Interaction:
        """Send one request without streaming, and wait until the run ends.

        Incomplete, with the id, if waiting fails: the run goes on at the server.
        """
        interaction = self.start(body)
        if not interaction.running or interaction.id is None:
            return interaction
        try:
            return wait(self._service, interaction.id, hidden_for=HIDDEN)
        except Failure as failure:
            reason = f"the interaction is still running as {interaction.id}; following it failed: {failure.message}"
            raise Incomplete(reason, interaction_id=interaction.id, billed="yes") from failure

    def listen(self, body: Body, fold: Fold) -> Iterator[Heard]:
        """Yield the events of an answer up to the last one, and the text in each.

        `fold` collects them. Incomplete if the last event does not arrive; other errors only before the answer begins.
        """
        yield from self._listen(body, fold)
        sent = set[str]()
        while rest := self._rest(body, fold.hop, sent):
            fold.continued()
            yield from self._listen(rest, fold)

    def _listen(self, body: Body, fold: Fold) -> Iterator[Heard]:
        service, family = self._service, self._family
        self.settle(body)
        try:
            path, sent = family.request(body)
            with _create(service, body):
                events = service.events("POST", path, encoded(sent))
            lost = yield from _follow(family.events(events), fold, None)
            if not fold.terminal:
                yield from _resume(service, fold, lost, stored=self._keeps(body))
        except DeadlinePassed as error:
            if not fold.began:
                raise no_response(error.message, timed_out=True) from error
            raise
        except Failure as failure:
            told = failure.after_the_first_byte() if fold.began else failure
            told.interaction_id = told.interaction_id or fold.id
            told.attempts = told.attempts or service.attempts
            if fold.began or fold.events:
                told.billed = "yes"
            raise told from (failure if told is not failure else failure.__cause__)


@contextmanager
def _create(service: ApiClient, body: Body) -> Iterator[None]:
    """Add to an error the model or id of the request, the attempts, and the billing."""
    try:
        yield
    except Failure as failure:
        failure.attempts = service.attempts
        asked = {key: str(body[key]) for key in ("model", "agent", "previous_interaction_id") if key in body}
        if failure.http_status == 404 and not any(name in failure.message for name in asked.values()):
            failure.message += f" ({', '.join(f'{key}: {name}' for key, name in asked.items())})"
        if isinstance(failure, Rejected) and failure.http_status is None and failure.billed == "no":
            failure.billed = "maybe"  # there was an answer, but not one of the API's
        raise


def wait(
    service: ApiClient,
    interaction_id: str,
    *,
    hidden_for: float = 0,
    look: Callable[[Interaction], None] = lambda found: None,
) -> Interaction:
    """Poll until a run ends; `look` gets each state in between.

    403 and 404 count as running for `hidden_for` seconds (api/README.md 8.7).
    """
    pause, waited = POLL, 0.0
    while True:
        service.check_deadline()
        try:
            found = fetch(service, interaction_id)
            if not found.running:
                return found
            look(found)
        except Failure as failure:
            if failure.http_status not in (403, 404) or waited >= hidden_for:
                service.check_deadline()  # it may be the cause
                raise
        service.sleep(pause)
        waited += pause
        pause = min(pause * 2, POLL_LONGEST)


def fetch(service: ApiClient, interaction_id: str) -> Interaction:
    return Interaction.parse(service.json("GET", _path(interaction_id)))


def cancel(service: ApiClient, interaction_id: str) -> Interaction:
    """Stop a run (api/README.md 8.3). Repeating it does no harm."""
    return Interaction.parse(service.json("POST", f"{_path(interaction_id)}/cancel", repeatable=True))


def delete(service: ApiClient, interaction_id: str) -> None:
    service.delete(_path(interaction_id))


def _follow(events: Iterator[Event], fold: Fold, replay: Replay | None) -> Generator[Heard, None, str]:
    """Yield events up to the last one, and return why it is missing, if it is.

    Only the last event makes an answer complete (api/README.md 7.17).
    """
    try:
        for event in events:
            fresh = replay.new(event) if replay else event
            if fresh is not None:
                yield fresh, fold.add(fresh)
            if fold.terminal:
                return ""
    except BrokenBodyError as error:
        if not fold.events:
            raise no_response(str(error)) from error
        return str(error)
    except StreamError as error:
        if not fold.events:
            raise error.error.failure() from error
        return str(error)
    if not fold.events:
        raise Rejected("the server answered with an empty stream")
    return "the stream ended before its last event"


def _resume(service: ApiClient, fold: Fold, lost: str, *, stored: bool) -> Iterator[Heard]:
    silent = 0
    while not fold.terminal and silent < RESUMES_WITHOUT_NEWS:
        _resumable(fold, lost, stored=stored)
        service.log(1, f"{lost}; asking for the rest")
        before = fold.events
        try:
            lost = yield from _follow(service.events("GET", _rest(fold)), fold, Replay(fold))
        except Incomplete:
            raise
        except Failure as failure:
            service.log(1, failure.message)
            break
        silent = silent + 1 if fold.events == before else 0
    if not fold.terminal:
        yield from _fetched(service, fold, lost)


def _resumable(fold: Fold, lost: str, *, stored: bool) -> None:
    if fold.error is not None:
        raise fold.error.after_the_first_byte()
    if not fold.known:
        raise Rejected("not the API's stream: it has none of its events")
    if not stored or fold.id is None:
        raise Incomplete(f"the answer is cut off: {lost} (not stored, so it cannot be resumed)", billed="yes")


def _fetched(service: ApiClient, fold: Fold, lost: str) -> Iterator[Heard]:
    """Fetch the finished interaction in place of the stream's last event.

    Its steps have the rest of the text.
    """
    try:
        finished = wait(service, fold.id or "")
    except Incomplete:
        raise
    except Failure as failure:
        raise Incomplete(
            f"the answer is cut off: {lost}; fetching it failed: {failure.message}", billed="yes"
        ) from failure
    event = Event.make({"event_type": "interaction.completed", "interaction": finished.raw})
    yield event, fold.add(event)


def _rest(fold: Fold) -> str:
    query = {"last_event_id": fold.mark.event_id} if fold.mark else {}
    return f"{_path(fold.id or '')}?{urlencode({**query, 'stream': 'true'}, errors='replace')}"


def _path(interaction_id: str) -> str:
    """The path of an interaction; UsageError for an id that would change the path.

    Characters that UTF-8 cannot encode are replaced: no id has them.
    """
    if interaction_id.strip(".") == "":
        raise UsageError(f"{interaction_id!r} is not the id of an interaction")
    return f"interactions/{quote(interaction_id, safe='', errors='replace')}"
