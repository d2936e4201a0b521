"""From one question to its final answer: follow it, resume it when the stream is cut, poll it while it runs.

A resumed stream asks for the rest of an answer that exists; it never asks the question again. What may be resumed has
an id, so it was stored. The order of means (cli.md 6): the stream after the last event id, the stream from the start,
the finished interaction. When all fail, what was heard is a prefix and nothing more.
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

POLL = 1.0  # seconds between two looks at a running interaction, at first
POLL_LONGEST = 5.0  # the documentation's own interval for models (reference.md 8.1)
HIDDEN = 120.0  # seconds for which a fresh run may answer 403 or 404 (traffic.md 63)
RESUMES_WITHOUT_NEWS = 2  # a stream that stalls again at the same place is given up for the finished interaction

Heard = tuple[Event, str]  # an event, and the text of the answer that it brought


class Dialogue:
    """Questions to the service in the words of one family.

    `long` asks for the rest of an answer that reached the output limit of one request, until it is whole. `settle`
    sends ahead what a question cannot carry itself, and makes the question say where that is.
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
        """One plain create, as it is answered: a background run is only begun."""
        self.settle(body)
        path, sent = self._family.request(body)
        with _create(self._service, body):
            return self._family.interaction(self._service.json("POST", path, encoded(sent)))

    def ask(self, body: Body) -> Interaction:
        """One answer, plain; over several requests with `long`. What a later one of them fails with is `lost`."""
        hops, sent = [self._followed(body)], set[str]()
        try:
            while rest := self._rest(body, hops[-1], sent):
                hops.append(self._followed(rest))
        except Failure as failure:
            return merged(hops, lost=failure)
        return merged(hops)

    def _rest(self, body: Body, hop: Interaction, sent: set[str]) -> Body | None:
        """What asks for the rest of an answer (reference.md 8.4); None if there is none. No token is sent twice."""
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
        """One plain create, followed until it is no longer running.

        Incomplete, with the id, if it cannot be followed: it was created, and goes on without us.
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
        """The events of an answer up to the protocol's last word, each once, and the text each brought.

        `fold` collects them. Incomplete when the last word cannot be had; other failures only before the answer began.
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
    """What a failed create adds to its failure: what was asked for, the tries, and whether it may have been billed."""
    try:
        yield
    except Failure as failure:
        failure.attempts = service.attempts
        asked = {key: str(body[key]) for key in ("model", "agent", "previous_interaction_id") if key in body}
        if failure.http_status == 404 and not any(name in failure.message for name in asked.values()):
            failure.message += f" ({', '.join(f'{key}: {name}' for key, name in asked.items())})"
        if isinstance(failure, Rejected) and failure.http_status is None and failure.billed == "no":
            failure.billed = "maybe"  # it was answered, if not in a way that we understand
        raise


def wait(
    service: ApiClient,
    interaction_id: str,
    *,
    hidden_for: float = 0,
    look: Callable[[Interaction], None] = lambda found: None,
) -> Interaction:
    """Poll until the interaction is no longer running; `look` sees it while it runs.

    403 and 404 count as running for `hidden_for` seconds.
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
                service.check_deadline()  # it may be why
                raise
        service.sleep(pause)
        waited += pause
        pause = min(pause * 2, POLL_LONGEST)


def fetch(service: ApiClient, interaction_id: str) -> Interaction:
    return Interaction.parse(service.json("GET", _path(interaction_id)))


def cancel(service: ApiClient, interaction_id: str) -> Interaction:
    """Stop a run; with a slash, unlike a batch (reference.md 8). Another try does what the first one did."""
    return Interaction.parse(service.json("POST", f"{_path(interaction_id)}/cancel", repeatable=True))


def delete(service: ApiClient, interaction_id: str) -> None:
    service.delete(_path(interaction_id))


def _follow(events: Iterator[Event], fold: Fold, replay: Replay | None) -> Generator[Heard, None, str]:
    """Pass events on until the terminal one. Returns why the stream ended before it."""
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
    """The finished interaction in place of the stream's last event; its steps hold what the stream did not bring."""
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
    """UsageError for an id that would lead elsewhere in the path. What UTF-8 cannot say, the service will not find."""
    if interaction_id.strip(".") == "":
        raise UsageError(f"{interaction_id!r} is not the id of an interaction")
    return f"interactions/{quote(interaction_id, safe='', errors='replace')}"
