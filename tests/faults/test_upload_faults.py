"""Uploads by the real program over real sockets: what kills it, what changes under it, and how much it takes."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from tests.waiting import until

from .null_server import NullServer
from .program import (
    CANARY,
    Home,
    Process,
    assert_always_true,
    command,
    killed_at_the_end,
    run_forked,
    run_measured,
)
from .raw_server import RawServer, http
from .setups import emulator

MIB = 1 << 20
CHUNK = 8 * MIB
ONE_CHUNK = "slow(0, on=upload)"  # falls on the first chunk, so that the next order waits for the second
MEMORY = 45  # MiB, peak, for a file of any size


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(tmp_path / "fault")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A chunk and a bit; of a type that needs no processing."""
    path = tmp_path / "film.png"
    path.write_bytes(os.urandom(1000) * (CHUNK // 1000 + 9))
    return path


def commands(server: Server) -> list[str]:
    return [request.headers.get("x-goog-upload-command", request.method) for request in server.requests]


def uploaded(server: Server, name: str) -> bytes:
    return b"".join(server.emulator._state.store.blobs.read(name.removeprefix("files/")))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_upload_that_was_killed_goes_on_in_a_new_process(number: signal.Signals, place: Home, film: Path) -> None:
    with emulator(ONE_CHUNK, "silence(on=upload)") as server:
        environ = place.environ(server.url)
        first = Process(command("upload", str(film)), place, environ)
        with killed_at_the_end(first):
            until(lambda: len(server.requests) == 3)
            first.kill(number)
            died = first.finish()
        assert (died.status, died.stdout, died.stderr) == (-number, b"", "")
        second = run_forked(command("upload", str(film)), place, environ)
        assert second.status == 0
        assert uploaded(server, second.stdout.decode().strip()) == film.read_bytes()
        assert commands(server) == ["start", "upload", "upload, finalize", "query", "upload, finalize"]
        assert_always_true(second, place, second.stdout.decode().strip())


def test_a_file_is_uploaded_by_one_process_at_a_time(place: Home, film: Path) -> None:
    with emulator("silence(on=upload)") as server:
        environ = place.environ(server.url)
        first = Process(command("upload", str(film)), place, environ)
        with killed_at_the_end(first):
            until(lambda: len(server.requests) == 2)
            second = run_forked(command("upload", str(film)), place, environ)
            assert second.status == 3
            assert f"in use by process {first.popen.pid}" in second.stderr
            assert len(server.requests) == 2
            assert_always_true(second, place, "")


@pytest.mark.parametrize(
    ("orders", "status", "words"),
    [
        (["short_body(on=upload)"], 0, ""),
        (["reset(carried_out=false, on=upload)"], 0, ""),
        (["silence(on=upload)"], 0, ""),
        (["gzip_bomb(on=upload)"], 6, "larger than"),
        (["huge_headers(on=upload)"], 0, ""),
    ],
    ids=str,
)
def test_what_may_happen_to_a_chunk(orders: list[str], status: int, words: str, place: Home, film: Path) -> None:
    with emulator(*orders) as server:
        done = run_forked(command("upload", "--idle-timeout", "1", str(film)), place, place.environ(server.url))
        assert done.status == status
        assert done.stderr.count("\n") == (1 if status else 0)
        assert words in done.stderr
        name = done.stdout.decode().strip()
        assert_always_true(done, place, name)
        if status == 0:
            assert uploaded(server, name) == film.read_bytes()


def test_the_deadline_ends_an_upload_that_can_be_continued(place: Home, film: Path) -> None:
    with emulator("silence(on=upload)") as server:
        environ = place.environ(server.url)
        late = run_forked(command("upload", "--timeout", "2", str(film)), place, environ)
        assert late.status == 5
        assert "continues where this one ended" in late.stderr
        assert_always_true(late, place, "")
        assert run_forked(command("upload", str(film)), place, environ).status == 0
        assert commands(server)[2] == "query"


def test_nothing_is_sent_to_a_foreign_host(place: Home, film: Path) -> None:
    with RawServer([http(b"{}")], host="127.0.0.2") as foreign:
        with emulator(f"foreign_upload(to='{foreign.url}/upload?upload_id=x')") as server:
            done = run_forked(command("upload", str(film)), place, place.environ(server.url))
        assert done.status == 6
        assert_always_true(done, place, "")
        assert foreign.connections == 0


def meddled(meddle: Any, place: Home, path: Path) -> tuple[int, list[str]]:
    """The status of an upload of a file that something happens to while a chunk is on its way, and the requests."""
    meddlings: list[Any] = [lambda: meddle(path)]

    def meanwhile(count: int) -> None:
        if meddlings:
            meddlings.pop()()

    sink = NullServer(meanwhile)
    try:
        done = run_forked(command("upload", str(path)), place, place.environ(sink.url))
    finally:
        sink.close()
    assert_always_true(done, place, "")
    assert "changed while it was being sent" in done.stderr
    return done.status, sink.commands


@pytest.mark.parametrize(
    "meddle",
    [
        lambda path: os.truncate(path, CHUNK),
        lambda path: path.write_bytes(b"x" * 100),
    ],
    ids=["shrinks", "is written anew"],
)
def test_a_file_that_changes_on_its_way_is_not_finished(meddle: Any, place: Home, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(30 * MIB)
    status, requests = meddled(meddle, place, path)
    assert status == 3
    assert "upload, finalize" not in requests
    assert requests[-1] == "cancel"


@pytest.fixture
def sunk() -> Iterator[NullServer]:
    sink = NullServer()
    yield sink
    sink.close()


def test_memory_does_not_grow_with_the_file(place: Home, tmp_path: Path, sunk: NullServer) -> None:
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(300 * MIB)
    done = run_measured(command("upload", str(path)), place, place.environ(sunk.url))
    assert (done.status, done.stdout) == (0, b"files/sunk\n")
    assert sunk.commands == ["start", *["upload"] * 37, "upload, finalize"]
    assert done.peak_mib is not None
    assert done.peak_mib < MEMORY


def test_the_official_sdk_reads_what_was_uploaded(place: Home, film: Path) -> None:
    genai: Any = pytest.importorskip("google.genai", reason="the official SDK, google-genai, is not installed")
    with Server(Emulator(key=CANARY)) as server:
        done = run_forked(
            command("upload", "--name", "mine", "--display-name", "Ä", str(film)), place, place.environ(server.url)
        )
        assert done.stdout == b"files/mine\n"
        with genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url)) as client:
            found = client.files.get(name="files/mine")
        assert (found.display_name, found.mime_type, found.size_bytes) == ("Ä", "image/png", film.stat().st_size)
        assert found.state == "ACTIVE"
        assert hashlib.sha256(uploaded(server, "files/mine")).digest() == hashlib.sha256(film.read_bytes()).digest()
