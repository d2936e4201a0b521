"""Reading and rewriting the frames of a stream, for the faults that spoil it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from .exchange import dump

Edit = Callable[[dict[str, Any]], dict[str, Any] | None]


def data(frame: bytes) -> dict[str, Any] | None:
    """The JSON of a frame; None for `done`, for empty items and for what another fault has spoilt."""
    _, _, rest = frame.partition(b"data: ")
    try:
        value = json.loads(rest)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def with_data(frame: bytes, value: dict[str, Any]) -> bytes:
    """The same frame with other JSON; its line ends are kept."""
    head, _, rest = frame.partition(b"data: ")
    end = rest[len(rest.rstrip(b"\r\n")) :]
    return head + b"data: " + dump(value) + end


def is_text(frame: bytes) -> bool:
    """Whether it brings text to a reader: a text delta, or a chunk of the older family with any."""
    value = data(frame)
    if value is None:
        return False
    if "candidates" in value:
        return any(part.get("text") and not part.get("thought") for part in parts(value))
    return bool(value.get("delta", {}).get("type") == "text")


def parts(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a chunk of the older family."""
    candidates = chunk.get("candidates") or [{}]
    found = candidates[0].get("content", {}).get("parts", [])
    return found if isinstance(found, list) else []


def is_last(frame: bytes) -> bool:
    """Whether a reader that got this far has the whole answer."""
    return b'"event_type":"interaction.completed"' in frame or b'"finishReason"' in frame or b"[DONE]" in frame


def up_to(frames: Iterator[bytes], texts: int) -> Iterator[bytes]:
    """The beginning of a stream with that many text deltas, or with all there are, but never its end."""
    for frame in frames:
        if is_last(frame) or (texts <= 0 and is_text(frame)):
            return
        yield frame
        texts -= is_text(frame)
        if texts == 0:
            return


def edited(frames: Iterator[bytes], edit: Edit) -> Iterator[bytes]:
    """Every frame with JSON goes through `edit`; None drops the frame."""
    for frame in frames:
        value = data(frame)
        if value is None:
            yield frame
            continue
        new = edit(value)
        if new is not None:
            yield with_data(frame, new)
