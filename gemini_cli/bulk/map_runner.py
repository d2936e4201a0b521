"""Send one request for each row, in parallel, until the next rows would fail too.

Rule 1. A row that has a result in the checkpoint is not sent; a row that was sent without a result only if that is
allowed. A row that failed for a reason outside of the row has no result, and is sent by a later run.
Rule 2. A worker has its result on disk before it returns it or takes another row. However a run ends, no more rows than
there are workers were sent without a result. A result that cannot be saved ends the run, and is still returned.
Rule 3. A daily quota, a refused key and a refusal of the proxy end the run at once, since the next row would get the
same; so do MAX_EQUAL_FAILURES equal errors in a row. Of the server's errors, that is in the order of the responses; of
errors on this machine (a field that is missing, a line that is not JSON), in the order of the input. A worker
checks this before it takes another row. Requests under way are waited for, the rest is not sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple

from gemini_cli.api.body import Body
from gemini_cli.bulk import output_rows
from gemini_cli.bulk.checkpoint import CheckpointStore, RowResult
from gemini_cli.bulk.large_answers import LargeAnswers
from gemini_cli.bulk.output_rows import OutputRow, SchemaValidator
from gemini_cli.bulk.rate_limiter import AdaptiveLimiter, LimiterClosed
from gemini_cli.bulk.request_template import EMPTY_PROMPT, RequestTemplate
from gemini_cli.bulk.rows import FORMATS_HINT, NOT_JSON, Row
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.failures import ProxyRefusedError
from gemini_cli.client.interactions import InteractionsClient
from gemini_cli.client.request_sender import OnRetry
from gemini_cli.concurrency.worker_pool import WorkerPool
from gemini_cli.errors import (
    AuthError,
    CliError,
    InputError,
    OutputError,
    QuotaError,
    RejectedError,
    TemporaryError,
    UnknownOutcomeError,
)
from gemini_cli.transport.deadline import extend_alarm

MAX_EQUAL_FAILURES = 10
LOCAL_FAILURES_KEPT = 5000  # the rows under way are closer together than this
SPARE_RETRIES = 50  # for the whole run, beside one for each row
STOP_GRACE = 0.2  # seconds for answers that are under way when a signal or the deadline ends the run

AGAIN = (AuthError, InputError, QuotaError, TemporaryError)  # nothing was carried out, and a later run may do better
FATAL = (
    AuthError,
    QuotaError,
    RejectedError,
    TemporaryError,
    UnknownOutcomeError,
)  # errors that the next row may have, too


class RowOutcome(NamedTuple):
    """The result of a row: its `place` in the input from 0, its output row, if sent."""

    place: int
    row: Row
    output: OutputRow
    sent: bool = False


class WorkerDependencies(NamedTuple):
    """Objects that the workers share.

    Each worker makes its own API client, which calls the worker's `_on_retry` instead of sleeping.
    """

    template: RequestTemplate
    checkpoint: CheckpointStore
    limiter: AdaptiveLimiter
    make_api_client: Callable[[OnRetry], ApiClient]
    make_interactions_client: Callable[[ApiClient], InteractionsClient]
    validator: SchemaValidator | None = None
    retry_unknown: bool = False
    notice: Callable[[str], None] = lambda text: None
    extract: bool = False


def run_rows(
    rows: Iterable[Row], dependencies: WorkerDependencies, *, jobs: int, ordered: bool
) -> Generator[RowOutcome, None, None]:
    """Yield the result of each row, in the order of the input or of completion.

    To be closed by a caller that stops early. Raises the error that ended the run, after all results up to then.
    """
    retries, breaker, large = RetryBudget(), CircuitBreaker(dependencies.limiter), LargeAnswers(jobs)
    pool = WorkerPool(
        enumerate(rows),
        lambda: Worker(dependencies, retries, breaker, large),
        jobs,
        idle=lambda: dependencies.limiter.waiting,
        size_of=lambda outcome: len(outcome.output.text),
    )
    order = OrderedResults() if ordered else UnorderedResults()

    def handed_on(arrived: list[RowOutcome]) -> Iterator[RowOutcome]:
        for done in arrived:
            for ready in order.add(done):
                yield ready
                pool.release(ready)

    try:
        for arrived in pool.results():
            yield from handed_on(arrived)
            if breaker.fatal_error is not None:
                yield from handed_on(pool.stop(float("inf")))
                raise breaker.fatal_error
    except CliError:
        dependencies.limiter.close()
        extend_alarm()  # after the deadline, for writing to a slow reader
        yield from handed_on(pool.stop(STOP_GRACE))
        yield from order.rest()
        raise
    except BaseException:  # a signal: results are not needed any more
        dependencies.limiter.close()
        pool.stop(STOP_GRACE)
        raise


class RetryBudget:
    """Limits the retries of a run: SPARE_RETRIES, and one more for each row."""

    def __init__(self) -> None:
        self._left = SPARE_RETRIES
        self._lock = threading.Lock()

    def deposit(self) -> None:
        with self._lock:
            self._left += 1

    def withdraw(self) -> bool:
        with self._lock:
            may = self._left > 0
            self._left -= may
            return may


class Worker:
    """Sends rows, one after the other."""

    def __init__(
        self, dependencies: WorkerDependencies, retries: RetryBudget, breaker: CircuitBreaker, large: LargeAnswers
    ) -> None:
        self._dependencies = dependencies
        self._retries = retries
        self._breaker = breaker
        self._large = large
        self._api_client = dependencies.make_api_client(self._on_retry)
        self._api_client.watch_answer_size(large.admit)
        self._client = dependencies.make_interactions_client(self._api_client)
        self._answers = 0  # of the server, before the current row
        self._row: tuple[Row, str]

    def __call__(self, task: tuple[int, Row]) -> RowOutcome | None:
        """Do one row; None for a row that is not sent any more.

        OutputError if the checkpoint cannot be written.
        """
        place, row = task
        if self._breaker.fatal_error is not None:
            return None
        try:
            if row.fault:
                raise row.input_error(row.fault)
            digest = self._dependencies.checkpoint.digest(row)
            known = self._stored_output(row, digest)
            if known is not None:
                return RowOutcome(place, row, known)
            body = self._dependencies.template.fill(row)
        except CliError as failure:
            self._breaker.record_local(place, row, failure)
            return RowOutcome(place, row, output_rows.error_row(row.key, failure, line=row.line))
        try:
            return RowOutcome(place, row, self._send(row, digest, body), sent=True)
        except LimiterClosed:
            return None
        finally:
            self._large.release()

    def _stored_output(self, row: Row, digest: str) -> OutputRow | None:
        """The output row of a row that is not sent, because of its stored state."""
        stored = self._dependencies.checkpoint.lookup(row, digest)
        if stored is None:
            return None
        if stored.changed:
            self._dependencies.notice("some rows differ from the checkpoint; they are sent again")
            return None
        if stored.output is not None:
            return OutputRow(stored.output, stored.ok)
        if self._dependencies.retry_unknown:
            return None
        raise UnknownOutcomeError(
            "an earlier run sent the row and got no answer; it may have been carried out and billed",
            hint="--retry-unknown 1 sends it again",
            billed="maybe",
        )

    def _send(self, row: Row, digest: str, body: Body) -> OutputRow:
        checkpoint = self._dependencies.checkpoint
        self._retries.deposit()
        self._row, self._answers = (row, digest), self._api_client.answers
        with self._dependencies.limiter as limiter:
            checkpoint.mark_sent(row, digest)
            try:
                interaction = self._client.create_and_wait(body)
                output = output_rows.answer_row(
                    row.key,
                    interaction,
                    self._dependencies.validator,
                    extract=self._dependencies.extract,
                    line=row.line,
                    attempts=self._api_client.create_attempts,
                )
                del interaction  # the frame must not keep it in memory
                limiter.record_success()
            except OutputError:  # raised by `_on_retry`
                raise
            except CliError as failure:
                output = output_rows.error_row(row.key, failure, line=row.line)
        if isinstance(output.failure, AGAIN):
            checkpoint.clear_sent(row)
        elif not isinstance(output.failure, UnknownOutcomeError):
            try:
                checkpoint.save_result(RowResult(row, digest, output.ok, output.text))
            except OutputError as failure:  # the answer is paid for, and is printed all the same
                self._breaker.stop(failure)
        self._breaker.record(output.failure)
        output = output._replace(failure=None)  # its traceback keeps the answer, and this frame, in memory
        return output  # noqa: RET504  the frame must not keep the error

    def _on_retry(self, failure: CliError, seconds: float) -> None:
        """Wait before a request is repeated.

        Other workers continue meanwhile, or wait too if the server refused the rate.
        """
        self._large.release()
        if not self._retries.withdraw():
            raise failure
        refused = isinstance(failure, TemporaryError) and self._api_client.answers == self._answers
        if refused:
            self._dependencies.checkpoint.clear_sent(self._row[0])
        self._dependencies.limiter.pause(seconds, all_workers=failure.http_status == 429)
        if refused:
            self._dependencies.checkpoint.mark_sent(*self._row)


class CircuitBreaker:
    """Ends the run when the next rows would fail as well.

    `fatal_error` is the error that ended it.
    """

    def __init__(self, limiter: AdaptiveLimiter) -> None:
        self.fatal_error: CliError | None = None
        self._limiter = limiter
        self._last: tuple[object, ...] = ()
        self._times = 0
        self._local: dict[int, tuple[str, CliError]] = {}  # reasons of rows that were not sent, by place
        self._lock = threading.Lock()

    def record(self, failure: CliError | None) -> None:
        """Count what came of a row that was sent."""
        with self._lock:
            if self.fatal_error is None and failure is not None and self._is_fatal(failure):
                self._stop_with_hint(failure, self._times)
            elif not isinstance(failure, FATAL):
                self._times = 0

    def record_local(self, place: int, row: Row, failure: CliError) -> None:
        """Count a row that could not be sent.

        A row without a prompt is not counted: tables have empty cells.
        """
        reason = row.reason(failure.message)
        if not isinstance(failure, InputError) or reason == EMPTY_PROMPT:
            return
        with self._lock:
            self._local[place] = (reason, failure)
            equal = 1
            first: CliError = failure
            for step in (1, -1):
                other = place + step
                while equal < MAX_EQUAL_FAILURES and self._local.get(other, ("", None))[0] == reason:
                    first = self._local[other][1] if step < 0 else first
                    equal, other = equal + 1, other + step
            if equal == MAX_EQUAL_FAILURES and self.fatal_error is None:
                self._stop_with_hint(first, equal)
            if len(self._local) > 2 * LOCAL_FAILURES_KEPT:
                latest = max(self._local)
                self._local = {at: why for at, why in self._local.items() if at > latest - LOCAL_FAILURES_KEPT}

    def _is_fatal(self, failure: CliError) -> bool:
        if not isinstance(failure, FATAL):
            return False
        like = (failure.kind, failure.http_status, failure.code, failure.message)
        self._times = self._times + 1 if like == self._last else 1
        self._last = like
        return _concerns_all_rows(failure) or self._times == MAX_EQUAL_FAILURES

    def stop(self, failure: CliError) -> None:
        """End the run because of an error that is not one of a row."""
        with self._lock:
            self.fatal_error = self.fatal_error or failure
            self._limiter.close()

    def _stop_with_hint(self, failure: CliError, times: int) -> None:
        before = f"{times} failures like this in a row; " if times == MAX_EQUAL_FAILURES else ""
        before = f"{failure.hint}; " if failure.hint and not before else before
        failure.hint = f"{before}the rest was not sent; with --checkpoint, the same command goes on from here"
        if isinstance(failure, UnknownOutcomeError):
            failure.hint += f"; {output_rows.RETRY_UNKNOWN_HINT}"
        elif f": {NOT_JSON}" in failure.message:
            failure.hint += f"; {FORMATS_HINT}"
        self.fatal_error = failure
        self._limiter.close()


def _concerns_all_rows(failure: CliError) -> bool:
    """Whether each row would get this error.

    Status 403 may be about the model or the file of one row.
    """
    if isinstance(failure, AuthError):
        return failure.http_status != 403
    return isinstance(failure, QuotaError | ProxyRefusedError)


class UnorderedResults:
    def add(self, done: RowOutcome) -> Iterable[RowOutcome]:
        return (done,)

    def rest(self) -> Iterable[RowOutcome]:
        return ()


class OrderedResults:
    """Holds back results until all rows before them have one."""

    def __init__(self) -> None:
        self._next = 0
        self._held: dict[int, RowOutcome] = {}

    def add(self, done: RowOutcome) -> Iterator[RowOutcome]:
        """Add a result, and yield the results that are next."""
        self._held[done.place] = done
        while (ready := self._held.pop(self._next, None)) is not None:
            self._next += 1
            yield ready

    def rest(self) -> Iterable[RowOutcome]:
        """The results behind a row that has none."""
        return [done for _, done in sorted(self._held.items())]
