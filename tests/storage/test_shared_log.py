"""A file of lines that several processes append to."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gemini_cli.storage.shared_log import ForeignFileError, SharedLog
from tests.waiting import PATIENCE

HEADER = b"header\n"
PATH = Path("log")


def opened() -> SharedLog:
    return SharedLog(str(PATH), HEADER, lambda line: line == b"header")


def test_a_new_file_has_the_header_and_is_closed_to_others() -> None:
    before = os.umask(0)
    try:
        opened().append(b"one\n")
    finally:
        os.umask(before)
    assert PATH.read_bytes() == b"header\none\n"
    assert stat.S_IMODE(PATH.stat().st_mode) == 0o600


def test_lines_are_added_to_a_file_that_is_there() -> None:
    PATH.write_bytes(b"header\none\n")
    opened().append(b"two\n")
    assert PATH.read_bytes() == b"header\none\ntwo\n"


@pytest.mark.parametrize("content", [b"other\n", b"other", b"header of another\n", b"headers"])
def test_another_file_is_not_changed(content: bytes) -> None:
    PATH.write_bytes(content)
    with pytest.raises(ForeignFileError):
        opened()
    assert PATH.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"hea", b"header", b"header\n", b"header\nto", b"header\n" + b"x" * 200_000])
def test_a_line_without_its_end_is_cut_off(content: bytes) -> None:
    PATH.write_bytes(content)
    opened().append(b"one\n")
    assert PATH.read_bytes() == b"header\none\n"


def test_a_line_that_another_process_left_unfinished_is_cut_off_too() -> None:
    log = opened()
    log.append(b"one\n")
    with PATH.open("ab") as file:
        file.write(b"torn")
    log.append(b"two\n")
    assert PATH.read_bytes() == b"header\none\ntwo\n"


@pytest.mark.parametrize("path", [".", "none/log", "/dev/null", "pipe"])
def test_a_file_that_is_not_regular_is_refused_at_once(path: str) -> None:
    os.mkfifo("pipe")
    with pytest.raises(OSError, match=r".+"):
        SharedLog(path, HEADER, lambda line: True)


def test_threads_and_processes_write_whole_lines() -> None:
    code = (
        "import sys\nfrom gemini_cli.storage.shared_log import SharedLog\n"
        "log = SharedLog('log', b'header\\n', lambda line: line == b'header')\n"
        "for number in range(50): log.append(sys.argv[1].encode() * 30000 + b'\\n')"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, letter]) for letter in "abc"]
    log = opened()

    def write(letter: bytes) -> None:
        for _ in range(50):
            log.append(letter * 30_000 + b"\n")

    threads = [threading.Thread(target=write, args=[letter]) for letter in (b"x", b"y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [process.wait(PATIENCE) for process in processes] == [0, 0, 0]
    lines = PATH.read_bytes().split(b"\n")
    assert lines[0] == b"header"
    assert sorted(lines[1:-1]) == sorted(bytes([letter]) * 30_000 for letter in b"abcxy" for _ in range(50))
