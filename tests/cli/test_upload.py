"""`upload` in-process: against the emulator in memory with its faults, and scripted where it says too little."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_cli.emulator.faults.faults import FaultQueue
from gemini_cli.emulator.service import Emulator
from gemini_cli.emulator.service_state import Pace
from gemini_cli.files.local_file import FILE_READ_SIZE
from gemini_cli.files.resumable_upload import CHUNK
from gemini_cli.transport.emulator_transport import EmulatorTransport
from tests.harness import KEY, Outcome, ScriptedTransport, gemini, reply
from tests.waiting import PATIENCE

BASE = "https://generativelanguage.googleapis.com"
UPLOAD_URL = f"{BASE}/upload/v1beta/files?upload_id=secret-upload-id"


class EmulatedWire(ScriptedTransport):
    """The emulator in memory, with faults; keeps the requests, and in `sent` the bytes of their bodies."""

    def __init__(self, *faults: str, service: Emulator | None = None) -> None:
        super().__init__([])
        self.sent = b""
        self.emulator = service or Emulator(pace=Pace(processing=0))
        self.emulator.faults = FaultQueue(faults)

    def again(self, *faults: str) -> EmulatedWire:
        """The same service, in another run."""
        return EmulatedWire(*faults, service=self.emulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        request.stream = httpx.Request("POST", request.url, content=self._kept(request.stream)).stream
        return EmulatorTransport(self.emulator).handle_request(request)

    def _kept(self, body: Any) -> Iterator[bytes]:
        for piece in body:
            self.sent += piece
            yield piece

    @property
    def spent(self) -> bool:
        return not self.emulator.leftovers()

    @property
    def commands(self) -> list[str]:
        return [call.headers.get("X-Goog-Upload-Command", call.method) for call in self.requests]

    def content(self, name: str) -> bytes:
        """The File that the service has under that name."""
        return b"".join(self.emulator._state.store.blobs.read(name.removeprefix("files/")))


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return {"HOME": str(home)}


@pytest.fixture
def state(home: Path) -> Path:
    return home / ".local" / "state" / "gemini-cli"


def records(state: Path) -> list[Path]:
    return sorted((state / "uploads").glob("*")) if (state / "uploads").exists() else []


def big(name: str = "film.mp4", size: int = CHUNK + 5) -> bytes:
    """A new file with new content at both its ends; what it holds."""
    data = (os.urandom(1000) + bytes(max(size - 2000, 0)) + os.urandom(1000))[:size]
    Path(name).write_bytes(data)
    return data


def upload(*argv: str, wire: ScriptedTransport, environ: dict[str, str], **more: Any) -> Outcome:
    return gemini("upload", *argv, answers=wire, environ=environ, **more)


def test_a_file_is_uploaded_and_named(environ: dict[str, str], state: Path) -> None:
    data, wire = big(), EmulatedWire()
    assert upload("film.mp4", wire=wire, environ=environ) == (0, "files/emu000000001\n", "")
    assert wire.content("files/emu000000001") == data
    assert wire.commands == ["start", "upload", "upload, finalize"]
    start, *chunks = wire.requests
    assert start.url == f"{BASE}/upload/v1beta/files"
    assert start.headers["x-goog-api-key"] == KEY
    assert start.headers["X-Goog-Upload-File-Name"] == "film.mp4"
    assert json.loads(start.content) == {
        "file": {"display_name": "film.mp4", "mime_type": "video/mp4", "size_bytes": len(data)}
    }
    assert not [call for call in chunks if "x-goog-api-key" in call.headers]
    assert records(state) == []
    assert list((state / "locks").iterdir()) == []


def test_json_is_the_file_as_the_server_has_it(environ: dict[str, str]) -> None:
    big("a.png", 10)
    wire = EmulatedWire()
    outcome = upload("a.png", "--json", "--display-name", "Ä title", "--name", "my-a", wire=wire, environ=environ)
    assert outcome.json["name"] == "files/my-a"
    assert outcome.json["displayName"] == "Ä title"
    assert outcome.json["state"] == "ACTIVE"
    assert outcome.out.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "header", "title"),
    [
        ("ä b%.png", "%C3%A4%20b%25.png", "ä b%.png"),
        ("a\nb.png", "a%0Ab.png", "a\nb.png"),
        (os.fsdecode(b"\xff.png"), "%FF.png", "\ufffd.png"),
    ],
)
def test_names_that_no_header_can_carry_are_encoded(
    name: str, header: str, title: str, environ: dict[str, str]
) -> None:
    big(name, 3)
    wire = EmulatedWire()
    assert upload(name, wire=wire, environ=environ).status == 0
    assert wire.requests[0].headers["X-Goog-Upload-File-Name"] == header
    assert json.loads(wire.requests[0].content)["file"]["display_name"] == title


@pytest.mark.parametrize(
    ("faults", "status", "commands"),
    [
        (["lose_chunk"], 0, "start upload query upload final"),
        (["lose_chunk(keep=262144)"], 0, "start upload query final"),
        (["lost_ack"], 0, "start upload query final"),
        (["chunk_503(times=3)"], 0, "start upload query query query upload final"),
        (["active_503"], 0, "start upload query upload final"),
        (["html(status=200, on=upload)"], 0, "start upload query upload final"),
        (["cancelled_upload"], 0, "start upload start upload final"),
        (["refuse(404, on=upload)"], 0, "start upload start upload final"),
        (["refuse(503, on=upload_start, times=3)"], 0, "start start start start upload final"),
        (["refuse(503, on=upload_start, times=4)"], 5, "start start start start"),
        (["lose_chunk(times=forever)"], 5, "start upload query query query"),
        (["chunk_503(times=forever)"], 5, "start upload query query query"),
        (["reset(on=upload_start)"], 0, "start start upload final"),
        (["refuse(503, on=upload_end)"], 0, "start upload final query final"),
        (["refuse(401, on=upload_start)"], 4, "start"),
        (["echo_key(on=upload_start)"], 4, "start"),
        (["quota_per_day(on=upload_start)"], 7, "start"),
        (["redirect(on=upload)"], 6, "start upload"),
        (["foreign_upload"], 6, "start"),
        (["no_upload_url"], 6, "start"),
        (["wrong_hash"], 6, "start upload final DELETE"),
    ],
    ids=str,
)
def test_what_may_happen_to_an_upload(
    faults: Sequence[str], status: int, commands: str, environ: dict[str, str]
) -> None:
    data, wire = big(), EmulatedWire(*faults)
    outcome = upload("film.mp4", wire=wire, environ=environ)
    assert outcome.status == status
    assert " ".join("final" if "final" in command else command for command in wire.commands) == commands
    if status:
        assert outcome.out == ""
        assert outcome.err.count("gemini-cli: ") == 1
    else:
        assert wire.content(outcome.out.strip()) == data
        assert outcome.err == ""


ONE_CHUNK, THEN_NOTHING = "slow(0, on=upload)", "lose_chunk(times=forever)"


def interrupted(environ: dict[str, str], *argv: str) -> EmulatedWire:
    """A service that has one chunk of film.mp4, and a record of it here."""
    wire = EmulatedWire(ONE_CHUNK, THEN_NOTHING)
    outcome = upload("film.mp4", "--retries", "0", *argv, wire=wire, environ=environ)
    assert outcome.status == 5
    assert "hint: the same command continues where this one ended" in outcome.err
    return wire


def test_an_upload_that_failed_goes_on_with_the_next_call(environ: dict[str, str], state: Path) -> None:
    data = big()
    wire = interrupted(environ)
    (record,) = records(state)
    assert record.stat().st_mode & 0o777 == 0o600
    wire = wire.again()
    assert upload("./film.mp4", wire=wire, environ=environ).status == 0
    assert wire.commands == ["query", "upload, finalize"]
    assert wire.content("files/emu000000001") == data
    assert records(state) == []


def _other_content() -> None:
    """Of the same size and time."""
    times = os.stat("film.mp4")
    big()
    os.utime("film.mp4", ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "argv", "key"),
    [
        (lambda: big(size=CHUNK + 6), [], KEY),
        (_other_content, [], KEY),
        (lambda: os.utime("film.mp4"), [], KEY),
        (lambda: None, ["--no-resume"], KEY),
        (lambda: None, ["--mime", "video/webm"], KEY),
        (lambda: None, ["--display-name", "x"], KEY),
        (lambda: None, ["--name", "x"], KEY),
        (lambda: None, ["--reuse"], KEY),
        (lambda: None, ["--base-url", "https://other.googleapis.com"], KEY),
        (lambda: None, [], KEY[::-1]),
    ],
)
def test_what_is_not_the_same_upload_starts_over(
    change: Any, argv: list[str], key: str, environ: dict[str, str]
) -> None:
    big()
    wire = interrupted(environ)
    change()
    wire = wire.again()
    outcome = upload("film.mp4", *argv, wire=wire, environ={**environ, "GEMINI_API_KEY": key})
    assert outcome.status == 0
    assert "start" in wire.commands
    assert "query" not in wire.commands
    assert wire.content(outcome.out.strip()) == Path("film.mp4").read_bytes()


def test_content_that_changed_in_its_middle_is_found_out_and_sent_again(environ: dict[str, str]) -> None:
    data = bytearray(big(size=3 * CHUNK))
    wire = interrupted(environ)
    times = os.stat("film.mp4")
    data[CHUNK // 2] ^= 1
    Path("film.mp4").write_bytes(data)
    os.utime("film.mp4", ns=(times.st_atime_ns, times.st_mtime_ns))
    wire = wire.again()
    outcome = upload("film.mp4", wire=wire, environ=environ)
    assert outcome == (0, "files/emu000000002\n", "")
    assert wire.content("files/emu000000002") == data
    assert "DELETE" in wire.commands


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"about":1,"url":2}', b"\xff", b"x" * 100_000])
def test_a_record_that_is_none_is_written_anew(content: bytes, environ: dict[str, str], state: Path) -> None:
    big()
    wire = interrupted(environ).again()
    (record,) = records(state)
    record.write_bytes(content)
    assert upload("film.mp4", wire=wire, environ=environ).status == 0
    assert wire.commands[0] == "start"


def test_a_session_that_expired_meanwhile_is_replaced_silently(environ: dict[str, str]) -> None:
    for fault in ("refuse(404, on=upload)", "refuse(410, on=upload)", "refuse(403, on=upload)", "cancelled_upload"):
        big()
        wire = interrupted(environ).again(fault)
        outcome = upload("film.mp4", wire=wire, environ=environ)
        assert (outcome.status, outcome.err) == (0, "")
        assert wire.commands == ["query", "start", "upload", "upload, finalize"]


def test_a_file_that_was_finished_unheard_is_not_sent_again(environ: dict[str, str]) -> None:
    data = big(size=5)
    for argv in ([], ["--name", "mine"]):
        wire = EmulatedWire("lost_ack")
        assert upload("film.mp4", "--retries", "0", *argv, wire=wire, environ=environ).status == 5
        wire = wire.again()
        outcome = upload("film.mp4", *argv, wire=wire, environ=environ)
        assert outcome.status == 0
        assert wire.commands == ["query"]
        assert wire.content(outcome.out.strip()) == data


def test_nothing_is_kept_where_nothing_can_be(environ: dict[str, str]) -> None:
    big()
    wire = EmulatedWire("lost_ack")
    assert upload("film.mp4", wire=wire, environ={}).status == 0
    Path("home").write_text("a file")
    assert upload("film.mp4", wire=wire.again(), environ={"HOME": os.path.abspath("home")}).status == 0


def test_one_process_at_a_time_uploads_a_file(environ: dict[str, str], state: Path) -> None:
    """Here in two threads of one; what a process holds ends with it, as the shell tests see."""
    big()
    wire = EmulatedWire()
    second: list[Outcome] = []

    class Interfering(EmulatedWire):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if not second:
                second.append(upload("film.mp4", wire=wire, environ=environ))
            return super().handle_request(request)

    assert upload("film.mp4", wire=Interfering(), environ=environ).status == 0
    assert second[0].status == 3
    assert f"film.mp4 is in use by process {os.getpid()}" in second[0].err
    assert wire.requests == []


# Files that change ----------------------------------------------------------------------------------------------------


class Meddling(EmulatedWire):
    """Does something to the file before the n-th request is carried out."""

    def __init__(self, number: int, meddle: Any) -> None:
        super().__init__()
        self._number = number
        self._meddle = meddle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if len(self.requests) == self._number:
            self._meddle()
        return super().handle_request(request)


def _replace() -> None:
    os.rename("film.mp4", "old")
    big()


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    "meddle",
    [
        lambda: os.truncate("film.mp4", CHUNK + 2),
        lambda: os.truncate("film.mp4", 0),
        lambda: os.truncate("film.mp4", 3 * CHUNK),
        lambda: os.utime("film.mp4", ns=(1, 1)),
        lambda: os.unlink("film.mp4"),
        _replace,
    ],
    ids=["shrinks", "is emptied", "grows", "is touched", "goes", "is replaced"],
)
def test_a_file_that_changes_is_never_finished(meddle: Any, number: int, environ: dict[str, str], state: Path) -> None:
    big()
    wire = Meddling(number, meddle)
    outcome = upload("film.mp4", wire=wire, environ=environ)
    assert (outcome.status, outcome.out) == (3, "")
    assert "film.mp4 changed while it was being sent" in outcome.err
    assert wire.commands[-1] == "cancel"
    assert records(state) == []
    listing = wire.again()
    assert gemini("files", "list", answers=listing, environ=environ).out == ""


# What cannot be uploaded ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: None, "No such file"),
        (lambda: Path("x.mp4").touch(), "it is empty"),
        (lambda: Path("x.mp4").mkdir(), "it is a directory"),
        (lambda: os.symlink("/dev/zero", "x.mp4"), "no regular file"),
        (lambda: os.symlink("x.mp4", "x.mp4"), "levels of symbolic links"),
    ],
)
def test_what_is_no_file_is_refused_before_anything_is_sent(make: Any, words: str, environ: dict[str, str]) -> None:
    make()
    outcome = upload("x.mp4", wire=EmulatedWire(), environ=environ)
    assert (outcome.status, outcome.out) == (3, "")
    assert words in outcome.err


def test_what_a_command_brings_through_a_pipe_is_uploaded(environ: dict[str, str], state: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"%PDF-1.7\n")
    os.close(writer)
    wire = EmulatedWire()
    outcome = upload(f"/dev/fd/{reader}", "--json", wire=wire, environ=environ)
    os.close(reader)
    assert outcome.status == 0, outcome.err
    assert outcome.json["mimeType"] == "application/pdf"
    assert wire.content(outcome.json["name"]) == b"%PDF-1.7\n"
    assert records(state) == []


def test_a_page_that_was_saved_as_a_pdf_and_a_file_of_a_process_are_not_uploaded(environ: dict[str, str]) -> None:
    Path("a.pdf").write_text("<!doctype html><title>Sign in</title>")
    Path("x.txt").symlink_to("/proc/self/environ")
    for name, words in (("a.pdf", "holds HTML"), ("x.txt", "never sent")):
        outcome = upload(name, wire=EmulatedWire(), environ=environ)
        assert (outcome.status, words in outcome.err) == (3, True)


@pytest.mark.parametrize(
    ("name", "data", "argv", "mime_type"),
    [
        ("a.png", b"GIF89a", [], "image/gif"),
        ("a.png", b"some", [], "image/png"),
        ("scan", b"%PDF-1.7", [], "application/pdf"),
        ("rows.jsonl", b"{}", [], "text/plain"),
        ("a.png", b"GIF89a", ["--mime", "image/bmp"], "image/bmp"),
        ("x.unknown", b"\xff\0", ["--mime", "audio/l16"], "audio/l16"),
        ("x.unknown", b"\xff\0", [], None),
    ],
)
def test_a_type_is_said_or_told_by_the_name_or_the_content(
    name: str, data: bytes, argv: list[str], mime_type: str | None, environ: dict[str, str]
) -> None:
    Path(name).write_bytes(data)
    wire = EmulatedWire()
    outcome = upload(name, "--json", *argv, wire=wire, environ=environ)
    if mime_type is None:
        assert (outcome.status, wire.requests, "--mime" in outcome.err) == (3, [], True)
    else:
        assert outcome.json["mimeType"] == mime_type


@pytest.mark.parametrize(
    "argv",
    [
        [],
        [""],
        ["-"],
        ["-", "-", "--mime", "a/b"],
        ["film.mp4", "--mime", "video"],
        ["film.mp4", "--mime", "a/b\r\nx: y"],
        ["film.mp4", "--wait", "--no-wait"],
        ["film.mp4", "--name", "a", "--reuse"],
        ["film.mp4", "b.mp4", "--name", "a"],
        ["film.mp4", "--name", "UPPER"],
        ["film.mp4", "-j", "0"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(argv: list[str], environ: dict[str, str]) -> None:
    wire = EmulatedWire()
    assert upload(*argv, wire=wire, environ=environ, stdin=b"x").status == 2
    assert wire.requests == []


def test_stdin_is_uploaded(environ: dict[str, str]) -> None:
    data, wire = os.urandom(CHUNK + 3), EmulatedWire("lost_ack")
    outcome = upload("-", "--mime", "audio/wav", wire=wire, environ=environ, stdin=data)
    assert outcome == (0, "files/emu000000001\n", "")
    assert wire.content("files/emu000000001") == data
    assert "X-Goog-Upload-File-Name" not in wire.requests[0].headers
    assert json.loads(wire.requests[0].content)["file"].keys() == {"mime_type", "size_bytes"}
    nothing = upload("-", "--mime", "audio/wav", wire=EmulatedWire(), environ=environ, stdin=b"")
    assert (nothing.status, nothing.out) == (3, "")


# Several --------------------------------------------------------------------------------------------------------------


def test_several_files_are_told_in_their_order(environ: dict[str, str]) -> None:
    data = {name: big(name, 1000 + place) for place, name in enumerate(["c.png", "a.png", "b.png"])}
    wire = EmulatedWire()
    outcome = upload("c.png", "a.png", "b.png", "a.png", wire=wire, environ=environ)
    assert outcome.status == 0
    names = outcome.out.split()
    assert [wire.content(name) for name in names] == [data[name] for name in ("c.png", "a.png", "b.png", "a.png")]
    assert wire.commands.count("start") == 3  # what is named twice is sent once


def test_of_several_all_are_tried(environ: dict[str, str]) -> None:
    big("a.png", 3)
    big("b.png", 3)
    outcome = upload("a.png", "none.png", "b.png", "-j", "1", wire=EmulatedWire(), environ=environ)
    assert (outcome.status, outcome.out) == (11, "files/emu000000001\nfiles/emu000000002\n")
    assert outcome.err.splitlines() == [
        "gemini-cli: input: cannot read none.png: No such file or directory",
        "gemini-cli: partial: 1 of 3 files were not uploaded",
    ]
    told = upload("a.png", "none.png", "--json", wire=EmulatedWire(), environ=environ)
    assert json.loads(told.out)["name"] == "files/emu000000001"
    assert [json.loads(line)["exit_status"] for line in told.err.splitlines()] == [3, 11]


def test_several_that_fail_alike_fail_as_one(environ: dict[str, str]) -> None:
    big("a.png", 3)
    big("b.png", 3)
    wire = EmulatedWire("refuse(403, message='Not you.', on=upload_start, times=2)")
    outcome = upload("a.png", "b.png", wire=wire, environ=environ)
    assert (outcome.status, outcome.out) == (4, "")
    assert outcome.err.splitlines() == [
        "gemini-cli: auth: a.png: Not you.",
        "gemini-cli: auth: b.png: Not you.",
        "gemini-cli: auth: none of the 2 files was uploaded",
    ]
    mixed = upload("a.png", "none.png", wire=EmulatedWire("refuse(403, on=upload_start)"), environ=environ)
    assert (mixed.status, mixed.out) == (11, "")


def test_a_file_that_is_named_twice_is_uploaded_once(environ: dict[str, str]) -> None:
    big("a.png", 3)
    wire = EmulatedWire()
    outcome = upload("a.png", "./a.png", str(Path("a.png").absolute()), wire=wire, environ=environ)
    assert (outcome.status, len(set(outcome.out.splitlines())), outcome.out.count("\n")) == (0, 1, 3)
    assert wire.commands == ["start", "upload, finalize"]


def test_each_file_has_tries_of_its_own(environ: dict[str, str]) -> None:
    names = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]  # of all types, films are processed
    for name in names:
        big(name, 3)
    meeting = threading.Barrier(4, timeout=PATIENCE)
    looks: dict[str, int] = {}

    class Busy(EmulatedWire):
        """Two looks at each file are refused, and all look at the same time."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method != "GET":
                return super().handle_request(request)
            looked = str(request.url)
            looks[looked] = looks.get(looked, 0) + 1
            if looks[looked] > 2:
                return super().handle_request(request)
            meeting.wait()
            return reply(b"", 503)

    wire = Busy()
    wire.emulator = Emulator(pace=Pace(processing=0.2))
    assert upload(*names, "-j", "4", wire=wire, environ=environ).status == 0
    assert len(looks) == 4


def test_several_are_uploaded_at_a_time(environ: dict[str, str]) -> None:
    for name in ("a.png", "b.png", "c.png"):
        big(name, 3)
    meeting = threading.Barrier(3, timeout=PATIENCE)

    class Together(EmulatedWire):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.headers.get("X-Goog-Upload-Command") == "start":
                meeting.wait()
            return super().handle_request(request)

    assert upload("a.png", "b.png", "c.png", "-j", "3", wire=Together(), environ=environ).status == 0


# The file at the end --------------------------------------------------------------------------------------------------


def test_processing_is_waited_for_unless_not_wanted(environ: dict[str, str]) -> None:
    big(size=3)
    sleeps: list[float] = []
    wire = EmulatedWire()
    wire.emulator = Emulator(pace=Pace(processing=0.2))
    assert upload("film.mp4", "--no-wait", "--json", wire=wire, environ=environ).json["state"] == "PROCESSING"
    assert wire.commands == ["start", "upload, finalize"]
    waiting = wire.again()
    outcome = upload("film.mp4", "--json", "--wait", wire=waiting, environ=environ, sleeps=sleeps)
    assert outcome.json["state"] == "ACTIVE"
    assert sleeps[:4] == [1.0, 2.0, 4.0, 8.0][: len(sleeps)]


def test_a_file_that_cannot_be_processed_is_rejected(environ: dict[str, str], state: Path) -> None:
    big(size=3)
    wire = EmulatedWire("failed_file(message='Bad codec.')")
    wire.emulator._state.pace = Pace(processing=60)
    outcome = upload("film.mp4", wire=wire, environ=environ)
    assert (outcome.status, outcome.out) == (6, "")
    assert "could not process files/emu000000001: Bad codec." in outcome.err
    assert records(state) == []


def test_a_file_of_the_same_content_is_used_again(environ: dict[str, str]) -> None:
    data = big("a.png", 1000)
    Path("b.png").write_bytes(data)
    name = f"files/{hashlib.sha256(data).hexdigest()[:40]}"
    wire = EmulatedWire()
    assert upload("a.png", "--reuse", wire=wire, environ=environ).out == f"{name}\n"
    assert wire.commands == ["GET", "start", "upload, finalize"]
    for path in ("a.png", "b.png"):
        wire = wire.again()
        assert upload(path, "--reuse", wire=wire, environ=environ).out == f"{name}\n"
        assert wire.commands == ["GET"]


def test_a_name_that_is_taken_by_other_content_is_rejected(environ: dict[str, str]) -> None:
    big("a.png", 10)
    wire = EmulatedWire()
    assert upload("a.png", "--name", "mine", wire=wire, environ=environ).status == 0
    big("a.png", 10)
    wire = wire.again()
    outcome = upload("a.png", "--name", "files/mine", wire=wire, environ=environ)
    assert outcome.status == 6
    assert "already exists" in outcome.err


def test_reuse_copes_with_what_others_do_meanwhile(environ: dict[str, str]) -> None:
    """Another client uploads the same content between our look and our start; or it lies there and failed."""
    data = big("a.png", 10)
    name = f"files/{hashlib.sha256(data).hexdigest()[:40]}"
    there = {"name": name, "state": "ACTIVE", "sha256Hash": says(data)}
    missing = reply({"error": {"code": 404, "message": "no"}}, 404)
    taken = reply({"error": {"code": 409, "message": "already exists"}}, 409)
    wire = ScriptedTransport([missing, taken, reply(there)])
    assert upload("a.png", "--reuse", wire=wire, environ=environ).out == f"{name}\n"
    failed = {**there, "state": "FAILED"}
    wire = ScriptedTransport([reply(failed), reply({}), started(), finished({**there})])
    assert upload("a.png", "--reuse", wire=wire, environ=environ).out == f"{name}\n"
    assert [call.method for call in wire.requests] == ["GET", "DELETE", "POST", "POST"]


# What only a script says ----------------------------------------------------------------------------------------------


def says(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()


def started(url: str = UPLOAD_URL, **headers: str) -> httpx.Response:
    sent = {"x-goog-upload-url": url, "x-goog-upload-status": "active", "x-guploader-uploadid": "secret-upload-id"}
    return reply(b"", content_type="text/plain", headers={**sent, **headers})


def finished(file: dict[str, Any] | None) -> httpx.Response:
    return reply({"file": file} if file else b"", headers={"x-goog-upload-status": "final"})


FILE = {"name": "files/a", "state": "ACTIVE"}


@pytest.mark.parametrize(
    ("file", "status"),
    [
        ({}, 0),
        ({"sizeBytes": "4", "sha256Hash": says(b"data")}, 0),
        ({"sha256Hash": base64.b64encode(hashlib.sha256(b"data").digest()).decode()}, 0),
        ({"sizeBytes": "5"}, 6),
        ({"sha256Hash": says(b"atad")}, 6),
        ({"name": "files/a\nb"}, 6),
        ({"name": "../x"}, 6),
    ],
    ids=str,
)
def test_the_file_is_held_against_the_source(file: dict[str, str], status: int, environ: dict[str, str]) -> None:
    Path("a.png").write_bytes(b"data")
    deleted = [reply({})] if "name" not in file and status else []
    wire = ScriptedTransport([started(), finished({**FILE, **file}), *deleted])
    outcome = upload("a.png", wire=wire, environ=environ)
    assert (outcome.status, outcome.out) == (status, "" if status else "files/a\n")


def test_a_file_that_changed_is_not_even_finished_by_an_empty_chunk(environ: dict[str, str]) -> None:
    Path("a.png").write_bytes(b"data")

    class Meddling(ScriptedTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.headers.get("X-Goog-Upload-Command") == "query":
                Path("a.png").write_bytes(b"other data")
            return super().handle_request(request)

    all_there = {"x-goog-upload-status": "active", "x-goog-upload-size-received": "4"}
    wire = Meddling([started(), reply(b"", 503), reply(b"", headers=all_there), reply(b"")])
    assert upload("a.png", wire=wire, environ=environ).status == 3
    commands = [call.headers["X-Goog-Upload-Command"] for call in wire.requests]
    assert commands == ["start", "upload, finalize", "query", "cancel"]


def test_a_file_that_lost_its_name_while_it_was_processed_is_none(environ: dict[str, str]) -> None:
    Path("a.png").write_bytes(b"data")
    wire = ScriptedTransport([started(), finished({**FILE, "state": "PROCESSING"}), reply({"state": "ACTIVE"})])
    assert upload("a.png", wire=wire, environ=environ)[:2] == (6, "")


def test_a_lost_description_is_looked_for(environ: dict[str, str]) -> None:
    Path("a.png").write_bytes(b"data")
    mine = {**FILE, "displayName": "a.png", "mimeType": "image/png", "sha256Hash": says(b"data")}
    others = [{**mine, "name": "files/b", "sha256Hash": says(b"x")}, {**mine, "name": "files/c", "displayName": "x"}]
    answers = [started(), finished(None), finished(None), reply({"files": [*others, mine]})]
    assert upload("a.png", wire=ScriptedTransport(answers), environ=environ).out == "files/a\n"
    answers = [started(), finished(None), finished(None), reply({"files": others})]
    outcome = upload("a.png", wire=ScriptedTransport(answers), environ=environ)
    assert (outcome.status, outcome.out) == (12, "")
    answers = [started(), finished(None), finished(None), reply(mine)]
    assert upload("a.png", "--name", "a", wire=ScriptedTransport(answers), environ=environ).out == "files/a\n"


@pytest.mark.parametrize(
    ("base", "url", "status"),
    [
        ("https://generativelanguage.googleapis.com", "https://upload.googleapis.com/x", 0),
        ("https://generativelanguage.googleapis.com", "http://generativelanguage.googleapis.com/x", 6),
        ("https://generativelanguage.googleapis.com", "https://googleapis.com.evil.example/x", 6),
        ("https://generativelanguage.googleapis.com", "https://evilgoogleapis.com/x", 6),
        ("https://gateway.example/gemini", "https://gateway.example/other", 0),
        ("https://gateway.example/gemini", "https://upload.googleapis.com/x", 6),
        ("https://gateway.example", "https://gateway.example:444/x", 6),
        ("https://gateway.example", "https://user@gateway.example/x", 6),
        ("http://127.0.0.1:1", "http://127.0.0.2:1/x", 6),
        ("https://gateway.example", "/upload/x", 6),
    ],
)
def test_an_upload_goes_only_where_it_may(base: str, url: str, status: int, environ: dict[str, str]) -> None:
    Path("a.png").write_bytes(b"data")
    wire = ScriptedTransport([started(url), *([] if status else [finished(FILE)])])
    assert upload("a.png", "--base-url", base, wire=wire, environ=environ).status == status
    assert all("x-goog-api-key" not in call.headers for call in wire.requests[1:])


def test_the_id_of_an_upload_is_not_shown(environ: dict[str, str]) -> None:
    Path("a.png").write_bytes(b"data")
    broken = httpx.ReadError(f"cannot ask {UPLOAD_URL}")
    wire = ScriptedTransport([started(), broken, finished(FILE)])
    outcome = upload("a.png", "-vv", wire=wire, environ=environ)
    assert outcome.status == 0
    assert "secret-upload-id" not in outcome.err
    assert outcome.err.count("upload_id=[redacted]") >= 3
    assert "> (4 bytes)" in outcome.err


def test_a_wait_beyond_the_deadline_ends_at_once_and_can_be_continued(environ: dict[str, str], state: Path) -> None:
    big()
    wire = EmulatedWire("rate_limit(3600, on=upload)")
    outcome = upload("film.mp4", "--timeout", "10", wire=wire, environ=environ)
    assert outcome.status == 5
    assert "3600" in outcome.err
    assert len(records(state)) == 1


def test_progress_is_drawn_on_a_terminal_and_nowhere_else(environ: dict[str, str]) -> None:
    big()
    big("a.png", 10)
    drawn = upload("film.mp4", wire=EmulatedWire(), environ={**environ, "TERM": "xterm"}, terminal=True)
    assert drawn.out == "files/emu000000001\n"
    assert "film.mp4" in drawn.err
    assert "8.0/8.0 MiB" in drawn.err
    assert "/s" in drawn.err
    assert "waiting until the file can be used" in drawn.err
    two = upload("film.mp4", "a.png", wire=EmulatedWire(), environ={**environ, "TERM": "xterm"}, terminal=True)
    assert "2 files" in two.err
    assert "2 of 2 can be used" in two.err
    for argv, more in ((["-q"], {"terminal": True}), ([], {}), ([], {"terminal": True})):
        term = {} if argv == [] and more else {"TERM": "xterm"}
        quiet = upload("film.mp4", *argv, wire=EmulatedWire(), environ={**environ, **term}, **more)
        assert quiet == (0, "files/emu000000001\n", "")


@pytest.mark.parametrize("place", [0, CHUNK - 7, CHUNK - len(KEY), CHUNK, 2 * CHUNK - 1, FILE_READ_SIZE - 3])
@pytest.mark.parametrize("more", [(), ("--reuse",), ("--no-wait",)])
def test_a_file_that_holds_the_key_in_use_is_not_uploaded(
    place: int, more: tuple[str, ...], environ: dict[str, str], state: Path
) -> None:
    data = bytearray(big("film.mp4", 2 * CHUNK + 100))
    data[place : place + len(KEY)] = KEY.encode()
    Path("film.mp4").write_bytes(data)
    wire = EmulatedWire()
    outcome = upload("film.mp4", *more, wire=wire, environ=environ)
    assert (outcome.status, outcome.out) == (3, "")
    assert "holds the API key in clear" in outcome.err
    assert KEY.encode()[:7] not in wire.sent
    assert not any("finalize" in command for command in wire.commands)
    if place < CHUNK:
        assert not any(command in ("start", "upload") for command in wire.commands)
    assert records(state) == []


def test_a_file_without_the_whole_key_is_uploaded(environ: dict[str, str]) -> None:
    Path("film.mp4").write_bytes(big() + KEY.encode()[:-1])
    assert upload("film.mp4", wire=EmulatedWire(), environ=environ).status == 0
