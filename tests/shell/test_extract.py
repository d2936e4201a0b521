"""`--extract` in a pipeline: lines as they arrive, readers that leave, full disks, kills."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.faults.program import Home, Process, command, forge, on_the_path, run, shell

BLOCK = "".join(f"line {number}\n" for number in range(40))
ANSWER = f"Sure:\n\n```sh\n{BLOCK}```\nThat is all.\n"


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "place")


def serving(**line: object) -> Server:
    return Server(Emulator(script=[{"reply": ANSWER, "chunk": 16, **line}]))


@pytest.fixture
def stalling() -> Iterator[Server]:
    """Sends some lines of the block, then nothing."""
    with serving(fault="stall(after=4)") as server:
        yield server


def environ(server: Server, place: Home, **more: str) -> dict[str, str]:
    return place.environ(server.url, {"GEMINI_API_KEY": server.key, **more})


def test_a_stream_prints_the_lines_of_the_block_as_they_arrive(stalling: Server, place: Home) -> None:
    process = Process(command("stream", "-x", "hi"), place, environ(stalling, place), forge=forge())
    process.read_until(b"line 3\n")  # while the server is silent
    process.kill(signal.SIGTERM)
    done = process.finish()
    assert done.status == -signal.SIGTERM
    assert done.stdout.startswith(b"line 0\n")
    assert BLOCK.encode().startswith(done.stdout)
    assert done.stdout.endswith(b"\n")


def test_nothing_of_an_incomplete_answer_is_in_the_file(place: Home) -> None:
    (place.cwd / "out.sh").write_text("old\n")
    with serving(fault="finish(status=incomplete)") as server:
        done = run(command("stream", "-x", "-o", "out.sh", "hi"), place, environ(server, place))
    assert (done.status, done.stdout) == (8, b"")
    assert (place.cwd / "out.sh").read_text() == "old\n"


@pytest.mark.parametrize("name", ["generate", "stream"])
def test_a_reader_takes_the_first_line_of_the_code(name: str, place: Home) -> None:
    with serving() as server:
        path = on_the_path(place.path / "bin")
        script = f'set -o pipefail; gemini-cli {name} -x hi | head -n 1; echo "${{PIPESTATUS[0]}}"'
        done = run(["bash", "-c", script], place, environ(server, place, PATH=path))
    first, status = done.stdout.decode().splitlines()
    assert (first, done.stderr) == ("line 0", "")
    assert int(status) in (0, 128 + signal.SIGPIPE)


@pytest.mark.parametrize("name", ["generate", "stream"])
def test_a_full_disk_is_not_success(name: str, place: Home) -> None:
    with serving() as server:
        assert run(shell(">/dev/full", name, "-x", "hi"), place, environ(server, place)).status == 13


def test_the_code_of_an_answer_is_run_by_a_shell(place: Home) -> None:
    with Server(Emulator(script=[{"reply": "Run:\n\n1.  this:\n    ```sh\n    echo it runs\n    ```\n"}])) as server:
        path = on_the_path(place.path / "bin")
        script = "set -eo pipefail; gemini-cli generate -x 'a script' | sh"
        done = run(["bash", "-c", script], place, environ(server, place, PATH=path))
    assert (done.status, done.stdout) == (0, b"it runs\n")


def test_nothing_reaches_the_next_command_without_a_code_block(place: Home) -> None:
    with Server(Emulator(script=[{"reply": "rm -r ."}])) as server:
        path = on_the_path(place.path / "bin")
        done = run(["bash", "-c", "gemini-cli generate -x hi | wc -c"], place, environ(server, place, PATH=path))
    assert done.stdout.strip() == b"0"
    assert done.stderr.splitlines() == ["rm -r .", "gemini-cli: schema: the answer has no code block"]
