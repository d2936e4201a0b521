"""Files and resumable uploads (api/README.md 10).

Rule 1. An upload has a number of stored bytes, and a chunk must start at that offset.
Rule 2. Only acknowledged bytes are stored; `query` gives their number.
Rule 3. A file exists for 48 hours. Audio and video are in state PROCESSING for some time.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import ErrorResponse, not_found
from ..http.exchange import JSON_UTF8, ApiRequest, HttpResponse, indented_json, indented_response
from ..http.pages import list_page, parse_page_request
from ..model.conversation import Step, json_objects
from ..model.media import MEDIA_KINDS, kind_of_mime_type
from ..service_state import ServiceState, timestamp_nanos
from ..store import Document
from .json_parser import ANY_JSON, parse_message

FILE, UPLOAD = "file", "upload"
CHUNK_GRANULARITY = 8 << 20
# Every chunk but the last must be a multiple of this size.
CHUNK_MULTIPLE = 256 << 10
MAX_FILE_SIZE = 2 << 30
FILE_LIFETIME = 48 * 3600.0
FILE_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
START_BODY = {"file": {"name": str, "displayName": str, "mimeType": str, "sizeBytes": int, "source": ANY_JSON}}


def start_upload(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Start an upload; its URL is in the response headers (api/README.md 10.16)."""
    if request.header("x-goog-upload-protocol") != "resumable" or request.header("x-goog-upload-command") != "start":
        raise ErrorResponse(400, "Upload protocol 'resumable' with command 'start' is expected.")
    described = parse_message(request.json(single_quotes=True), START_BODY).get("file", {})
    announced = request.header("x-goog-upload-header-content-length") or str(described.get("sizeBytes", ""))
    if announced and not re.fullmatch("[0-9]{1,18}", announced):
        raise ErrorResponse(400, "X-Goog-Upload-Header-Content-Length is not a number.")
    if announced and int(announced) > MAX_FILE_SIZE:
        raise ErrorResponse(400, f"File is too large: {announced} bytes, the limit is {MAX_FILE_SIZE}.")
    mime_type = request.header("x-goog-upload-header-content-type") or described.get("mimeType", "")
    number = state.store.number(UPLOAD)
    id = f"emulator-upload-{number}"
    upload = {
        "file": _file_id(state, described),
        "displayName": described.get("displayName", ""),
        "mimeType": mime_type or "application/octet-stream",
        "size": int(announced) if announced else None,
        "received": 0,
        "status": "active",
    }
    state.store.put(UPLOAD, id, number, upload)
    state.store.blobs.write(id, 0, b"")
    url = f"{request.base}/upload/{request.version}/files?upload_id={id}&upload_protocol=resumable"
    if "key" in request.query:
        url += f"&key={request.query['key']}"  # api/README.md 10.3
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "x-goog-upload-url": url,
        "x-goog-upload-control-url": url,
        "x-goog-upload-chunk-granularity": str(CHUNK_GRANULARITY),
    }
    return HttpResponse(200, {**headers, "x-goog-upload-status": "active"}, (b"",))


def _file_id(state: ServiceState, described: Document) -> str:
    """The id in the request, or a new one."""
    name = described.get("name", "")
    if not name:
        return f"emu{state.store.number(FILE):09d}"
    id = str(name).removeprefix("files/")
    if not FILE_ID.fullmatch(id):
        raise ErrorResponse(400, f"Invalid file name '{name}': up to 40 lowercase letters, digits and inner dashes.")
    existing = state.store.get(FILE, id)
    if existing and state.clock() < existing["until"]:
        raise ErrorResponse(409, f"File '{id}' already exists.", rpc="ALREADY_EXISTS")
    return id


def upload_chunk(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Carry out a request to an upload URL: upload, finalize, query or cancel."""
    id = request.query["upload_id"]
    check_upload(state, id)
    with state.upload_lock(id):  # a client may repeat a chunk while the first one is being stored
        return _carry_out(state, request, id)


def _carry_out(state: ServiceState, request: ApiRequest, id: str) -> HttpResponse:
    commands = {word.strip() for word in request.header("x-goog-upload-command").split(",")}
    upload = state.store.get(UPLOAD, id)
    if upload is None:
        raise not_found()
    if not commands or not commands <= {"upload", "finalize", "query", "cancel"}:
        raise ErrorResponse(400, "Unknown X-Goog-Upload-Command.")
    if commands == {"query"} or (upload["status"] == "final" and "cancel" not in commands):
        return _acknowledge(state, upload)
    if upload["status"] != "active":
        return _upload_error(upload, f"The upload is {upload['status']}.")
    if "cancel" in commands:
        state.store.change(UPLOAD, id, lambda document: document.update(status="cancelled"))
        state.store.blobs.delete(id)
        return HttpResponse(200, {"x-goog-upload-status": "cancelled"}, (b"",))
    wrong = _chunk_mistake(upload, request, commands)
    if wrong:
        return _upload_error(upload, wrong)
    return _write_chunk(state, request, id, upload, "finalize" in commands)


def check_upload(state: ServiceState, id: str) -> None:
    """Raise ErrorResponse for an unknown upload."""
    if state.store.get(UPLOAD, id) is None:
        raise not_found()


def _chunk_mistake(upload: Document, request: ApiRequest, commands: set[str]) -> str:
    """The mistake in a chunk, or nothing."""
    body, received, size = request.http.body, upload["received"], upload["size"]
    end = received + len(body)
    if request.header("x-goog-upload-offset") != str(received) and "upload" in commands:
        return f"The upload offset must be {received}."
    if size is not None and end > size:
        return f"The upload is larger than the {size} bytes announced."
    if "finalize" in commands:
        return f"Only {end} of the {size} bytes announced were uploaded." if size not in (None, end) else ""
    if len(body) % CHUNK_MULTIPLE and end != size:
        return f"A chunk before the last must be a multiple of {CHUNK_MULTIPLE} bytes."
    return ""


def _write_chunk(state: ServiceState, request: ApiRequest, id: str, upload: Document, final: bool) -> HttpResponse:
    state.store.blobs.write(id, upload["received"], request.http.body)
    received = upload["received"] + len(request.http.body)
    upload |= {"received": received, "status": "final" if final else "active"}
    if final:
        state.store.blobs.rename(id, upload["file"])
        store_file(state, upload["file"], upload["mimeType"], upload["displayName"], request.base)
    state.store.change(UPLOAD, id, lambda document: document.update(upload))
    return _acknowledge(state, upload)


def _acknowledge(state: ServiceState, upload: Document) -> HttpResponse:
    """The number of stored bytes, and the file of a complete upload."""
    headers = {
        "x-goog-upload-status": upload["status"],
        "x-goog-upload-size-received": str(upload["received"]),
    }
    if upload["status"] != "final":
        return HttpResponse(200, {**headers, "content-type": "text/plain; charset=utf-8"}, (b"",))
    file = state.store.get(FILE, upload["file"])
    reply = indented_response({"file": _view(state, file)} if file else {})
    return reply._replace(headers={**reply.headers, **headers})


def _upload_error(upload: Document, message: str) -> HttpResponse:
    headers = {"x-goog-upload-status": upload["status"], "content-type": JSON_UTF8}
    return HttpResponse(400, headers, (indented_json(ErrorResponse(400, message).rpc_body()),))


def store_file(
    state: ServiceState, id: str, mime_type: str, display_name: str, base: str, generated_at: float | None = None
) -> None:
    """Make a file of stored bytes; a generated file exists from `generated_at` on."""
    import hashlib  # OpenSSL is slow to load

    digest, size = hashlib.sha256(), 0
    for piece in state.store.blobs.read(id):
        digest.update(piece)
        size += len(piece)
    now = state.clock() if generated_at is None else generated_at
    slow = MEDIA_KINDS[kind_of_mime_type(mime_type)].processed and generated_at is None
    file = {
        "name": f"files/{id}",
        "displayName": display_name,
        "mimeType": mime_type,
        "sizeBytes": str(size),
        "createTime": timestamp_nanos(now),
        "updateTime": timestamp_nanos(now),
        "expirationTime": timestamp_nanos(now + FILE_LIFETIME),
        # Base64 of the hexadecimal digits (api/README.md 10.9).
        "sha256Hash": base64.b64encode(digest.hexdigest().encode()).decode(),
        "uri": f"{state.file_origin or base}/v1beta/files/{id}",
        "source": "UPLOADED" if generated_at is None else "GENERATED",
    }
    if not display_name:
        del file["displayName"]
    if generated_at is not None:
        file["downloadUri"] = f"{base}/download/v1beta/files/{id}:download?alt=media"
    times = {"from": now, "ready": now + (state.pace.processing if slow else 0), "until": now + FILE_LIFETIME}
    state.store.put(FILE, id, state.store.number("file order"), {"file": file, **times})


def _view(state: ServiceState, document: Document) -> dict[str, Any]:
    ready = state.clock() >= document["ready"]
    return {**document["file"], "state": "ACTIVE" if ready else "PROCESSING"}


def _get_file(state: ServiceState, id: str) -> Document:
    document = state.store.get(FILE, id)
    if document is None or state.clock() < document["from"]:
        raise not_found()
    if state.clock() >= document["until"]:
        raise _no_permission(id)
    return document


FILE_URI = re.compile(r"(?:.*/)?files/([a-z0-9-]+)")


def check_files_usable(state: ServiceState, request: ApiRequest, steps: Iterable[Step]) -> None:
    """Raise ErrorResponse for a missing, expired or unfinished file of the emulator.

    A file of the real service is ignored, so that published examples work.
    """
    uris = [str(part.get("uri") or "") for step in steps for part in json_objects(step.get("content")) if "uri" in part]
    for match in filter(None, map(FILE_URI.fullmatch, uris)):
        id = match[1]
        document = state.store.get(FILE, id)
        own = "host" in request.http.headers and match[0].startswith(f"{request.base}/")
        own = own or bool(state.file_origin and match[0].startswith(f"{state.file_origin}/"))
        if (document is None and own) or (document and state.clock() >= document["until"]):
            raise _no_permission(id)
        if document and state.clock() < document["ready"]:
            message = f"The File {id} is not in an ACTIVE state and usage is not allowed."
            raise ErrorResponse(400, message, code="failed_precondition", rpc="FAILED_PRECONDITION")


def _no_permission(id: str) -> ErrorResponse:
    return ErrorResponse(403, f"You do not have permission to access the File {id} or it may not exist.")


def get_file(state: ServiceState, request: ApiRequest) -> HttpResponse:
    return indented_response(_view(state, _get_file(state, request.path["id"])))


def delete_file(state: ServiceState, request: ApiRequest) -> HttpResponse:
    id = request.path["id"]
    _get_file(state, id)
    remove_file(state, id)
    return indented_response({})


def remove_file(state: ServiceState, id: str) -> None:
    state.store.delete(FILE, id)
    state.store.blobs.delete(id)


def list_files(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """A page of files, newest first; an empty list is `{}` (api/README.md 10.11)."""
    page = parse_page_request(request, 10, 100)
    rows = state.store.newest(FILE, page.size + 1, page.position)
    now = state.clock()

    def view(document: Document) -> dict[str, Any] | None:
        return _view(state, document) if document["from"] <= now < document["until"] else None

    return list_page(page, "files", rows, view)


def download_file(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """The bytes of a generated file, or a redirect to them (api/README.md 10.12)."""
    id = request.path["id"]
    document = _get_file(state, id)
    if document["file"]["source"] != "GENERATED":
        raise ErrorResponse(400, "Only generated files can be downloaded.", rpc="FAILED_PRECONDITION")
    if "/download/" not in request.http.target.partition("?")[0]:
        location = f"{request.base}/download/{request.version}/files/{id}:download?alt=media"
        error = {"error": {"code": 302, "message": "Unknown Error.", "status": "UNKNOWN"}}
        return HttpResponse(302, {"location": location, "content-type": JSON_UTF8}, (indented_json(error),))
    return HttpResponse(200, {"content-type": document["file"]["mimeType"]}, file_content(state, id))


def file_content(state: ServiceState, id: str) -> Iterator[bytes]:
    return state.store.blobs.read(id)
