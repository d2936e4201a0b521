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
from gemini_cli.bulk.circuit_breaker import CircuitBreaker
from gemini_cli.bulk.large_answers import LargeAnswers
from gemini_cli.bulk.output_rows import OutputRow, SchemaValidator
from gemini_cli.bulk.rate_limiter import AdaptiveLimiter, LimiterClosed
from gemini_cli.bulk.request_template import RequestTemplate
from gemini_cli.bulk.rows import Row
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.interactions import InteractionsClient
from gemini_cli.client.request_sender import OnRetry
from gemini_cli.concurrency.worker_pool import WorkerPool
from gemini_cli.errors import (
    AuthError,
    CliError,
    InputError,
    OutputError,
    QuotaError,
    TemporaryError,
    UnknownOutcomeError,
)
from gemini_cli.transport.deadline import extend_alarm

SPARE_RETRIES = 50  # for the whole run, beside one for each row
STOP_GRACE = 0.2  # seconds for answers that are under way when a signal or the deadline ends the run

# Errors of requests that were not carried out: a later run may do better.
NOT_CARRIED_OUT = (AuthError, InputError, QuotaError, TemporaryError)


class RowOutcome(NamedTuple):
    """The result of a row. `position` is its place in the input, from 0."""

    position: int
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
    redacted: Callable[[str], str] = lambda text: text  # for the errors in output rows
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
        position, row = task
        if self._breaker.fatal_error is not None:
            return None
        try:
            if row.fault:
                raise row.input_error(row.fault)
            digest = self._dependencies.checkpoint.digest(row)
            known = self._stored_output(row, digest)
            if known is not None:
                return RowOutcome(position, row, known)
            body = self._dependencies.template.fill(row)
        except CliError as failure:
            failure.message = self._dependencies.redacted(failure.message)
            self._breaker.record_local(position, row, failure)
            return RowOutcome(position, row, output_rows.error_row(row.key, failure, line=row.line))
        try:
            return RowOutcome(position, row, self._send(row, digest, body), sent=True)
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
                failure.message = self._dependencies.redacted(failure.message)
                output = output_rows.error_row(row.key, failure, line=row.line)
        if isinstance(output.failure, NOT_CARRIED_OUT):
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
        self._held[done.position] = done
        while (ready := self._held.pop(self._next, None)) is not None:
            self._next += 1
            yield ready

    def rest(self) -> Iterable[RowOutcome]:
        """The results behind a row that has none."""
        return [done for _, done in sorted(self._held.items())]
