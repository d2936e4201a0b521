"""Output rows: an answer, a failure, an answer under a schema."""

from __future__ import annotations

import json
from typing import Any

from gemini_cli.api.interaction import Interaction
from gemini_cli.bulk import output_rows
from gemini_cli.errors import SchemaMismatch
from tests.harness import interaction


def test_an_answer_becomes_an_output_row() -> None:
    answer = interaction("Hi", usage={"total_tokens": 3})
    output = output_rows.answer_row("k", Interaction(answer))
    assert (output.ok, output.failure, output.tokens) == (True, None, 3)
    assert json.loads(output.text) == {
        "key": "k",
        "ok": True,
        "text": "Hi",
        "usage": {"total_tokens": 3},
        "interaction": answer,
    }


def test_an_answer_that_is_not_whole_is_a_failure_with_its_text() -> None:
    output = output_rows.answer_row(7, Interaction(interaction("Hal", status="incomplete")), line=3, attempts=2)
    row = json.loads(output.text)
    assert (row["key"], row["ok"], row["text"], row["line"]) == (7, False, "Hal", 3)
    assert (row["error"]["kind"], row["error"]["interaction_id"], row["error"]["billed"]) == (
        "incomplete",
        "v1_a",
        "yes",
    )
    assert row["error"]["attempts"] == 2
    assert "interaction" not in row


def test_data_is_what_the_schema_was_held_against() -> None:
    assert json.loads(output_rows.answer_row(1, Interaction(interaction('{"n":1}')), json.loads).text)["data"] == {
        "n": 1
    }

    def refuse(text: str) -> Any:
        raise SchemaMismatch("no", billed="yes")

    row = json.loads(output_rows.answer_row(1, Interaction(interaction("{}")), refuse).text)
    assert (row["ok"], row["text"], row["error"]["kind"]) == (False, "{}", "schema")
