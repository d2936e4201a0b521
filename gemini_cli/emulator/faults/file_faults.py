"""Faults of uploads, files and batch jobs."""

import json
from typing import Any

from ..http.exchange import HttpResponse, indented_json
from .answer_faults import refuse
from .fault_context import FaultContext
from .fault_registry import fault


@fault(on="upload", slot="answer")
def lose_chunk(context: FaultContext, keep: int = 0) -> HttpResponse:
    """A connection broken during a chunk; the first `keep` bytes are stored."""
    _store_start(context, keep)
    raise ConnectionResetError("emulated: the chunk was lost")


def _store_start(context: FaultContext, size: int) -> None:
    """Carry out the request with the first `size` bytes of the chunk."""
    if size:
        headers = {**context.request.headers, "x-goog-upload-command": "upload"}
        context.proceed(context.request._replace(headers=headers, body=context.request.body[:size]))


@fault(on="upload", slot="answer")
def lost_ack(context: FaultContext) -> HttpResponse:
    """A chunk that is stored, and a connection broken before the response."""
    context.proceed(context.request)
    raise ConnectionResetError("emulated: the acknowledgement was lost")


@fault(on="upload", slot="answer")
def chunk_503(context: FaultContext, status: int = 503, retry_after: object = "") -> HttpResponse:
    """An error for a chunk, without an upload status; nothing is stored."""
    return refuse(context, status, retry_after)


@fault(on="upload", slot="answer")
def active_503(context: FaultContext, status: int = 503, keep: int = 0) -> HttpResponse:
    """An error for a chunk, with upload status active; `keep` bytes are stored."""
    _store_start(context, keep)
    response = refuse(context, status)
    return response._replace(headers={**response.headers, "x-goog-upload-status": "active"})


@fault(on="upload", slot="answer")
def cancelled_upload(context: FaultContext) -> HttpResponse:
    """The upload status cancelled in response to a chunk."""
    return HttpResponse(200, {"x-goog-upload-status": "cancelled"}, (b"",))


@fault(on="upload_start", slot="answer")
def foreign_upload(
    context: FaultContext, to: object = "http://127.0.0.2:9/upload/v1beta/files?upload_id=x"
) -> HttpResponse:
    """An upload URL on another host."""
    response = context.proceed(context.request)
    return response._replace(headers={**response.headers, "x-goog-upload-url": str(to)})


@fault(on="upload_start", slot="answer")
def no_upload_url(context: FaultContext) -> HttpResponse:
    """No upload URL in response to the start of an upload."""
    response = context.proceed(context.request)
    return response._replace(headers={key: each for key, each in response.headers.items() if "url" not in key})


@fault(on="upload_end")
def wrong_hash(context: FaultContext) -> HttpResponse:
    """A wrong sha256Hash in the finished file."""
    return _edited(context, {"sha256Hash": "MDAwMA=="})


@fault(on="file")
def failed_file(
    context: FaultContext, code: int = 3, message: object = "The file could not be processed."
) -> HttpResponse:
    """A file in state FAILED."""
    return _edited(context, {"state": "FAILED", "error": {"code": code, "message": str(message)}})


@fault(on="batch")
def failed_batch(context: FaultContext, code: int = 13, message: object = "The batch failed.") -> HttpResponse:
    """A batch job that failed."""
    error = {"code": code, "message": str(message)}
    return _edited(context, {"done": True, "error": error, "metadata": {"state": "BATCH_STATE_FAILED"}})


def _edited(context: FaultContext, changes: dict[str, Any]) -> HttpResponse:
    response = context.proceed(context.request)
    if response.status != 200:
        return response
    whole = b"".join(response.body)
    try:
        body = json.loads(whole or b"{}")
    except ValueError:  # a stream, with `on`
        return response._replace(body=(whole,))
    if "file" in body:
        body["file"].update(changes)
    elif "name" in body:
        metadata = {**body.get("metadata", {}), **changes.get("metadata", {})}
        body |= {**changes, "metadata": metadata} if metadata else changes
    return response._replace(body=(indented_json(body),))
