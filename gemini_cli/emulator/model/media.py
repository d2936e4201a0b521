"""The kinds of media: price, fields, and generated data."""

import base64
import struct
from typing import Any, NamedTuple

# A grey chessboard of 96 by 96 pixels; generated images are image/jpeg in any case (api/README.md 3.7).
SAMPLE_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6"
    "/+b9//j/wAALCABgAGABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABAAC/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAAPwDJgZgZgZgZgZiD"
    "MDMDMDMDMDRgZgZgZgZgZiDMDMDMDMDMDRgZgZgZgZgZiDMDMDMDMDMDRgZgZgZgZgZiDMDMDMDMDMDRgZgZgZgZgZiDMDMDMDMDMDRgZgZgZgZg"
    "ZiDMDMDMDMDMDf/Z"
)
# A grey square of 16 pixels for one second: H.264 in MP4.
ONE_SECOND_MP4 = base64.b64decode(
    "AAAAHGZ0eXBpc29tAAACAGlzb21hdmMxbXA0MQAAAkxtb292AAAAbG12aGQAAAAAAAAAAAAAAAAAAAPoAAAD6AABAAABAAAAAAAAAAAAAAAAAQAA"
    "AAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAB2HRyYWsAAABcdGtoZAAAAAMAAAAA"
    "AAAAAAAAAAEAAAAAAAAD6AAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAEAAAAAAEAAAABAAAAAAAXRtZGlh"
    "AAAAIG1kaGQAAAAAAAAAAAAAAAAAAAPoAAAD6FXEAAAAAAAhaGRscgAAAAAAAAAAdmlkZQAAAAAAAAAAAAAAAAAAAAErbWluZgAAABR2bWhkAAAA"
    "AQAAAAAAAAAAAAAAJGRpbmYAAAAcZHJlZgAAAAAAAAABAAAADHVybCAAAAABAAAA63N0YmwAAACDc3RzZAAAAAAAAAABAAAAc2F2YzEAAAAAAAAA"
    "AQAAAAAAAAAAAAAAAAAAAAAAEAAQAEgAAABIAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY//8AAAAdYXZjQwFCwAr/"
    "4QAGZ0LACt3kAQAEaM48gAAAABhzdHRzAAAAAAAAAAEAAAABAAAD6AAAABxzdHNjAAAAAAAAAAEAAAABAAAAAQAAAAEAAAAYc3RzegAAAAAAAAAA"
    "AAAAAQAAAAkAAAAUc3RjbwAAAAAAAAABAAACcAAAABFtZGF0AAAABWWIhKJ4"
)
SAMPLE_RATE = 8000


def _silence(samples: int = 800) -> bytes:
    """A tenth of a second of silence, as WAV."""
    data = bytes(2 * samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    chunks = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(chunks)) + chunks


class MediaKind(NamedTuple):
    """One kind of media part.

    `mime_start` is the beginning of its media types; `tokens` is near the real price. `input_fields` are those besides
    data, uri, mime_type and resolution; `output_fields` those of a response_format, None where no response_format has
    this kind. `generated` is the MIME type and the bytes of a generated part, None where the emulator generates none.
    An uploaded file of a `processed` kind is not usable at once.
    """

    mime_start: str
    tokens: int
    input_fields: tuple[str, ...]
    output_fields: tuple[str, ...] | None = None
    generated: tuple[str, bytes] | None = None
    processed: bool = False


# An image costs 258 tokens, a second of audio 32, of video 263, a page 258.
MEDIA_KINDS = {
    "image": MediaKind(
        "image/",
        258,
        (),
        ("aspect_ratio", "image_size", "mime_type", "delivery"),
        ("image/jpeg", SAMPLE_JPEG),
    ),
    "audio": MediaKind(
        "audio/",
        320,
        ("sample_rate", "channels", "processing"),
        ("mime_type", "sample_rate", "bit_rate", "delivery"),
        ("audio/wav", _silence()),
        processed=True,
    ),
    "video": MediaKind(
        "video/",
        2630,
        ("name", "processing"),
        ("aspect_ratio", "resolution", "duration", "gcs_uri", "delivery"),
        ("video/mp4", ONE_SECOND_MP4),
        processed=True,
    ),
    "document": MediaKind("", 258, ("processing",)),  # the last one: everything without a kind of its own
}
PART_KINDS = ("text", *MEDIA_KINDS)
OUTPUT_KINDS = tuple(name for name, kind in MEDIA_KINDS.items() if kind.output_fields is not None)


def kind_of_mime_type(mime_type: str) -> str:
    """The kind of a medium."""
    return next(name for name, kind in MEDIA_KINDS.items() if mime_type.startswith(kind.mime_start))


def is_generated(kind: str) -> bool:
    return kind in MEDIA_KINDS and MEDIA_KINDS[kind].generated is not None


def media_part(kind: str) -> dict[str, Any]:
    """A generated part."""
    generated = MEDIA_KINDS[kind].generated
    assert generated is not None
    mime_type, data = generated
    return {"mime_type": mime_type, "data": base64.b64encode(data).decode(), "type": kind}
