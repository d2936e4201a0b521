"""Many rows at a time: the gate, the crew, what is asked again, and when a run ends. No socket; nothing is slept."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.bulk import checkpoint, map_runner, rows
from gemini_cli.bulk.checkpoint import CheckpointStore, NoCheckpoint, RowResult
from gemini_cli.bulk.map_runner import RowOutcome
from gemini_cli.bulk.rate_limiter import AdaptiveLimiter, LimiterClosed
from gemini_cli.bulk.request_template import RequestTemplate
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.interactions import InteractionsClient
from gemini_cli.client.request_sender import ClientSettings, OnRetry
from gemini_cli.concurrency import worker_pool
from gemini_cli.errors import CliError, InputError, OutputError, RejectedError
from gemini_cli.transport.deadline import Deadline
from gemini_cli.transport.http_client import HttpClient, Limits
from gemini_cli.transport.retry import RetryPolicy
from tests.client.test_api_client import ENDPOINT
from tests.harness import interaction, reply
from tests.waiting import PATIENCE, until

Answer = Callable[[str, int], httpx.Response | httpx.TransportError]


class Service(httpx.BaseTransport):
    """Answers by the prompt and how often it was. Keeps what was asked, and how many at a time."""

    def __init__(self, answer: Answer = lambda asked, times: reply(interaction(asked.upper()))) -> None:
        self.asked: list[str] = []
        self.most = 0
        self._answer = answer
        self._lock = threading.Lock()
        self._inside = 0

    def handle_request(self, call: httpx.Request) -> httpx.Response:
        asked = json.loads(call.read())["input"]
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self.asked.append(asked)
            times = self.asked.count(asked)
        try:
            answer = self._answer(asked, times)
        finally:
            with self._lock:
                self._inside -= 1
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer


class Run:
    """One run over rows "a", "b", …: what came out, how it ended, and the waits."""

    def __init__(
        self,
        service: Service,
        texts: str = "abc",
        *,
        jobs: int = 1,
        memory: CheckpointStore | None = None,
        ordered: bool = True,
        retry_unknown: int = 0,
        retries: int = 3,
        settle: Callable[[Any], None] = lambda body: None,
    ) -> None:
        self.waits: list[float] = []
        self.out: list[RowOutcome] = []
        self.failure: CliError | None = None
        form = make_form()
        gate = AdaptiveLimiter(jobs, 0, self.waits.append, lambda: 0.0)

        def api_client(on_retry: OnRetry) -> ApiClient:
            policy = RetryPolicy(retries, retry_unknown, self.waits.append, lambda low, high: low, lambda: 0.0)
            return ApiClient(
                ClientSettings(
                    HttpClient(service, Limits(None, None)), ENDPOINT, None, Deadline(None), policy, on_retry=on_retry
                )
            )

        dialogue = partial(InteractionsClient, resolve_attachments=settle)
        means = map_runner.WorkerDependencies(
            form, memory or NoCheckpoint(), gate, api_client, dialogue, None, retry_unknown > 0
        )
        found = rows.read_rows([json.dumps(text).encode() + b"\n" for text in texts], csv=False)
        try:
            with closing(map_runner.run_rows(found, means, jobs=jobs, ordered=ordered)) as outcomes:
                self.out.extend(outcomes)
        except CliError as failure:
            self.failure = failure

    @property
    def texts(self) -> list[Any]:
        """The answers, or the kinds of the errors, in the order in which they came out."""
        said = [json.loads(done.output.text) for done in self.out]
        return [row["text"] if row["ok"] else row["error"]["kind"] for row in said]


def make_means(service: Service, memory: CheckpointStore, gate: AdaptiveLimiter) -> map_runner.WorkerDependencies:
    """As they are where nothing has to be repeated."""

    def api_client(on_retry: OnRetry) -> ApiClient:
        policy = RetryPolicy(0, 0, time.sleep, lambda low, high: low, lambda: 0.0)
        return ApiClient(
            ClientSettings(
                HttpClient(service, Limits(None, None)), ENDPOINT, None, Deadline(None), policy, on_retry=on_retry
            )
        )

    return map_runner.WorkerDependencies(make_form(), memory, gate, api_client, InteractionsClient)


def test_the_error_of_a_row_does_not_keep_its_answer() -> None:
    """Without a collection, as during a run: the traceback has the frames that read the answer."""
    gc.collect()
    gc.disable()
    try:
        others = rejected_errors()  # of other tests
        run = Run(Service(lambda asked, times: reply(b'{"status": "completed", "x": ')), "abc")
        kept = [error for error in rejected_errors() if error not in others]
    finally:
        gc.enable()
    assert run.texts == ["rejected"] * 3
    assert kept == []


def rejected_errors() -> list[RejectedError]:
    return [each for each in gc.get_objects() if isinstance(each, RejectedError)]


def make_form() -> RequestTemplate:
    return RequestTemplate(
        {"model": "m"},
        digest_parts=(),
        prompt=None,
        prefix="",
        attach=(),
        attached=lambda texts: [],
        attached_by_row=lambda texts: [],
    )


def refused(
    http_status: int, message: str = "m", headers: Mapping[str, str] | None = None, **more: Any
) -> httpx.Response:
    return reply({"error": {"code": http_status, "message": message, **more}}, http_status, headers=headers)


def scripted(failures: Mapping[str, list[httpx.Response | httpx.TransportError]]) -> Service:
    """These answers for these rows, one after the other; then good ones."""

    def answer(asked: str, times: int) -> httpx.Response | httpx.TransportError:
        script = failures.get(asked, [])
        return script[times - 1] if times <= len(script) else reply(interaction(asked.upper()))

    return Service(answer)


def test_rows_come_out_in_order_however_their_answers_come() -> None:
    later = threading.Event()

    def answer(asked: str, times: int) -> httpx.Response:
        if asked == "a":
            later.wait(PATIENCE)
        if asked == "i":
            later.set()
        return reply(interaction(asked.upper()))

    run = Run(Service(answer), "abcdefghi", jobs=2)
    assert run.texts == list("ABCDEFGHI")
    later.clear()
    texts = Run(Service(answer), "abcdefghi", jobs=2, ordered=False).texts
    assert [text for text in texts if text != "I"] == list("BCDEFGHA")  # "a" is answered while "i" is


def test_nobody_runs_far_ahead_of_a_slow_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "MAX_AHEAD", 5)
    slow = threading.Event()
    asked: list[str] = []

    def answer(text: str, times: int) -> httpx.Response:
        asked.append(text)
        if text == "a":
            threading.Timer(0.2, slow.set).start()
            slow.wait(PATIENCE)
            assert len(asked) <= 6
        return reply(interaction(text.upper()))

    assert Run(Service(answer), "abcdefghijklmnop", jobs=2).texts == list("ABCDEFGHIJKLMNOP")


def test_a_row_is_repeated_as_a_single_question_would_be() -> None:
    service = scripted(
        {"a": [refused(503), httpx.ConnectError("reset")], "b": [httpx.ReadError("silence")], "c": [refused(400)]}
    )
    run = Run(service)
    assert run.texts == ["A", "unknown", "rejected"]
    assert service.asked == ["a", "a", "a", "b", "c"]
    assert run.waits == [0.5, 1.0]
    assert run.failure is None


def test_a_429_makes_everybody_wait_and_halves_what_is_under_way() -> None:
    gate = AdaptiveLimiter(8, 0, lambda seconds: None, lambda: 0.0)
    limits: list[int] = []

    def take() -> int:
        """How many the gate lets in at once."""
        count = 0
        while gate._open():
            gate.__enter__()
            count += 1
        for _ in range(count):
            gate.__exit__(None, None, None)
        return count

    for _ in range(4):
        with gate:
            gate.pause(2.0, all_workers=True)
        limits.append(take())
    assert limits == [4, 2, 1, 1]
    for _ in range(100):
        gate.record_success()
    assert take() == 8
    with gate:
        gate.pause(2.0, all_workers=False)
    assert take() == 8


def test_nobody_is_let_in_while_one_was_told_to_wait() -> None:
    opened: list[bool] = []
    gate = AdaptiveLimiter(8, 0, lambda seconds: opened.append(gate._open()), lambda: 0.0)
    with gate:
        gate.pause(2.0, all_workers=True)
        gate.pause(2.0, all_workers=False)
    assert opened == [False, True]


def test_a_rate_spaces_the_starts() -> None:
    now, waits = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    gate = AdaptiveLimiter(8, 2.0, sleep, lambda: now[0])
    for _ in range(3):
        with gate:
            now[0] += 0.5
    now[0] += 10
    with gate:
        pass
    assert waits == [1.5, 1.5]


def test_a_rate_holds_after_a_pause_too() -> None:
    """No thread uses up a turn while the gate is closed for all."""
    gate, paused, starts = AdaptiveLimiter(8, 0.02, time.sleep, time.monotonic), threading.Event(), list[float]()

    def first() -> None:
        with gate:
            paused.set()
            gate.pause(0.2, all_workers=True)
            starts.append(time.monotonic())

    def other() -> None:
        paused.wait(PATIENCE)
        with gate:
            starts.append(time.monotonic())

    threads = [threading.Thread(target=work) for work in (first, *[other] * 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(starts) == 5
    assert max(starts) - min(starts) >= 4 * 0.02 - 0.001


def test_a_closed_gate_lets_nobody_in() -> None:
    gate = AdaptiveLimiter(1, 0, lambda seconds: gate.close(), lambda: 0.0)
    with pytest.raises(LimiterClosed), gate:
        gate.pause(1.0, all_workers=True)
    with pytest.raises(LimiterClosed), gate:
        pass


def test_the_servers_time_is_waited_for_and_the_run_goes_on() -> None:
    service = scripted({"b": [refused(429, headers={"retry-after": "7"})]})
    run = Run(service, "abcdefgh", jobs=4)
    assert run.texts == list("ABCDEFGH")
    assert run.waits == [7.0]
    assert service.most <= 4


def test_retries_are_counted_over_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_runner, "SPARE_RETRIES", 1)
    service = Service(lambda asked, times: refused(503, f"{asked} {times}"))
    run = Run(service, "abcd", retries=100)
    assert run.texts == ["temporary"] * 4
    assert len(service.asked) == 4 + 1 + 4  # each once, one repetition to spare, one for each row


def test_ten_equal_failures_in_a_row_end_the_run_with_their_status() -> None:
    service = scripted({text: [refused(400, "no such model")] for text in "bcefghijklmnop"})
    run = Run(service, "abcdefghijklmnop")
    assert run.failure is not None
    assert (run.failure.exit_status, run.failure.message) == (6, "no such model")
    assert service.asked == list("abcdefghijklmn")
    assert run.texts == ["A", *["rejected"] * 2, "D", *["rejected"] * 10]


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked, times: refused(400, f"bad row {asked}"),
        lambda asked, times: reply(interaction("", status="failed", errors=[{"code": "safety", "message": "m"}])),
        lambda asked, times: reply(interaction("cut", status="incomplete")),
    ],
    ids=["each its own", "blocked", "incomplete"],
)
def test_failures_of_the_rows_themselves_do_not_end_a_run(answer: Answer) -> None:
    run = Run(Service(answer), "abcdefghijklmnop")
    assert run.failure is None
    assert len(run.out) == 16


def quota() -> httpx.Response:
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    return refused(429, "used up", status="RESOURCE_EXHAUSTED", details=[{"violations": [violation]}])


def test_a_quota_of_the_day_ends_the_run_at_once_and_what_is_under_way_is_kept(tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def answer(asked: str, times: int) -> httpx.Response:
        if asked in "ab":
            both.wait(PATIENCE)
        return quota() if asked == "a" else reply(interaction(asked.upper()))

    path = str(tmp_path / "c")
    with checkpoint.open_checkpoint(path, make_form().digest) as memory:
        run = Run(Service(answer), "abcdefgh", jobs=2, memory=memory)
    assert run.failure is not None
    assert run.failure.exit_status == 7
    assert {"B", "quota"} <= set(run.texts)
    again = Service()
    with checkpoint.open_checkpoint(path, make_form().digest) as memory:
        assert Run(again, "abcdefgh", memory=memory).texts == list("ABCDEFGH")
    assert "a" in again.asked
    assert "b" not in again.asked


def test_what_was_answered_is_not_asked_again_and_what_was_unknown_only_if_allowed(tmp_path: Path) -> None:
    path = str(tmp_path / "c")
    failing: dict[str, list[httpx.Response | httpx.TransportError]] = {
        "a": [httpx.ReadError("silence")],
        "b": [refused(400)],
        "c": [refused(503)] * 4,
        "d": [refused(403)],
    }

    def run(service: Service, **more: Any) -> Run:
        with checkpoint.open_checkpoint(path, make_form().digest) as memory:
            return Run(service, "abcde", memory=memory, **more)

    assert run(scripted(failing)).texts == ["unknown", "rejected", "temporary", "auth", "E"]
    second = Service()
    assert run(second).texts == ["unknown", "rejected", "C", "D", "E"]
    assert second.asked == ["c", "d"]
    third = Service()
    assert run(third, retry_unknown=1).texts == ["A", "rejected", "C", "D", "E"]
    assert third.asked == ["a"]
    fourth = Service()
    assert run(fourth).texts == ["A", "rejected", "C", "D", "E"]
    assert fourth.asked == []


def test_a_row_that_waits_for_its_turn_again_is_known_not_to_have_been_carried_out(tmp_path: Path) -> None:
    path = str(tmp_path / "c")
    lines: list[bytes] = []

    class Watching(Service):
        def handle_request(self, call: httpx.Request) -> httpx.Response:
            lines.append(Path(path).read_bytes().splitlines()[-1])
            return super().handle_request(call)

    service = Watching(scripted({"a": [refused(503)]})._answer)
    with checkpoint.open_checkpoint(path, make_form().digest) as memory:
        Run(service, "a", memory=memory)
    assert [b'"intent"' in line for line in lines] == [True, True]
    kept = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert [record.keys() & {"intent", "refused", "result"} for record in kept] == [
        set(),
        {"intent"},
        {"refused"},
        {"intent"},
        {"result"},
    ]


def test_whatever_ends_a_run_what_has_arrived_is_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "c")
    with checkpoint.open_checkpoint(path, make_form().digest) as memory:
        service = Service()
        means = make_means(service, memory, AdaptiveLimiter(2, 0, lambda seconds: None, lambda: 0.0))
        found = rows.read_rows([b'"a"\n"b"\n"c"\n"d"\n'], csv=False)
        with closing(map_runner.run_rows(found, means, jobs=2, ordered=True)) as outcomes:
            next(outcomes)
    again = Service()
    with checkpoint.open_checkpoint(path, make_form().digest) as memory:
        assert Run(again, "abcd", memory=memory).texts == list("ABCD")
    assert not set(service.asked) & set(again.asked)


def test_however_slow_the_reader_is_few_rows_are_sent_and_have_no_result(tmp_path: Path) -> None:
    """The rows that a kill -9 at this moment would leave unknown."""
    path, most = tmp_path / "c", 0

    def unknown() -> int:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return len({line["intent"] for line in lines if "intent" in line} - {line.get("result") for line in lines})

    def answer(asked: str, times: int) -> httpx.Response:
        nonlocal most
        most = max(most, unknown())
        return reply(interaction(asked.upper()))

    service = Service(answer)
    with checkpoint.open_checkpoint(str(path), make_form().digest) as memory:
        gate = AdaptiveLimiter(2, 0, lambda seconds: None, lambda: 0.0)
        found = rows.read_rows([b'"%d"\n' % number for number in range(40)], csv=False)
        with closing(map_runner.run_rows(found, make_means(service, memory, gate), jobs=2, ordered=True)) as outcomes:
            next(outcomes)
            until(lambda: (len(service.asked), unknown()) == (40, 0))
    assert most <= 2


def test_a_checkpoint_that_cannot_be_written_ends_the_run_before_anything_is_sent() -> None:
    class Full(NoCheckpoint):
        def mark_sent(self, row: rows.Row, digest: str) -> None:
            raise OutputError("cannot write it: No space left on device")

    service = Service()
    run = Run(service, "abcdef", jobs=2, memory=Full())
    assert isinstance(run.failure, OutputError)
    assert (service.asked, run.out) == ([], [])


def test_an_answer_that_the_checkpoint_cannot_keep_is_printed_and_ends_the_run() -> None:
    class Full(NoCheckpoint):
        def save_result(self, result: RowResult) -> None:
            raise OutputError("cannot write it: No space left on device")

    service = Service()
    run = Run(service, "abc", jobs=1, memory=Full())
    assert isinstance(run.failure, OutputError)
    assert (service.asked, run.texts) == (["a"], ["A"])


def test_an_attachment_that_could_not_be_sent_is_tried_again_by_a_later_run(tmp_path: Path) -> None:
    def fail(body: Any) -> None:
        raise InputError("a.png changed while it was being sent")

    path, service = str(tmp_path / "c"), Service()
    for settle, texts in ((fail, ["input"]), (lambda body: None, ["A"])):
        with checkpoint.open_checkpoint(path, make_form().digest) as memory:
            assert Run(service, "a", memory=memory, settle=settle).texts == texts
    assert service.asked == ["a"]


def test_a_source_that_breaks_is_told_after_what_has_come() -> None:
    """Even what came before its turn: "a" is not answered any more."""
    kept, over = threading.Event(), threading.Event()

    class Noticing(NoCheckpoint):
        def save_result(self, result: RowResult) -> None:
            kept.set()

    def broken() -> Iterator[rows.Row]:
        yield rows.Row(1, 1, "a", 3)
        yield rows.Row(2, 2, "b", 3)
        kept.wait(PATIENCE)
        raise InputError("cannot read it")

    def answer(asked: str, times: int) -> httpx.Response:
        if asked == "a":
            over.wait(PATIENCE)
        return reply(interaction(asked))

    out: list[RowOutcome] = []
    means = make_means(Service(answer), Noticing(), AdaptiveLimiter(3, 0, lambda seconds: None, lambda: 0.0))
    with pytest.raises(InputError, match="cannot read it"):
        out.extend(map_runner.run_rows(broken(), means, jobs=3, ordered=True))
    over.set()
    assert [done.row.value for done in out] == ["b"]
