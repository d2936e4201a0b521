"""One request for each row, several at a time: what is asked, what is kept, what is handed on, and when to stop.

Rule 1. A row that has a result in the checkpoint is not asked; one that was sent and has none only if that is allowed.
What failed for a reason outside of the row has no result, and is asked again by a later run.
Rule 2. A worker has its result on disk before it hands it on or takes another row. Whatever ends a run, and whoever
keeps it waiting, no more rows than there are workers have been sent and have no result.
Rule 3. A quota of the day ends the run; so do EQUAL failures in a row that are the same and not the row's own, as there
is little hope for the next. A worker knows before it takes another row. What is under way then is waited for, the rest
is not sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple

from gemini_cli.body import Body
from gemini_cli.client.api_client import ApiClient, OnRetry
from gemini_cli.deadline import last_words
from gemini_cli.dialogue import Dialogue
from gemini_cli.errors import (
    AuthError,
    Failure,
    InputError,
    OutputError,
    QuotaError,
    Rejected,
    Temporary,
    Unknown,
)
from gemini_cli.many import rows
from gemini_cli.many.checkpoint import Memory, Result
from gemini_cli.many.crew import Crew
from gemini_cli.many.form import Form
from gemini_cli.many.gate import Closed, Gate
from gemini_cli.many.rows import Judge, Output, Row

EQUAL = 10
SPARE_RETRIES = 50  # for the whole run, beside one for each row
GRACE = 0.2  # seconds for answers that are under way when a signal or the deadline ends the run

AGAIN = (AuthError, InputError, QuotaError, Temporary)  # nothing was carried out, and a later run may do better
FATAL = (AuthError, QuotaError, Rejected, Temporary, Unknown)  # what the next row may well meet, too


class Done(NamedTuple):
    """What came of a row: its `place` in the input from 0, its output row, and whether it was asked."""

    place: int
    row: Row
    output: Output
    asked: bool = False

    @property
    def size(self) -> int:
        return len(self.output.text)


class Means(NamedTuple):
    """What the workers share. Each has a service of its own, which calls the worker's `_hold` in place of sleeping."""

    form: Form
    memory: Memory
    gate: Gate
    service: Callable[[OnRetry], ApiClient]
    dialogue: Callable[[ApiClient], Dialogue]
    judge: Judge | None = None
    retry_unknown: bool = False
    notice: Callable[[str], None] = lambda text: None


def outcomes(found: Iterator[Row], means: Means, *, jobs: int, ordered: bool) -> Generator[Done, None, None]:
    """What came of each row, in the order of the input or as it comes. To be closed by whoever leaves it early.

    Raises the failure that ended the run, after everything that had come by then.
    """
    retries, hope = Retries(), Hope(means.gate)
    crew = Crew(enumerate(found), lambda: Worker(means, retries, hope), jobs, lambda: means.gate.waiting)
    order = InOrder() if ordered else AsTheyCome()

    def handed_on(arrived: list[Done]) -> Iterator[Done]:
        for done in arrived:
            for ready in order.add(done):
                yield ready
                crew.handed_on(ready)

    try:
        for arrived in crew.results():
            yield from handed_on(arrived)
            if hope.lost is not None:
                yield from handed_on(crew.stop(float("inf")))
                raise hope.lost
    except Failure:
        means.gate.close()
        last_words()  # where it is the deadline, and nobody reads
        yield from handed_on(crew.stop(GRACE))
        yield from order.rest()
        raise
    except BaseException:  # nobody listens any more
        means.gate.close()
        crew.stop(GRACE)
        raise


class Retries:
    """How often a run may repeat requests: a few times, and once for each row, so that trouble is not multiplied."""

    def __init__(self) -> None:
        self._left = SPARE_RETRIES
        self._lock = threading.Lock()

    def earn(self) -> None:
        with self._lock:
            self._left += 1

    def spend(self) -> bool:
        with self._lock:
            may = self._left > 0
            self._left -= may
            return may


class Worker:
    """Does one row after the other."""

    def __init__(self, means: Means, retries: Retries, hope: Hope) -> None:
        self._means = means
        self._retries = retries
        self._hope = hope
        self._service = means.service(self._hold)
        self._dialogue = means.dialogue(self._service)
        self._answers = 0  # of the service, before the row that is being done
        self._row: tuple[Row, str]

    def __call__(self, task: tuple[int, Row]) -> Done | None:
        """None for a row that is not sent any more; OutputError if nobody can remember it."""
        place, row = task
        try:
            if row.fault:
                raise row.failure(row.fault)
            digest = self._means.memory.digest(row)
            known = self._known(row, digest)
            if known is not None:
                return Done(place, row, known)
            body = self._means.form.fill(row)
        except Failure as failure:
            return Done(place, row, rows.failed(row.key, failure, line=row.line))
        try:
            return Done(place, row, self._asked(row, digest, body), asked=True)
        except Closed:
            return None

    def _known(self, row: Row, digest: str) -> Output | None:
        """The output row of a row that is not asked, because of what an earlier run kept."""
        found = self._means.memory.find(row, digest)
        if found is None:
            return None
        if found.changed:
            self._means.notice("there are rows that are not as the checkpoint has them; they are asked anew")
            return None
        if found.output is not None:
            return Output(found.output, found.ok)
        if self._means.retry_unknown:
            return None
        raise Unknown(
            "an earlier run sent it and saw no answer; it may have been carried out and billed",
            hint="--retry-unknown 1 asks it again",
            billed="maybe",
        )

    def _asked(self, row: Row, digest: str, body: Body) -> Output:
        memory = self._means.memory
        self._retries.earn()
        self._row, self._answers = (row, digest), self._service.answers
        with self._means.gate as gate:
            memory.intend(row, digest)
            try:
                output = rows.answered(row.key, self._dialogue.ask(body), self._means.judge, line=row.line)
                gate.passed()
            except OutputError:  # `_hold` could not write it down
                raise
            except Failure as failure:
                output = rows.failed(row.key, failure, line=row.line)
        if isinstance(output.failure, AGAIN):
            memory.refused(row)
        elif not isinstance(output.failure, Unknown):
            memory.keep(Result(row, digest, output.ok, output.text))
        self._hope.judge(output.failure)
        return output

    def _hold(self, failure: Failure, seconds: float) -> None:
        """Before a request is repeated: let the others go on, or keep them waiting, too, if the rate was too high."""
        if not self._retries.spend():
            raise failure
        refused = isinstance(failure, Temporary) and self._service.answers == self._answers
        if refused:
            self._means.memory.refused(self._row[0])
        self._means.gate.pause(seconds, everybody=failure.http_status == 429)
        if refused:
            self._means.memory.intend(*self._row)


class Hope:
    """Watches what comes of the rows that were asked; `lost` is the failure that ends the run, and closes the gate."""

    def __init__(self, gate: Gate) -> None:
        self.lost: Failure | None = None
        self._gate = gate
        self._last: tuple[object, ...] = ()
        self._times = 0
        self._lock = threading.Lock()

    def judge(self, failure: Failure | None) -> None:
        with self._lock:
            if self.lost is None and self._is_lost(failure):
                self.lost = failure
                self._gate.close()

    def _is_lost(self, failure: Failure | None) -> bool:
        if not isinstance(failure, FATAL):
            self._times = 0
            return False
        like = (failure.kind, failure.http_status, failure.code, failure.message)
        self._times = self._times + 1 if like == self._last else 1
        self._last = like
        if isinstance(failure, QuotaError) or self._times == EQUAL:
            times = "" if isinstance(failure, QuotaError) else f"{EQUAL} failures like this in a row; "
            failure.hint = f"{times}the rest was not sent; with --checkpoint, the same command goes on from here"
            return True
        return False


class AsTheyCome:
    def add(self, done: Done) -> Iterable[Done]:
        return (done,)

    def rest(self) -> Iterable[Done]:
        return ()


class InOrder:
    """Holds back what came before its turn."""

    def __init__(self) -> None:
        self._next = 0
        self._held: dict[int, Done] = {}

    def add(self, done: Done) -> Iterator[Done]:
        """What has its turn now."""
        self._held[done.place] = done
        while (ready := self._held.pop(self._next, None)) is not None:
            self._next += 1
            yield ready

    def rest(self) -> Iterable[Done]:
        """What waited for a row that never came."""
        return [done for _, done in sorted(self._held.items())]
