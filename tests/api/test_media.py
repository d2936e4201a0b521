"""Blocks that are no text: how their bytes are read, what form they get, and how sound in pieces is put together."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from gemini_cli.api.accumulator import StepAccumulator
from gemini_cli.api.media import block_mime_type as type_of
from gemini_cli.api.media import decode_base64, join_base64, media_bytes
from gemini_cli.errors import RejectedError
from gemini_cli.formats import mime_types

BYTES = bytes(range(256))


def data(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def nothing(uri: str) -> Iterator[bytes]:
    raise AssertionError(f"fetched {uri}")


def written(**block: Any) -> bytes:
    return b"".join(media_bytes(block, nothing))


@pytest.mark.parametrize("length", [1, 2, 3, 256])
def test_base64_of_either_alphabet_is_read_padded_or_not(length: int) -> None:
    raw = BYTES[-length:]
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        assert decode_base64(encoded.decode()) == raw
        assert decode_base64(encoded.decode().rstrip("=")) == raw


@pytest.mark.parametrize("text", ["A", "AAA AAAA", "AA=A", "ÄÖÜ", "AAAA...TRIMMED...AAAA"])
def test_what_is_no_base64_is_no_answer_of_the_api(text: str) -> None:
    with pytest.raises(RejectedError, match="not base64"):
        decode_base64(text)


def test_a_picture_is_written_as_it_came() -> None:
    assert written(type="image", mime_type="image/jpeg", data=data(BYTES)) == BYTES


def test_what_is_elsewhere_is_fetched() -> None:
    asked = []

    def fetch(uri: str) -> Iterator[bytes]:
        asked.append(uri)
        return iter([b"a", b"b"])

    assert list(media_bytes({"type": "video", "mime_type": "video/mp4", "uri": "https://x"}, fetch)) == [b"a", b"b"]
    assert asked == ["https://x"]


@pytest.mark.parametrize(
    ("block", "rate", "channels"),
    [
        ({"mime_type": "audio/l16"}, 24000, 1),
        ({"mime_type": "audio/L16;codec=pcm;rate=16000"}, 16000, 1),
        ({"mime_type": "audio/pcm; rate=8000; channels=2"}, 8000, 2),
        ({"mime_type": "audio/l16;rate=16000", "sample_rate": 48000, "channels": 2}, 48000, 2),
        ({"mime_type": "audio/l16", "rate": 22050}, 22050, 1),
    ],
)
def test_raw_sound_gets_a_header(block: dict[str, Any], rate: int, channels: int) -> None:
    whole = written(type="audio", data=data(BYTES), **block)
    with wave.open(io.BytesIO(whole)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (rate, channels, 2)
        assert wav.readframes(1000) == BYTES
    assert type_of(block) == "audio/wav"


@pytest.mark.parametrize("block", [{"sample_rate": -1}, {"channels": 1000}, {"sample_rate": "fast"}])
def test_sound_that_makes_no_sense_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(RejectedError):
        written(type="audio", mime_type="audio/l16", data="AAAA", **block)


@pytest.mark.parametrize("cuts", [[], [1], [3], [3, 6], [1, 2, 3, 100]])
def test_pieces_of_base64_are_the_base64_of_the_pieces(cuts: list[int]) -> None:
    bounds = [0, *cuts, len(BYTES)]
    pieces = [data(BYTES[start:end]) for start, end in pairwise(bounds)]
    assert base64.b64decode(join_base64(pieces), validate=True) == BYTES


def test_pieces_that_are_no_base64_stay_as_they_are() -> None:
    assert join_base64(["A=", "?"]) == "A=?"


SOUND = {"type": "audio", "mime_type": "audio/l16", "sample_rate": 24000}


@pytest.mark.parametrize(
    ("deltas", "sounds"),
    [
        ([{**SOUND, "data": data(b"ab")}, {**SOUND, "data": data(b"c")}], [b"abc"]),
        ([{**SOUND, "data": data(b"ab")}, {"type": "audio", "data": data(b"c")}], [b"abc"]),
        (
            [{**SOUND, "data": data(b"a")}, {"type": "audio", "mime_type": "audio/mp3", "data": data(b"c")}],
            [b"a", b"c"],
        ),
        ([{**SOUND, "data": data(b"a")}, {"type": "text", "text": "x"}, {**SOUND, "data": data(b"c")}], [b"a", b"c"]),
    ],
)
def test_sound_grows_and_other_sound_begins_anew(deltas: list[dict[str, Any]], sounds: list[bytes]) -> None:
    step = StepAccumulator({"type": "model_output"})
    for delta in deltas:
        step.add(delta)
    blocks = [block for block in step.step()["content"] if block["type"] == "audio"]
    assert [decode_base64(block["data"]) for block in blocks] == sounds
    assert blocks[0] == {**SOUND, "data": data(sounds[0])}


def test_pictures_do_not_grow_together() -> None:
    step = StepAccumulator({"type": "model_output"})
    pictures = [{"type": "image", "mime_type": "image/jpeg", "data": data(raw)} for raw in (b"a", b"b")]
    for picture in pictures:
        step.add(picture)
    assert step.step()["content"] == pictures


# Types ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF89a\0\x80", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "image/heic"),
        (b"BM\x36\0\x80\0\0\0\0\0\x36", "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x03\0\0\0", "audio/mp3"),
        (b"\xff\xfb\x90\x64\0", "audio/mp3"),
        (b"\xff\xf1\x50\x80\x02", "audio/aac"),
        (b"OggS\0\x02\0", "audio/ogg"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"\0\0\0\x20ftypM4A \0\0", "audio/m4a"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0", "video/mov"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"RIFF\x24\0\0\0AVI LIST", "video/avi"),
        (b"\0\0\1\xba\x44\0", "video/mpeg"),
        (b"%PDF-1.7\n%plain", "application/pdf"),
        (b"BMW is no bitmap", "text/plain"),
        ("GIF und Größe".encode()[:-1], "text/plain"),
        ("ü".encode()[:1], "text/plain"),
        (b"\xff\xfeU\0T\0F\0", None),
        (b"\x7fELF\2\1\1\0", None),
        (b"PK\3\4\x14\0\0\0", None),
        (bytes(range(128, 250)), None),
    ],
)
def test_a_type_is_known_by_the_first_bytes(head: bytes, found: str | None) -> None:
    assert mime_types.guess_from_content(head) == found
