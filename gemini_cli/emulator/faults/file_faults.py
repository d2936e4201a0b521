"""Faults of uploads and files (reference.md 10): what gets lost between a chunk and its acknowledgement."""

import json
from typing import Any

from ..http.exchange import Reply, pretty
from .answer_faults import refuse
from .faults import Scene


def lose_chunk(scene: Scene, keep: int = 0) -> Reply:
    """The connection breaks while a chunk arrives; only its first `keep` bytes are stored."""
    if keep:
        headers = {**scene.call.headers, "x-goog-upload-command": "upload"}
        scene.proceed(scene.call._replace(headers=headers, body=scene.call.body[:keep]))
    raise ConnectionResetError("emulated: the chunk was lost")


def lost_ack(scene: Scene) -> Reply:
    """A chunk is stored, and the connection breaks before that is said."""
    scene.proceed(scene.call)
    raise ConnectionResetError("emulated: the acknowledgement was lost")


def chunk_503(scene: Scene, status: int = 503, retry_after: object = "") -> Reply:
    """A chunk is refused without an upload status; nothing of it is stored."""
    return refuse(scene, status, retry_after)


def active_503(scene: Scene, status: int = 503, keep: int = 0) -> Reply:
    """A chunk is refused with the upload status active; its first `keep` bytes are stored."""
    if keep:
        headers = {**scene.call.headers, "x-goog-upload-command": "upload"}
        scene.proceed(scene.call._replace(headers=headers, body=scene.call.body[:keep]))
    reply = refuse(scene, status)
    return reply._replace(headers={**reply.headers, "x-goog-upload-status": "active"})


def cancelled_upload(scene: Scene) -> Reply:
    """A chunk is answered with the upload status cancelled."""
    return Reply(200, {"x-goog-upload-status": "cancelled"}, (b"",))


def foreign_upload(scene: Scene, to: object = "http://127.0.0.2:9/upload/v1beta/files?upload_id=x") -> Reply:
    """The upload URL points at another host."""
    reply = scene.proceed(scene.call)
    return reply._replace(headers={**reply.headers, "x-goog-upload-url": str(to)})


def no_upload_url(scene: Scene) -> Reply:
    """The start of an upload is answered without an upload URL."""
    reply = scene.proceed(scene.call)
    return reply._replace(headers={key: each for key, each in reply.headers.items() if "url" not in key})


def wrong_hash(scene: Scene) -> Reply:
    """The finished file comes back with another sha256Hash."""
    return _edited(scene, {"sha256Hash": "MDAwMA=="})


def failed_file(scene: Scene, code: int = 3, message: object = "The file could not be processed.") -> Reply:
    """A file is shown in state FAILED."""
    return _edited(scene, {"state": "FAILED", "error": {"code": code, "message": str(message)}})


def failed_batch(scene: Scene, code: int = 13, message: object = "The batch failed.") -> Reply:
    """A batch job is shown as failed."""
    error = {"code": code, "message": str(message)}
    return _edited(scene, {"done": True, "error": error, "metadata": {"state": "BATCH_STATE_FAILED"}})


def _edited(scene: Scene, changes: dict[str, Any]) -> Reply:
    reply = scene.proceed(scene.call)
    if reply.status != 200:
        return reply
    body = json.loads(b"".join(reply.body) or b"{}")
    if "file" in body:
        body["file"].update(changes)
    elif "name" in body:
        metadata = {**body.get("metadata", {}), **changes.get("metadata", {})}
        body |= {**changes, "metadata": metadata} if metadata else changes
    return reply._replace(body=(pretty(body),))
