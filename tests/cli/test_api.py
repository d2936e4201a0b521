"""`api METHOD PATH`: any call, with the checks, retries and statuses of the other commands."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import KEY, Outcome, ScriptedTransport, gemini, reply

BASE = "https://generativelanguage.googleapis.com/v1beta"
BODY = '{"model": "models/m", "ttl": "300s"}'
OCTETS = "application/octet-stream"


def call(*argv: str, answers: list[Any], **options: Any) -> tuple[Outcome, ScriptedTransport]:
    wire = ScriptedTransport(answers)
    return gemini("api", *argv, answers=wire, **options), wire


# The request --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_call_has_its_method_the_key_and_the_bytes_of_the_answer(method: str) -> None:
    answer = b'{\n  "b": 1.10, "a": "\xc3\xa9"}'
    outcome, wire = call(method, "cachedContents/abc?updateMask=ttl", answers=[reply(answer)])
    assert outcome == (0, answer.decode(), "")
    [request] = wire.requests
    assert (request.method, str(request.url)) == (method, f"{BASE}/cachedContents/abc?updateMask=ttl")
    assert request.headers["x-goog-api-key"]
    assert request.headers.get("content-length") == (None if method in ("GET", "DELETE") else "0")


@pytest.mark.parametrize("path", ["cachedContents", "/cachedContents"])
def test_a_method_in_lower_case_and_a_slash_before_the_path(path: str) -> None:
    _, wire = call("get", path, answers=[reply({})])
    assert (wire.requests[0].method, str(wire.requests[0].url)) == ("GET", f"{BASE}/cachedContents")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("given", [BODY, "body.json", "body.yaml", "-"])
def test_the_body_is_json_a_file_or_stdin(given: str, method: str) -> None:
    Path("body.json").write_text(BODY)
    Path("body.yaml").write_text("model: models/m\nttl: 300s\n")
    _, wire = call(method, "cachedContents", "-d", given, answers=[reply({})], stdin=BODY.encode())
    assert wire.body() == {"model": "models/m", "ttl": "300s"}
    assert wire.requests[0].headers["content-type"] == "application/json"


def test_the_digits_of_a_body_stay() -> None:
    _, wire = call("POST", "x", "-d", '{"n": 1.10}', answers=[reply({})])
    assert wire.requests[0].content == b'{"n":1.10}'


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["POST", "x", "-d", '{"a": 1'], 3),
        (["POST", "x", "-d", "[1]"], 3),
        (["POST", "x", "-d", "no-such-file"], 3),
        (["POST", "x", "-d", "{}", "-d", "{}"], 2),
        (["GET", "x", "-d", "{}"], 2),
        (["DELETE", "x", "-d", "{}"], 2),
        (["POST", "x", "--paginate"], 2),
        (["BREW", "x"], 2),
        (["GET"], 2),
        (["GET", "x", "y"], 2),
        ([], 2),
    ],
    ids=str,
)
def test_a_call_that_cannot_be_made(argv: list[str], status: int) -> None:
    outcome, _ = call(*argv, answers=[])
    assert (outcome.status, outcome.out) == (status, "")


@pytest.mark.parametrize(
    "path",
    [
        *("..", "../v1/x", "a/..", "a/../b", "a/./b", ".", "a/..;x/b", "//evil.example/x", "///x", "a//b", "a/"),
        *("/", ""),
        *("%2e%2e/x", "a/%2E%2e/b", "a%2fb", "a%2Fb", "a%5cb", "a\\b", "..\\b", "a%00b", "a%0ab", "%252e%252e/x"),
        *("http://evil.example/x", "https://evil.example", "a b", "a\nb", "a\tb", "a\x7fb", "a#b", "a\u00e9", "a%zz"),
        *("v1/models", "v1beta/models", "v1alpha/models", "v1beta", "x?a b", "x?a\nb", "x?a#b", "x?a\\b"),
        *("models?key=abc", "models?a=b&key=", "models?%6bey=abc"),
    ],
)
@pytest.mark.parametrize("how", [[], ["-n"]])
def test_a_path_cannot_leave_the_host_or_the_version(path: str, how: list[str]) -> None:
    outcome, _ = call("GET", path, *how, answers=[])
    assert (outcome.status, outcome.out) == (2, "")
    assert "abc" not in outcome.err.replace("cachedContents/abc", "")


@pytest.mark.parametrize(
    "path", ["models/m:embedContent", "a/b-c_d~e", "x?q=a%20b%2f..%2F&u=https://e.test/?", "a/%41"]
)
def test_a_path_is_sent_as_it_is(path: str) -> None:
    _, wire = call("GET", path, answers=[reply({})])
    assert str(wire.requests[0].url) == f"{BASE}/{path}"


def test_an_error_in_a_body_names_its_option() -> None:
    outcome = gemini("api", "POST", "x", "-d", '{"a": }')
    assert outcome.status == 3
    assert outcome.err.startswith("gemini-cli: input: --data: not valid JSON: ")


def test_a_key_in_the_body_is_not_sent() -> None:
    assert call("POST", "x", "-d", json.dumps({"a": KEY}), answers=[])[0].status == 3


# Showing it ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_call_and_needs_no_key() -> None:
    outcome = gemini("api", "PATCH", "cachedContents/a", "-d", BODY, "-n", environ={"GEMINI_API_KEY": ""})
    shown = outcome.json
    assert (shown["method"], shown["url"]) == ("PATCH", f"{BASE}/cachedContents/a")
    assert shown["body"] == json.loads(BODY)
    assert gemini("api", "GET", "models", "-n").body is None


def test_curl_sends_a_body_only_where_the_method_has_one() -> None:
    assert "--data-binary '{\"a\":1}'" in gemini("api", "PUT", "x", "-d", '{"a": 1}', "--curl").out
    assert "-X POST" in (post := gemini("api", "POST", "x:cancel", "--curl").out)
    assert "--data-binary ''" in post
    assert "--data-binary" not in gemini("api", "DELETE", "x", "--curl").out


# The answer ---------------------------------------------------------------------------------------------------------


def test_an_answer_that_is_not_json_is_printed_as_bytes() -> None:
    outcome, _ = call("GET", "files/a:download?alt=media", answers=[reply(b"\x00\x1bbytes\n", content_type=OCTETS)])
    assert outcome == (0, "\x00\x1bbytes\n", "")


def test_a_terminal_shows_control_characters_and_ends_the_line() -> None:
    for data, kind in (('{"a": "\x9b2J\u202e"}', "application/json"), ("{\x1b[2J\u202e}", "text/plain")):
        outcome, _ = call("GET", "x", answers=[reply(data.encode(), content_type=kind)], terminal=True)
        assert outcome.status == 0
        assert outcome.out.endswith("}\n")
        assert not {"\x1b", "\x9b", "\u202e"} & set(outcome.out)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_of_http_is_one(status: int) -> None:
    outcome, _ = call("POST", "x", answers=[reply(b"" if status == 204 else {}, status)])
    assert outcome == (0, "" if status == 204 else "{}", "")


@pytest.mark.parametrize("status", [206, 304])
def test_other_statuses_are_none(status: int) -> None:
    assert call("GET", "x", answers=[reply({}, status)])[0].status == 6


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply({"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}, 400), 6),
        (reply({"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED"}}, 403), 4),
        (reply({"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}, 404), 6),
        (reply({"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED"}}), 4),
        (reply([{"candidates": []}, {"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}]), 5),
        (reply(b"<html>", content_type="text/html"), 6),
        (reply({}, headers={"content-encoding": "gzip"}), 6),
        (reply(b"", 302, headers={"location": "https://evil.example/x"}), 6),
        (reply(b'{"a": ["b"'), 8),
        (reply(b'{"a": ["b"', content_type="Application/JSON;charset=utf-8"), 8),
        (reply(b"event: x\ndata: {}\n\n", content_type="text/event-stream"), 6),
        (reply(b"event: x\ndata: {}\n\n", content_type="Text/Event-Stream"), 6),
    ],
    ids=lambda value: "" if isinstance(value, httpx.Response) else str(value),
)
def test_errors_have_the_statuses_of_other_commands(answer: httpx.Response, status: int) -> None:
    outcome, _ = call("POST", "x", answers=[answer])
    assert (outcome.status, outcome.out) == (status, "")


def test_an_answer_that_is_cut_off_is_a_prefix() -> None:
    def cut() -> Iterator[bytes]:
        yield b"first"
        raise httpx.ReadError("reset")

    answer = httpx.Response(200, headers={"content-type": OCTETS}, content=cut())
    outcome, _ = call("GET", "files/a:download", answers=[answer])
    assert outcome[:2] == (8, "first")


def test_a_download_follows_the_redirect_of_the_api_only() -> None:
    moved = reply(b"", 302, headers={"location": "/download/v1beta/files/a:download?alt=media"})
    outcome, _ = call("GET", "files/a:download", answers=[moved, reply(b"x", content_type=OCTETS)])
    assert outcome == (0, "x", "")


@pytest.mark.parametrize(
    "argv",
    [
        ["POST", "models/m:streamGenerateContent?alt=sse", "-d", "{}"],
        ["POST", "interactions", "-d", '{"stream": true}'],
        ["GET", "interactions/a?stream=true"],
    ],
)
def test_a_stream_of_events_is_refused_before_it_is_sent(argv: list[str]) -> None:
    outcome, _ = call(*argv, answers=[])
    assert (outcome.status, outcome.out) == (2, "")
    assert "hint: gemini-cli stream --json" in outcome.err


# Retries ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status", "requests"),
    [("GET", 0, 2), ("PUT", 0, 2), ("DELETE", 0, 2), ("POST", 12, 1), ("PATCH", 12, 1)],
)
def test_only_a_call_without_effect_is_repeated_after_no_answer(method: str, status: int, requests: int) -> None:
    lost = httpx.ReadError("reset")
    outcome, wire = call(method, "x", answers=[lost, reply({})][:requests])
    assert (outcome.status, len(wire.requests)) == (status, requests)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_any_call_is_repeated_if_it_was_not_sent_or_refused_for_now(method: str) -> None:
    for first in (httpx.ConnectError("refused"), reply({"error": {"code": 503, "message": "m"}}, 503)):
        outcome, wire = call(method, "x", answers=[first, reply({})])
        assert (outcome.status, len(wire.requests)) == (0, 2)


def test_an_answer_in_json_that_breaks_off_is_requested_again() -> None:
    def cut() -> Iterator[bytes]:
        yield b'{"a":'
        raise httpx.ReadError("reset")

    answer = httpx.Response(200, headers={"content-type": "application/json"}, content=cut())
    assert call("GET", "x", answers=[answer, reply(b"{}")])[0] == (0, "{}", "")


def test_a_repeated_deletion_that_finds_nothing_has_succeeded() -> None:
    gone = reply({"error": {"code": 404, "message": "m"}}, 404)
    assert call("DELETE", "x", answers=[httpx.ReadError("reset"), gone])[0] == (0, "", "")


# Pages --------------------------------------------------------------------------------------------------------------


def test_pages_are_printed_one_on_a_line_with_their_own_digits() -> None:
    pages = [reply(b'{"x": [1.10],\n "nextPageToken": "a&b"}'), reply({"x": [2]})]
    outcome, wire = call("GET", "caches?pageSize=1&f=a&f=b", "--paginate", answers=pages)
    assert outcome == (0, '{"x":[1.10],"nextPageToken":"a&b"}\n{"x":[2]}\n', "")
    assert [request.url.query for request in wire.requests] == [
        b"pageSize=1&f=a&f=b",
        b"pageSize=1&f=a&f=b&pageToken=a%26b",
    ]


def test_pages_begin_with_the_page_that_is_named() -> None:
    _, wire = call("GET", "caches?pageToken=t", "--paginate", answers=[reply({"nextPageToken": "u"}), reply({})])
    assert [request.url.query for request in wire.requests] == [b"pageToken=t", b"pageToken=u"]


def test_pages_on_a_terminal_are_indented() -> None:
    outcome, _ = call("GET", "caches", "--paginate", answers=[reply({"a": 1})], terminal=True)
    assert outcome.out == '{\n  "a": 1\n}\n'


@pytest.mark.parametrize("tokens", ["aa", "aba"])
def test_pages_that_lead_back_end_the_run(tokens: str) -> None:
    outcome, _ = call("GET", "caches", "--paginate", answers=[reply({"nextPageToken": token}) for token in tokens])
    assert outcome.status == 8
    assert "does not end" in outcome.err


def test_pages_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from gemini_cli.client import resources

    monkeypatch.setattr(resources, "MAX_PAGES", 5)
    pages = (reply({"nextPageToken": str(number)}) for number in itertools.count())
    outcome, _ = call("GET", "caches", "--paginate", answers=list(itertools.islice(pages, 5)))
    assert (outcome.status, outcome.out.count("\n")) == (8, 5)
