"""The Files API: uploads in chunks, and the files they leave (reference.md 10, traffic.md 87-89).

Rule 1. An upload knows how many bytes it has; a chunk must begin exactly there.
Rule 2. Nothing counts before it is acknowledged, and `query` always tells the truth.
Rule 3. A file lives 48 hours; it is PROCESSING for a while when it is audio or video.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import Problem, not_found
from ..http.exchange import Reply, Request, pretty, pretty_reply
from ..http.pages import page, token
from ..model.conversation import Step
from ..service_state import World, nano_stamp
from ..store import Document
from .json_parser import ANY, normal

FILE, UPLOAD = "file", "upload"
GRANULARITY = 8 << 20
# What no upload server takes: a chunk in the middle that is no multiple of this.
SMALLEST_STEP = 256 << 10
LARGEST = 2 << 30
LIFETIME = 48 * 3600.0
ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
START = {"file": {"name": str, "displayName": str, "mimeType": str, "sizeBytes": int, "source": ANY}}


def start(world: World, request: Request) -> Reply:
    """Open an upload; the answer is in its headers."""
    if request.header("x-goog-upload-protocol") != "resumable" or request.header("x-goog-upload-command") != "start":
        raise Problem(400, "Upload protocol 'resumable' with command 'start' is expected here.")
    described = normal(request.json(), START).get("file", {})
    announced = request.header("x-goog-upload-header-content-length") or str(described.get("sizeBytes", ""))
    if announced and not (announced.isascii() and announced.isdigit()):
        raise Problem(400, "X-Goog-Upload-Header-Content-Length is not a number.")
    if announced and int(announced) > LARGEST:
        raise Problem(400, f"File is too large: {announced} bytes, the limit is {LARGEST}.")
    mime_type = request.header("x-goog-upload-header-content-type") or described.get("mimeType", "")
    number = world.store.number(UPLOAD)
    id = f"emulator-upload-{number}"
    upload = {
        "file": _named(world, described),
        "displayName": described.get("displayName", ""),
        "mimeType": mime_type or "application/octet-stream",
        "size": int(announced) if announced else None,
        "received": 0,
        "status": "active",
    }
    world.store.put(UPLOAD, id, number, upload)
    world.store.blobs.write(id, 0, b"")
    url = f"{request.base}/upload/{request.version}/files?upload_id={id}&upload_protocol=resumable"
    if "key" in request.query:
        url += f"&key={request.query['key']}"  # as the real service does (traffic.md 87)
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "x-goog-upload-url": url,
        "x-goog-upload-control-url": url,
        "x-goog-upload-chunk-granularity": str(GRANULARITY),
    }
    return Reply(200, {**headers, "x-goog-upload-status": "active"}, (b"",))


def _named(world: World, described: Document) -> str:
    """The id asked for, or a new one."""
    name = described.get("name", "")
    if not name:
        return f"emu{world.store.number(FILE):09d}"
    id = str(name).removeprefix("files/")
    if not ID.fullmatch(id):
        raise Problem(400, f"Invalid file name '{name}': up to 40 lowercase letters, digits and inner dashes.")
    there = world.store.get(FILE, id)
    if there and world.clock() < there["until"]:
        raise Problem(409, f"File '{id}' already exists.", rpc="ALREADY_EXISTS")
    return id


def chunk(world: World, request: Request) -> Reply:
    """One request to an upload URL: upload, finalize, query or cancel."""
    id = request.query["upload_id"]
    commands = {word.strip() for word in request.header("x-goog-upload-command").split(",")}
    upload = world.store.get(UPLOAD, id)
    if upload is None:
        raise not_found()
    if not commands or not commands <= {"upload", "finalize", "query", "cancel"}:
        raise Problem(400, "Unknown X-Goog-Upload-Command.")
    if commands == {"query"} or (upload["status"] == "final" and "cancel" not in commands):
        return _acknowledged(world, upload)
    if upload["status"] != "active":
        return _refused(upload, f"The upload is {upload['status']}.")
    if "cancel" in commands:
        world.store.change(UPLOAD, id, lambda document: document.update(status="cancelled"))
        world.store.blobs.delete(id)
        return Reply(200, {"x-goog-upload-status": "cancelled"}, (b"",))
    wrong = _wrong(upload, request, commands)
    if wrong:
        return _refused(upload, wrong)
    return _written(world, request, id, upload, "finalize" in commands)


def _wrong(upload: Document, request: Request, commands: set[str]) -> str:
    """What is wrong with a chunk, or nothing."""
    body, received, size = request.call.body, upload["received"], upload["size"]
    end = received + len(body)
    if request.header("x-goog-upload-offset") != str(received) and "upload" in commands:
        return f"The upload offset must be {received}."
    if size is not None and end > size:
        return f"The upload is larger than the {size} bytes announced."
    if "finalize" in commands:
        return f"Only {end} of the {size} bytes announced were uploaded." if size not in (None, end) else ""
    if len(body) % SMALLEST_STEP and end != size:
        return f"A chunk before the last must be a multiple of {SMALLEST_STEP} bytes."
    return ""


def _written(world: World, request: Request, id: str, upload: Document, final: bool) -> Reply:
    world.store.blobs.write(id, upload["received"], request.call.body)
    received = upload["received"] + len(request.call.body)
    upload |= {"received": received, "status": "final" if final else "active"}
    if final:
        world.store.blobs.rename(id, upload["file"])
        keep(world, upload["file"], upload["mimeType"], upload["displayName"], request.base)
    world.store.change(UPLOAD, id, lambda document: document.update(upload))
    return _acknowledged(world, upload)


def _acknowledged(world: World, upload: Document) -> Reply:
    """What the upload has; once it is final the file too, so that a lost answer can be had again."""
    headers = {
        "x-goog-upload-status": upload["status"],
        "x-goog-upload-size-received": str(upload["received"]),
    }
    if upload["status"] != "final":
        return Reply(200, {**headers, "content-type": "text/plain; charset=utf-8"}, (b"",))
    file = world.store.get(FILE, upload["file"])
    reply = pretty_reply({"file": _view(world, file)} if file else {})
    return reply._replace(headers={**reply.headers, **headers})


def _refused(upload: Document, why: str) -> Reply:
    headers = {"x-goog-upload-status": upload["status"], "content-type": "application/json; charset=UTF-8"}
    return Reply(400, headers, (pretty(Problem(400, why).rpc_body()),))


def keep(
    world: World, id: str, mime_type: str, display_name: str, base: str, generated_at: float | None = None
) -> None:
    """Make a file of the bytes that lie under its id; one that is generated appears at its time."""
    import hashlib  # OpenSSL is slow to load, and only files need it

    digest, size = hashlib.sha256(), 0
    for piece in world.store.blobs.read(id):
        digest.update(piece)
        size += len(piece)
    now = world.clock() if generated_at is None else generated_at
    slow = mime_type.startswith(("audio/", "video/")) and generated_at is None
    file = {
        "name": f"files/{id}",
        "displayName": display_name,
        "mimeType": mime_type,
        "sizeBytes": str(size),
        "createTime": nano_stamp(now),
        "updateTime": nano_stamp(now),
        "expirationTime": nano_stamp(now + LIFETIME),
        # Base64 of the hex digits, not of the digest (traffic.md 88).
        "sha256Hash": base64.b64encode(digest.hexdigest().encode()).decode(),
        "uri": f"{base}/v1beta/files/{id}",
        "source": "UPLOADED" if generated_at is None else "GENERATED",
    }
    if not display_name:
        del file["displayName"]
    if generated_at is not None:
        file["downloadUri"] = f"{base}/download/v1beta/files/{id}:download?alt=media"
    times = {"from": now, "ready": now + (world.pace.processing if slow else 0), "until": now + LIFETIME}
    world.store.put(FILE, id, world.store.number("file order"), {"file": file, **times})


def _view(world: World, document: Document) -> dict[str, Any]:
    ready = world.clock() >= document["ready"]
    return {**document["file"], "state": "ACTIVE" if ready else "PROCESSING"}


def _found(world: World, id: str) -> Document:
    document = world.store.get(FILE, id)
    if document is None or world.clock() < document["from"]:
        raise not_found()
    if world.clock() >= document["until"]:
        raise _not_ours(id)
    return document


USED = re.compile(r"(?:.*/)?files/([a-z0-9-]+)")


def check_used(world: World, request: Request, steps: Iterable[Step]) -> None:
    """Refuse a question about a file that is not ready, has expired, or would be ours and is not there.

    A file of the real service is none of our business: an example that names one is answered.
    """
    uris = [str(part.get("uri") or "") for step in steps for part in step.get("content") or [] if "uri" in part]
    for match in filter(None, map(USED.fullmatch, uris)):
        id = match[1]
        document = world.store.get(FILE, id)
        ours = "host" in request.call.headers and match[0].startswith(request.base + "/")
        if (document is None and ours) or (document and world.clock() >= document["until"]):
            raise _not_ours(id)
        if document and world.clock() < document["ready"]:
            message = f"The File {id} is not in an ACTIVE state and usage is not allowed."
            raise Problem(400, message, code="failed_precondition", rpc="FAILED_PRECONDITION")


def _not_ours(id: str) -> Problem:
    return Problem(403, f"You do not have permission to access the File {id} or it may not exist.")


def get(world: World, request: Request) -> Reply:
    return pretty_reply(_view(world, _found(world, request.path["id"])))


def delete(world: World, request: Request) -> Reply:
    id = request.path["id"]
    _found(world, id)
    remove(world, id)
    return pretty_reply({})


def remove(world: World, id: str) -> None:
    world.store.delete(FILE, id)
    world.store.blobs.delete(id)


def list_files(world: World, request: Request) -> Reply:
    """Newest first; an empty list is `{}` (traffic.md 88)."""
    wanted = page(request, 10, 100)
    found = world.store.newest(FILE, wanted.size + 1, wanted.position)
    now = world.clock()
    shown = [document for _, document in found[: wanted.size] if document["from"] <= now < document["until"]]
    answer: dict[str, Any] = {"files": [_view(world, document) for document in shown]} if shown else {}
    if len(found) > wanted.size:
        answer["nextPageToken"] = token(found[wanted.size - 1][0])
    return pretty_reply(answer)


def download(world: World, request: Request) -> Reply:
    """Only generated files; without /download in the path first a redirect to where they are (traffic.md 89)."""
    id = request.path["id"]
    document = _found(world, id)
    if document["file"]["source"] != "GENERATED":
        raise Problem(400, "Only generated files can be downloaded.", rpc="FAILED_PRECONDITION")
    if "/download/" not in request.call.target.partition("?")[0]:
        location = f"{request.base}/download/{request.version}/files/{id}:download?alt=media"
        error = {"error": {"code": 302, "message": "Unknown Error.", "status": "UNKNOWN"}}
        return Reply(302, {"location": location, "content-type": "application/json; charset=UTF-8"}, (pretty(error),))
    return Reply(200, {"content-type": document["file"]["mimeType"]}, content(world, id))


def content(world: World, id: str) -> Iterator[bytes]:
    return world.store.blobs.read(id)
