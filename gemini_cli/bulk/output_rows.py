"""Output rows of `map` and `batch`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from gemini_cli.bulk.rows import FORMATS_HINT, NOT_JSON, Key
from gemini_cli.console import formatting
from gemini_cli.errors import CliError, IncompleteError, PartialFailure, SchemaMismatch, UnknownOutcomeError
from gemini_cli.formats import strict_json
from gemini_cli.formats.code_block import extract_code_block

MAX_REASONS = 1000  # different ones that are counted
RETRY_UNKNOWN_HINT = "--retry-unknown 1 sends rows without a response again; they may be billed twice"

# Checks the text of a complete answer against a schema: the parsed value, or SchemaMismatch.
SchemaValidator = Callable[[str], Any]


class OutputRow(NamedTuple):
    """One output row: `text` is its line of JSON without the newline.

    `failure` is the error of a row that failed in this run.
    """

    text: str
    ok: bool
    failure: CliError | None = None
    tokens: int = 0


def answer_row(
    key: Key | None,
    interaction: Interaction,
    validator: SchemaValidator | None = None,
    *,
    extract: bool = False,
    line: int | None = None,
    attempts: int = 0,
) -> OutputRow:
    """The output row of an answer; with `extract`, its text is the first code block.

    A row that failed has the whole text, the `line` of its input row, and the number of its `attempts`.
    """
    failure, text, data = completion_error(interaction), interaction.text, {}
    if failure is None:
        try:
            text = extract_code_block(text) if extract else text
            data = {"data": validator(text)} if validator else {}
        except (SchemaMismatch, IncompleteError) as error:
            failure = error
            failure.interaction_id = interaction.id
    if failure is not None:
        failure.attempts = failure.attempts or attempts
    outcome = _error(failure, line) if failure else {**data, "interaction": interaction.wire}
    fields = {"key": key, "ok": failure is None, "text": text, "usage": interaction.usage, **outcome}
    tokens = interaction.usage.get("total_tokens")
    return OutputRow(strict_json.dumps(fields), failure is None, failure, tokens if isinstance(tokens, int) else 0)


def error_row(key: Key | None, failure: CliError, *, line: int | None = None) -> OutputRow:
    """The output row of a row without an answer."""
    fields = {"key": key, "ok": False, "text": None, **_error(failure, line)}
    return OutputRow(strict_json.dumps(fields), False, failure)


def unassigned_row(row: OutputRow, failure: CliError) -> OutputRow:
    """The row of an answer that no known row asked for: failed, with the answer."""
    fields = {**strict_json.loads(row.text), "ok": False, **_error(failure, None)}
    return row._replace(text=strict_json.dumps(fields), ok=False, failure=failure)


def _error(failure: CliError, line: int | None) -> dict[str, Any]:
    return {"error": failure.as_dict()["error"], **({} if line is None else {"line": line})}


class FailureSummary:
    """Counts the rows that failed, and their reasons, for the error of the run."""

    def __init__(self) -> None:
        self.rows = self.failed = 0
        self._reasons = Counter[str]()
        self._first: tuple[str, str] = ("", "")
        self._hints: dict[str, str] = {}

    def add(self, row: OutputRow) -> None:
        self.rows += 1
        if row.ok:
            return
        self.failed += 1
        fields = strict_json.loads(row.text)  # a row of an earlier run has only its text
        error, line = fields["error"], fields.get("line")
        message = str(error["message"])
        reason = message.removeprefix(f"line {line}: ")
        if reason in self._reasons or len(self._reasons) < MAX_REASONS:
            self._reasons[reason] += 1
        self._first = self._first if self._first[0] else (reason, message)
        hint = RETRY_UNKNOWN_HINT if error["kind"] == UnknownOutcomeError.kind else error.get("hint")
        if hint:
            self._hints.setdefault(error["kind"], hint)

    def error(self, of: str = "failed") -> PartialFailure | None:
        """The error of the run; None if no row failed."""
        if not self.failed:
            return None
        reason, message = self._first
        equal = self._reasons[reason]
        times = f" ({equal} times)" if equal > 1 else ""
        others = f", {self.failed - equal} for other reasons" if self.failed > equal else ""
        hint = self._hints.get(UnknownOutcomeError.kind) or next(iter(self._hints.values()), None)
        if self.failed == self.rows and reason.startswith(NOT_JSON):
            hint = FORMATS_HINT
        rows = formatting.count(self.rows, "row")
        return PartialFailure(f"{self.failed} of {rows} {of}: {message}{times}{others}", hint=hint)
