"""The upload as a state machine, against a peer that loses, repeats, truncates and lies. No byte is moved: the peer
keeps which bytes of the file it stored, and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_cli.client.api_client import UploadResponse
from gemini_cli.errors import CliError, RejectedError, TemporaryError, UnknownOutcomeError
from gemini_cli.files.resumable_upload import CHUNK, ResumableUpload, UploadSession, UploadStep, has_sha256

STEP = 256 * 1024
URL = "https://host/upload?upload_id="


class Stored(NamedTuple):
    """So many bytes of the file, from this offset of it."""

    offset: int
    length: int


class Opened:
    """A session as the peer keeps it."""

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.status = "active"

    @property
    def received(self) -> int:
        return sum(piece.length for piece in self.stored)

    @property
    def whole(self) -> bool:
        """Whether what lies there is the beginning of the file, byte for byte."""
        place = 0
        for piece in self.stored:
            if piece.offset != place:
                return False
            place += piece.length
        return True


def told(failure: CliError | None = None, text: str = "", **headers: object) -> UploadResponse:
    """An answer with the protocol's headers, as far as they are not None."""
    said = {name: value for name, value in headers.items() if value is not None}
    return UploadResponse(
        {f"x-goog-upload-{name.replace('_', '-')}": str(value) for name, value in said.items()}, text, failure
    )


BROKEN = TemporaryError("the connection broke")


class Peer:
    """A server of one file, honest until a mood says otherwise. Moods are taken one a request."""

    def __init__(self, size: int, moods: Iterator[str], granularity: int | None = None) -> None:
        self.size = size
        self.moods = moods
        self.granularity = granularity
        self.sessions: list[Opened] = []
        self.files: list[Opened] = []
        self.requests: list[UploadStep] = []

    def answer(self, step: UploadStep, session: UploadSession | None) -> UploadResponse:
        self.requests.append(step)
        mood = next(self.moods)
        if session is None:
            return self._start(mood)
        opened = self.sessions[int(session.url.removeprefix(URL))]
        act = getattr(self, f"_{mood}", None)
        return self._carry_out(step, opened) if act is None else act(step, opened)

    def _start(self, mood: str) -> UploadResponse:
        if mood in ("lose", "lost_ack", "truncate"):
            return told(BROKEN)
        if mood in ("refuse", "refuse_active"):
            return told(TemporaryError("not now", http_status=503))
        self.sessions.append(Opened())
        return told(url=f"{URL}{len(self.sessions) - 1}", status="active", chunk_granularity=self.granularity)

    def _carry_out(self, step: UploadStep, opened: Opened) -> UploadResponse:
        if opened.status != "active":
            return self._state(opened)
        if step.command == "query":
            return self._state(opened)
        if step.offset != opened.received or step.offset + step.length > self.size:
            return told(RejectedError("wrong offset", http_status=400), status="active")
        opened.stored.append(Stored(step.offset, step.length))
        return self._finish(opened) if "finalize" in step.command else self._state(opened)

    def _finish(self, opened: Opened) -> UploadResponse:
        if opened.received != self.size:
            return told(RejectedError("too short", http_status=400), status="active")
        opened.status = "final"
        self.files.append(opened)
        return self._state(opened)

    def _state(self, opened: Opened) -> UploadResponse:
        text = json.dumps({"file": {"name": "files/a"}}) if opened.status == "final" else ""
        return told(None, text, status=opened.status, size_received=opened.received)

    # What may go wrong. Each is a mood of its name.

    def _lose(self, step: UploadStep, opened: Opened) -> UploadResponse:
        return told(BROKEN)

    def _lost_ack(self, step: UploadStep, opened: Opened) -> UploadResponse:
        self._carry_out(step, opened)
        return told(BROKEN)

    def _half_ack(self, step: UploadStep, opened: Opened) -> UploadResponse:
        """The headers came, the body broke off."""
        return self._carry_out(step, opened)._replace(text="", failure=BROKEN)

    def _truncate(self, step: UploadStep, opened: Opened) -> UploadResponse:
        """Only the beginning of a chunk arrives."""
        if step.command != "query" and opened.status == "active" and step.offset == opened.received:
            opened.stored.append(Stored(step.offset, step.length // 3))
        return told(BROKEN)

    def _repeat(self, step: UploadStep, opened: Opened) -> UploadResponse:
        """A request arrives twice; it is the second one that is answered."""
        self._carry_out(step, opened)
        return self._carry_out(step, opened)

    def _refuse(self, step: UploadStep, opened: Opened) -> UploadResponse:
        return told(TemporaryError("not now", http_status=503))

    def _refuse_active(self, step: UploadStep, opened: Opened) -> UploadResponse:
        return told(TemporaryError("not now", http_status=503), status="active")

    def _mute(self, step: UploadStep, opened: Opened) -> UploadResponse:
        """A 200 that says nothing of an upload."""
        return told(None, "<html>")

    def _nameless(self, step: UploadStep, opened: Opened) -> UploadResponse:
        """The response says what was done, but has no File."""
        return self._carry_out(step, opened)._replace(text="")

    def _gone(self, step: UploadStep, opened: Opened) -> UploadResponse:
        opened.status = "cancelled"
        return told(RejectedError("not found", http_status=404))

    def _cancelled(self, step: UploadStep, opened: Opened) -> UploadResponse:
        opened.status = "cancelled"
        return told(status="cancelled")

    # What only a liar does.

    def _claim_more(self, step: UploadStep, opened: Opened) -> UploadResponse:
        return told(status="active", size_received=opened.received + STEP)

    def _claim_less(self, step: UploadStep, opened: Opened) -> UploadResponse:
        self._carry_out(step, opened)
        return told(status="active", size_received=max(opened.received - STEP, 0))

    def _claim_final(self, step: UploadStep, opened: Opened) -> UploadResponse:
        return told(None, json.dumps({"file": {"name": "files/lie"}}), status="final")

    def _swallow(self, step: UploadStep, opened: Opened) -> UploadResponse:
        """A chunk is acknowledged and thrown away."""
        return told(status="active", size_received=step.offset + step.length)

    def _nonsense(self, step: UploadStep, opened: Opened) -> UploadResponse:
        return told(status="active", size_received="-7", chunk_granularity="x")


UNLUCKY = ["lose", "lost_ack", "half_ack", "truncate", "repeat", "refuse", "refuse_active", "mute", "nameless"]
ENDING = ["gone", "cancelled"]
LYING = ["claim_more", "claim_less", "claim_final", "swallow", "nonsense"]

sizes = st.integers(0, 3 * CHUNK) | st.sampled_from([1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
granularities = st.sampled_from([None, STEP, CHUNK, CHUNK + STEP, 3, 0])
LIMIT = 2000  # requests, after which an upload counts as endless


def run(peer: Peer, retries: int = 3, session: UploadSession | None = None) -> ResumableUpload:
    upload = ResumableUpload(peer.size, retries, lambda url: url.startswith("https://host/"), session)
    while (step := upload.step) is not None:
        assert len(peer.requests) < LIMIT, "it does not end"
        if step.command == "find":
            done = [opened for opened in peer.files if opened.whole]
            upload.set_found_file({"name": "files/a"} if done else None)
        else:
            upload.handle_response(peer.answer(step, upload.session))
    return upload


@given(sizes, granularities, st.lists(st.sampled_from(["good", *UNLUCKY, *ENDING, *LYING]), min_size=1, max_size=12))
def test_it_always_ends_and_an_honest_end_is_the_whole_file(
    size: int, granularity: int | None, moods: list[str]
) -> None:
    peer = Peer(size, cycle(moods), granularity)
    try:
        file = run(peer).file
    except CliError:
        return
    assert file is not None
    if not set(moods) & set(LYING):
        assert file["name"] == "files/a"
    assert file["name"] == "files/lie" or any(opened.whole and opened.received == size for opened in peer.files)


@given(sizes, granularities, st.lists(st.sampled_from(["good", *UNLUCKY]), max_size=20))
def test_bad_luck_that_passes_is_survived(size: int, granularity: int | None, moods: list[str]) -> None:
    """With anything between two good answers, the file is there once, and whole."""
    luck = (mood for mood in [*moods, *["good"] * LIMIT])
    peer = Peer(size, luck, granularity)
    upload = run(peer, retries=len(moods) + 1)
    assert upload.file == {"name": "files/a"}
    assert [(opened.whole, opened.received) for opened in peer.files] == [(True, size)]


@given(sizes, st.lists(st.sampled_from(["good", *UNLUCKY, *ENDING]), min_size=1, max_size=12))
def test_no_byte_is_sent_again_blindly(size: int, moods: list[str]) -> None:
    """After anything but an acknowledgement the server is asked first; chunks begin where it said it was."""
    peer = Peer(size, cycle(moods))
    upload = ResumableUpload(size, 3, lambda url: True)
    asked_first = True
    try:
        while (step := upload.step) is not None and step.command != "find":
            if step.command.startswith("upload"):
                assert asked_first
                assert step.length <= CHUNK
                assert step.offset + step.length <= size
            answer = peer.answer(step, upload.session)
            status = answer.headers.get("x-goog-upload-status")
            asked_first = answer.failure is None and status == "active"
            upload.handle_response(answer)
    except CliError:
        pass


@pytest.mark.parametrize(
    ("size", "steps"),
    [
        (0, ["upload, finalize 0+0"]),
        (1, ["upload, finalize 0+1"]),
        (CHUNK, [f"upload, finalize 0+{CHUNK}"]),
        (CHUNK + 1, [f"upload 0+{CHUNK}", f"upload, finalize {CHUNK}+1"]),
        (2 * CHUNK, [f"upload 0+{CHUNK}", f"upload, finalize {CHUNK}+{CHUNK}"]),
    ],
)
def test_chunks_are_as_the_sdk_cuts_them(size: int, steps: list[str]) -> None:
    peer = Peer(size, cycle(["good"]))
    run(peer)
    assert [f"{step.command} {step.offset}+{step.length}" for step in peer.requests[1:]] == steps


@pytest.mark.parametrize(
    ("granularity", "chunk"),
    [(STEP, CHUNK), (CHUNK, CHUNK), (3 * 1024 * 1024, 6 * 1024 * 1024), (2 * CHUNK, 2 * CHUNK)],
)
def test_a_chunk_is_a_multiple_of_what_the_server_wants(granularity: int, chunk: int) -> None:
    peer = Peer(5 * CHUNK, cycle(["good"]), granularity)
    run(peer)
    assert {step.length for step in peer.requests[1:-1]} == {chunk}


Ordered = list[str]


@pytest.mark.parametrize(
    ("moods", "requests"),
    [
        (["good", "lose"], ["start", "upload", "query", "upload", "upload, finalize"]),
        (["good", "lost_ack"], ["start", "upload", "query", "upload, finalize"]),
        (["good", "good", "lost_ack"], ["start", "upload", "upload, finalize", "query"]),
        (["good", "good", "half_ack"], ["start", "upload", "upload, finalize", "query"]),
        (["good", "refuse_active", "lose"], ["start", "upload", "query", "query", "upload", "upload, finalize"]),
        (["good", "repeat"], ["start", "upload", "query", "upload, finalize"]),
        (["refuse", "good"], ["start", "start", "upload", "upload, finalize"]),
        (["good", "good", "gone"], ["start", "upload", "upload, finalize", "start", "upload", "upload, finalize"]),
        (["good", "good", "lost_ack", "gone"], ["start", "upload", "upload, finalize", "query"]),
        (["good", "cancelled"], ["start", "upload", "start", "upload", "upload, finalize"]),
    ],
    ids=" ".join,
)
def test_what_follows_what(moods: Ordered, requests: Ordered) -> None:
    peer = Peer(2 * CHUNK, (mood for mood in [*moods, *["good"] * 9]))
    upload = run(peer)
    assert [step.command for step in peer.requests] == requests
    assert upload.file is not None


@pytest.mark.parametrize(
    ("moods", "kind"),
    [
        (["refuse"], TemporaryError),
        (["good", *["lose"] * 9], TemporaryError),
        (["good", "claim_more", "claim_more"], RejectedError),
        (["good", "gone", "good", "gone"], RejectedError),
        (["good", "cancelled", "good", "cancelled"], RejectedError),
        (["good", "good", "nameless", "nameless", "nameless"], None),
    ],
)
def test_what_ends_it(moods: Ordered, kind: type[CliError] | None) -> None:
    peer = Peer(2 * CHUNK, cycle(moods))
    if kind is None:  # it was finished, and found where its description was lost
        assert run(peer).file == {"name": "files/a"}
        return
    with pytest.raises(kind):
        run(peer)


def scripted(size: int, *answers: UploadResponse) -> ResumableUpload:
    upload = ResumableUpload(size, 3, lambda url: True)
    for answer in (told(url=URL, status="active"), *answers):
        upload.handle_response(answer)
    return upload


def test_a_server_that_lost_bytes_gets_them_again() -> None:
    upload = scripted(4 * CHUNK, told(status="active"), told(status="active"), told(BROKEN))
    upload.handle_response(told(status="active", size_received=CHUNK))
    assert upload.step == UploadStep("upload", CHUNK, CHUNK)


@pytest.mark.parametrize("size", [4 * CHUNK, 3_000_000, 1000])
def test_a_server_that_takes_a_byte_at_a_time_comes_to_an_end(size: int) -> None:
    upload = scripted(size)
    requests = 0

    def send_all() -> None:
        nonlocal requests
        while upload.step:
            requests += 1
            chunk = upload.step.command.startswith("upload")
            upload.handle_response(told(BROKEN) if chunk else told(status="active", size_received=requests // 2))

    with pytest.raises(TemporaryError):
        send_all()
    assert 3 < requests <= 1000


def test_progress_in_small_steps_is_progress() -> None:
    upload = scripted(CHUNK)
    for received in range(0, CHUNK, 256 * 1024):
        upload.handle_response(told(BROKEN))
        upload.handle_response(told(status="active", size_received=received))
    assert upload.step == UploadStep("upload, finalize", CHUNK - 256 * 1024, 256 * 1024)


def test_a_server_cannot_have_what_was_never_sent() -> None:
    upload = scripted(4 * CHUNK, told(status="active"), told(BROKEN))
    upload.handle_response(told(status="active", size_received=2 * CHUNK))
    assert upload.step == UploadStep("upload", 2 * CHUNK, CHUNK)
    upload = scripted(4 * CHUNK, told(status="active"), told(BROKEN))
    with pytest.raises(RejectedError, match="claims"):
        upload.handle_response(told(status="active", size_received=2 * CHUNK + 1))


def test_a_chunk_that_is_refused_for_good_is_sent_once_if_the_server_has_no_more_than_was_known() -> None:
    refused = told(RejectedError("the upload offset must be 8388608", http_status=400), status="active")
    upload = scripted(4 * CHUNK, refused)
    assert upload.step == UploadStep("query")
    with pytest.raises(RejectedError, match="offset"):
        upload.handle_response(told(status="active", size_received=0))
    upload = scripted(4 * CHUNK, refused)
    upload.handle_response(told(status="active", size_received=CHUNK))
    assert upload.step == UploadStep("upload", CHUNK, CHUNK)


def test_a_finished_file_that_nobody_can_name_is_told_as_unknown() -> None:
    upload = scripted(1, told(status="final"), told(status="final"))
    assert upload.step == UploadStep("find")
    with pytest.raises(UnknownOutcomeError, match="files list"):
        upload.set_found_file(None)


@pytest.mark.parametrize(
    ("answer", "following"),
    [
        (told(status="active", size_received=CHUNK), UploadStep("upload, finalize", CHUNK, CHUNK)),
        (told(status="active", size_received=7), UploadStep("upload", 7, CHUNK)),
        (told(None, '{"file":{"name":"files/a"}}', status="final"), None),
        (told(status="final"), UploadStep("find")),
        (told(status="cancelled"), UploadStep("start")),
        (told(RejectedError("not found", http_status=404)), UploadStep("start")),
        (told(RejectedError("gone", http_status=410)), UploadStep("start")),
        (told(RejectedError("expired", http_status=400)), UploadStep("start")),
        (told(BROKEN), UploadStep("query")),
    ],
)
def test_a_kept_session_is_asked_first(answer: UploadResponse, following: UploadStep | None) -> None:
    upload = ResumableUpload(2 * CHUNK, 3, lambda url: True, UploadSession(URL))
    assert upload.step == UploadStep("query")
    upload.handle_response(answer)
    assert upload.step == following


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (told(status="active"), "without an upload URL"),
        (told(url="https://elsewhere/x", status="active"), "elsewhere"),
        (told(url="http://[", status="active"), "another host"),
        (told(RejectedError("no", http_status=400)), "no"),
    ],
)
def test_what_is_no_start(answer: UploadResponse, words: str) -> None:
    upload = ResumableUpload(1, 3, lambda url: url.startswith("https://host/"))
    with pytest.raises(RejectedError, match=words):
        upload.handle_response(answer)


def test_a_query_that_is_redirected_or_untrusted_does_not_start_over() -> None:
    for failure in (RejectedError("redirect", http_status=302), RejectedError("certificate")):
        upload = ResumableUpload(1, 3, lambda url: True, UploadSession(URL))
        with pytest.raises(RejectedError, match=failure.message):
            upload.handle_response(told(failure))


def test_the_hash_is_read_as_the_service_writes_it() -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    as_hex = "YmE3ODE2YmY4ZjAxY2ZlYTQxNDE0MGRlNWRhZTIyMjNiMDAzNjFhMzk2MTc3YTljYjQxMGZmNjFmMjAwMTVhZA=="
    assert has_sha256({"sha256Hash": as_hex}, digest)
    assert has_sha256({"sha256Hash": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}, digest)
    assert not has_sha256({"sha256Hash": "MDAwMA=="}, digest)
    assert not has_sha256({}, digest)
