"""End a run of `map` when the next rows would fail as well.

Of the server's errors, equal ones are counted in the order of the responses; of errors on this machine, in the order of
the input.
"""

from __future__ import annotations

import threading

from gemini_cli.bulk import output_rows
from gemini_cli.bulk.rate_limiter import AdaptiveLimiter
from gemini_cli.bulk.request_template import EMPTY_PROMPT
from gemini_cli.bulk.rows import FORMATS_HINT, NOT_JSON, Row
from gemini_cli.client.failures import ProxyRefusedError
from gemini_cli.errors import (
    AuthError,
    CliError,
    InputError,
    QuotaError,
    RejectedError,
    TemporaryError,
    UnknownOutcomeError,
)

MAX_EQUAL_FAILURES = 10
LOCAL_FAILURES_KEPT = 5000  # the rows under way are closer together than this
# The errors of the server that the next row may have, too.
COUNTED_ERRORS = (AuthError, QuotaError, RejectedError, TemporaryError, UnknownOutcomeError)


class CircuitBreaker:
    """Ends the run when the next rows would fail as well.

    `fatal_error` is the error that ended it.
    """

    def __init__(self, limiter: AdaptiveLimiter) -> None:
        self.fatal_error: CliError | None = None
        self._limiter = limiter
        self._last: tuple[object, ...] = ()
        self._times = 0
        self._local: dict[int, tuple[str, CliError]] = {}  # reasons of rows that were not sent, by the row's position
        self._lock = threading.Lock()

    def record(self, failure: CliError | None) -> None:
        """Count what came of a row that was sent."""
        with self._lock:
            self._count(failure)
            if failure is not None and self.fatal_error is None and self._ends_run(failure):
                self._stop_with_hint(failure, self._times)

    def record_local(self, position: int, row: Row, failure: CliError) -> None:
        """Count a row that could not be sent.

        A row without a prompt is not counted: tables have empty cells.
        """
        reason = row.reason(failure.message)
        if not isinstance(failure, InputError) or reason == EMPTY_PROMPT:
            return
        with self._lock:
            self._local[position] = (reason, failure)
            equal = 1
            first: CliError = failure
            for step in (1, -1):
                other = position + step
                while equal < MAX_EQUAL_FAILURES and self._local.get(other, ("", None))[0] == reason:
                    first = self._local[other][1] if step < 0 else first
                    equal, other = equal + 1, other + step
            if equal == MAX_EQUAL_FAILURES and self.fatal_error is None:
                self._stop_with_hint(first, equal)
            if len(self._local) > 2 * LOCAL_FAILURES_KEPT:
                latest = max(self._local)
                self._local = {key: value for key, value in self._local.items() if key > latest - LOCAL_FAILURES_KEPT}

    def stop(self, failure: CliError) -> None:
        """End the run because of an error that is not one of a row."""
        with self._lock:
            self.fatal_error = self.fatal_error or failure
            self._limiter.close()

    def _count(self, failure: CliError | None) -> None:
        """Count equal errors in a row; anything else begins a new count."""
        if not isinstance(failure, COUNTED_ERRORS):
            self._times = 0
            return
        like = (failure.kind, failure.http_status, failure.code, failure.message)
        self._times = self._times + 1 if like == self._last else 1
        self._last = like

    def _ends_run(self, failure: CliError) -> bool:
        return _concerns_all_rows(failure) or self._times == MAX_EQUAL_FAILURES

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
