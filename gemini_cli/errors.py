"""The errors and their exit statuses.

    CliError
      InternalError         1  a mistake in this program
      UsageError            2  options, arguments, no prompt
      InputError            3  a local file, profile, session, schema or row
      AuthError             4  no key, a bad key, a refused key
      TemporaryError        5  no connection, or the server refused for now, after all retries
      RejectedError         6  the server refused, or the response is not from the API
      QuotaError            7  per-day quota, spend limit, billing
      IncompleteError       8  the answer began and is not complete
        DeadlineExceeded       --timeout ended the run
      Blocked               9  safety, recitation, prohibited content
      ActionRequired       10  the model waits for the result of a tool call
      PartialFailure       11  some of several items failed
      UnknownOutcomeError  12  sent, no response: the request may have been carried out
      OutputError          13  stdout or another file cannot be written
      SchemaMismatch       14  complete, but it does not match --schema, or has no code block for --extract
      EmulatorMismatch     15  `emulator --strict`: requests differ from script and faults

    Interrupted (not a CliError: a signal ends the process)

Scripts rely on the numbers, so none of them changes its meaning. Only `RootGroup` in `cli/app.py`
turns an error into an exit status.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Billed = Literal["no", "maybe", "yes"]


class CliError(Exception):
    """An expected error: a sentence for people, and facts for `--json`.

    `hint` is a second line that says what to do; `retry_after_s` are seconds to wait before the next attempt.
    """

    exit_status: ClassVar[int] = 1
    kind: ClassVar[str] = "bug"
    meaning: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        http_status: int | None = None,
        code: str | int | None = None,
        retry_after_s: float | None = None,
        attempts: int = 0,
        interaction_id: str | None = None,
        billed: Billed = "no",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.http_status = http_status
        self.code = code
        self.retry_after_s = retry_after_s
        self.attempts = attempts
        self.interaction_id = interaction_id
        self.billed: Billed = billed

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints on stderr."""
        error = {
            "kind": self.kind,
            "message": self.message,
            "http_status": self.http_status,
            "code": self.code,
            "retryable": self.retryable,
            "retry_after_s": self.retry_after_s,
            "attempts": self.attempts,
            "interaction_id": self.interaction_id,
            "billed": self.billed,
        }
        if self.hint:
            error["hint"] = self.hint
        return {"error": error, "exit_status": self.exit_status}

    def after_output_began(self) -> CliError:
        """The error to report once part of the answer is on stdout.

        Its exit status is 1, 8 to 11, 13 or 14.
        """
        if self.exit_status in (1, 8, 9, 10, 11, 13, 14):
            return self
        cut = IncompleteError(
            self.message,
            hint=self.hint,
            http_status=self.http_status,
            code=self.code,
            retry_after_s=self.retry_after_s,
            attempts=self.attempts,
            interaction_id=self.interaction_id,
            billed=self.billed,
        )
        cut.__cause__ = self
        return cut


class InternalError(CliError):
    meaning = "a mistake in gemini-cli; please report the line on stderr"


class UsageError(CliError):
    exit_status = 2
    kind = "usage"
    meaning = "options or arguments are wrong, contradictory or without effect; no prompt"


class InputError(CliError):
    exit_status = 3
    kind = "input"
    meaning = "a local file, profile, session or schema is unreadable, invalid or unsafe"


class AuthError(CliError):
    exit_status = 4
    kind = "auth"
    meaning = "no API key, a malformed key, a key command that failed, HTTP 401 or 403"


class TemporaryError(CliError):
    exit_status = 5
    kind = "temporary"
    meaning = "no connection, or the server refused for now (408, 429, 5xx), after all retries"
    retryable = True


class RejectedError(CliError):
    exit_status = 6
    kind = "rejected"
    meaning = "another HTTP 4xx, a redirect, a URL without TLS, or a response that is not from the API"


class QuotaError(CliError):
    exit_status = 7
    kind = "quota"
    meaning = "daily quota, spend limit, billing"


class IncompleteError(CliError):
    exit_status = 8
    kind = "incomplete"
    meaning = "the answer began and is not complete; stdout has the beginning of it"


class DeadlineExceeded(IncompleteError):
    """The time of `--timeout` is over. A timer raises this in the main thread."""


class Blocked(CliError):
    exit_status = 9
    kind = "blocked"
    meaning = "the prompt or the answer was blocked: safety, recitation, prohibited content"


class ActionRequired(CliError):
    exit_status = 10
    kind = "action"
    meaning = "the model waits for a tool call that no command makes, or calls without end"


class PartialFailure(CliError):
    exit_status = 11
    kind = "partial"
    meaning = "some of several rows, files or interactions failed"


class UnknownOutcomeError(CliError):
    exit_status = 12
    kind = "unknown"
    meaning = "sent, and no response came: it may have been carried out and billed, and is not sent again"


class OutputError(CliError):
    exit_status = 13
    kind = "output"
    meaning = "stdout, the file of -o or a state file cannot be written"


class SchemaMismatch(CliError):
    exit_status = 14
    kind = "schema"
    meaning = (
        "the answer is complete and on stdout, but it does not match --schema; or it has no code block for --extract, "
        "and is on stderr"
    )


class EmulatorMismatch(CliError):
    exit_status = 15
    kind = "mismatch"
    meaning = "`emulator --strict`: unused script lines or faults, or requests without a script line or an endpoint"


class Interrupted(BaseException):
    """A signal ends the run; not an `Exception`, so that no code handles it as one."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def exit_statuses() -> list[tuple[int, str, str]]:
    """Number, kind and meaning of every exit status."""
    found = {(kind.exit_status, kind.kind, kind.meaning) for kind in _below(CliError)}
    return [(0, "", "the answer is complete, and every byte is written"), *sorted(found)]


def _below(base: type[CliError]) -> list[type[CliError]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_below(child))]
