"""A checkpoint: what is known after any end of a run, and who may use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.bulk import checkpoint
from gemini_cli.bulk.checkpoint import CHECKPOINT_HEADER, RowResult, StoredResult
from gemini_cli.bulk.rows import Row
from gemini_cli.errors import CliError, InputError, OutputError

A, B, C = (Row(line, key, "x", 0) for line, key in ((1, "a"), (2, "b"), (3, 3)))
TEXT = '{"key":"a","ok":true,"text":"ä"}'


def digest(row: Row) -> str:
    return f"digest of {row.key}"


def write(path: Path) -> bytes:
    """A file with a result, an open intent, and one that was refused."""
    with checkpoint.open_checkpoint(str(path), digest) as kept:
        for row in (A, B, C):
            kept.mark_sent(row, digest(row))
        kept.clear_sent(C)
        kept.save_result(RowResult(A, digest(A), True, TEXT))
    return path.read_bytes()


def known(path: Path, rows: Sequence[Row] = (A, B, C)) -> list[StoredResult | None]:
    with checkpoint.open_checkpoint(str(path), digest) as kept:
        return [kept.lookup(row, digest(row)) for row in rows]


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    written = write(tmp_path / "c")
    assert written.startswith(CHECKPOINT_HEADER)
    assert [json.loads(line) for line in written.splitlines()][-1]["output"] == json.loads(TEXT)
    assert known(tmp_path / "c") == [StoredResult(True, TEXT), StoredResult(), None]
    assert (tmp_path / "c").read_bytes() == written
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o600


def test_a_result_is_kept_when_it_is_synced_and_one_sync_is_for_all_who_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, syncs, early = b"", 0, []

    def slow_disk(descriptor: int) -> None:
        nonlocal synced, syncs
        written = os.pread(descriptor, 1 << 20, 0)
        time.sleep(0.01)
        synced, syncs = written, syncs + 1

    monkeypatch.setattr(checkpoint, "_sync", slow_disk)
    with checkpoint.open_checkpoint(str(tmp_path / "c"), digest) as kept:

        def keep(number: int) -> None:
            kept.save_result(RowResult(Row(number, number, "x", 0), "d", True, TEXT))
            if f'"result":"{number}"'.encode() not in synced:
                early.append(number)

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(keep, range(60)))
    assert not early
    assert syncs < 60


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    """A worker may outlive its run, and the descriptor may be another file's by then."""
    with checkpoint.open_checkpoint(str(tmp_path / "c"), digest) as kept:
        pass
    with pytest.raises(OutputError):
        kept.mark_sent(A, digest(A))


def test_a_later_line_counts(tmp_path: Path) -> None:
    write(tmp_path / "c")
    with checkpoint.open_checkpoint(str(tmp_path / "c"), digest) as kept:
        kept.mark_sent(A, "another")
    with checkpoint.open_checkpoint(str(tmp_path / "c"), digest) as kept:
        assert kept.lookup(A, digest(A)) == StoredResult(changed=True)
        assert kept.lookup(A, "another") == StoredResult()


@given(st.integers(0, 400), st.binary(max_size=5))
def test_any_prefix_of_a_file_heals(tmp_path_factory: pytest.TempPathFactory, size: int, torn: bytes) -> None:
    """A result is there or its row is unknown; none is forgotten after its intent."""
    path = tmp_path_factory.mktemp("c") / "c"
    written = write(path)[:size]
    path.write_bytes(written + (torn.replace(b"\n", b"") if len(written) > len(CHECKPOINT_HEADER) else b""))
    lines = written.split(b"\n")[:-1]
    intents = sum(b'"intent"' in line for line in lines)
    results = sum(b'"result"' in line for line in lines)
    assert known(path) == [
        StoredResult(True, TEXT) if results else StoredResult() if intents else None,
        StoredResult() if intents > 1 else None,
        StoredResult() if intents > 2 and not any(b"refused" in line for line in lines) else None,
    ]
    assert path.read_bytes() == (b"\n".join(lines) + b"\n" if lines else CHECKPOINT_HEADER)


def test_a_damaged_line_in_the_middle_is_skipped_and_its_row_is_unknown(tmp_path: Path) -> None:
    written = write(tmp_path / "c").splitlines(keepends=True)
    damaged = [*written[:-1], written[-1][:30], b"\n", b"\0" * 40 + b"\n", b'{"result":7}\n', b"\n", written[2]]
    (tmp_path / "c").write_bytes(b"".join(damaged))
    with checkpoint.open_checkpoint(str(tmp_path / "c"), digest) as kept:
        assert kept.damaged == 3
        assert kept.lookup(A, digest(A)) == StoredResult()


@pytest.mark.parametrize(
    "content", [b"my notes\n", CHECKPOINT_HEADER.replace(b"1", b"2"), b'{"input":"a row"', b"\n", b"x"]
)
def test_another_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(InputError, match="is not a checkpoint of map"):
        known(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == content


def test_what_cannot_be_a_checkpoint_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, kind in ((tmp_path, OutputError), (tmp_path / "no" / "c", OutputError), (tmp_path / "fifo", InputError)):
        with pytest.raises(CliError) as raised:
            known(path)
        assert type(raised.value) is kind


def test_a_full_disk_is_an_output_failure_and_the_next_line_is_whole(tmp_path: Path) -> None:
    with checkpoint.open_checkpoint(str(tmp_path / "c"), digest) as kept:
        closed = os.open(os.devnull, os.O_RDONLY)
        whole, kept._descriptor = kept._descriptor, closed
        with pytest.raises(OutputError, match="cannot write"):
            kept.mark_sent(A, digest(A))
        os.write(whole, b'{"intent":"a"')  # as much as there was room for
        kept._descriptor = whole
        kept.mark_sent(B, digest(B))
        os.close(closed)
    assert known(tmp_path / "c") == [None, StoredResult(), None]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    hold = (
        "import sys, time; from gemini_cli.bulk import checkpoint\n"
        "with checkpoint.open_checkpoint(sys.argv[1], str): print(flush=True); time.sleep(30)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, tmp_path / "c"], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(InputError, match=f"is in use by process {holder.pid}$"):
            known(tmp_path / "c")
    finally:
        holder.kill()
        holder.communicate()
    assert known(tmp_path / "c") == [None, None, None]
