"""`--record` and `--replay` of every kind of command: a recording answers as the server did, without a key."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import KEY, Answer, Outcome, completed, created, gemini, interaction, reply, sse, start, text

HEADER = '{"recording":"gemini-cli","version":1}\n'


def refuse(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.method} {request.url} was sent")


def offline(*argv: str, stdin: bytes | None = b"", home: str = "recorded") -> Outcome:
    return gemini(*argv, "--offline", "--record", "rec", stdin=stdin, environ={"HOME": str(Path(home).resolve())})


def replayed(*argv: str, stdin: bytes | None = b"", home: str = "replayed", **environ: str) -> Outcome:
    more = {"GEMINI_API_KEY": "", "HOME": str(Path(home).resolve()), **environ}
    return gemini(*argv, "--replay", "rec", stdin=stdin, environ=more, answers=httpx.MockTransport(refuse))


def exchanges(path: str = "rec") -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()[1:]]


@pytest.fixture(autouse=True)
def homes() -> None:
    Path("recorded").mkdir()
    Path("replayed").mkdir()


# Every kind of command -----------------------------------------------------------------------------------------------

COMMANDS: list[list[str]] = [
    ["generate", "hi"],
    ["generate", "--json", "hi"],
    ["stream", "hi"],
    ["stream", "--json", "hi"],
    ["generate", "--api", "generate-content", "hi"],
    ["stream", "--api", "generate-content", "hi"],
    ["chat", "hi"],
    ["upload", "note.txt"],
    ["generate", "--upload", "-a", "note.txt", "hi"],
    ["tokens", "hi"],
    ["models", "list"],
    ["files", "list"],
    ["batch", "submit", "rows"],
    ["map", "rows"],
    ["map", "rows", "-j", "3", "--unordered"],
]


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_recording_answers_as_the_server_did(argv: list[str]) -> None:
    Path("note.txt").write_text("a note")
    Path("rows").write_text("".join(f'"row {number}"\n' for number in range(20)))
    first = offline(*argv)
    assert (first.status, first.err) == (0, "")
    again = replayed(*argv)
    assert (again.status, again.err) == (0, "")
    assert sorted(again.out.splitlines()) == sorted(first.out.splitlines())
    if "--unordered" not in argv:
        assert again.out == first.out
    assert Path("rec").read_text().startswith(HEADER)


def test_turns_of_a_session_are_replayed_apart_from_the_real_ones() -> None:
    turns = [offline("chat", "--session", "a", word).out for word in ("one", "two")]
    assert "turn 2" in turns[1]
    assert [replayed("chat", "--session", "a", word).out for word in ("one", "two")] == turns
    assert sorted(path.name for path in Path("replayed").rglob("*.json")) == ["a.json", "last.offline.json"]


def test_continuing_the_last_interaction_is_replayed() -> None:
    argvs = (["generate", "one"], ["generate", "-c", "two"], ["interactions", "get"])
    outs = [offline(*argv).out for argv in argvs]
    assert [replayed(*argv).out for argv in argvs] == outs


def test_a_call_of_a_function_is_replayed_and_another_result_of_it_is_not() -> None:
    tools = Path("tools.json")
    tools.write_text(json.dumps([{"name": "weather", "run": ["/bin/sh", "-c", "echo 7"]}]))
    call = {"type": "function_call", "id": "c1", "name": "weather", "arguments": {}}
    answers = [
        reply({"id": "v1_c", "status": "requires_action", "steps": [call]}),
        sse(created(), start(), text("7 degrees"), completed()),
    ]
    argv = ["call-tool", "-T", "tools.json", "hi"]
    first = gemini(*argv, "--record", "rec", answers=answers)
    assert (first.status, first.out) == (0, "7 degrees\n")
    assert replayed(*argv)[:2] == first[:2]
    tools.write_text(json.dumps([{"name": "weather", "run": ["/bin/sh", "-c", "echo 8"]}]))
    changed = replayed(*argv)
    assert changed.status == 6
    assert 'has body.input[0].result "7", this one "8"' in changed.err


def test_polls_are_replayed_in_order_without_waiting() -> None:
    answers = [reply({"id": "v1_a", "status": "in_progress"}) for _ in range(4)] + [reply(interaction("done"))]
    slept: list[float] = []
    first = gemini("interactions", "wait", "v1_a", "--record", "rec", answers=answers, sleeps=slept)
    assert (first.status, first.out) == (0, "done\n")
    assert sum(slept) >= 10
    again = replayed("interactions", "wait", "v1_a")
    assert (again.status, again.out) == (0, "done\n")


def test_a_command_after_the_one_that_waited_finds_what_it_waited_for() -> None:
    Path("rows").write_text('"one"\n"two"\n')
    job = offline("batch", "submit", "rows").out.strip()
    pipeline = [("batch", "wait", job), ("batch", "results", job), ("batch", "status", job)]
    first = [offline(*argv) for argv in pipeline]
    assert [outcome.status for outcome in first] == [0, 0, 0]
    assert first[1].out.count("\n") == 2
    assert [replayed(*argv) for argv in pipeline] == first


def test_a_poll_that_never_ends_ends_with_the_time_limit_of_the_run_all_the_same() -> None:
    answers = [reply({"id": "v1_a", "status": "in_progress"}), reply({"error": {"message": "no", "code": "x"}}, 400)]
    assert gemini("interactions", "wait", "v1_a", "--record", "rec", answers=answers).status == 6
    Path("rec").write_text("".join(Path("rec").read_text().splitlines(keepends=True)[:2]))
    again = replayed("interactions", "wait", "v1_a", "--timeout", "300")
    assert again.status == 8
    assert "300 s" in again.err


def test_a_retry_is_replayed_without_waiting() -> None:
    refused = reply({"error": {"message": "slow", "code": "too_many_requests"}}, 429, headers={"retry-after": "600"})
    first = gemini("generate", "hi", "--record", "rec", answers=[refused, reply(interaction())])
    assert first.status == 0
    again = replayed("generate", "hi", "-v")
    assert (again.status, again.out) == (0, first.out)
    assert "-> 429" in again.err


def test_a_stream_that_is_resumed_is_replayed() -> None:
    cut = [created(), {"event_type": "step.start", "index": 0, "event_id": "e1", "step": {"type": "model_output"}}]
    rest = [
        text("Hello", event_id="e2"),
        {"event_type": "interaction.completed", "interaction": {"id": "v1_a", "status": "completed"}},
    ]
    first = gemini("stream", "hi", "--record", "rec", answers=[sse(*cut, httpx.ReadError("reset")), sse(*rest)])
    assert (first.status, first.out) == (0, "Hello\n")
    assert replayed("stream", "hi") == first
    assert len(exchanges()) == 2


@pytest.mark.parametrize(
    ("argv", "answers"),
    [
        (
            ["stream", "--no-store", "hi"],
            [
                sse(
                    created(),
                    {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
                    text("Hel"),
                    httpx.ReadError("reset"),
                )
            ],
        ),
        (["generate", "hi"], [httpx.ReadError("reset")]),
        (["generate", "hi"], [reply({"error": {"message": "no", "code": "invalid_request"}}, 400)]),
        (["generate", "hi"], [reply({"error": {"message": "no", "code": "too_many_requests"}}, 429)] * 4),
        (["generate", "hi"], [reply(interaction("Hel", "incomplete"))]),
    ],
    ids=["cut", "no response", "refused", "retried in vain", "incomplete"],
)
def test_a_failure_is_replayed_with_its_status_and_message(argv: list[str], answers: Sequence[Answer]) -> None:
    first = gemini(*argv, "--record", "rec", answers=answers)
    assert first.status in (5, 6, 8, 12)
    assert replayed(*argv)[:2] == first[:2]
    assert len(exchanges()) == len(answers)


def test_a_stream_whose_end_is_an_error_is_recorded_as_far_as_it_was_read() -> None:
    error = {"event_type": "error", "error": {"code": "api_error", "message": "broke"}}
    first = gemini("stream", "hi", "--record", "rec", answers=[sse(created(), start(), text("Hel"), error, b"never")])
    assert (first.status, first.out) == (8, "Hel")
    assert replayed("stream", "hi")[:2] == first[:2]


def test_what_was_never_sent_is_not_recorded() -> None:
    first = gemini("generate", "hi", "--record", "rec", "--retries", "0", answers=[httpx.ConnectError("refused")])
    assert first.status == 5
    assert Path("rec").read_text() == HEADER


# A request that is not there ----------------------------------------------------------------------------------------


def test_another_prompt_is_exit_6_and_names_the_difference() -> None:
    offline("generate", "How does AI work?")
    outcome = replayed("generate", "How does IA work?", "--json")
    assert (outcome.status, outcome.out) == (6, "")
    error = json.loads(outcome.err)["error"]
    assert error["message"] == (
        "rec has no answer to POST /v1beta/interactions: the nearest request, line 2, has body.input "
        '"How does AI work?", this one "How does IA work?"'
    )
    assert error["billed"] == "no"


def test_a_rule_of_the_first_line_leaves_a_field_out() -> None:
    offline("generate", "What day?", stdin=b"Monday")
    lines = Path("rec").read_text().splitlines(keepends=True)
    rule = '{"recording":"gemini-cli","version":1,"matching":{"body.input[1].text":"ignore"}}\n'
    Path("rec").write_text("".join([rule, *lines[1:]]))
    assert replayed("generate", "What day?", stdin=b"Tuesday").status == 0
    assert replayed("generate", "What year?", stdin=b"Tuesday").status == 6
    assert offline("generate", "more").status == 0  # a recording with rules can be continued
    assert Path("rec").read_text().startswith(rule)


# The options and the file -------------------------------------------------------------------------------------------


def test_the_variables_do_what_the_options_do() -> None:
    environ = {"GEMINI_RECORD": "rec"}
    first = gemini("generate", "hi", answers=[reply(interaction())], environ=environ)
    again = gemini("generate", "hi", environ={"GEMINI_REPLAY": "rec", "GEMINI_API_KEY": ""})
    assert (again.status, again.out) == (0, first.out)


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["--record", "a", "--replay", "b"], {}),
        (["--record", "a"], {"GEMINI_REPLAY": "b"}),
        (["--record", "a", "--replay", "b"], {"GEMINI_RECORD": "c"}),
        ([], {"GEMINI_RECORD": "a", "GEMINI_REPLAY": "b"}),
        (["--offline", "--replay", "b"], {}),
    ],
)
def test_options_that_exclude_each_other_are_exit_2(argv: list[str], environ: dict[str, str]) -> None:
    outcome = gemini("generate", "hi", *argv, environ=environ)
    assert outcome.status == 2
    assert "exclude each other" in outcome.err
    assert not Path("a").exists()


def test_an_option_counts_more_than_a_variable() -> None:
    offline("generate", "hi")
    assert replayed("generate", "hi", GEMINI_OFFLINE="1").status == 0
    assert replayed("generate", "ho", GEMINI_OFFLINE="1").status == 6
    assert replayed("generate", "hi", "--base-url", "http://127.0.0.1:1", GEMINI_OFFLINE="1").status == 0
    assert replayed("generate", "hi", GEMINI_RECORD="other").status == 0
    assert not Path("other").exists()
    assert gemini("generate", "ho", "--offline", environ={"GEMINI_REPLAY": "rec"}).status == 0


def test_a_dry_run_records_nothing() -> None:
    assert gemini("generate", "hi", "-n", "--record", "rec").status == 0
    assert not Path("rec").exists()


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("none/rec", 13, "cannot write none/rec: No such file"),
        (".", 13, "cannot write ."),
        ("/dev/null", 13, "cannot write /dev/null: not a regular file"),
        ("prompt", 3, "prompt is not a recording; it was not changed"),
    ],
)
def test_a_recording_that_cannot_be_written_is_found_before_anything_is_sent(
    path: str, status: int, message: str
) -> None:
    Path("prompt").write_text("my text")
    outcome = gemini("generate", "hi", "--record", path)
    assert (outcome.status, outcome.out) == (status, "")
    assert message in outcome.err
    assert Path("prompt").read_text() == "my text"


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows above this size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_recording_that_cannot_be_continued_costs_no_answer() -> None:
    with full_disk(len(HEADER) + 10):
        outcome = gemini("generate", "hi", "--record", "rec", answers=[reply(interaction())])
    assert (outcome.status, outcome.out) == (13, "Hello!\n")
    assert outcome.err == "gemini-cli: output: rec is not complete: File too large\n"
    assert Path("rec").read_text() == HEADER


def test_the_error_of_the_answer_counts_more_than_that_of_the_recording() -> None:
    with full_disk(len(HEADER) + 10):
        outcome = gemini("generate", "hi", "--record", "rec", answers=[reply(interaction("Hel", "incomplete"))])
    assert (outcome.status, outcome.out) == (8, "Hel")
    assert "rec is not complete: File too large" in outcome.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "rec is not a recording"),
        ("my prompt\n", "rec is not a recording"),
        (HEADER + "{}\n", "rec, line 2 is damaged"),
        (HEADER + "\n\n{\n", "rec, line 4 is damaged: not JSON"),
    ],
)
def test_a_damaged_recording_is_exit_3_with_the_number_of_the_line(content: str, message: str) -> None:
    Path("rec").write_text(content)
    outcome = replayed("generate", "hi")
    assert (outcome.status, outcome.out) == (3, "")
    assert message in outcome.err


def test_a_recording_whose_last_line_is_cut_off_has_a_notice() -> None:
    offline("generate", "hi")
    offline("generate", "ho")
    Path("rec").write_bytes(Path("rec").read_bytes()[:-20])
    outcome = replayed("generate", "hi")
    assert outcome.status == 0
    assert outcome.err == "gemini-cli: rec: the last line is cut off, and does not count\n"
    assert replayed("generate", "ho").status == 6


def test_no_recording_is_exit_3() -> None:
    assert replayed("generate", "hi").status == 3


# Secrets ------------------------------------------------------------------------------------------------------------


def test_the_value_of_a_tool_header_is_not_recorded_and_need_not_be_known() -> None:
    Path("token").write_text("Bearer 0123456789")
    argv = ["generate", "-T", "mcp_server=https://mcp.test/x", "--tool-header", "Authorization=@token", "hi"]
    first = gemini(*argv, "--record", "rec", answers=[reply(interaction("I got Bearer 0123456789"))])
    assert first.status == 0
    assert "0123456789" not in Path("rec").read_text()
    Path("token").write_text("another one")
    again = replayed(*argv)
    assert (again.status, again.out) == (0, "I got [redacted]\n")


def test_the_value_of_a_gateway_header_is_not_recorded_and_not_read_for_a_replay() -> None:
    Path("token").write_text("Bearer 0123456789")
    Path("token").chmod(0o600)
    argv = ["generate", "--header", "X-Gateway-Token=@token", "hi"]
    first = gemini(*argv, "--record", "rec", answers=[reply(interaction("I got Bearer 0123456789"))])
    assert first.status == 0
    assert "0123456789" not in Path("rec").read_text()
    Path("token").unlink()
    assert replayed(*argv).status == 0


def test_a_key_in_an_attachment_or_an_answer_is_not_recorded() -> None:
    for padding in range(3):
        Path("note.bin").write_bytes(b"%PDF-" + b"x" * padding + KEY.encode() + b"\n")
        argv = ["generate", "-a", "note.bin;type=application/pdf", "hi", "--record", "rec"]
        assert gemini(*argv, answers=[reply(interaction())]).status == 0
    assert len(exchanges()) == 3
    assert Path("rec").read_text().count("[redacted]") == 3
