"""`batch` in-process: against the emulator in memory, and scripted where it says too little."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.bulk import batch_jobs
from gemini_cli.errors import DeadlineExceeded
from gemini_cli.files import upload
from tests.cli.test_map import answers, rows
from tests.harness import ScriptedTransport, gemini, reply

ROWS = b'"one"\n{"id":"b","input":"two"}\n{"key":"7","prompt":"three"}'
DONE = {"candidates": [{"content": {"parts": [{"text": "re"}]}, "finishReason": "STOP"}], "usageMetadata": {}}


def operation(state: str, output: Any = None, count: int = 0, **more: Any) -> Any:
    metadata = {"state": state, "batchStats": {"requestCount": str(count)}, **({"output": output} if output else {})}
    return reply({"name": "batches/b1", "metadata": metadata, **more})


def inline(*results: Any) -> Any:
    return {"inlinedResponses": {"inlinedResponses": list(results)}}


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "GEMINI_OFFLINE": "1"}


def test_a_job_from_its_rows_to_its_results(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(verb: str, *argv: str, **more: Any) -> Any:
        return gemini("batch", verb, *argv, "--offline", environ=environ, **more)

    jobs = [offline("submit", "-p", "{_}", stdin=ROWS).out.strip()]
    monkeypatch.setattr(batch_jobs, "INLINE_LIMIT", 0)  # the other one goes by file
    jobs += [offline("submit", "-p", "{_}", stdin=ROWS).out.strip()]
    for job in jobs:
        assert job.startswith("batches/")
        early = offline("results", job)
        assert (early.status, early.out) == (8, "")
    while any(offline("status", job).out != "SUCCEEDED\n" for job in jobs):
        time.sleep(0.1)
    for job in jobs:
        assert offline("wait", job) == (0, "SUCCEEDED\n", "")
        results = offline("results", job)
        assert results.status == 0
        assert {row["key"] for row in rows(results.out)} == {1, "b", "7"}
        assert all("emulator" in row["text"].lower() for row in rows(results.out))
        assert job in offline("list").out
        assert offline("cancel", job).status == 6
        assert offline("delete", job) == (0, "", "")
        assert offline("status", job).status == 6


def test_the_rows_go_in_the_words_of_generate_content() -> None:
    wire = ScriptedTransport([operation("BATCH_STATE_PENDING")])
    done = gemini("batch", "submit", "-m", "m", "--seed", "1", "--display-name", "t", stdin=ROWS, answers=wire)
    assert done == (0, "batches/b1\n", "")
    (call,) = wire.requests
    assert str(call.url).endswith("/v1beta/models/m:batchGenerateContent")
    batch = json.loads(call.content)["batch"]
    assert batch["displayName"] == "t"
    first = batch["inputConfig"]["requests"]["requests"][0]
    assert first["metadata"] == {"key": "1"}
    assert first["request"] == {
        "contents": [{"role": "user", "parts": [{"text": "one"}]}],
        "generationConfig": {"seed": 1},
    }


@pytest.mark.parametrize(
    ("answer", "status", "billed"),
    [
        (reply(b"<html>", content_type="text/html"), 6, "maybe"),
        (reply(b""), 6, "maybe"),
        (reply(b"[]"), 6, "maybe"),
        (reply({"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}), 5, "maybe"),
        (reply({"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}, 400), 6, "no"),
    ],
)
def test_a_job_whose_answer_is_odd_may_have_been_started(answer: httpx.Response, status: int, billed: str) -> None:
    done = gemini("batch", "submit", "--json", stdin=ROWS, answers=[answer])
    error = json.loads(done.err)["error"]
    assert (done.status, error["billed"]) == (status, billed)
    assert ("batch list" in error.get("hint", "")) == (billed == "maybe")


def test_what_is_attached_to_every_row_is_sent_ahead_once(environ: dict[str, str]) -> None:
    Path("all.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(3000))

    def submit(*argv: str) -> tuple[int, int]:
        """How often the file went ahead, and how often it was looked up."""
        argv = ("batch", "submit", "--offline", "-v", "-p", "{_}", *argv)
        done = gemini(*argv, stdin=ROWS, environ=environ)
        assert done.status == 0, done.err
        return done.err.count("all.png is uploaded first"), done.err.count("GET")

    assert submit("-a", "all.png") == (0, 0)
    assert submit("-a", "all.png", "--upload") == (1, 0)
    name = gemini("upload", "--offline", "all.png", environ=environ).out.strip()
    assert submit("-a", name) == (0, 1)


def test_a_row_of_a_job_names_its_attachment() -> None:
    Path("own.txt").write_text("attached")
    done = gemini("batch", "submit", "-n", "-p", "look", "-a", "{path}", stdin=b'{"path":"own.txt"}')
    assert done.json["request"]["contents"][0]["parts"] == [{"text": "look"}, {"text": "attached"}]


def test_a_dry_run_prints_the_lines_of_the_job() -> None:
    done = gemini("batch", "submit", "-n", stdin=ROWS, environ={"GEMINI_API_KEY": ""})
    assert [row["key"] for row in rows(done.out)] == ["1", "b", '"7"']


def test_what_a_dry_run_prints_can_be_submitted_and_mapped() -> None:
    printed = gemini("batch", "submit", "-n", "-m", "m", "--seed", "1", stdin=ROWS).out
    again = gemini("batch", "submit", "-n", "-m", "m", stdin=printed.encode())
    assert again.status == 0
    assert [row["request"] for row in rows(again.out)] == [row["request"] for row in rows(printed)]
    wire = ScriptedTransport([reply(DONE) for _ in range(3)])
    done = gemini("map", "-j", "1", "-m", "m", "--api", "generate-content", stdin=printed.encode(), answers=wire)
    assert (done.status, [row["text"] for row in rows(done.out)]) == (0, ["re", "re", "re"])
    assert [wire.body(place) for place in range(3)] == [row["request"] for row in rows(printed)]


def test_a_row_of_the_documentation_is_submitted_in_its_own_words() -> None:
    row = {
        "key": "request-1",
        "request": {
            "contents": [{"parts": [{"text": "Describe the process of photosynthesis."}]}],
            "generation_config": {"temperature": 0.7},
            "system_instruction": {"parts": [{"text": "terse"}]},
        },
    }
    done = gemini("batch", "submit", "-n", stdin=json.dumps(row).encode())
    assert done.json["key"] == "request-1"
    assert done.json["request"] == {
        "contents": row["request"]["contents"],  # type: ignore[index]
        "generationConfig": {"temperature": 0.7},
        "systemInstruction": {"parts": [{"text": "terse"}]},
    }


@pytest.mark.parametrize("key", ["a", "", "7", "-7", "07", "1.5", '"', '"7"', "null", "ä", 7, -7, 0])
def test_a_key_comes_back_as_it_went(key: Any) -> None:
    written = batch_jobs.encode_key(key)
    assert isinstance(written, str)
    assert batch_jobs.decode_key(written) == key
    assert type(batch_jobs.decode_key(written)) is type(key)


@pytest.mark.parametrize(
    ("stdin", "argv", "status", "message"),
    [
        (b"", [], 3, "there are no rows"),
        (b'"a"\n{bad\n', [], 3, "line 2: not JSON"),
        (b'{"id":1,"input":"a"}\n{"id":1,"input":"b"}', [], 3, "line 2: the key '1' is that of line 1"),
        (b'"a"\n{"input":"b","model":"n"}', ["-m", "m"], 3, "line 2: a job has one model"),
        (b'{"input":"b","previous_interaction_id":"v"}', [], 3, "line 1: "),
        (b'"a"', ["--previous", "v1_a"], 2, "--previous"),
        (b'"a"', ["-f", "-"], 2, "claimed twice"),
        (b'"a"', ["--api", "interactions"], 2, "--api has no effect"),
        (b'"a"', ["--long"], 2, "--long has no effect"),
    ],
)
def test_a_job_is_whole_or_not_started(stdin: bytes, argv: list[str], status: int, message: str) -> None:
    for preview in ([], ["-n"]):
        done = gemini("batch", "submit", *preview, *argv, stdin=stdin)
        assert (done.status, "" if preview else done.out) == (status, "")
        assert message in done.err


@pytest.mark.parametrize("answer", [{}, {"name": None}, {"name": "files/a"}, {"error": {"code": 3, "message": "m"}}])
def test_a_create_without_a_name_is_no_job(answer: dict[str, Any]) -> None:
    done = gemini("batch", "submit", stdin=ROWS, answers=[reply(answer)])
    assert (done.status, done.out) == (6, "")


def test_a_deadline_before_there_is_a_job_is_a_matter_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_upload(*arguments: Any, **more: Any) -> Any:
        raise DeadlineExceeded("the limit has passed")

    monkeypatch.setattr(batch_jobs, "INLINE_LIMIT", 0)
    monkeypatch.setattr(upload, "upload", slow_upload)
    done = gemini("batch", "submit", stdin=ROWS)
    assert (done.status, done.out) == (5, "")
    assert "no job was started" in done.err


def test_a_create_without_an_answer_is_unknown() -> None:
    done = gemini("batch", "submit", stdin=ROWS, answers=[httpx.ReadError("silence")])
    assert (done.status, done.out) == (12, "")
    assert "hint: `gemini-cli batch list`" in done.err


@pytest.mark.parametrize("prefix", ["BATCH_STATE_", "JOB_STATE_"])
@pytest.mark.parametrize(
    ("state", "more", "status"),
    [
        ("SUCCEEDED", {}, 0),
        ("CANCELLED", {"error": {"code": 1, "message": "m"}}, 8),
        ("EXPIRED", {}, 5),
        ("FAILED", {"error": {"code": 3, "message": "the file is empty"}}, 6),
        ("FAILED", {"error": {"code": 13, "message": "m"}}, 5),
        ("FAILED", {}, 6),
    ],
)
def test_how_a_job_ended_is_the_status_of_wait(prefix: str, state: str, more: Any, status: int) -> None:
    sleeps: list[float] = []
    jobs = [operation(f"{prefix}PENDING"), operation(f"{prefix}RUNNING"), operation(f"{prefix}{state}", **more)]
    done = gemini("batch", "wait", "b1", answers=jobs, sleeps=sleeps)
    assert done.status == status
    assert done.out == ("SUCCEEDED\n" if status == 0 else "")
    assert sleeps == [2.0, 3.0]
    told = gemini("batch", "status", "batches/b1", answers=[operation(f"{prefix}{state}", **more)])
    assert (told.status, told.out) == (0, f"{state}\n")


@pytest.mark.parametrize("state", ["QUEUED", "PENDING", "RUNNING", "UPDATING", "PAUSED", "CANCELLING"])
def test_a_state_that_is_no_end_is_waited_for(state: str) -> None:
    """Even of a job that is being cancelled: it may still succeed (api/README.md 14.7)."""
    jobs = [operation(f"JOB_STATE_{state}"), operation("JOB_STATE_SUCCEEDED")]
    assert gemini("batch", "wait", "b1", answers=jobs) == (0, "SUCCEEDED\n", "")
    early = gemini("batch", "results", "b1", answers=[operation(f"JOB_STATE_{state}")])
    assert (early.status, early.out) == (8, "")
    assert f"is {state}" in early.err


def test_a_job_that_succeeded_in_part_has_ended_and_has_results() -> None:
    state = "BATCH_STATE_PARTIALLY_SUCCEEDED"
    assert gemini("batch", "wait", "b1", answers=[operation(state)]) == (0, "PARTIALLY_SUCCEEDED\n", "")
    found = inline(
        {"response": DONE, "metadata": {"key": "a"}}, {"error": {"code": 13, "message": "m"}, "metadata": {"key": "b"}}
    )
    done = gemini("batch", "results", "b1", answers=[operation(state, found, 2)])
    assert (done.status, answers(done.out)) == (11, [("a", "re"), ("b", "temporary")])
    missing = gemini("batch", "results", "b1", answers=[operation(state, found, 3)])
    assert (missing.status, answers(missing.out)) == (8, [("a", "re"), ("b", "temporary")])


def test_results_are_matched_by_key_and_some_may_have_failed() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}}
    found = inline(
        {"response": DONE, "metadata": {"key": "2"}},
        {"error": {"code": 13, "message": "m"}, "metadata": {"key": "a"}},
        {"response": blocked, "metadata": {"key": "b"}},
    )
    done = gemini("batch", "results", "b1", answers=[operation("BATCH_STATE_SUCCEEDED", found, 3)])
    assert (done.status, done.err) == (11, "gemini-cli: partial: 2 of 3 rows failed: m, 1 for other reasons\n")
    assert answers(done.out) == [(2, "re"), ("a", "temporary"), ("b", "blocked")]
    assert rows(done.out)[0]["interaction"] == DONE


def test_an_answer_without_a_key_of_its_own_fails_and_is_kept() -> None:
    found = inline(
        {"response": DONE, "metadata": {"key": "2"}}, {"response": DONE}, {"response": DONE, "metadata": {"key": "2"}}
    )
    done = gemini("batch", "results", "b1", answers=[operation("BATCH_STATE_SUCCEEDED", found, 3)])
    first, without, second = rows(done.out)
    assert (done.status, first["key"], first["ok"]) == (11, 2, True)
    assert (without["key"], without["ok"], without["text"], without["interaction"]) == (None, False, "re", DONE)
    assert "result 2 has no key" in without["error"]["message"]
    assert (second["key"], second["ok"], second["text"], second["interaction"]) == (2, False, "re", DONE)
    assert "result 3 has the key of an earlier one" in second["error"]["message"]
    assert second["error"]["billed"] == "yes"


def test_results_of_a_file_that_are_fewer_or_broken_are_told() -> None:
    lines = [{"key": "a", "response": DONE}, {"response": DONE, "key": "1"}]
    data = b"\n".join([json.dumps(line).encode() for line in lines] + [b"{half"])
    file = reply(data, content_type="application/jsonl")
    done = gemini("batch", "results", "b1", answers=[operation("SUCCEEDED", {"responsesFile": "files/f"}, 4), file])
    assert answers(done.out) == [("a", "re"), (1, "re"), (None, "rejected")]
    assert (done.status, done.err) == (8, "gemini-cli: incomplete: batches/b1 has 3 results for 4 requests\n")
    assert gemini("batch", "results", "b1", answers=[operation("SUCCEEDED")]).status == 6


@pytest.mark.parametrize("file", ["../x", "files/..", "https://evil.test/a?b", "batches/b1", "files/A B", ""])
def test_a_file_of_results_that_is_no_file_of_the_server_is_not_its_answer(file: str) -> None:
    done = gemini("batch", "results", "b1", answers=[operation("SUCCEEDED", {"responsesFile": file}, 1)])
    assert (done.status, done.out) == (6, "")


def test_results_are_held_against_a_schema() -> None:
    found = inline({"response": DONE, "metadata": {"key": "a"}})
    done = gemini("batch", "results", "b1", "--schema", "{}", answers=[operation("SUCCEEDED", found, 1)])
    assert (done.status, rows(done.out)[0]["error"]["kind"]) == (11, "schema")


def test_a_list_names_each_job(tmp_path: Path) -> None:
    listed = {"operations": [{"name": "batches/b1", "metadata": {"state": "JOB_STATE_RUNNING", "displayName": "t"}}]}
    assert gemini("batch", "list", answers=[reply(listed)]).out == "batches/b1\tRUNNING\t0\t0\t\tt\n"
    assert gemini("batch", "list", "--json", answers=[reply(listed)]).json == listed["operations"][0]
    assert gemini("batch", "list", answers=[reply({})]) == (0, "", "")


@pytest.mark.parametrize("name", ["../x", "a/b", "files/a", "a?b", ""])
def test_what_cannot_be_a_job_is_a_usage_error(name: str) -> None:
    for verb in ("status", "wait", "results", "cancel", "delete"):
        assert gemini("batch", verb, name).status == 2


def test_rows_that_are_too_many_for_a_job_are_refused_with_the_number_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = len(gemini("batch", "submit", "-n", stdin=b'"row 1"').out.encode())
    monkeypatch.setattr(batch_jobs, "JOB_LIMIT", 3 * line)
    stdin = b'"row %d"\n' * 5 % (1, 2, 3, 4, 5)
    done = gemini("batch", "submit", stdin=stdin, answers=ScriptedTransport([]))
    assert (done.status, done.out) == (3, "")
    assert "too many for one job" in done.err
    assert "`split -l 3`" in done.err


def test_a_job_above_the_number_of_jobs_gets_a_hint() -> None:
    refused = reply({"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}, 429)
    done = gemini("batch", "submit", "--retries", "0", stdin=b'"one"', answers=ScriptedTransport([refused]))
    assert done.status == 5
    assert "hint: 100 jobs may be under way at a time" in done.err


def test_results_may_be_a_table_or_code_blocks() -> None:
    def done_job(text: str) -> list[httpx.Response]:
        answer = {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}], "usageMetadata": {}}
        results = [{"key": "a", "response": answer}, {"key": '"7"', "error": {"code": 3, "message": "no"}}]
        return [operation("BATCH_STATE_SUCCEEDED", inline(*results), count=2)]

    argv = ["batch", "results", "b1"]
    table = gemini(*argv, "--to", "csv", answers=done_job("x, y"))
    assert (table.status, table.out.splitlines()[:2]) == (11, ["key,text,ok,error", 'a,"x, y",true,'])
    assert table.out.splitlines()[2].startswith("7,,false,rejected: no")
    schema = '{"type":"object","properties":{"n":{}}}'
    typed = gemini(*argv, "--to", "tsv", "--schema", schema, answers=done_job('{"n":1.50}'))
    assert typed.out.splitlines()[:2] == ["key\tn\tok\terror", "a\t1.50\ttrue\t"]
    short = gemini(*argv, "-x", "--no-interaction", answers=done_job("```\nls\n```"))
    assert rows(short.out)[0] == {"key": "a", "ok": True, "text": "ls\n", "usage": {}}
    assert gemini(*argv, "--csv-safe").status == 2
