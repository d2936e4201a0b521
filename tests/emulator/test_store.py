"""The store: several processes, file modes, errors."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from gemini_cli.emulator.service import Emulator
from gemini_cli.emulator.store import Store
from tests.waiting import PATIENCE

from .in_memory_client import InMemoryClient, text


def test_a_conversation_continues_in_another_emulator(tmp_path: Path) -> None:
    state = tmp_path / "offline.db"
    first = InMemoryClient(Emulator(state=state))
    id = first.create("One")["id"]
    first.emulator.close()
    second = InMemoryClient(Emulator(state=state))
    assert text(second.create("Two", previous_interaction_id=id)).startswith("Emulator: turn 2,")
    second.emulator.close()


def test_only_the_owner_may_read_the_state(tmp_path: Path) -> None:
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
    client = InMemoryClient(Emulator(state=state))
    queue.put([client.create(f"Question {number}")["id"] for number in range(count)])
    client.emulator.close()


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
    client = InMemoryClient(Emulator(state=state))
    assert all(client.get(f"/v1/interactions/{id}").status == 200 for id in ids)
    client.emulator.close()


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


def test_a_state_that_breaks_later_is_an_os_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    store.close()
    with pytest.raises(OSError, match="closed database"):
        store.get("kind", "id")
    with pytest.raises(OSError, match="closed database"):
        store.newest("kind", 1)


def test_numbers_are_unique() -> None:
    store = Store(None)
    assert [store.number("k"), store.number("k"), store.number("other")] == [1, 2, 1]
    store.close()


def test_bytes_without_a_state_file_are_deleted_at_the_end() -> None:
    store = Store(None)
    store.blobs.write("b", 0, b"hello")
    store.blobs.write("b", 2, b"y")
    folder = store.blobs._path("b").parent
    assert b"".join(store.blobs.read("b")) == b"hey"
    store.close()
    assert not folder.exists()
