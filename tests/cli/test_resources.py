"""The resources of the service as commands, against the emulator in memory, and scripted where it says too little."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import Outcome, ScriptedTransport, gemini, interaction, reply


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "GEMINI_OFFLINE": "1"}


def test_times_are_short_and_local_in_a_table_and_exact_for_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = "2026-11-28T22:08:24.786412000Z"
    files = {"files": [{"name": "files/a", "expirationTime": exact, "displayName": "of 2026-11-28T22:08:24Z"}]}
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "UTC-3")
        time.tzset()
        shown = gemini("files", "list", answers=[reply(files)], terminal=True).out
    time.tzset()
    assert "  2026-11-29 01:08  of 2026-11-28T22:08:24Z\n" in shown
    assert exact in gemini("files", "list", answers=[reply(files)]).out
    assert exact in gemini("files", "list", "--json", answers=[reply(files)], terminal=True).out


def offline(*argv: str, environ: dict[str, str], **more: Any) -> Any:
    return gemini(*argv, "--offline", environ=environ, **more)


def test_models_are_listed_as_rows_of_tabs_a_table_or_json(environ: dict[str, str]) -> None:
    rows = [line.split("\t") for line in offline("models", "list", environ=environ).out.splitlines()]
    assert [row[0] for row in rows if row[0] == "gemini-flash-latest"] == ["gemini-flash-latest"]
    assert {len(row) for row in rows} == {4}
    table = offline("models", "list", environ=environ, terminal=True).out.splitlines()
    assert table[0].split()[0] == "NAME"
    assert len(table) == len(rows) + 1
    models = [json.loads(line) for line in offline("models", "list", "--json", environ=environ).out.splitlines()]
    assert [model["name"].removeprefix("models/") for model in models] == [row[0] for row in rows]


def test_one_model_is_shown(environ: dict[str, str]) -> None:
    plain = offline("models", "get", "gemini-flash-latest", environ=environ)
    assert "name\tmodels/gemini-flash-latest\n" in plain.out
    assert offline("models", "get", "models/gemini-flash-latest", "--json", environ=environ).json["name"]
    assert offline("models", "get", "no-such-model", environ=environ).status == 6


@pytest.mark.parametrize(
    "argv",
    [
        ["models", "get"],
        ["models", "get", "a", "b"],
        ["models", "get", "../x"],
        ["models", "get", "a?b"],
        ["files", "get", "UPPER"],
        ["files", "get", "a/../b"],
        ["files", "delete", "x" * 41],
        ["interactions", "get"],
        ["tokens"],
        ["models"],
        ["models", "list", "--citations"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(argv: list[str], environ: dict[str, str]) -> None:
    assert offline(*argv, environ=environ).status == 2


def test_lists_follow_their_pages() -> None:
    first = {"files": [{"name": "files/a", "state": "ACTIVE"}], "nextPageToken": "t 1"}
    second = {"files": [{"name": "files/b", "displayName": "two\twords"}]}
    wire = ScriptedTransport([reply(first), reply(second)])
    outcome = gemini("files", "list", answers=wire)
    assert outcome.out == "files/a\tACTIVE\t\t\t\t\nfiles/b\t\t\t\t\ttwo words\n"
    assert [str(call.url).partition("?")[2] for call in wire.requests] == ["pageSize=100", "pageSize=100&pageToken=t+1"]
    assert gemini("files", "list", answers=[reply({})]) == (0, "", "")
    looping = [reply({"models": [], "nextPageToken": "t"}), reply({"models": [], "nextPageToken": "t"})]
    assert gemini("models", "list", answers=looping).status == 6


@pytest.mark.parametrize(
    "argv",
    [
        *(["files", "list"], ["models", "list"], ["batch", "list"], ["files", "get", "a"], ["models", "get", "a"]),
        *(["tokens", "hi"], ["batch", "status", "b1"], ["batch", "cancel", "b1"]),
    ],
)
def test_an_error_that_comes_as_a_good_answer_is_none(argv: list[str]) -> None:
    """Status 200 with the body of an error (api/README.md 12.2)."""
    error = {"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}
    assert gemini(*argv, answers=[reply(error)]) == (5, "", "gemini-cli: temporary: Busy.\n")
    assert gemini(*argv, answers=[reply({"error": {}})]).status == 6


def test_half_a_list_is_none() -> None:
    first = {"files": [{"name": "files/a"}], "nextPageToken": "t"}
    outcome = gemini("files", "list", answers=[reply(first), reply({"error": {"code": 500, "message": "m"}})])
    assert outcome.status != 0


def test_the_revision_goes_to_interactions_only() -> None:
    listing, asking = ScriptedTransport([reply({})]), ScriptedTransport([reply(interaction())])
    gemini("models", "list", answers=listing)
    gemini("generate", "hi", answers=asking)
    assert "Api-Revision" not in listing.requests[0].headers
    assert "Api-Revision" in asking.requests[0].headers


@pytest.mark.parametrize(
    "said", ["abc-1", "files/abc-1", "https://generativelanguage.googleapis.com/v1beta/files/abc-1"]
)
def test_a_file_is_named_in_every_way(said: str) -> None:
    assert gemini("files", "get", said, answers=[reply({"name": "files/abc-1"})]).out == "name\tfiles/abc-1\n"
    deleting = ScriptedTransport([reply({})])
    assert gemini("files", "delete", said, answers=deleting) == (0, "", "")
    assert deleting.requests[0].method == "DELETE"
    assert str(deleting.requests[0].url).endswith("/v1beta/files/abc-1")


def moved(location: str) -> httpx.Response:
    return reply({"error": {"code": 302}}, 302, headers={"location": location})


OCTETS = "application/octet-stream"


def test_a_download_follows_one_redirect_to_its_own_host_or_googles() -> None:
    for location in ("/download/v1beta/files/a:download?alt=media", "https://storage.googleapis.com/x"):
        wire = ScriptedTransport([moved(location), reply(b"\x00bytes", content_type=OCTETS)])
        assert gemini("files", "download", "a", answers=wire).out == "\x00bytes"
        assert str(wire.requests[0].url).endswith("/v1beta/files/a:download?alt=media")
        assert wire.requests[1].headers["x-goog-api-key"]
    for location in ("https://evil.example/x", "http://storage.googleapis.com/x", "https://evilgoogleapis.com/"):
        assert gemini("files", "download", "a", answers=[moved(location)]).status == 6
    twice = [moved("/download/v1beta/files/a"), moved("/download/v1beta/files/a")]
    assert gemini("files", "download", "a", answers=twice).status == 6


def test_an_interaction_is_fetched_with_the_statuses_of_generate(environ: dict[str, str]) -> None:
    made = offline("generate", "--json", "I have 2 dogs", environ=environ).json["id"]
    assert "2 dogs" in offline("interactions", "get", made, environ=environ).out
    assert offline("interactions", "get", made, "--json", environ=environ).json["id"] == made
    assert offline("interactions", "wait", made, "-u", environ=environ).err.startswith("usage: ")
    assert offline("interactions", "delete", made, environ=environ) == (0, "", "")
    assert offline("interactions", "get", made, environ=environ).status == 6
    assert gemini("interactions", "get", "a/b", answers=(wire := ScriptedTransport([reply(interaction())]))).status == 0
    assert str(wire.requests[0].url).endswith("/interactions/a%2Fb")
    cut = reply(interaction("Hel", "incomplete"))
    assert gemini("interactions", "get", "x", answers=[cut])[:2] == (8, "Hel")


def test_waiting_polls_and_lets_a_fresh_run_be_hidden_for_a_while() -> None:
    running, hidden = reply({"id": "x", "status": "in_progress"}), reply({"error": {"code": "permission_denied"}}, 403)
    sleeps: list[float] = []
    answers = [hidden, running, reply(interaction())]
    assert gemini("interactions", "wait", "x", answers=answers, sleeps=sleeps).out == "Hello!\n"
    assert sleeps == [1.0, 2.0]
    never = [reply({"error": {"code": "not_found"}}, 404) for _ in range(27)]
    assert gemini("interactions", "wait", "x", answers=never).status == 6
    assert gemini("interactions", "get", "x", answers=[reply({"id": "x", "status": "in_progress"})]).status == 8


def test_a_terminal_shows_how_far_a_run_is() -> None:
    steps = [{"type": "google_search_call", "id": str(number)} for number in range(3)]
    running = {"id": "x", "status": "in_progress", "steps": steps}

    def wait(**more: Any) -> Outcome:
        return gemini("interactions", "wait", "x", answers=[reply(running), reply(interaction())], **more)

    drawn = wait(terminal=True, environ={"TERM": "xterm", "COLUMNS": "100"})
    assert drawn.out == "Hello!\n"
    assert "3/? steps  in_progress" in re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", drawn.err)
    assert wait() == wait(terminal=True, environ={"TERM": "dumb"}) == (0, "Hello!\n", "")


def test_cancel_says_what_became_of_it_and_may_be_repeated() -> None:
    cancelled = {"id": "x", "status": "cancelled"}
    wire = ScriptedTransport([httpx.ReadError("reset"), reply(cancelled)])
    assert gemini("interactions", "cancel", "x", answers=wire).out == "cancelled\n"
    assert [(call.method, str(call.url).rpartition("/")[2], call.content) for call in wire.requests] == [
        ("POST", "cancel", b"")
    ] * 2
    assert gemini("interactions", "cancel", "x", "--json", answers=[reply(cancelled)]).json == cancelled


def test_tokens_are_counted_by_the_service() -> None:
    Path("a.png").write_bytes(b"\x89PNG")
    wire = ScriptedTransport([reply({"totalTokens": 42})])
    assert gemini("tokens", "-m", "m", "-a", "a.png", "hi", stdin=b"more", answers=wire).out == "42\n"
    assert str(wire.requests[0].url).endswith("/v1beta/models/m:countTokens")
    parts = [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}, {"text": "more"}]
    assert json.loads(wire.requests[0].content) == {"contents": [{"role": "user", "parts": parts}]}
    answer = reply({"totalTokens": 1, "promptTokensDetails": []})
    assert gemini("tokens", "hi", "--json", answers=[answer]).json == {"totalTokens": 1, "promptTokensDetails": []}


def test_tokens_are_those_of_the_whole_request(tmp_path: Path) -> None:
    tools = tmp_path / "tools.yaml"
    tools.write_text("- {name: f, parameters: {type: object}}\n")
    history = tmp_path / "h.json"
    history.write_text(
        json.dumps([{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}])
    )
    wire = ScriptedTransport([reply({"totalTokens": 42})])
    options = ["-s", "Be brief.", "-T", str(tools), "--history", str(history), "--seed", "7"]
    assert gemini("tokens", "-m", "m", *options, "hi", answers=wire).out == "42\n"
    assert json.loads(wire.requests[0].content) == {
        "generateContentRequest": {
            "model": "models/m",
            "contents": [
                {"role": "user", "parts": [{"text": "a"}]},
                {"role": "model", "parts": [{"text": "b"}]},
                {"role": "user", "parts": [{"text": "hi"}]},
            ],
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
            "generationConfig": {"seed": 7},
        }
    }
    assert json.loads(history.read_text())[0]["role"] == "user"  # only read


def test_tokens_of_a_request_in_a_file_of_either_api(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    for request in ({"contents": [{"parts": [{"text": "hi"}]}]}, {"input": "hi"}):
        file.write_text(json.dumps({"model": "m", **request}))
        wire = ScriptedTransport([reply({"totalTokens": 1})])
        assert gemini("tokens", "--request", str(file), "--no-stdin", answers=wire).out == "1\n"
        assert json.loads(wire.requests[0].content)["contents"][0]["parts"] == [{"text": "hi"}]
    for option in (["--agent", "a"], ["--previous", "v1_a"], ["--background"], ["-c"]):
        assert gemini("tokens", *option, "hi").status == 2


def test_tokens_are_counted_offline(environ: dict[str, str]) -> None:
    assert int(offline("tokens", "How does AI work?", environ=environ).out) > 0


@pytest.mark.parametrize("interaction_id", ["", ".", ".."])
def test_an_id_cannot_lead_elsewhere(interaction_id: str) -> None:
    for verb in ("get", "wait", "watch", "cancel", "delete"):
        assert gemini("interactions", verb, interaction_id).status == 2
    assert gemini("models", "get", interaction_id).status == 2
    assert gemini("models", "get", f"models/{interaction_id}").status == 2


def test_a_delete_needs_no_body_and_finds_done_what_its_first_try_did() -> None:
    missing = reply({"error": {"code": "not_found"}}, 404)
    assert gemini("interactions", "delete", "x", answers=[reply(b"", content_type="")]) == (0, "", "")
    assert gemini("files", "delete", "x", answers=[httpx.ReadError("reset"), missing]) == (0, "", "")
    assert gemini("files", "delete", "x", answers=[missing]).status == 6


def test_one_broken_poll_does_not_end_the_waiting() -> None:
    def broken() -> Any:
        yield b'{"id"'
        raise httpx.ReadError("reset")

    half = httpx.Response(200, headers={"content-type": "application/json"}, content=broken())
    running = reply({"id": "x", "status": "in_progress"})
    assert gemini("interactions", "wait", "x", answers=[running, half, reply(interaction())]).status == 0


def test_an_interaction_that_runs_is_told_as_such() -> None:
    running = {"id": "x", "status": "in_progress"}
    for flags in ([], ["--json"]):
        outcome = gemini("interactions", "get", "x", *flags, answers=[reply(running)])
        assert outcome.status == 8
        assert "is in_progress" in outcome.err


@pytest.mark.parametrize(
    "argv",
    [
        ["models", "list"], ["models", "get", "m"], ["files", "list"], ["files", "get", "a"], ["batch", "list"],
        ["batch", "status", "b"], ["batch", "wait", "b"], ["interactions", "cancel", "x"], ["tokens", "hi"],
    ],
)  # fmt: skip
def test_nothing_is_sent_where_stdout_is_closed(argv: list[str]) -> None:
    assert gemini(*argv, stdout_closed=True).status == 13


def deleting(*statuses: int) -> ScriptedTransport:
    error = {"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}}
    return ScriptedTransport([reply({}) if status == 200 else reply(error, status) for status in statuses])


@pytest.mark.parametrize(("noun", "prefix"), [("files", "files/"), ("interactions", "interactions/")])
def test_several_are_deleted_and_a_failure_does_not_stop_the_others(noun: str, prefix: str) -> None:
    wire = deleting(200, 404, 200)
    done = gemini(noun, "delete", "a", "b", "c", "a", answers=wire)
    assert (done.status, done.out) == (11, "")
    assert [(call.method, call.url.path.partition("/v1beta/")[2]) for call in wire.requests] == [
        ("DELETE", f"{prefix}{name}") for name in "abc"
    ]
    first, *_, last = done.err.splitlines()
    assert first.startswith("gemini-cli: rejected: ")
    assert "b: " in first
    assert last == f"gemini-cli: partial: 1 of 3 {noun} were not deleted"
    assert gemini(noun, "delete", "a", "b", answers=deleting(200, 200)) == (0, "", "")
    none = gemini(noun, "delete", "a", "b", answers=deleting(404, 404))
    assert (none.status, none.err.splitlines()[-1]) == (6, f"gemini-cli: rejected: none of the 2 {noun} was deleted")
    told = gemini(noun, "delete", "--json", "a", "b", answers=deleting(404, 200))
    assert [json.loads(line)["error"]["kind"] for line in told.err.splitlines()] == ["rejected", "partial"]


@pytest.mark.parametrize("argv", [["files", "delete"], ["files", "delete", "a", "x y"], ["interactions", "delete", ""]])
def test_a_name_that_cannot_be_one_deletes_nothing(argv: list[str]) -> None:
    assert gemini(*argv).status == 2


def test_the_last_answer_is_printed_again(environ: dict[str, str]) -> None:
    assert offline("interactions", "get", "-c", environ=environ).status == 3
    assert "there is no last interaction" in offline("interactions", "get", environ=environ).err
    first = offline("generate", "one", environ=environ)
    assert offline("interactions", "get", environ=environ) == first
    second = offline("stream", "two", environ=environ)
    assert offline("interactions", "get", "-c", environ=environ) == second
    assert offline("interactions", "get", "-c", "v1_x", environ=environ).status == 2
    assert offline("interactions", "get", "v1_x", "v1_y", environ=environ).status == 2
    named = offline("interactions", "get", "--json", environ=environ).json["id"]
    assert offline("interactions", "get", named, environ=environ) == second
