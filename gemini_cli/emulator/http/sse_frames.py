"""Read and rewrite the frames of a stream."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .exchange import JSON_UTF8, SSE, HttpResponse, compact_json

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
    parts = candidates[0].get("content", {}).get("parts", [])
    return parts if isinstance(parts, list) else []


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


def events_to_array(response: HttpResponse) -> HttpResponse:
    """A stream of events as one JSON array in pieces (api/README.md 11.10)."""
    if response.status != 200 or response.headers.get("content-type") != SSE:
        return response
    return response._replace(
        headers={**response.headers, "content-type": JSON_UTF8}, body=_array_items(_whole_frames(response.body))
    )


def _array_items(frames: Iterator[bytes]) -> Iterator[bytes]:
    """Elements for events; the array ends only after a final event or an error."""
    separator, complete = b"[", False
    for frame in frames:
        _, prefix, payload = frame.partition(b"data: ")
        if not prefix:
            # A comment or another line without data becomes white space; JSON without a frame stays as it is.
            yield frame if frame.startswith((b"[", b"{")) else frame and b"\n"
        else:
            yield separator + _indented(payload.rstrip(b"\r\n"))
            separator = b"\n,\r\n"
            complete = complete or is_last_frame(frame) or payload.startswith(b'{"error"')
    if complete:
        yield b"\n]"


def _indented(payload: bytes) -> bytes:
    """The JSON of an element as the service indents it; damaged JSON stays unchanged."""
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _whole_frames(items: Iterable[bytes]) -> Iterator[bytes]:
    """The frames of items that may split them; empty items stay."""
    rest = b""
    for item in items:
        if not item:
            yield item
        rest += item
        while frame_end := re.search(rb"\r?\n\r?\n", rest):
            yield rest[: frame_end.end()]
            rest = rest[frame_end.end() :]
    if rest:
        yield rest
