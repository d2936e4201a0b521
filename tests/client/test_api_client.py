"""Retry, waiting and error mapping against scripted replies. No socket, and nothing is slept."""

from __future__ import annotations

import json
from typing import Any, cast

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gemini_cli.api.api_error import read_api_error
from gemini_cli.client import interaction_resource
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.request_sender import ClientSettings
from gemini_cli.config.endpoint import Endpoint
from gemini_cli.errors import CliError, DeadlineExceeded, TemporaryError
from gemini_cli.transport.deadline import Deadline
from gemini_cli.transport.http_client import HttpClient, Limits
from gemini_cli.transport.retry import LONGEST_HINT, RetryPolicy, backoff, server_retry_delay
from tests.harness import ScriptedTransport, interaction, reply

ENDPOINT = Endpoint("http://127.0.0.1:1", "v1beta", "", "127.0.0.1", True, False)
NOW = 1_800_000_000.0


class Asked:
    """One POST or GET through the transport: its failure, the waits, the number of requests."""

    def __init__(
        self,
        *answers: httpx.Response | httpx.TransportError,
        method: str = "POST",
        timeout: float | None = None,
        retries: int = 3,
        retry_unknown: int = 0,
    ) -> None:
        self.waits: list[float] = []
        self.failure: CliError | None = None
        wire = ScriptedTransport(answers)
        deadline = Deadline(timeout, clock=lambda: sum(self.waits))
        policy = RetryPolicy(retries, retry_unknown, self.waits.append, lambda low, high: low, lambda: NOW)
        try:
            client = ApiClient(ClientSettings(HttpClient(wire, Limits(None, None)), ENDPOINT, None, deadline, policy))
            client.json(method, "interactions", b"{}")
        except CliError as failure:
            self.failure = failure
        self.requests = len(wire.requests)
        assert wire.spent

    @property
    def status(self) -> int:
        return self.failure.exit_status if self.failure else 0


OK = interaction()


def error(status: int, code: Any = None, message: str = "m", details: Any = None, **headers: str) -> httpx.Response:
    inner = {"code": code, "message": message, **({"details": details} if details else {})}
    return reply({"error": inner}, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


PER_MINUTE = {"violations": [{"quotaId": "RequestsPerMinutePerProject"}]}


@pytest.mark.parametrize(
    ("answers", "status", "waits"),
    [
        ([error(429, retry_after="1"), error(429, retry_after="1"), reply(OK)], 0, [1.0, 1.0]),
        ([error(503), reply(OK)], 0, [0.5]),
        ([error(503)] * 4, 5, [0.5, 1.0, 2.0]),
        ([error(429)] * 4, 5, [0.5, 1.0, 2.0]),
        ([error(408)] * 4, 5, [0.5, 1.0, 2.0]),
        ([error(500), error(502), reply(OK)], 0, [0.5, 1.0]),
        ([error(504)] * 2, 5, [0.5]),
        ([error(503), error(504), reply(OK)], 0, [0.5, 1.0]),
        ([error(504), error(503), error(504)], 5, [0.5, 1.0]),
        ([error(503)] * 3 + [error(504)], 5, [0.5, 1.0, 2.0]),
        ([error(429, details=[{"retryDelay": "2s"}]), reply(OK)], 0, [2.0]),
        ([error(429, message="Please retry in 32.5s."), reply(OK)], 0, [32.5]),
        ([error(429, message="Please retry in 3s.", details=[{"retryDelay": "1s"}]), reply(OK)], 0, [3.0]),
        ([error(429, message="Please retry in 3s.", details=[{"retryDelay": "inf"}]), reply(OK)], 0, [3.0]),
        ([error(429, message="retry in 2s", retry_after="3", retry_after_ms="4000"), reply(OK)], 0, [4.0]),
        ([httpx.ConnectError("refused")] * 4, 5, [0.5, 1.0, 2.0]),
        ([httpx.ConnectError("refused"), reply(OK)], 0, [0.5]),
        ([httpx.UnsupportedProtocol("ftp")], 6, []),
        ([httpx.ProxyError("407 Proxy Authentication Required")], 4, []),
        ([httpx.ProxyError("403 Forbidden")], 6, []),
        ([httpx.ProxyError("502 Bad Gateway"), reply(OK)], 0, [0.5]),
        ([httpx.ReadError("reset")], 12, []),
        ([error(400, "invalid_request")], 6, []),
        ([error(401, "authentication")], 4, []),
        ([error(403, "permission_denied")], 4, []),
        ([error(404, "not_found")], 6, []),
        ([error(402, "payment_required")], 7, []),
        ([error(409, "aborted")], 6, []),
        ([error(429, "quota_exceeded")], 7, []),
        ([error(429, details=[{"violations": [{"quotaId": "RequestsPerDayPerProject"}]}])], 7, []),
        ([error(429, details=[{"metadata": {"quota_limit": "GenerateRequestsPerDayPerProject"}}])], 7, []),
        ([error(429, details=[{"metadata": {"quota_limit": "GenerateRequestsPerMinute"}}])] * 4, 5, [0.5, 1.0, 2.0]),
        ([error(429, details=[{"violations": [{"description": "Limit of requests per day."}]}])], 7, []),
        ([error(429, details=[{"violations": [{"quotaId": "Requests", "description": "Daily limit"}]}])], 7, []),
        ([error(429, message="You have reached 50 requests per day.", retry_after="1")], 7, []),
        ([error(429, message="Daily limit exceeded.")], 7, []),
        (  # a period in the details counts more than the message
            [error(429, message="Daily limits are higher.", details=[PER_MINUTE])] * 4,
            5,
            [0.5, 1.0, 2.0],
        ),
        ([error(429, details=[PER_MINUTE, {"violations": [{"quotaId": "TokensPerDay"}]}])], 7, []),
        ([error(429, message="Your prepayment credits are depleted.")], 7, []),
        ([error(429, message="The project has reached its monthly spending cap.")], 7, []),
        ([error(429, message="Check your plan and billing details.")] * 4, 5, [0.5, 1.0, 2.0]),
        ([error(429, message="Quota exceeded, limit: 0, model: x\nPlease retry in 32s.")], 7, []),
        ([error(400, details=[{"reason": "API_KEY_INVALID"}])], 4, []),
        ([error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")], 4, []),
        ([error(400, "safety")], 9, []),
        ([error(501, "unimplemented")], 6, []),
        ([error(529)], 5, []),
        ([reply(b"", 201)], 6, []),
        ([reply(b"", 204)], 6, []),
        *(
            ([reply(b"", status, headers={"location": "http://127.0.0.2/"})], 6, [])
            for status in (301, 302, 303, 307, 308)
        ),
    ],
)
def test_a_create_is_repeated_only_when_nothing_was_carried_out(
    answers: list[httpx.Response | httpx.TransportError], status: int, waits: list[float]
) -> None:
    asked = Asked(*answers)
    assert (asked.status, asked.waits) == (status, waits)
    assert asked.requests == len(waits) + 1
    if asked.failure and status not in (6,):
        assert asked.failure.attempts == asked.requests


def test_what_has_no_effect_is_repeated_in_all_these_cases() -> None:
    asked = Asked(httpx.ReadError("reset"), error(503), httpx.ConnectError("refused"), reply(OK), method="GET")
    assert (asked.status, asked.requests) == (0, 4)
    assert Asked(*[httpx.ReadError("reset")] * 4, method="GET").status == 5


def test_an_unanswered_create_is_repeated_as_often_as_allowed() -> None:
    assert Asked(httpx.ReadError("reset"), reply(OK), retry_unknown=1).status == 0
    asked = Asked(*[httpx.ReadError("reset")] * 3, retry_unknown=2)
    assert (asked.status, asked.requests) == (12, 3)
    assert asked.failure is not None
    assert "may have been carried out" in asked.failure.message
    assert asked.failure.billed == "maybe"


def test_a_body_without_a_byte_is_no_answer_either() -> None:
    assert Asked(broken(b""), reply(OK), retry_unknown=1).status == 0
    assert Asked(broken(b"{"), retry_unknown=1).status == 8


def test_nothing_is_begun_after_the_deadline() -> None:
    """The alarm goes off once; a poll that it ended is not followed by others."""
    now = [0.0]
    deadline = Deadline(5, clock=lambda: now[0])
    deadline.check()
    deadline.start()
    now[0] = 4.9
    deadline.check()
    now[0] = 5.0
    with pytest.raises(DeadlineExceeded, match="limit of 5 s"):
        deadline.check()


@pytest.mark.parametrize("ended", ["between two looks", "while one was asked for"])
def test_a_deadline_ends_a_wait_in_one_way(ended: str) -> None:
    looks = [interaction(status="in_progress")] * 2

    class Service:
        def check_deadline(self) -> None:
            if not looks:
                raise DeadlineExceeded("the limit has passed")

        def json(self, method: str, path: str) -> str:
            if ended != "between two looks" and len(looks) == 1:
                looks.pop()
                raise TemporaryError("no byte came")
            return json.dumps(looks.pop())

        def sleep(self, seconds: float) -> None: ...

    with pytest.raises(DeadlineExceeded):
        interaction_resource.wait_for_interaction(cast(ApiClient, Service()), "v1_a")


def test_no_retries_means_one_request() -> None:
    assert Asked(error(503), retries=0).requests == 1


def test_a_wait_beyond_the_deadline_fails_at_once_and_says_when() -> None:
    asked = Asked(error(429, retry_after="3600"), timeout=10)
    assert (asked.status, asked.waits, asked.requests) == (5, [], 1)
    assert asked.failure is not None
    assert asked.failure.retry_after_s == 3600
    assert "3600" in asked.failure.message


@pytest.mark.parametrize("nonsense", ["inf", "NaN", "-5", "1e400", "soon", "9" * 20, "", "1 2", "0x10"])
def test_nonsense_in_retry_after_counts_as_absent(nonsense: str) -> None:
    asked = Asked(*[error(429, retry_after=nonsense)] * 4)
    assert (asked.status, asked.waits) == (5, [0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("Fri, 15 Jan 2027 08:00:02 GMT", 2.0),
        ("Fri, 15 Jan 2027 07:59:00 GMT", None),
        ("Fri, 15 Jan 9999 08:00:02 GMT", None),
        ("1.5", 1.5),
        ("٣", None),
        ("0", 0.0),
    ],
)
def test_retry_after_may_be_a_date(value: str, wait: float | None) -> None:
    assert server_retry_delay({"retry-after": value}, [], NOW) == wait


@example("", "0\x1f")  # `str.strip` takes this for a space, and `float` does not
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_hint_is_a_sane_wait_or_none(header: str, delay: str) -> None:
    wait = server_retry_delay({"retry-after": header, "retry-after-ms": header}, [delay], NOW)
    assert wait is None or 0 <= wait <= LONGEST_HINT


@given(st.integers(1, 40), st.floats(0.5, 1))
def test_backoff_grows_and_stays_within_its_limits(tries: int, chance: float) -> None:
    wait = backoff(tries, lambda low, high: chance)
    assert 0.5 <= wait <= 30
    assert backoff(10_000, lambda low, high: high) == 30
    assert backoff(tries + 1, lambda low, high: 0.5) >= backoff(tries, lambda low, high: 1.0) / 2


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply(b"<html>hello</html>", content_type="text/html"), 6),
        (reply(b"", content_type="application/json"), 6),
        (reply(OK, content_type="text/event-stream"), 6),
        (reply(OK, content_type=""), 6),
        (reply(OK, headers={"content-encoding": "gzip"}), 6),
        (reply(OK, headers={"content-encoding": " Identity"}), 0),
        (reply(OK, headers={"content-encoding": ""}), 0),
        (reply(OK, content_type="application/json; charset=UTF-8"), 0),
    ],
)
def test_only_what_was_asked_for_is_an_answer(answer: httpx.Response, status: int) -> None:
    assert Asked(answer).status == status


@pytest.mark.parametrize(("came", "status"), [(b"", 12), (b"  \n", 12), (b'{"id"', 8)])
def test_a_broken_body_is_unknown_or_incomplete(came: bytes, status: int) -> None:
    def chunks() -> Any:
        yield came
        raise httpx.ReadError("reset")

    asked = Asked(httpx.Response(200, headers={"content-type": "application/json"}, content=chunks()))
    assert asked.status == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"code":"x","message":"told"}}', "told"),
        (b'[{"error":{"code":404,"message":"told","status":"NOT_FOUND"}}]', "told"),
        (b'{"error":{"code":null,"message":null}}', "HTTP 500 Oops"),
        (b'{"error":"text"}', "text"),
        (b'{"message":"text"}', "text"),
        (b'{"error":{"code":3,"message":{"a":true}}}', '{"a":true}'),
        (b'{"other":"text"}', "HTTP 500 Oops"),
        (b"w" * 1000, "w" * 200 + "…"),
        (b"plain words", "plain words"),
        (b"<html>" + b"x" * 36_000, "HTTP 500 Oops"),
        (b"", "HTTP 500 Oops"),
        (b"[" * 100_000, "HTTP 500 Oops"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_every_error_body_becomes_a_sentence(body: bytes, message: str) -> None:
    assert read_api_error(body, 500, "Oops").to_cli_error(500).message == message


def test_an_endless_error_body_is_not_read_to_its_end() -> None:
    def chunks() -> Any:
        while True:
            yield b"x" * 10_000

    assert Asked(httpx.Response(400, headers={}, content=chunks())).status == 6


def broken(came: bytes) -> httpx.Response:
    """A JSON answer whose connection breaks after these bytes."""

    def chunks() -> Any:
        yield came
        raise httpx.ReadError("reset")

    return httpx.Response(200, headers={"content-type": "application/json"}, content=chunks())


def test_a_get_whose_body_breaks_is_asked_again() -> None:
    asked = Asked(broken(b""), broken(b'{"id"'), reply(OK), method="GET")
    assert (asked.status, asked.requests) == (0, 3)
    asked = Asked(*[broken(b'{"id"') for _ in range(4)], method="GET")
    assert (asked.status, asked.requests) == (5, 4)
    assert asked.failure is not None
    assert asked.failure.billed == "no"


def test_tries_are_counted_by_kind() -> None:
    """A refusal before an unanswered try does not use up what --retry-unknown allows."""
    asked = Asked(error(503), httpx.ReadError("reset"), error(503), reply(OK), retry_unknown=1)
    assert (asked.status, asked.requests) == (0, 4)
    assert Asked(error(503), httpx.ReadError("reset"), retry_unknown=0).status == 12


@pytest.mark.parametrize("location", ["http://[bad", "http://127.0.0.1:99999/", "https://[::1", "http://127.0.0.2:1/x"])
def test_any_location_is_a_redirect_and_no_more(location: str) -> None:
    assert Asked(reply(b"", 302, headers={"location": location})).status == 6
    assert ENDPOINT.may_move_to("http://127.0.0.1:1/x", location) is None
