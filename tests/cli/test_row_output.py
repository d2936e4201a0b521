"""The formats of rows in-process: lines, tables, code blocks, and what does not go together."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.test_map import Answering, rows
from tests.harness import gemini, interaction, reply

REVIEWS = b'id,review\n7,"Good, ""really"""\n8,bad\n'
SCHEMA = '{"type":"object","properties":{"label":{"type":"string"},"n":{"type":"number"}},"required":["label"]}'


def table(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def classified(body: Any) -> httpx.Response:
    label = "good" if "Good" in body["input"] else "bad"
    return reply(interaction(json.dumps({"label": label, "n": 1}) if label == "good" else "not JSON"))


def test_reviews_become_a_table_of_labels() -> None:
    Path("reviews.csv").write_bytes(REVIEWS)
    argv = ["map", "reviews.csv", "-p", "Classify: {review}", "--schema", SCHEMA, "--to", "csv"]
    done = gemini(*argv, answers=Answering(classified))
    assert done.status == 11
    assert table(done.out) == [
        ["id", "review", "label", "n", "ok", "error"],
        ["7", 'Good, "really"', "good", "1", "true", ""],
        ["8", "bad", "", "", "false", table(done.out)[2][5]],
    ]
    assert table(done.out)[2][5].startswith("schema: the answer is not JSON")
    assert "1 of 2 rows failed" in done.err
    filed = gemini(*argv, "-o", "out.csv", answers=Answering(lambda body: reply(interaction('{"label":"x"}'))))
    assert (filed.status, filed.out) == (0, "")
    assert Path("out.csv").read_text().splitlines()[1] == '7,"Good, ""really""",x,,true,'


def test_rows_of_json_and_of_text_become_tables_too() -> None:
    stdin = b'{"id":1,"input":"a","n":{"x":[1]}}\n{bad\n"text"\n{"input":"b","other":1}\n'
    done = gemini("map", "--to", "tsv", "-j", "1", stdin=stdin, answers=Answering())
    found = table(done.out, "\t")
    assert found[0] == ["id", "input", "n", "text", "ok", "error"]
    assert found[1] == ["1", "a", '{"x":[1]}', "re: a", "true", ""]
    assert found[2][:5] == ["", "", "", "", "false"]
    assert found[2][5].startswith("input: line 2: not JSON")
    assert found[3][:5] == ["", "text", "", "re: text", "true"]
    assert found[4][:5] == ["", "b", "", "re: b", "true"]
    assert "the table leaves them out" in done.err
    lines = gemini("map", "--lines", "--to", "csv", stdin=b"one\n\ntwo, three\n", answers=Answering())
    assert lines.out == 'input,text,ok,error\none,re: one,true,\n"two, three","re: two, three",true,\n'


def test_a_line_fills_the_prompt_as_it_is() -> None:
    wire = Answering()
    done = gemini("map", "--lines", "-j", "1", "-p", "Say {_}!", stdin=b'"one"\n\n{two}\n', answers=wire)
    assert [body["input"] for body in wire.bodies] == ['Say "one"!', "Say {two}!"]
    assert [row["key"] for row in rows(done.out)] == [1, 3]
    strings = Answering()
    gemini("map", "-p", "Say {_}!", stdin=b'"one"\n', answers=strings)
    assert [body["input"] for body in strings.bodies] == ["Say one!"]


def test_lines_of_a_file_named_csv_are_lines_if_that_is_said() -> None:
    Path("rows.csv").write_bytes(b"a,b\n1,2\n")
    wire = Answering()
    assert gemini("map", "rows.csv", "--lines", answers=wire).status == 0
    assert sorted(body["input"] for body in wire.bodies) == ["1,2", "a,b"]


def test_a_table_without_rows_has_its_header() -> None:
    assert gemini("map", "--csv", "--to", "csv", stdin=b"a,b\n") == (0, "a,b,text,ok,error\n", "")
    assert gemini("map", "--to", "csv", stdin=b"") == (0, "text,ok,error\n", "")


def test_nothing_is_printed_of_a_table_whose_run_does_not_begin() -> None:
    done = gemini("map", "--csv", "--to", "csv", stdin=REVIEWS, environ={"GEMINI_API_KEY": ""})
    assert (done.status, done.out) == (4, "")
    assert gemini("map", "--csv", "--to", "csv", stdin=b"a;b\n1;2\n").out == ""


def test_the_interaction_may_be_left_out() -> None:
    done = gemini("map", "--no-interaction", stdin=b'"a"\n{bad\n', answers=Answering())
    good, bad = rows(done.out)
    assert good == {"key": 1, "ok": True, "text": "re: a", "usage": {}}
    assert (bad["ok"], bad["line"]) == (False, 2)


def test_a_row_is_its_code_block() -> None:
    def say(body: Any) -> httpx.Response:
        return reply(interaction(f"Sure:\n```\n{body['input']}\n```\n" if body["input"] != "b" else "No."))

    done = gemini("map", "-x", "--checkpoint", "c", stdin=b'"a"\n"b"\n', answers=Answering(say))
    good, bad = rows(done.out)
    assert (done.status, good["text"]) == (11, "a\n")
    assert (bad["text"], bad["error"]["kind"], bad["error"]["billed"]) == ("No.", "schema", "yes")
    assert "the answer has no code block" in done.err
    again = gemini("map", "-x", "--checkpoint", "c", stdin=b'"a"\n"b"\n')
    assert again.out == done.out
    whole = Answering(say)
    gemini("map", "--checkpoint", "c", stdin=b'"a"\n', answers=whole)
    assert len(whole.requests) == 1


def test_a_checkpoint_gives_every_format_without_another_request() -> None:
    argv = ["map", "--csv", "--checkpoint", "c", "-p", "{review}"]
    first = gemini(*argv, "--to", "csv", stdin=REVIEWS, answers=Answering())
    assert gemini(*argv, "--to", "csv", stdin=REVIEWS).out == first.out
    assert gemini(*argv, "--to", "tsv", stdin=REVIEWS).out.startswith("id\treview\ttext\tok\terror\n7\t")
    assert rows(gemini(*argv, stdin=REVIEWS).out)[1]["interaction"]
    assert "interaction" not in rows(gemini(*argv, "--no-interaction", stdin=REVIEWS).out)[1]


def test_a_formula_is_named_and_may_be_marked() -> None:
    def say(body: Any) -> httpx.Response:
        return reply(interaction('=HYPERLINK("http://e.test")'))

    plain = gemini("map", "--to", "csv", stdin=b'"a"\n"b"\n', answers=Answering(say))
    assert plain.err.count("--csv-safe") == 1
    safe = gemini("map", "--to", "csv", "--csv-safe", stdin=b'"a"\n', answers=Answering(say))
    assert (safe.err, table(safe.out)[1][1]) == ("", '\'=HYPERLINK("http://e.test")')


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--csv-safe"], "--csv-safe has no effect without --to csv"),
        (["--to", "csv", "--no-interaction"], "--no-interaction has no effect with --to csv"),
        (["-x", "--schema", "{}"], "--extract and --schema exclude each other"),
        (["--lines", "--csv"], "--lines and --csv exclude each other"),
        (["--lines", "--delimiter", ";"], "--delimiter has no effect without --csv"),
        (["-n", "--to", "csv"], "--to has no effect on rows that are not sent"),
        (["-n", "-o", "f"], "--output has no effect on rows that are not sent"),
        (["-n", "-x"], "--extract has no effect on rows that are not sent"),
        (["--to", "xlsx"], "--to"),
    ],
    ids=" ".join,
)
def test_options_without_effect_are_usage_errors(argv: list[str], message: str) -> None:
    done = gemini("map", *argv, stdin=b'"a"\n')
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_a_profile_extracts_unless_there_is_a_schema() -> None:
    Path("p.yaml").write_text("extract: true\n")
    argv = ["map", "-P", "p.yaml", "--no-interaction"]
    coded = gemini(*argv, stdin=b'"a"\n', answers=Answering(lambda body: reply(interaction("```\nx\n```"))))
    assert coded.json["text"] == "x\n"
    typed = gemini(*argv, "--schema", SCHEMA, stdin=b'"Good"\n', answers=Answering(classified))
    assert typed.json["data"] == {"label": "good", "n": 1}


def test_rows_without_a_response_name_the_option_that_sends_them_again() -> None:
    def lose(body: Any) -> httpx.Response:
        raise httpx.ReadError("reset")

    few = gemini("map", "--checkpoint", "c", stdin=b'"a"\n"b"\n', answers=Answering(lose))
    assert few.status == 11
    assert "2 of 2 rows failed" in few.err
    assert "hint: --retry-unknown 1 sends rows without a response again" in few.err
    again = gemini("map", "--checkpoint", "c", stdin=b'"a"\n"b"\n')
    assert (again.status, again.err.splitlines()[1:]) == (11, few.err.splitlines()[1:])
    many = gemini("map", "-j", "1", stdin=b'"a"\n' * 20, answers=Answering(lose))
    assert many.status == 12
    assert "--retry-unknown 1" in many.err.splitlines()[1]


@pytest.mark.parametrize("count", [3, 30])
def test_a_file_of_text_names_the_options_that_read_it(count: int) -> None:
    done = gemini("map", "-j", "1", stdin=b"some words\n" * count)
    assert done.status == (11 if count < 10 else 3)
    assert "line 1: not JSON" in done.err
    assert "--lines reads lines of text, --csv reads a table" in done.err.splitlines()[1]
    mixed = gemini("map", stdin=b'some words\n"a"\n', answers=Answering())
    assert "hint" not in mixed.err
