"""Output rows of `map` and `batch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import verdict
from gemini_cli.bulk.rows import Key
from gemini_cli.errors import Failure, SchemaMismatch
from gemini_cli.formats import strict_json

# Holds the text of a whole answer against a schema: the parsed value, or SchemaMismatch.
Judge = Callable[[str], Any]


class Output(NamedTuple):
    """One output row: `text` is its line of JSON without the newline; `failure` why it is not ok, if that is news."""

    text: str
    ok: bool
    failure: Failure | None = None
    tokens: int = 0


def answered(key: Key, interaction: Interaction, judge: Judge | None = None, *, line: int | None = None) -> Output:
    """The output row of an answer, whole or not. A row that failed says its line, if it has one."""
    failure, data = verdict(interaction), {}
    if failure is None and judge is not None:
        try:
            data = {"data": judge(interaction.text)}
        except SchemaMismatch as mismatch:
            failure = mismatch
            failure.interaction_id = interaction.id
    outcome = _error(failure, line) if failure else {**data, "interaction": interaction.wire}
    said = {"key": key, "ok": failure is None, "text": interaction.text, "usage": interaction.usage, **outcome}
    tokens = interaction.usage.get("total_tokens")
    return Output(strict_json.dump(said), failure is None, failure, tokens if isinstance(tokens, int) else 0)


def failed(key: Key, failure: Failure, *, line: int | None = None) -> Output:
    """The output row of a row that has no answer."""
    said = {"key": key, "ok": False, "text": None, **_error(failure, line)}
    return Output(strict_json.dump(said), False, failure)


def _error(failure: Failure, line: int | None) -> dict[str, Any]:
    return {"error": failure.facts()["error"], **({} if line is None else {"line": line})}
