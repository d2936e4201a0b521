"""Read generated images, audio and videos as bytes of a file (api/README.md 3)."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gemini_cli.api.fields import get_typed
from gemini_cli.errors import RejectedError

MediaBlock = dict[str, Any]
FetchMedia = Callable[[str], Iterator[bytes]]  # the bytes at an address from the answer

PCM_TYPES = ("audio/l16", "audio/pcm")
DEFAULT_SAMPLE_RATE = 24000  # samples a second of generated speech, if the answer does not say


def media_bytes(block: MediaBlock, fetch: FetchMedia) -> Iterator[bytes]:
    """The bytes of a part with `data` or a `uri`; RejectedError if it is not valid."""
    data = get_typed(block, "data", str)
    pieces = iter([decode_base64(data)]) if data else fetch(get_typed(block, "uri", str) or "")
    return iter([_wav(block, b"".join(pieces))]) if _is_pcm(block) else pieces


def block_mime_type(block: MediaBlock) -> str:
    """The media type of `media_bytes`, or only the kind of part."""
    return "audio/wav" if _is_pcm(block) else get_typed(block, "mime_type", str) or str(block.get("type"))


def decode_base64(text: str) -> bytes:
    """Decode base64 of either alphabet, padded or not (api/README.md 3.6, 11.5)."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError as error:
        raise RejectedError(f"not the API's answer: its data is not base64 ({error})", billed="yes") from None


def join_base64(pieces: Sequence[str]) -> str:
    """Join several base64 texts to one; other texts are only put together."""
    if all(len(piece) % 4 == 0 and not piece.endswith("=") for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return base64.b64encode(b"".join(map(decode_base64, pieces))).decode("ascii")
    except RejectedError:
        return "".join(pieces)


def _is_pcm(block: MediaBlock) -> bool:
    return (get_typed(block, "mime_type", str) or "").partition(";")[0].strip().lower() in PCM_TYPES


def _wav(block: MediaBlock, samples: bytes) -> bytes:
    """Wrap raw PCM in WAV: without its rate, no player can play it.

    The samples are taken as little-endian (api/README.md 3.9), although RFC 2586 has `audio/l16` big-endian.
    """
    import wave

    channels, rate = (
        _number(block, "channels", 1, most=255),
        _number(block, "rate", DEFAULT_SAMPLE_RATE, most=1_000_000),
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(samples)
    return file.getvalue()


def _number(block: MediaBlock, name: str, default: int, *, most: int) -> int:
    """A number from the fields of a part, or from its type, `audio/L16;rate=24000`.

    `rate` is an older name of `sample_rate`.
    """
    value = get_typed(block, f"sample_{name}", int) or get_typed(block, name, int)
    if value is None:
        match = re.search(rf";\s*{name}=(\d{{1,9}})", get_typed(block, "mime_type", str) or "")
        value = int(match[1]) if match else default
    if not 0 < value <= most:
        raise RejectedError(f"not the API's answer: audio with {name} {value}", billed="yes")
    return value
