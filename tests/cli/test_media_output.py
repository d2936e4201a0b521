"""Pictures, sounds and films out of an answer, in-process: which file holds what, and what goes to stdout."""

from __future__ import annotations

import base64
import io
import json
import os
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import ScriptedTransport, completed, created, gemini, reply, sse, start, text

OCTETS = "application/octet-stream"
HERE = "https://generativelanguage.googleapis.com"


def block(raw: bytes, mime_type: str = "image/jpeg", **more: Any) -> dict[str, Any]:
    data = base64.b64encode(raw).decode()
    return {"type": mime_type.partition("/")[0], "mime_type": mime_type, "data": data, **more}


def said(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def answered(*content: dict[str, Any], status: str = "completed") -> httpx.Response:
    return reply({"id": "v1_a", "status": status, "steps": [{"type": "model_output", "content": list(content)}]})


def streamed(*content: dict[str, Any]) -> httpx.Response:
    deltas = [{"event_type": "step.delta", "index": 0, "delta": each} for each in content]
    return sse(created(), start(), *deltas, {"event_type": "step.stop", "index": 0}, completed(), done=True)


ASKED = [("generate", answered), ("stream", streamed)]


@pytest.mark.parametrize(("command", "answer"), ASKED)
def test_a_picture_goes_to_the_file_and_words_to_stdout(command: str, answer: Any) -> None:
    outcome = gemini(command, "-o", "out.jpg", "hi", answers=[answer(block(b"\xff\xd8"), said("A cat."))])
    assert outcome == (0, "A cat.\n", "")
    assert Path("out.jpg").read_bytes() == b"\xff\xd8"
    assert gemini(command, "-o", "out.jpg", "hi", answers=[answer(block(b"new"))]) == (0, "", "")
    assert Path("out.jpg").read_bytes() == b"new"


@pytest.mark.parametrize(("command", "answer"), ASKED)
def test_more_than_one_is_numbered_before_the_ending(command: str, answer: Any) -> None:
    content = [block(b"1"), said("between"), block(b"2"), block(b"3", "audio/mp3")]
    outcome = gemini(command, "-o", "out.jpg", "hi", answers=[answer(*content)])
    assert (outcome.status, outcome.out) == (0, "between\n")
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == {
        "out.jpg": b"1",
        "out-2.jpg": b"2",
        "out-3.jpg": b"3",
    }


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        ([block(b"1"), {"type": "image", "mime_type": "image/png", "data": "no base64!"}], 6, "not base64"),
        ([block(b"1"), {"type": "video", "uri": "https://elsewhere.example/files/a"}], 6, "not a file of this API"),
        ([block(b"1"), {"type": "video", "uri": f"{HERE}.example/v1beta/files/a"}], 6, "not a file of this API"),
        ([block(b"1"), {"type": "image", "data": 7}], 6, "'data' is 7"),
    ],
)
def test_all_files_are_kept_or_none(content: list[dict[str, Any]], status: int, words: str) -> None:
    Path("out.png").write_bytes(b"old")
    outcome = gemini("generate", "-o", "out.png", "hi", answers=[answered(said("words"), *content)])
    assert (outcome.status, outcome.out) == (status, "")
    assert words in outcome.err
    assert [path.read_bytes() for path in Path().iterdir()] == [b"old"]
    told = gemini("generate", "--json", "-o", "out.png", "hi", answers=[answered(*content)])
    assert told.status == 0  # the JSON has what cannot be written


def test_a_further_file_replaces_nothing() -> None:
    Path("out.png").write_bytes(b"old")
    Path("out-2.png").write_bytes(b"mine")
    Path("out-3.png").symlink_to("nowhere")
    outcome = gemini(
        "generate", "-o", "out.png", "hi", answers=[answered(*[block(b"%d" % n, "image/png") for n in (1, 2, 3)])]
    )
    assert (outcome.status, outcome.out) == (0, "")
    assert "file 2 of 3 is out-4.png" in outcome.err
    found = {path.name: path.read_bytes() for path in Path().iterdir() if path.name != "out-3.png"}
    assert found == {"out.png": b"1", "out-2.png": b"mine", "out-4.png": b"2", "out-5.png": b"3"}


def test_a_file_that_appears_meanwhile_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def late(descriptor: int) -> None:
        Path("out-2.png").write_bytes(b"mine")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", late)
    content = [block(b"1", "image/png"), block(b"2", "image/png")]
    outcome = gemini("generate", "-o", "out.png", "hi", answers=[answered(*content)])
    assert outcome.status == 13
    assert outcome.err.count("\n") == 1
    found = sorted(path.read_bytes() for path in Path().iterdir() if not path.name.startswith(".gemini-cli-answer"))
    assert found == [b"1", b"2", b"mine"]


def test_an_answer_has_at_most_sixteen_files() -> None:
    outcome = gemini("generate", "-o", "out.png", "hi", answers=[answered(*[block(b"x")] * 17)])
    assert (outcome.status, list(Path().iterdir())) == (13, [])
    assert "at most 16" in outcome.err
    assert gemini("generate", "-q", "-o", "out.png", "hi", answers=[answered(*[block(b"x")] * 16)]).status == 0
    assert len(list(Path().iterdir())) == 16


def test_what_nobody_knows_yet_is_no_picture() -> None:
    strange = {"type": "brand_new", "uri": "https://elsewhere.example/x"}
    assert gemini("generate", "-o", "out.txt", "hi", answers=[answered(strange, said("Hello!"))]) == (0, "", "")
    assert Path("out.txt").read_text() == "Hello!\n"


def test_an_answer_that_is_not_whole_leaves_no_file() -> None:
    outcome = gemini("generate", "-o", "out.png", "hi", answers=[answered(block(b"1"), status="incomplete")])
    assert (outcome.status, list(Path().iterdir())) == (8, [])


def test_the_file_says_when_its_name_is_another_kind_of_picture() -> None:
    outcome = gemini("generate", "-o", "out.png", "hi", answers=[answered(block(b"1"))])
    assert outcome == (0, "", "gemini-cli: out.png holds image/jpeg\n")
    two = gemini("generate", "-o", "out.jpg", "hi", answers=[answered(block(b"1"), block(b"2", "audio/mp3"))])
    assert two == (0, "", "gemini-cli: out-2.jpg holds audio/mp3\n")


@pytest.mark.parametrize(("command", "answer"), ASKED)
def test_raw_sound_becomes_wav(command: str, answer: Any) -> None:
    pieces = [block(b"\1\2", "audio/l16", sample_rate=16000)]
    if command == "stream":
        pieces += [{"type": "audio", "data": base64.b64encode(b"\3\4\5\6").decode()}]
    assert gemini(command, "-o", "out.wav", "hi", answers=[answer(*pieces)]).status == 0
    with wave.open(io.BytesIO(Path("out.wav").read_bytes())) as wav:
        assert wav.getframerate() == 16000
        assert wav.readframes(9) == b"\1\2\3\4\5\6"[: 2 * wav.getnframes()]


@pytest.mark.parametrize(
    "uri", [f"{HERE}/v1beta/files/abc-12:download?alt=media", f"{HERE}/v1/files/abc-12", f"{HERE}/v1beta/files/abc-12"]
)
def test_a_film_at_an_address_is_fetched_with_the_key_and_its_redirect(uri: str) -> None:
    film = {"type": "video", "mime_type": "video/mp4", "uri": uri}
    moved = reply(b"", 302, headers={"location": "/download/v1beta/files/abc-12:download?alt=media"})
    wire = ScriptedTransport([answered(film), moved, reply(b"\0film", content_type=OCTETS)])
    assert gemini("generate", "-o", "out.mp4", "hi", answers=wire).status == 0
    assert Path("out.mp4").read_bytes() == b"\0film"
    assert [str(call.url) for call in wire.requests[1:]] == [
        f"{HERE}/v1beta/files/abc-12:download?alt=media",
        f"{HERE}/download/v1beta/files/abc-12:download?alt=media",
    ]
    assert all("x-goog-api-key" in call.headers for call in wire.requests)


def test_a_kept_interaction_has_its_picture_still() -> None:
    assert gemini("interactions", "get", "v1_a", "-o", "out.jpg", answers=[answered(block(b"1"))]).status == 0
    assert Path("out.jpg").read_bytes() == b"1"


# stdout --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "answer"), ASKED)
def test_stdout_takes_one_picture_and_then_no_words(command: str, answer: Any) -> None:
    outcome = gemini(command, "-o", "-", "hi", answers=[answer(said("A cat."), block(b"JPEG"))])
    assert outcome == (0, "JPEG", "gemini-cli: the text beside it: A cat.\n")
    assert gemini(command, "-o", "-", "hi", answers=[answer(said("Hello!"))]) == (0, "Hello!\n", "")
    two = gemini(command, "-o", "-", "hi", answers=[answer(block(b"1"), block(b"2"))])
    assert (two.status, two.out) == (13, "")
    assert "-o FILE" in two.err


@pytest.mark.parametrize(("command", "answer"), ASKED)
def test_nothing_binary_reaches_a_terminal(command: str, answer: Any) -> None:
    surprised = gemini(command, "-o", "-", "hi", answers=[answer(block(b"JPEG"))], terminal=True)
    assert (surprised.status, surprised.out) == (13, "")
    plain = gemini(command, "hi", answers=[answer(block(b"JPEG"), said("A cat."))], terminal=True)
    assert (plain.status, plain.out) == (0, "A cat.\n")
    assert "the answer holds image/jpeg; -o FILE writes it" in plain.err


@pytest.mark.parametrize("flags", [["--format-image", "16:9"], ["--format-audio", "audio/wav"]])
@pytest.mark.parametrize("place", [[], ["-o", "-"]])
def test_a_terminal_is_refused_before_anything_is_sent_if_it_is_known(flags: list[str], place: list[str]) -> None:
    for command in ("generate", "stream"):
        outcome = gemini(command, *flags, *place, "hi", terminal=True)
        assert (outcome.status, outcome.out) == (2, "")
        assert "stdout is a terminal" in outcome.err
    assert gemini("generate", "-n", *flags, "hi", terminal=True).status == 0
    assert gemini("generate", "--json", *flags, "hi", terminal=True, answers=[answered(block(b"1"))]).status == 0
    assert gemini("generate", *flags, "-o", "out", "hi", terminal=True, answers=[answered(block(b"1"))]).status == 0


def test_a_picture_that_nobody_asked_for_is_a_notice() -> None:
    outcome = gemini("generate", "hi", answers=[answered(block(b"1"), block(b"2", "audio/mp3"))])
    assert outcome.out == ""
    assert outcome.err == "gemini-cli: the answer holds image/jpeg, audio/mp3; -o FILE writes it, --json has it\n"
    assert gemini("generate", "--require-output", "hi", answers=[answered(block(b"1"))]).status == 0
    assert gemini("generate", "--json", "hi", answers=[answered(block(b"1"))]).err == ""


def test_a_device_takes_one() -> None:
    assert gemini("generate", "-o", "/dev/null", "hi", answers=[answered(block(b"1"))]).status == 0
    assert gemini("generate", "-o", "/dev/null", "hi", answers=[answered(block(b"1"), block(b"2"))]).status == 13
    assert not Path("/dev/null-2").exists()


# What is asked -------------------------------------------------------------------------------------------------------

SCHEMA = {"type": "object"}


@pytest.mark.parametrize(
    ("flags", "formats"),
    [
        (["--format-image", "16:9"], {"type": "image", "aspect_ratio": "16:9"}),
        (["--format-image", "1:1,2K"], {"type": "image", "aspect_ratio": "1:1", "image_size": "2K"}),
        (["--format-audio", "audio/l16"], {"type": "audio", "mime_type": "audio/l16"}),
        (["--format-video", "9:16,1080p"], {"type": "video", "aspect_ratio": "9:16", "resolution": "1080p"}),
        (
            ["--format-audio", "audio/mp3", "--schema", json.dumps(SCHEMA), "--format-image", "1:1"],
            [
                {"type": "text", "mime_type": "application/json", "schema": SCHEMA},
                {"type": "image", "aspect_ratio": "1:1"},
                {"type": "audio", "mime_type": "audio/mp3"},
            ],
        ),
    ],
)
def test_formats_are_asked_for(flags: list[str], formats: Any) -> None:
    assert gemini("generate", "-n", *flags, "hi").body["response_format"] == formats


def test_a_voice_is_a_list_of_one_speaker() -> None:
    argv = ["--format-audio", "audio/l16", "--voice", "Kore", "hi"]
    assert gemini("generate", "-n", *argv).body["generation_config"] == {"speech_config": [{"voice": "Kore"}]}
    older = gemini("generate", "-n", "--api", "generate-content", *argv).body["generationConfig"]
    assert older["speechConfig"] == {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    assert gemini("generate", "--offline", *argv, "-o", "out.wav").status == 0
    refused = gemini("generate", "-n", "--api", "generate-content", "--format-video", "16:9", "hi")
    assert refused.status == 2
    assert "--format-video" in refused.err


def test_the_emulator_draws_and_sings() -> None:
    for command in ("generate", "stream"):
        outcome = gemini(command, "--offline", "--format-image", "1:1", "-o", "out.jpg", "a cat")
        assert (outcome.status, outcome.err) == (0, "")
        assert Path("out.jpg").read_bytes().startswith(b"\xff\xd8\xff")
        gemini(command, "--offline", "--format-audio", "audio/wav", "-o", "out.wav", "a song")
        with wave.open("out.wav") as wav:
            assert wav.getnframes()
        argv = ["--offline", "--format-video", "16:9", "-m", "gemini-omni-1.2-flash", "-o", "out.mp4", "a cat"]
        assert gemini(command, *argv) == (0, "", "")
        assert list(boxes(Path("out.mp4").read_bytes())) == ["ftyp", "moov", "mdat"]


def boxes(data: bytes) -> Iterator[str]:
    """The boxes of an MP4 (ISO/IEC 14496-12), which fill it."""
    while data:
        size = int.from_bytes(data[:4])
        assert 8 <= size <= len(data)
        yield data[4:8].decode()
        data = data[size:]


@pytest.mark.parametrize(("command", "answer"), ASKED)
@pytest.mark.parametrize("name", ["out.mp4", "out.wav", "out.png"])
def test_a_file_named_as_a_medium_that_the_answer_lacks_is_not_written(command: str, answer: Any, name: str) -> None:
    Path(name).write_bytes(b"before")
    kind = {"out.mp4": "video", "out.wav": "audio", "out.png": "image"}[name]
    outcome = gemini(command, "-u", "-o", name, "hi", answers=[answer(said("I cannot do that."))])
    assert (outcome.status, outcome.out) == (8, "")
    assert f"the answer has no {kind}, so {name} is not written" in outcome.err
    assert outcome.err.startswith("I cannot do that.\n")
    assert "usage: " in outcome.err
    assert f"--format-{kind}" in outcome.err
    assert Path(name).read_bytes() == b"before"
    other = block(b"other", "audio/mp3" if kind != "audio" else "video/mp4")
    assert gemini(command, "-o", name, "hi", answers=[answer(other)]).status == 8
    assert Path(name).read_bytes() == b"before"


@pytest.mark.parametrize("name", ["out.svg", "out.csv", "out.pdf", "out.ts", "out"])
def test_other_names_take_text(name: str) -> None:
    assert gemini("generate", "-o", name, "hi", answers=[answered(said("a,b"))]) == (0, "", "")
    assert Path(name).read_text() == "a,b\n"


def test_text_alone_goes_to_the_file_as_ever() -> None:
    wire = ScriptedTransport([sse(created(), start(), text("Hello!"), completed(), done=True)])
    assert gemini("stream", "-o", "out.txt", "hi", answers=wire) == (0, "", "")
    assert Path("out.txt").read_bytes() == b"Hello!\n"
    assert json.loads(wire.requests[0].content)["input"] == "hi"
