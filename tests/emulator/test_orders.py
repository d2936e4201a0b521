"""Orders of faults: how they are written, and which call they fall on (issue 3, item 4)."""

from typing import Any

import pytest

from gemini_cli.emulator import Emulator
from gemini_cli.emulator.faults.fault_table import ROWS, read
from gemini_cli.emulator.faults.faults import Order

from .door import Door
from .test_faults import CREATE, TARGET, faulty, said, streamed

# --- the grammar


@pytest.mark.parametrize(
    ("order", "name", "arguments"),
    [
        ("cut", "cut", {}),
        ("cut()", "cut", {}),
        ("cut(3)", "cut", {"after": 3}),
        ("cut(after=3, times=2)", "cut", {"after": 3, "times": 2}),
        (
            "refuse(503, times=forever, retry_after='soon')",
            "refuse",
            {"status": 503, "times": "forever", "retry_after": "soon"},
        ),
        ("refuse(429, retry_after=-5)", "refuse", {"status": 429, "retry_after": -5}),
        ("reset(carried_out=false)", "reset", {"carried_out": False}),
    ],
)
def test_orders_are_read(order: str, name: str, arguments: dict[str, Any]) -> None:
    assert read(order) == (name, arguments)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("stal", "unknown fault 'stal', did you mean 'stall'?"),
        ("cut(", "is not written name"),
        ("", "is not written name"),
        ("__import__('os')(1)", "is not written name"),
        ("cut(1, 2, 3)", "too many arguments"),
        ("cut(before=1)", "no free argument 'before'"),
        ("cut(3, after=3)", "no free argument 'after'"),
        ("cut(after=soon)", "after is a number"),
        ("cut(after=open('x'))", "arguments are numbers and words"),
        ("cut(times=0)", "times is a number from 1 on"),
        ("cut(on=moon)", "on is one of any, asks"),
        ("cut(**x)", "no free argument None"),
    ],
)
def test_wrong_orders_are_refused_before_anything_runs(order: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace("?", r"\?")):
        Emulator(faults=[order])


def test_every_row_says_what_it_does_and_can_be_ordered_by_its_usage() -> None:
    for row in ROWS.values():
        assert row.says.endswith("."), row.name
        assert Order.parse(row.usage).row == row


# --- which call


def test_orders_fall_in_their_order_and_are_counted() -> None:
    door = faulty("refuse(500)", "refuse(503, times=2)")
    assert [door.post(TARGET, CREATE).status for _ in range(4)] == [500, 503, 503, 200]
    assert door.emulator.leftovers() == []


def test_what_was_not_spent_is_left_over() -> None:
    door = faulty("refuse(503, times=2)", "cut", "rate_limit(times=forever, on=delete)")
    door.post(TARGET, CREATE)
    assert door.emulator.leftovers() == [
        "fault not spent: refuse(503, times=2)",
        "fault not spent: cut",
        "fault not spent: rate_limit(times=forever, on=delete)",
    ]


def test_for_ever_is_spent_once_it_was_used() -> None:
    door = faulty("refuse(503, times=forever)")
    assert [door.post(TARGET, CREATE).status for _ in range(5)] == [503] * 5
    assert door.emulator.leftovers() == []


def test_on_chooses_the_calls() -> None:
    door = faulty("refuse(404, on=resumes)", "refuse(500, on=delete)")
    id = door.create()["id"]
    assert door.get(f"{TARGET}/{id}").status == 200
    assert door.get(f"{TARGET}/{id}?stream=true").status == 404
    assert door.ask("DELETE", f"{TARGET}/{id}").status == 500


def test_faults_of_different_slots_fall_on_one_call_and_of_one_slot_on_several() -> None:
    door = faulty("cut(after=1)", "cut(after=3)", "no_event_ids")
    first, second = streamed(door), streamed(door)
    assert [len(said(frames)) for frames, _ in (first, second)] == [24, 72]
    assert b"event_id" not in b"".join(first[0])
    assert b"event_id" in b"".join(second[0])
    assert door.emulator.leftovers() == []


def test_a_fault_in_a_header_needs_the_token() -> None:
    door = Door(Emulator(token="t"))
    headers = {"x-emulator-fault": "refuse(418)"}
    assert door.ask("POST", TARGET, CREATE, headers).status == 403
    assert door.ask("POST", TARGET, CREATE, {**headers, "x-emulator-token": "t"}).status == 418
    wrong = door.ask("POST", TARGET, CREATE, {"x-emulator-fault": "stal", "x-emulator-token": "t"})
    assert (wrong.status, "did you mean 'stall'" in wrong.json["error"]["message"]) == (400, True)
    assert Door(Emulator()).ask("POST", TARGET, CREATE, {**headers, "x-emulator-token": ""}).status == 403
