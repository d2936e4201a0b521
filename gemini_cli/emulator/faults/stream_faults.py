"""Faults of an answer that has begun: how it ends, what it says, how its bytes come.

`after` counts the text deltas that a reader gets before; the steps before the text come in any case.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import INTERACTION_CODE, RPC_STATUS
from ..http.exchange import JSON, Call, Reply, dump
from ..http.sse_frames import data, edited, is_text, parts, up_to, with_data
from .faults import Scene

FramesEdit = Callable[[Iterator[bytes]], Iterator[bytes]]


def _changed(scene: Scene, edit: FramesEdit, call: Call | None = None) -> Reply:
    """The true reply with its frames rewritten; a refusal is left as it is."""
    reply = scene.proceed(call or scene.call)
    return reply if reply.status != 200 else reply._replace(body=edit(iter(reply.body)))


# --- how it ends


def cut(scene: Scene, after: int = 2, how: object = "reset") -> Reply:
    """The connection breaks after that many text deltas; how=close breaks it without a reset."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from up_to(frames, after)
        broken = ConnectionAbortedError if how == "close" else ConnectionResetError
        raise broken("emulated: cut in the middle of an answer")

    return _changed(scene, spoil)


def cut_clean(scene: Scene, after: int = 2) -> Reply:
    """The answer ends properly for HTTP after that many text deltas, but not for the API."""
    return _changed(scene, lambda frames: up_to(frames, after))


def stall(scene: Scene, after: int = 2, seconds: float = 3600) -> Reply:
    """Nothing more comes after that many text deltas, on an open connection."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from up_to(frames, after)
        yield from scene.wait(seconds)
        raise ConnectionResetError("emulated: nobody waited this long")

    return _changed(scene, spoil)


def comments(scene: Scene, after: int = 0, seconds: float = 0.4, lines: int = 9000) -> Reply:
    """Only comment lines come after that many text deltas, one after each pause."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from up_to(frames, after)
        for _ in range(lines):
            yield b": still here\n\n"
            yield from scene.wait(seconds)

    return _changed(scene, spoil)


def error_event(
    scene: Scene,
    after: int = 2,
    code: object = "",
    message: object = "The model is overloaded.",
    status: int = 503,
) -> Reply:
    """An error in the stream after that many text deltas, then the end (and `done` in Interactions)."""
    word = str(code or INTERACTION_CODE.get(status, "api_error"))
    failed: dict[str, Any] = {"error": {"message": str(message), "code": word}}

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from up_to(frames, after)
        if scene.interactions:
            yield b"event: error\ndata: " + dump({**failed, "event_type": "error"}) + b"\n\n"
            yield b"event: done\ndata: [DONE]\n\n"
        else:
            error = {"code": status, "message": str(message), "status": RPC_STATUS.get(status, "UNKNOWN")}
            yield b"data: " + dump({"error": error}) + b"\r\n\r\n"

    return _changed(scene, spoil)


def unframed_error(scene: Scene, after: int = 2, status: int = 503) -> Reply:
    """A JSON error without any frame after that many text deltas, as a front end writes it (traffic.md 61)."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from up_to(frames, after)
        error = {"code": status, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}
        yield json.dumps([{"error": error}], indent=1).encode() + b"\n"

    return _changed(scene, spoil)


def truncate_json(scene: Scene, after: int = 2) -> Reply:
    """JSON that stops half-way, properly framed for HTTP: the body, or in a stream the event after the deltas."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from up_to(frames, after)
        # The generator above stopped at the frame it did not give; this event takes its place.
        frame = b'event: step.delta\ndata: {"index":1,"delta":{"text":"half of an ev'
        yield frame if scene.interactions else b'data: {"candidates":[{"content":{"parts":[{"text":"half'

    if scene.streamed:
        return _changed(scene, spoil)
    reply = scene.proceed(scene.call)
    body = b"".join(reply.body)
    return reply._replace(body=(body[: len(body) // 2],))


def bad_json(scene: Scene, after: int = 2) -> Reply:
    """An event whose data is no JSON after that many text deltas; the rest follows."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield from _inserted(frames, after, b"event: step.delta\ndata: {not json}\n\n")

    return _changed(scene, spoil)


def talk_on(scene: Scene, seconds: float = 3600) -> Reply:
    """After the whole answer more text deltas come, and the connection stays open."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        texts: list[bytes] = []
        for frame in frames:
            texts += [frame] if is_text(frame) else []
            yield frame
        yield from texts
        yield from scene.wait(seconds)

    return _changed(scene, spoil)


def _inserted(frames: Iterator[bytes], after: int, extra: bytes) -> Iterator[bytes]:
    """`extra` after that many text deltas, or before the first frame for 0."""
    if after == 0:
        yield extra
    for frame in frames:
        yield frame
        if is_text(frame):
            after -= 1
            if after == 0:
                yield extra


# --- what it says


def no_event_ids(scene: Scene) -> Reply:
    """No event carries an event_id (as the real service does, traffic.md 12)."""

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        return {key: each for key, each in value.items() if key != "event_id"}

    return _changed(scene, lambda frames: edited(frames, edit))


def _from_start(call: Call) -> Call:
    return call._replace(target=re.sub(r"([?&])last_event_id=[^&]*&?", r"\1", call.target).rstrip("?&"))


def replay_from_start(scene: Scene) -> Reply:
    """A resumed stream ignores last_event_id."""
    return scene.proceed(_from_start(scene.call))


def diverge(scene: Scene) -> Reply:
    """A resumed stream begins again and says something else."""

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        delta = value.get("delta", {})
        if delta.get("type") == "text":
            return {**value, "delta": {**delta, "text": delta["text"].swapcase()}}
        return value

    return _changed(scene, lambda frames: edited(frames, edit), _from_start(scene.call))


def unknown_parts(scene: Scene) -> Reply:
    """Events, steps, deltas and fields that no document knows, among the true ones."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        strange: tuple[dict[str, Any], ...] = (
            {"event_type": "interaction.dreamed", "dream": {"of": "sheep"}},
            {
                "event_type": "step.delta",
                "index": 0,
                "delta": {"type": "dream_delta", "text": "not for readers"},
            },
            {"event_type": "step.start", "index": 99, "step": {"type": "dream", "text": "not for readers"}},
            {"event_type": "step.stop", "index": 99},
        )
        for number, frame in enumerate(frames):
            if number == 2 and scene.interactions:
                for each in strange:
                    yield b"event: %s\ndata: %s\n\n" % (each["event_type"].encode(), dump(each))
            yield frame

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "x_unknown": {"deep": [1, None]}}

    return _changed(scene, lambda frames: spoil(edited(frames, edit)))


def odd_frames(scene: Scene) -> Reply:
    """Legal and illegal noise between the events: comments, ids, empty data, an event without data, a bare word."""
    noise = (
        b": a comment\n\n",
        b"id: 7\n: after the id\n\n",
        b"event: ping\n\n",
        b"data:\n\n",
        b"garbage\n\n",
    )

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        for number, frame in enumerate(frames):
            yield noise[number % len(noise)]
            yield frame

    return _changed(scene, spoil)


def bad_utf8(scene: Scene) -> Reply:
    """Three bytes that are no UTF-8 before the first text."""
    return _first_text(scene, b"\xff\xfe\x80")


def lone_surrogate(scene: Scene) -> Reply:
    """Half a surrogate pair, as a JSON escape, before the first text."""
    return _first_text(scene, b"\\ud83d")


def _first_text(scene: Scene, extra: bytes) -> Reply:
    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        missing = True
        for frame in frames:
            if missing and b'"text":' in frame and (not scene.streamed or is_text(frame)):
                frame = re.sub(rb'("text": ?")', lambda found: found[1] + extra, frame, count=1)
                missing = False
            yield frame

    return _changed(scene, spoil)


def huge_event(scene: Scene, mib: int = 32) -> Reply:
    """An event of that many MiB on one line, as signatures and pictures are (traffic.md 14)."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        waiting = True
        for frame in frames:
            value = data(frame) or {}
            if waiting and value.get("delta", {}).get("type") == "thought_signature":
                waiting = False
                big = {**value, "delta": {"signature": "A" * (mib << 20), "type": "thought_signature"}}
                yield with_data(frame, {key: each for key, each in big.items() if key != "event_id"})
            elif waiting and parts(value):
                waiting = False
                yield with_data(frame, {**value, "x_filler": "A" * (mib << 20)})
                continue
            yield frame

    return _changed(scene, spoil)


def finish(scene: Scene, status: object = "incomplete", code: object = "", message: object = "Emulated.") -> Reply:
    """The whole text, but another ending: a status of Interactions, or a finishReason; code: with errors."""
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

    if scene.streamed:
        return _changed(scene, lambda frames: edited(frames, edit))
    reply = scene.proceed(scene.call)
    body = b"".join(reply.body)
    return reply._replace(body=(dump(edit(json.loads(body))),)) if reply.status == 200 else reply


def no_text(scene: Scene) -> Reply:
    """A completed answer without a single text delta."""
    return _changed(scene, lambda frames: (frame for frame in frames if not is_text(frame)))


# --- how its bytes come


def drip(scene: Scene, seconds: float = 0.05, size: int = 1) -> Reply:
    """The body comes that many bytes at a time, with a pause after each piece."""

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        for frame in frames:
            for start in range(0, len(frame), size):
                yield frame[start : start + size]
                yield from scene.wait(seconds)

    return _changed(scene, spoil)


def slow(scene: Scene, seconds: float = 1) -> Reply:
    """The true answer, but its first byte takes that long."""
    for _ in scene.wait(seconds):
        pass
    return scene.proceed(scene.call)


def framing(scene: Scene, line_end: object = "crlf", bom: bool = True, size: int = 1) -> Reply:
    """The same events with other line ends (cr, lf, crlf), a byte order mark, in pieces of that many bytes."""
    end = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}[str(line_end)]

    def spoil(frames: Iterator[bytes]) -> Iterator[bytes]:
        yield b"\xef\xbb\xbf" if bom else b""
        for frame in frames:
            plain = frame.replace(b"\r\n", b"\n").replace(b"\n", end)
            yield from (plain[start : start + size] for start in range(0, len(plain), size))

    return _changed(scene, spoil)


def plain_answer(scene: Scene) -> Reply:
    """JSON of an interaction in answer to a stream that was asked for."""
    reply = scene.proceed(scene.call._replace(body=re.sub(rb'("stream"\s*:\s*)true', rb"\1false", scene.call.body)))
    return reply._replace(headers={**reply.headers, "content-type": JSON})
