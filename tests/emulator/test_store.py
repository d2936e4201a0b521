"""What is remembered: between processes, and by whom it may be read."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from gemini_cli.emulator import Emulator
from gemini_cli.emulator.store import Store
from tests.waiting import PATIENCE

from .door import Door, text


def test_a_conversation_goes_on_in_another_process_s_emulator(tmp_path: Path) -> None:
    state = tmp_path / "offline.db"
    first = Door(Emulator(state=state))
    id = first.create("One")["id"]
    first.emulator.close()
    second = Door(Emulator(state=state))
    assert text(second.create("Two", previous_interaction_id=id)).startswith("Emulator: turn 2,")
    second.emulator.close()


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX thing")
def test_everything_in_the_state_is_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    old = os.umask(0)
    try:
        store = Store(folder / "offline.db")
        store.put("k", "i", 1, {"a": 1})
        store.blobs.write("b", 0, b"x")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    finally:
        os.umask(old)
    assert modes.pop("offline.db.files") == 0o700
    assert set(modes.values()) == {0o600}
    assert {"offline.db", "offline.db-wal", "b"} <= set(modes)
    store.close()


def _create_many(state: str, count: int, queue: "multiprocessing.Queue[list[str]]") -> None:
    door = Door(Emulator(state=state))
    queue.put([door.create(f"Question {number}")["id"] for number in range(count)])
    door.emulator.close()


def test_several_processes_share_one_state(tmp_path: Path) -> None:
    state = str(tmp_path / "offline.db")
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[list[str]] = context.Queue()
    workers = [context.Process(target=_create_many, args=(state, 20, queue)) for _ in range(4)]
    for worker in workers:
        worker.start()
    ids = [id for _ in workers for id in queue.get(timeout=30)]
    for worker in workers:
        worker.join(PATIENCE)
        assert worker.exitcode == 0
        worker.close()
    assert len(set(ids)) == 80
    door = Door(Emulator(state=state))
    assert all(door.get(f"/v1/interactions/{id}").status == 200 for id in ids)
    door.emulator.close()


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    store.put("k", "i", 1, {"a": 1})

    def fail(document: dict[str, int]) -> None:
        document["a"] = 2
        raise KeyError

    with pytest.raises(KeyError):
        store.change("k", "i", fail)
    assert store.get("k", "i") == {"a": 1}
    store.close()


def test_a_state_that_cannot_be_used_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be taken for one " * 50)
    for path in (tmp_path / "text", tmp_path, tmp_path / "missing" / "x.db"):
        with pytest.raises(OSError, match=r"not a database|unable to open|No such file|directory"):
            Store(path)


def test_numbers_are_never_given_twice() -> None:
    store = Store(None)
    assert [store.number("k"), store.number("k"), store.number("other")] == [1, 2, 1]
    store.close()


def test_bytes_without_a_state_file_vanish_with_us() -> None:
    store = Store(None)
    store.blobs.write("b", 0, b"hello")
    store.blobs.write("b", 2, b"y")
    folder = store.blobs._path("b").parent
    assert b"".join(store.blobs.read("b")) == b"hey"
    store.close()
    assert not folder.exists()
