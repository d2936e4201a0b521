"""The pretend model's pictures and sounds: the smallest that programs accept."""

import base64
import struct

from .conversation import Part

# A grey JPEG of one pixel; images are image/jpeg whatever was asked (traffic.md 42).
PIXEL = bytes.fromhex(
    "ffd8ffdb004300030202020202030202020303030304060404040404080606050609080a0a090809090a0c0f0c0a0b0e0b09090d110d"
    "0e0f101011100a0c12131210130f101010ffc9000b080001000101011100ffcc000600101005ffda0008010100003f00d2cf20ffd9"
)
RATE = 8000


def _silence(samples: int = 800) -> bytes:
    """A tenth of a second of nothing, as WAV."""
    data = bytes(2 * samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    chunks = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(chunks)) + chunks


def media_part(kind: str) -> Part:
    mime_type, data = ("audio/wav", _silence()) if kind == "audio" else ("image/jpeg", PIXEL)
    return {"mime_type": mime_type, "data": base64.b64encode(data).decode(), "type": kind}
