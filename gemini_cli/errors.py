"""What can go wrong, and the exit status each kind has.

    CliError
      InternalError         1  our mistake
      UsageError            2  flags, arguments, no prompt
      InputError            3  a local file, profile, session, schema or row
      AuthError             4  no key, a bad key, a refused key
      TemporaryError        5  never connected, or the server said "not now" after our retries
      RejectedError         6  the server said no, or what answered is not the API
      QuotaError            7  per-day quota, spend limit, billing
      IncompleteError       8  the answer began and is not whole
        DeadlineExceeded       --timeout ended the run
      Blocked               9  safety, recitation, prohibited content
      ActionRequired       10  the model waits for a tool call
      PartialFailure       11  several were asked for, and some failed
      UnknownOutcomeError  12  sent, no answer: it may have been carried out
      OutputError          13  stdout or a file of ours cannot be written
      SchemaMismatch       14  whole, but not what --schema asked for

    Interrupted (not a failure: a signal, or the reader of our stdout went away; the process dies by that signal)

The numbers are a promise to scripts: an old one keeps its meaning. `main` alone turns them into an exit status.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Billed = Literal["no", "maybe", "yes"]


class CliError(Exception):
    """An expected failure: one sentence for people, facts for `--json`.

    `hint` is a second line where the fix is known; `retry_after_s` are seconds after which a new try makes sense.
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
        """This failure, told as what it is once part of the answer is out: 8 to 11, 13, 14, or our own mistake."""
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
    meaning = "our mistake; please report the line on stderr"


class UsageError(CliError):
    exit_status = 2
    kind = "usage"
    meaning = "flags or arguments wrong, contradictory or without effect; no prompt"


class InputError(CliError):
    exit_status = 3
    kind = "input"
    meaning = "a local file, profile, session or schema unreadable, invalid or unsafe"


class AuthError(CliError):
    exit_status = 4
    kind = "auth"
    meaning = "no key, a malformed key, a key command that failed, 401, 403"


class TemporaryError(CliError):
    exit_status = 5
    kind = "temporary"
    meaning = "never connected, or the server said no (408, 429, 5xx) after our retries"
    retryable = True


class RejectedError(CliError):
    exit_status = 6
    kind = "rejected"
    meaning = "another 4xx, a redirect, cleartext, or an answer that is not the API's"


class QuotaError(CliError):
    exit_status = 7
    kind = "quota"
    meaning = "per-day quota, spend limit, billing"


class IncompleteError(CliError):
    exit_status = 8
    kind = "incomplete"
    meaning = "the answer began and is not whole; stdout has a prefix of it"


class DeadlineExceeded(IncompleteError):
    """`--timeout` is over. Raised by a timer, so from anywhere; the transport says it more precisely where it can."""


class Blocked(CliError):
    exit_status = 9
    kind = "blocked"
    meaning = "safety, recitation, prohibited content; the prompt or the answer was blocked"


class ActionRequired(CliError):
    exit_status = 10
    kind = "action"
    meaning = "the model asks for a tool call that nobody here may run, or calls without end"


class PartialFailure(CliError):
    exit_status = 11
    kind = "partial"
    meaning = "`map`, `batch results` or `upload` of several: finished, some failed"


class UnknownOutcomeError(CliError):
    exit_status = 12
    kind = "unknown"
    meaning = "sent, and no answer came: it may have been carried out and billed; it was not sent again"


class OutputError(CliError):
    exit_status = 13
    kind = "output"
    meaning = "stdout, -o or a state file cannot be written"


class SchemaMismatch(CliError):
    exit_status = 14
    kind = "schema"
    meaning = "complete, but it does not fit --schema (it is still on stdout)"


class Interrupted(BaseException):
    """A signal ends the run. Not an `Exception`: nothing on the way may mistake it for a failure it can handle."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def exit_statuses() -> list[tuple[int, str, str]]:
    """Number, kind and meaning of every exit status, for whoever documents them."""
    found = {(kind.exit_status, kind.kind, kind.meaning) for kind in _below(CliError)}
    return [(0, "", "the last event said completed, and every byte is written"), *sorted(found)]


def _below(base: type[CliError]) -> list[type[CliError]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_below(child))]
