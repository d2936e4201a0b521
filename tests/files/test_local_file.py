"""A file that is to be uploaded: its bytes from any place, and that it stays what it is."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.errors import InputError
from gemini_cli.files.local_file import FILE_READ_SIZE, LocalFile
from gemini_cli.transport.body import StreamedBody

SIZE = 2 * FILE_READ_SIZE + 11
CONTENT = random.Random(1).randbytes(SIZE)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LocalFile:
    path = tmp_path_factory.mktemp("source") / "file"
    path.write_bytes(CONTENT)
    return LocalFile.open_path(str(path))


@given(st.integers(0, SIZE), st.data())
def test_pieces_are_the_bytes(source: LocalFile, offset: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, SIZE - offset))
    body = StreamedBody(length, lambda: source.read_chunks(offset, length))
    assert b"".join(body.open_chunks()) == CONTENT[offset : offset + length]


def test_what_cannot_be_read_is_an_input_error_from_the_first_look(
    source: LocalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*arguments: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", unreadable)
    for look in (
        source.sample_hash,
        source.mime_type,
        lambda: b"".join(source.read_chunks(0, SIZE)),
    ):
        with pytest.raises(InputError, match="Input/output error"):
            look()


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1, 0])
def test_what_changes_meanwhile_is_never_given_whole(size: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    source = LocalFile.open_path(str(path))
    pieces = source.read_chunks(0, SIZE)
    next(pieces)
    os.truncate(path, size)
    with pytest.raises(InputError, match="changed while it was being sent"):
        list(pieces)
