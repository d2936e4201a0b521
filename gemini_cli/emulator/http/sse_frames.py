"""Read and rewrite the frames of a stream, for faults."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from .exchange import compact_json

EventEdit = Callable[[dict[str, Any]], dict[str, Any] | None]


def frame_data(frame: bytes) -> dict[str, Any] | None:
    """The JSON object of a frame, or None for a frame without one."""
    _, _, rest = frame.partition(b"data: ")
    try:
        value = json.loads(rest)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def replace_frame_data(frame: bytes, value: dict[str, Any]) -> bytes:
    """The frame with other JSON and the same line ends."""
    head, _, rest = frame.partition(b"data: ")
    end = rest[len(rest.rstrip(b"\r\n")) :]
    return head + b"data: " + compact_json(value) + end


def has_text(frame: bytes) -> bool:
    """Whether the frame has visible text: a text delta, or a chunk with a text part."""
    value = frame_data(frame)
    if value is None:
        return False
    if "candidates" in value:
        return any(part.get("text") and not part.get("thought") for part in chunk_parts(value))
    return bool(value.get("delta", {}).get("type") == "text")


def chunk_parts(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a generateContent chunk."""
    candidates = chunk.get("candidates") or [{}]
    found = candidates[0].get("content", {}).get("parts", [])
    return found if isinstance(found, list) else []


def is_last_frame(frame: bytes) -> bool:
    """Whether a client has the whole answer after this frame."""
    return b'"event_type":"interaction.completed"' in frame or b'"finishReason"' in frame or b"[DONE]" in frame


def frames_until(frames: Iterator[bytes], texts: int) -> Iterator[bytes]:
    """The start of a stream, up to `texts` text deltas, without the final frames."""
    for frame in frames:
        if is_last_frame(frame) or (texts <= 0 and has_text(frame)):
            return
        yield frame
        texts -= has_text(frame)
        if texts == 0:
            return


def edit_frames(frames: Iterator[bytes], edit: EventEdit) -> Iterator[bytes]:
    """Apply `edit` to the JSON of every frame; None drops the frame."""
    for frame in frames:
        value = frame_data(frame)
        if value is None:
            yield frame
            continue
        new = edit(value)
        if new is not None:
            yield replace_frame_data(frame, new)
