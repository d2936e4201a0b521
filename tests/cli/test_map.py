"""`map` in-process: rows in, rows out."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.bulk.map_runner import RowOutcome
from gemini_cli.bulk.output_rows import OutputRow
from gemini_cli.bulk.rows import Row
from gemini_cli.cli.commands.map import Tally
from gemini_cli.console.progress import ProgressBar
from tests.harness import ScriptedTransport, gemini, interaction, reply

FAILED_ROW = '{"key":1,"ok":false,"text":null,"error":{"kind":"input","message":"m"}}'
ROWS = b'"one"\n{"id":"b","input":"two"}\n{bad\n{"key":7,"prompt":"three"}'


class Answering(ScriptedTransport):
    """Answers each body with what `say` makes of it; by default a text that repeats the question."""

    def __init__(
        self, say: Callable[[Any], httpx.Response] = lambda body: reply(interaction(f"re: {body['input']}"))
    ) -> None:
        super().__init__([])
        self._say = say
        self._lock = threading.Lock()

    def handle_request(self, call: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(call)
        return self._say(json.loads(call.read()))

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(call.content) for call in self.requests]


class Silent(Answering):
    """Answers the same to whatever it is asked, and keeps nothing."""

    def handle_request(self, call: httpx.Request) -> httpx.Response:
        return reply(interaction())


def rows(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def answers(text: str) -> list[tuple[Any, Any]]:
    """Key and text of each row; the kind of the error in place of the text."""
    return [(row["key"], row["text"] if row["ok"] else row["error"]["kind"]) for row in rows(text)]


def test_a_row_whose_prompt_is_empty_has_failed_and_is_not_sent() -> None:
    stdin = b'{"t": ""}\n' * 12 + b'{"t": "x"}\n'
    wire = Answering()
    outcome = gemini("map", "-p", "{t}", stdin=stdin, answers=wire)
    assert outcome.status == 11
    assert [body["input"] for body in wire.bodies] == ["x"]
    assert answers(outcome.out) == [*((line, "input") for line in range(1, 13)), (13, "re: x")]
    assert gemini("batch", "submit", "-p", "{t}", stdin=stdin).status == 3


@pytest.mark.parametrize("flags", [["-o", "x", "--checkpoint", "./x"], ["--rate", "0.0000001/h"]])
def test_what_cannot_be_meant_of_a_run_is_a_usage_error(flags: list[str]) -> None:
    assert gemini("map", *flags, stdin=b'"a"').status == 2


def test_each_row_is_asked_and_answered_in_order() -> None:
    wire = Answering()
    done = gemini("map", "-m", "m", "-j", "3", stdin=ROWS, answers=wire)
    assert (done.status, done.err) == (
        11,
        "gemini-cli: partial: 1 of 4 rows failed: line 3: not JSON: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)\n",
    )
    assert answers(done.out) == [(1, "re: one"), ("b", "re: two"), (3, "input"), (7, "re: three")]
    assert rows(done.out)[2]["line"] == 3
    assert sorted(body["input"] for body in wire.bodies) == ["one", "three", "two"]
    assert {body["model"] for body in wire.bodies} == {"m"}


def test_rows_come_from_a_file_and_go_into_one(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b'"one"\n')
    done = gemini("map", str(tmp_path / "rows"), "-o", str(tmp_path / "out"), answers=Answering(), stdin=b'"not read"')
    assert done == (0, "", "")
    assert answers((tmp_path / "out").read_text()) == [(1, "re: one")]
    assert gemini("map", "-", stdin=b'"two"', answers=Answering()).json["text"] == "re: two"


def test_no_rows_are_no_failure() -> None:
    assert gemini("map", stdin=b"") == (0, "", "")
    assert gemini("map", stdin=None) == (0, "", "")


def test_fields_fill_the_prompt_and_every_flag_holds_for_all_rows() -> None:
    wire = Answering()
    data = b"id,text\na,one\nb,two\n"
    argv = ["map", "--csv", "-p", "Say {text}", "-s", "terse", "--seed", "7", "--set", "x.y=1", "-j", "1"]
    assert answers(gemini(*argv, stdin=data, answers=wire).out) == [("a", "re: Say one"), ("b", "re: Say two")]
    assert wire.bodies[0] == {
        "model": "gemini-flash-latest",
        "system_instruction": "terse",
        "generation_config": {"seed": 7},
        "x": {"y": 1},
        "input": "Say one",
    }


def test_the_profile_lies_under_the_flags_and_its_prompt_before_the_rows(home: Path) -> None:
    wire = Answering()
    path = home / "p.yaml"
    path.write_text("prompt: 'As ${who}:'\nrequest: {model: p, generation_config: {seed: 1, top_p: 0.5}}\n")
    argv = ["map", "-P", str(path), "--var", "who=I", "--seed", "2"]
    row = b'{"input":"hi","generation_config":{"top_p":1}}'
    gemini(*argv, stdin=row, answers=wire, environ={"HOME": str(home)})
    assert wire.bodies == [{"model": "p", "generation_config": {"seed": 2, "top_p": 1}, "input": "As I: hi"}]


def test_a_file_may_hold_the_prompt_and_a_row_name_its_attachment(tmp_path: Path) -> None:
    (tmp_path / "prompt").write_text("Look at {name}")
    (tmp_path / "a.txt").write_text("attached")
    wire = Answering()
    row = json.dumps({"name": "it", "path": str(tmp_path / "a.txt")}).encode()
    argv = ["map", "-f", str(tmp_path / "prompt"), "-a", "{path}"]
    refused = gemini(*argv, stdin=row, answers=wire)
    assert (refused.status, wire.bodies) == (11, [])
    gemini(*argv, "--allow-paths", stdin=row, answers=wire)
    texts = [part["text"] for part in wire.bodies[0]["input"]]
    assert texts == ["Look at it", "attached"]


SEEN = b"".join(b'{"n":%d,"path":"own.png"}\n' % number for number in range(6))


def ahead(*argv: str, home: Path) -> list[str]:
    """The files that went through the Files API, when a map over SEEN attached it."""
    Path("all.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(3000))
    Path("own.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    environ = {"HOME": str(home)}
    done = gemini("map", "--offline", "-v", "-p", "look", "-j", "3", *argv, stdin=SEEN, environ=environ)
    assert (done.status, len(rows(done.out))) == (0, 6), done.err
    assert all("image/png" in row["text"] for row in rows(done.out))
    return [line.split()[1] for line in done.err.splitlines() if "is uploaded first" in line]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-a", "all.png"], []),
        (["-a", "{path}"], []),
        (["-a", "all.png", "--upload"], ["all.png"]),
        (["-a", "all.png", "--inline-limit", "3000"], ["all.png"]),
        (["-a", "{path}", "--upload"], ["own.png"] * 6),
    ],
    ids=" ".join,
)
def test_what_is_attached_to_every_row_is_sent_ahead_once(argv: list[str], expected: list[str], home: Path) -> None:
    assert ahead(*argv, home=home) == expected


def test_what_is_too_large_only_together_is_not_sent_for_every_row(home: Path) -> None:
    """By those who ask at the same time, but not by those who come later."""
    sent = ahead("-a", "all.png", "-a", "{path}", "--inline-limit", "6000", home=home)
    assert set(sent) == {"all.png"}
    assert len(sent) <= 3


def test_a_file_of_the_service_is_looked_up_once(home: Path) -> None:
    Path("a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    environ = {"HOME": str(home)}
    name = gemini("upload", "--offline", "a.png", environ=environ).out.strip()
    done = gemini("map", "--offline", "-v", "-p", "look", "-a", name, stdin=SEEN, environ=environ)
    assert done.status == 0
    assert sum("GET" in line for line in done.err.splitlines()) == 1
    missing = gemini("map", "--offline", "-p", "look", "-a", "files/none", stdin=SEEN, environ=environ)
    assert (missing.status, missing.out) == (6, "")


def test_an_attachment_may_come_by_stdin_when_the_rows_do_not() -> None:
    Path("rows").write_bytes(SEEN)
    wire = Answering()
    gemini("map", "rows", "-p", "look", "-a", "-;type=text/plain", stdin=b"attached", answers=wire)
    assert [[part["text"] for part in body["input"]] for body in wire.bodies] == [["look", "attached"]] * 6


def test_no_file_stays_open_after_its_row() -> None:
    Path("own.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    before = len(os.listdir("/dev/fd"))
    assert gemini("map", "-n", "-p", "look", "-a", "{path}", stdin=SEEN).status == 0
    assert gemini("map", "-p", "look", "-a", "{path}", stdin=SEEN, answers=Silent()).status == 0
    assert len(os.listdir("/dev/fd")) <= before + 1


def test_data_is_what_fits_the_schema() -> None:
    schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'
    wire = Answering(lambda body: reply(interaction('{"n":' + body["input"] + "}")))
    done = gemini("map", "--schema", schema, stdin=b'"1"\n"true"\n', answers=wire)
    assert done.status == 11
    good, bad = rows(done.out)
    assert (good["ok"], good["data"]) == (True, {"n": 1})
    assert (bad["ok"], bad["text"], bad["error"]["kind"], "data" in bad) == (False, '{"n":true}', "schema", False)


def test_a_dry_run_prints_a_request_for_each_row_and_needs_no_key() -> None:
    done = gemini("map", "-n", stdin=ROWS, environ={"GEMINI_API_KEY": ""})
    assert done.status == 11
    one, two, bad, three = rows(done.out)
    assert [row["key"] for row in (one, two, bad, three)] == [1, "b", 3, 7]
    assert (one["method"], one["body"]["input"]) == ("POST", "one")
    assert one["url"].endswith("/v1beta/interactions")
    assert bad["error"]["kind"] == "input"
    older = gemini("map", "-n", "--api", "generate-content", stdin=b'"one"').json
    assert older["url"].endswith(":generateContent")
    assert older["body"]["contents"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["a", "b"], "give one FILE"),
        (["-j", "0"], "--jobs 0"),
        (["-j", "1001"], "--jobs 1001"),
        (["--rate", "0"], "--rate 0"),
        (["--rate", "5/day"], "--rate 5/day"),
        (["-p", "{text"], "for braces"),
        (["-p", "x", "-f", "y"], "-p or with -f"),
        (["-f", "-"], "stdin is claimed twice"),
        (["--request", "-"], "stdin is claimed twice"),
        (["--no-stdin"], "name a FILE"),
        (["--citations"], "No such option"),
        (["--api", "generate-content", "--previous", "v1_a"], "--previous"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(argv: list[str], message: str) -> None:
    done = gemini("map", *argv, stdin=b'"row"')
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_a_terminal_is_no_file_of_rows() -> None:
    assert gemini("map", stdin_terminal=True).status == 2
    assert gemini("map", "/no/such/file").status == 3
    assert gemini("map", stdin=b'"row"', environ={"GEMINI_API_KEY": ""}).status == 4


def test_a_run_that_ends_early_has_the_status_of_what_ended_it() -> None:
    def refuse(body: Any) -> httpx.Response:
        return reply({"error": {"code": "permission_denied", "message": "no"}}, 403)

    done = gemini("map", "-j", "1", stdin=b'"x"\n' * 20, answers=Answering(refuse))
    assert done.status == 4
    assert len(rows(done.out)) == 10
    assert done.err.startswith("gemini-cli: auth: no")
    assert "10 failures like this in a row" in done.err
    told = gemini("map", "-j", "1", "--json", stdin=b'"x"\n' * 20, answers=Answering(refuse))
    assert json.loads(told.err)["exit_status"] == 4


@pytest.mark.parametrize(
    ("answer", "status", "hint"),
    [
        (reply({"error": {"code": "authentication", "message": "no"}}, 401), 4, "the rest was not sent"),
        (reply({"error": {"status": "INVALID_ARGUMENT", "message": "API key not valid."}}, 400), 4, "auth key"),
        (httpx.ProxyError("407 Proxy Authentication Required"), 4, "USER:PASSWORD@HOST:PORT; the rest was not sent"),
        (httpx.ProxyError("403 Forbidden"), 6, "the rest was not sent"),
    ],
)
def test_a_refusal_that_every_row_would_get_ends_the_run_at_once(
    answer: httpx.Response | httpx.TransportError, status: int, hint: str
) -> None:
    environ = {"GEMINI_API_KEY": "AIza-0123456789-abcdefghij"}
    done = gemini("map", "-j", "1", stdin=b'"x"\n' * 20, answers=[answer], environ=environ)
    assert done.status == status
    assert len(rows(done.out)) == 1
    assert hint in done.err
    assert "in a row" not in done.err


def test_a_checkpoint_gives_all_rows_and_asks_only_what_is_missing(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    first = gemini("map", "--checkpoint", kept, stdin=ROWS, answers=Answering())
    silent = Answering(lambda body: pytest.fail("asked again"))
    second = gemini("map", "--checkpoint", kept, stdin=ROWS, answers=silent)
    assert (second.status, second.out) == (11, first.out)
    changed = Answering()
    third = gemini("map", "--checkpoint", kept, stdin=ROWS.replace(b"two", b"new"), answers=changed)
    assert [body["input"] for body in changed.bodies] == ["new"]
    assert "some rows differ from the checkpoint" in third.err
    assert answers(third.out)[1] == ("b", "re: new")
    for more in (["--seed", "1"], ["--long"]):
        flags = Answering()
        gemini("map", "--checkpoint", kept, *more, stdin=ROWS, answers=flags)
        assert len(flags.bodies) == 3


def test_the_progress_is_on_a_terminal_only(home: Path) -> None:
    shown = gemini("map", stdin=b'"row"', answers=Answering(), terminal=True, environ={"TERM": "xterm"})
    assert "map" in shown.err
    assert gemini("map", stdin=b'"row"', answers=Answering(), terminal=True, environ={"TERM": "dumb"}).err == ""
    Path("own.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    environ = {"TERM": "xterm", "HOME": str(home)}
    argv = ["map", "--offline", "-p", "look", "-a", "{path}", "--upload"]
    uploading = gemini(*argv, stdin=SEEN, terminal=True, environ=environ)
    assert (uploading.status, uploading.out.count("\n")) == (0, 6)


def test_the_progress_counts_rows_and_tokens() -> None:
    written: list[str] = []
    now = [100.0]
    bar = ProgressBar(written.append, {"TERM": "xterm", "COLUMNS": "100"}, "map", 2_000_000.0, "")
    tally = Tally(bar, lambda: now[0])
    for place in range(2):
        now[0] += 750
        row = Row(place + 1, place, "x", (place + 1) * 1_000_000)
        tally.add(RowOutcome(place, row, OutputRow(FAILED_ROW, place == 0, None, 123_456_789), sent=True))
    bar.close()
    assert "2 rows, 0.0/s, 1 failed, 246913578 tokens" in "".join(written)


@pytest.mark.parametrize(
    ("rows", "counts"),
    [(b'"a"', "1 row, 0 failed, 0 tokens"), (b'"a"\n"b"\n{', "3 rows, 1 failed, 0 tokens")],
)
def test_the_counts_remain_on_a_terminal(rows: bytes, counts: str) -> None:
    shown = gemini("map", stdin=rows, answers=Answering(), terminal=True, environ={"TERM": "xterm"})
    assert f"gemini-cli: {counts}, 0 s\n" in shown.err
    quiet = gemini("map", "-q", stdin=rows, answers=Answering(), terminal=True, environ={"TERM": "xterm"})
    assert counts not in quiet.err


def test_a_reader_that_left_ends_the_run_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    stdin = b"".join(b'"%d"\n' % number for number in range(30))
    argv = ["map", "--checkpoint", kept, "-o", "/dev/full", "-j", "2"]
    assert gemini(*argv, stdin=stdin, answers=Answering()).status == 13
    again = Answering()
    done = gemini("map", "--checkpoint", kept, stdin=stdin, answers=again)
    assert done.status == 0
    assert len(again.bodies) < 30


@pytest.mark.parametrize("command", ["map", "batch submit"])
def test_a_preview_of_rows_shows_no_tool_header(command: str) -> None:
    Path("token").write_text("secret-of-the-tool")
    tool = ("-T", "mcp_server=https://e.test/mcp", "--tool-header", "Authorization=@token")
    outcome = gemini(*command.split(), "-n", *tool, "-", stdin=b'"a"\n')
    assert outcome.status == 0, outcome.err
    assert "secret-of-the-tool" not in outcome.out
    assert "https://e.test/mcp" in outcome.out


@pytest.mark.parametrize("argv", [["map"], ["map", "-n"], ["batch", "submit"], ["batch", "submit", "-n"]], ids=" ".join)
def test_a_json_array_is_no_file_of_rows(argv: list[str]) -> None:
    done = gemini(*argv, stdin=b'[\n {"input":"a"},\n {"input":"b"}\n]\n')
    assert (done.status, done.out) == (3, "")
    assert "jq -c '.[]'" in done.err


def test_nothing_is_uploaded_before_the_rows_are_known_to_be_rows(home: Path) -> None:
    Path("a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    argv = ["map", "--offline", "-v", "--upload", "-a", "a.png", "-p", "look"]
    done = gemini(*argv, stdin=b"[1]", environ={"HOME": str(home)})
    assert done.status == 3
    assert "a.png" not in done.err


@pytest.mark.parametrize(
    ("name", "data", "argv"),
    [
        ("rows.csv", b"text,n\none,1\n", []),
        ("ROWS.CSV", b"text,n\none,1\n", []),
        ("rows.tsv", b"text\tn\none\t1\n", []),
        ("rows.csv", b"text;n\none;1\n", ["--delimiter", ";"]),
        ("rows", b"text\tn\none\t1\n", ["--csv", "--delimiter", "\\t"]),
    ],
)
def test_the_name_and_the_options_say_what_the_rows_are(name: str, data: bytes, argv: list[str]) -> None:
    Path(name).write_bytes(data)
    wire = Answering()
    assert gemini("map", name, *argv, "-p", "{text} {n}", answers=wire).status == 0
    assert [body["input"] for body in wire.bodies] == ["one 1"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--delimiter", ";"], "no effect without --csv"),
        (["--csv", "--delimiter", ";;"], "give one character"),
        (["--csv", "--delimiter", '"'], "give one character"),
        (["--csv", "--delimiter", ""], "--delimiter is empty"),
    ],
)
def test_a_delimiter_is_one_character_of_csv(argv: list[str], message: str) -> None:
    done = gemini("map", *argv, stdin=b"a\n")
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_the_first_reason_of_failed_rows_is_told_and_equal_ones_are_counted() -> None:
    stdin = b'{"t":"x"}\n' * 3 + b"{bad\n" + b'{"typo":"x"}\n'
    done = gemini("map", "-p", "{typo}", stdin=stdin, answers=Answering())
    assert (done.status, done.err) == (
        11,
        "gemini-cli: partial: 4 of 5 rows failed: line 1: it has no field 'typo', only t (3 times), "
        "1 for other reasons\n",
    )


def test_ten_rows_in_a_row_that_fail_alike_end_the_run_before_they_are_sent() -> None:
    done = gemini("map", "-j", "1", "-p", "{typo}", stdin=b'{"t":"x"}\n' * 50)
    assert done.status == 3
    assert len(rows(done.out)) == 10
    assert "line 1: it has no field 'typo'" in done.err
    assert "10 failures like this in a row; the rest was not sent" in done.err
    many = gemini("map", "-j", "16", stdin=b"one,two\n" * 500)
    assert many.status == 3
    assert 10 <= len(rows(many.out)) < 500


def test_bad_rows_between_good_ones_do_not_end_the_run() -> None:
    stdin = b'{"t":"x"}\n{bad\n' * 30
    done = gemini("map", "-j", "16", "-p", "{t}", stdin=stdin, answers=Answering())
    assert (done.status, len(rows(done.out))) == (11, 60)


def test_a_row_without_an_outcome_names_the_option_that_sends_it_again(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    argv = ["map", "-j", "1", "--checkpoint", kept, "--retries", "0"]
    first = gemini(*argv, stdin=b'"a"\n{bad\n', answers=[httpx.ReadError("silence")])
    assert first.status == 11
    again = gemini(*argv, stdin=b'"a"\n{bad\n')
    assert again.status == 11
    assert "hint: --retry-unknown 1" in again.err


def test_patterns_are_for_the_command_line_and_not_for_rows() -> None:
    Path("in").mkdir()
    for name in ("a", "b", "*"):
        Path(f"in/{name}.txt").write_text(name)
    pattern = gemini("map", "-n", "-p", "look", "-a", "in/[ab].txt", stdin=b'{"f":"a"}')
    assert [part["text"] for part in pattern.json["body"]["input"]] == ["look", "a", "b"]
    row = gemini("map", "-n", "-p", "look", "-a", "in/{f}.txt", stdin=b'{"f":"*"}')
    assert [part["text"] for part in row.json["body"]["input"]] == ["look", "*"]
    assert gemini("map", "-n", "-p", "look", "-a", "in/{f}.txt", stdin=b'{"f":"?"}').status == 11


def test_an_error_in_the_file_of_the_prompt_names_the_file() -> None:
    Path("prompt.txt").write_text("Is {text} JSON {")
    for argv, origin in ((["-f", "prompt.txt"], "prompt.txt"), (["-p", "a {"], "-p")):
        outcome = gemini("map", "rows.jsonl", *argv)
        assert (outcome.status, outcome.out) == (2, "")
        assert outcome.err.startswith(f"gemini-cli: usage: {origin}: ")
