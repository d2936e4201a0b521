"""Faults of a response that has started: its end, its content, its bytes.

`after` is the number of text deltas before the fault; the steps before the text are always sent.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import INTERACTION_CODES, RPC_STATUSES
from ..http.exchange import HttpRequest, HttpResponse, compact_json
from ..http.sse_frames import chunk_parts, edit_frames, frame_data, frames_until, has_text, replace_frame_data
from .fault_context import FaultContext
from .fault_registry import fault

FramesEdit = Callable[[Iterator[bytes]], Iterator[bytes]]


def _changed(context: FaultContext, edit: FramesEdit, request: HttpRequest | None = None) -> HttpResponse:
    """The true response with its frames rewritten; an error response stays unchanged."""
    response = context.proceed(request or context.request)
    return response if response.status != 200 else response._replace(body=edit(iter(response.body)))


# --- its end


@fault(on="streams", slot="end", how=("reset", "close"))
def cut(context: FaultContext, after: int = 2, how: object = "reset") -> HttpResponse:
    """A connection reset after `after` text deltas; with how=close it is closed."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from frames_until(frames, after)
        broken = ConnectionAbortedError if how == "close" else ConnectionResetError
        raise broken("emulated: cut in the middle of a response")

    return _changed(context, corrupt)


@fault(on="streams", slot="end")
def cut_clean(context: FaultContext, after: int = 2) -> HttpResponse:
    """A complete HTTP response without the events after `after` text deltas."""
    return _changed(context, lambda frames: frames_until(frames, after))


@fault(on="streams", slot="end")
def stall(context: FaultContext, after: int = 2, seconds: float = 3600) -> HttpResponse:
    """Silence after `after` text deltas, on an open connection."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from frames_until(frames, after)
        yield from context.wait(seconds)
        raise ConnectionResetError("emulated: end of the stall")

    return _changed(context, corrupt)


@fault(on="streams", slot="end")
def comments(context: FaultContext, after: int = 0, seconds: float = 0.4, lines: int = 9000) -> HttpResponse:
    """Only comment lines after `after` text deltas, with a pause between them."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from frames_until(frames, after)
        for _ in range(lines):
            yield b": still here\n\n"
            yield from context.wait(seconds)

    return _changed(context, corrupt)


@fault(on="streams", slot="end")
def error_event(
    context: FaultContext,
    after: int = 2,
    code: object = "",
    message: object = "The model is overloaded.",
    status: int = 503,
) -> HttpResponse:
    """An error event after `after` text deltas, then the end of the stream."""
    word = str(code or INTERACTION_CODES.get(status, "api_error"))
    failed: dict[str, Any] = {"error": {"message": str(message), "code": word}}

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from frames_until(frames, after)
        if context.is_interactions:
            yield b"event: error\ndata: " + compact_json({**failed, "event_type": "error"}) + b"\n\n"
            yield b"event: done\ndata: [DONE]\n\n"
        else:
            error = {"code": status, "message": str(message), "status": RPC_STATUSES.get(status, "UNKNOWN")}
            yield b"data: " + compact_json({"error": error}) + b"\r\n\r\n"

    return _changed(context, corrupt)


@fault(on="streams", slot="end")
def unframed_error(context: FaultContext, after: int = 2, status: int = 503) -> HttpResponse:
    """A JSON error that is not an event, after `after` text deltas."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from frames_until(frames, after)
        error = {"code": status, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}
        yield json.dumps([{"error": error}], indent=1).encode() + b"\n"

    return _changed(context, corrupt)


@fault(on="answers", slot="end")
def truncate_json(context: FaultContext, after: int = 2) -> HttpResponse:
    """Incomplete JSON: the body, or the event after `after` text deltas."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from frames_until(frames, after)
        frame = b'event: step.delta\ndata: {"index":1,"delta":{"text":"half of an ev'
        yield frame if context.is_interactions else b'data: {"candidates":[{"content":{"parts":[{"text":"half'

    if context.streamed:
        return _changed(context, corrupt)
    response = context.proceed(context.request)
    body = b"".join(response.body)
    return response._replace(body=(body[: len(body) // 2],))


@fault(on="streams", slot="end")
def bad_json(context: FaultContext, after: int = 2) -> HttpResponse:
    """An event with invalid JSON after `after` text deltas; the rest follows."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from _inserted(frames, after, b"event: step.delta\ndata: {not json}\n\n")

    return _changed(context, corrupt)


@fault(on="streams", slot="end")
def talk_on(context: FaultContext, seconds: float = 3600) -> HttpResponse:
    """More text deltas after the final event, on a connection that stays open."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        texts: list[bytes] = []
        for frame in frames:
            texts += [frame] if has_text(frame) else []
            yield frame
        yield from texts
        yield from context.wait(seconds)

    return _changed(context, corrupt)


def _inserted(frames: Iterator[bytes], after: int, extra: bytes) -> Iterator[bytes]:
    """The frames with `extra` after `after` text deltas."""
    if after == 0:
        yield extra
    for frame in frames:
        yield frame
        if has_text(frame):
            after -= 1
            if after == 0:
                yield extra


# --- its content


@fault(on="streams")
def no_event_ids(context: FaultContext) -> HttpResponse:
    """Events without event_id."""

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        return {key: each for key, each in value.items() if key != "event_id"}

    return _changed(context, lambda frames: edit_frames(frames, edit))


def _from_start(request: HttpRequest) -> HttpRequest:
    return request._replace(target=re.sub(r"([?&])last_event_id=[^&]*&?", r"\1", request.target).rstrip("?&"))


@fault(on="resumes", slot="replay")
def replay_from_start(context: FaultContext) -> HttpResponse:
    """A resumed stream that ignores last_event_id."""
    return context.proceed(_from_start(context.request))


@fault(on="resumes", slot="replay")
def diverge(context: FaultContext) -> HttpResponse:
    """A resumed stream that starts again with a different text."""

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        delta = value.get("delta", {})
        if delta.get("type") == "text":
            return {**value, "delta": {**delta, "text": delta["text"].swapcase()}}
        return value

    return _changed(context, lambda frames: edit_frames(frames, edit), _from_start(context.request))


@fault(on="streams")
def unknown_parts(context: FaultContext) -> HttpResponse:
    """Undocumented events, steps, deltas and fields among the true ones."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        strange: tuple[dict[str, Any], ...] = (
            {"event_type": "interaction.undocumented", "undocumented": {"deep": [1]}},
            {
                "event_type": "step.delta",
                "index": 0,
                "delta": {"type": "undocumented_delta", "text": "not for readers"},
            },
            {"event_type": "step.start", "index": 99, "step": {"type": "undocumented", "text": "not for readers"}},
            {"event_type": "step.stop", "index": 99},
        )
        for number, frame in enumerate(frames):
            if number == 2 and context.is_interactions:
                for each in strange:
                    yield b"event: %s\ndata: %s\n\n" % (each["event_type"].encode(), compact_json(each))
            yield frame

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "x_unknown": {"deep": [1, None]}}

    return _changed(context, lambda frames: corrupt(edit_frames(frames, edit)))


@fault(on="streams")
def odd_frames(context: FaultContext) -> HttpResponse:
    """Comments, ids, empty data, an empty event and an invalid line between events."""
    noise = (
        b": a comment\n\n",
        b"id: 7\n: after the id\n\n",
        b"event: ping\n\n",
        b"data:\n\n",
        b"garbage\n\n",
    )

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        for number, frame in enumerate(frames):
            yield noise[number % len(noise)]
            yield frame

    return _changed(context, corrupt)


@fault(on="answers", slot="text")
def bad_utf8(context: FaultContext) -> HttpResponse:
    """Three bytes of invalid UTF-8 before the first text."""
    return _first_text(context, b"\xff\xfe\x80")


@fault(on="answers", slot="text")
def lone_surrogate(context: FaultContext) -> HttpResponse:
    """Half a surrogate pair, as a JSON escape, before the first text."""
    return _first_text(context, b"\\ud83d")


def _first_text(context: FaultContext, extra: bytes) -> HttpResponse:
    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        missing = True
        for frame in frames:
            if missing and b'"text":' in frame and (not context.streamed or has_text(frame)):
                frame = re.sub(rb'("text": ?")', lambda found: found[1] + extra, frame, count=1)
                missing = False
            yield frame

    return _changed(context, corrupt)


@fault(on="streams")
def huge_event(context: FaultContext, mib: int = 32) -> HttpResponse:
    """An event of `mib` MiB on one line."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        waiting = True
        for frame in frames:
            value = frame_data(frame) or {}
            if waiting and value.get("delta", {}).get("type") == "thought_signature":
                waiting = False
                big = {**value, "delta": {"signature": "A" * (mib << 20), "type": "thought_signature"}}
                yield replace_frame_data(frame, {key: each for key, each in big.items() if key != "event_id"})
            elif waiting and chunk_parts(value):
                waiting = False
                yield replace_frame_data(frame, {**value, "x_filler": "A" * (mib << 20)})
                continue
            yield frame

    return _changed(context, corrupt)


@fault(on="answers")
def finish(
    context: FaultContext, status: object = "incomplete", code: object = "", message: object = "Emulated."
) -> HttpResponse:
    """The whole text with another status (or finishReason); with `code` also errors."""
    errors = [{"code": str(code), "message": str(message)}] if code else []

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        for candidate in value.get("candidates") or []:
            if "finishReason" in candidate:
                candidate["finishReason"] = str(status)
        whole = value.get("interaction", value)
        if whole.get("object") == "interaction" and whole.get("status") != "in_progress":
            whole["status"] = str(status)
            if errors:
                whole["errors"] = errors
        return value

    if context.streamed:
        return _changed(context, lambda frames: edit_frames(frames, edit))
    response = context.proceed(context.request)
    body = b"".join(response.body)
    return response._replace(body=(compact_json(edit(json.loads(body))),)) if response.status == 200 else response


@fault(on="streams")
def no_text(context: FaultContext) -> HttpResponse:
    """A completed response without text deltas."""
    return _changed(context, lambda frames: (frame for frame in frames if not has_text(frame)))


# --- its bytes


@fault(on="answers", slot="bytes")
def drip(context: FaultContext, seconds: float = 0.05, size: int = 1) -> HttpResponse:
    """The body in pieces of `size` bytes (0: events), with a pause after each."""

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        for frame in frames:
            for piece in _pieces(frame, size):
                yield piece
                yield from context.wait(seconds)

    return _changed(context, corrupt)


def _pieces(frame: bytes, size: int) -> Iterator[bytes]:
    """The frame in pieces of `size` bytes; with 0 as it is."""
    if size == 0:
        yield frame
    else:
        yield from (frame[start : start + size] for start in range(0, len(frame), size))


@fault(on="any", slot="bytes")
def slow(context: FaultContext, seconds: float = 1) -> HttpResponse:
    """The true response, delayed by `seconds`."""
    for _ in context.wait(seconds):
        pass
    return context.proceed(context.request)


LINE_ENDS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}


@fault(on="streams", slot="bytes", line_end=LINE_ENDS)
def framing(context: FaultContext, line_end: object = "crlf", bom: bool = True, size: int = 1) -> HttpResponse:
    """Other line ends, a byte order mark, pieces of `size` bytes (0: events)."""
    end = LINE_ENDS[str(line_end)]

    def corrupt(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield b"\xef\xbb\xbf" if bom else b""
        for frame in frames:
            plain = frame.replace(b"\r\n", b"\n").replace(b"\n", end)
            yield from _pieces(plain, size)

    return _changed(context, corrupt)
