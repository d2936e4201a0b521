"""Files that are replaced as a whole, and the temporary files beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_cli.storage.atomic_write import AtomicFile, replace_file


@pytest.mark.parametrize(
    "name", [".gemini-cli-mynotes.tmp", ".gemini-cli-0123456789ABCDEF.tmp", ".gemini-cli-0123456789abcdef.tmp.txt"]
)
def test_a_file_with_another_name_is_not_removed(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("notes")
    replace_file(str(tmp_path / "out"), b"x")
    assert (tmp_path / name).read_text() == "notes"


def test_a_temporary_file_that_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".gemini-cli-0123456789abcdef.tmp").write_text("half")
    replace_file(str(tmp_path / "out"), b"x")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out"]


def test_a_temporary_file_that_another_run_writes_stays(tmp_path: Path) -> None:
    other = AtomicFile(str(tmp_path / "other"), None)
    replace_file(str(tmp_path / "out"), b"x")
    other.write(b"y")
    other.commit()
    other.discard()
    assert (tmp_path / "other").read_bytes() == b"y"
