"""Uploads and files (api/README.md 10)."""

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from gemini_cli.emulator.service import Emulator
from gemini_cli.emulator.service_state import Pace
from gemini_cli.emulator.store import Blobs

from .in_memory_client import MODEL, Clock, InMemoryClient, Response

KIB256 = 256 << 10


def start(client: InMemoryClient, size: int, mime_type: str = "text/plain", **file: Any) -> str:
    """Start an upload; the path of its URL."""
    headers = {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": str(size),
        "x-goog-upload-header-content-type": mime_type,
        "host": "127.0.0.1:1",
    }
    response = client.send("POST", "/upload/v1beta/files", {"file": file}, headers)
    assert (response.status, response.body) == (200, b""), response
    assert response.headers["x-goog-upload-status"] == "active"
    url = response.headers["x-goog-upload-url"]
    assert url.startswith("http://127.0.0.1:1/upload/v1beta/files?upload_id=")
    return url.removeprefix("http://127.0.0.1:1")


def send(client: InMemoryClient, url: str, command: str, offset: int = 0, body: bytes = b"") -> Response:
    headers = {"x-goog-upload-command": command, "x-goog-upload-offset": str(offset), "host": "127.0.0.1:1"}
    return client.send("POST", url, body, headers)


def upload(client: InMemoryClient, body: bytes, mime_type: str = "text/plain", **file: Any) -> Any:
    response = send(client, start(client, len(body), mime_type, **file), "upload, finalize", 0, body)
    assert (response.status, response.headers["x-goog-upload-status"]) == (200, "final"), response
    return response.json["file"]


def test_a_file_as_recorded(client: InMemoryClient) -> None:
    file = upload(client, b"hello", display_name="My file")
    assert file == {
        "name": "files/emu000000001",
        "displayName": "My file",
        "mimeType": "text/plain",
        "sizeBytes": "5",
        "createTime": "2027-01-15T08:00:00.000000000Z",
        "updateTime": "2027-01-15T08:00:00.000000000Z",
        "expirationTime": "2027-01-17T08:00:00.000000000Z",
        "sha256Hash": base64.b64encode(hashlib.sha256(b"hello").hexdigest().encode()).decode(),
        "uri": "http://127.0.0.1:1/v1beta/files/emu000000001",
        "source": "UPLOADED",
        "state": "ACTIVE",
    }
    assert client.get("/v1/files/emu000000001").json == file


def test_a_query_gives_the_number_of_stored_bytes(client: InMemoryClient) -> None:
    body = bytes(range(256)) * (KIB256 // 256) + b"tail"
    url = start(client, len(body))
    first = send(client, url, "upload", 0, body[:KIB256])
    assert (first.status, first.headers["x-goog-upload-status"]) == (200, "active")
    asked = send(client, url, "query")
    assert asked.headers["x-goog-upload-size-received"] == str(KIB256)
    last = send(client, url, "upload, finalize", KIB256, b"tail")
    assert last.json["file"]["sizeBytes"] == str(len(body))
    digest = hashlib.sha256(body).hexdigest().encode()
    assert base64.b64decode(last.json["file"]["sha256Hash"]) == digest


def test_a_query_repeats_a_lost_response(client: InMemoryClient) -> None:
    url = start(client, 1)
    final = send(client, url, "upload, finalize", 0, b"x")
    asked = send(client, url, "query")
    assert asked.headers["x-goog-upload-status"] == "final"
    assert asked.json == final.json


@pytest.mark.parametrize(
    ("size", "command", "offset", "body"),
    [
        (10, "upload", 5, b"12345"),
        (10, "upload, finalize", 0, b"12345"),
        (10, "upload, finalize", 0, b"x" * 11),
        (10, "upload", 0, b"12345"),
        (10, "dance", 0, b""),
    ],
    ids=["wrong offset", "too short", "too long", "odd step", "no command"],
)
def test_invalid_chunks_change_nothing(
    client: InMemoryClient, size: int, command: str, offset: int, body: bytes
) -> None:
    url = start(client, size)
    assert send(client, url, command, offset, body).status == 400
    assert send(client, url, "query").headers["x-goog-upload-size-received"] == "0"


def test_chunks_sent_at_the_same_time_are_stored_one_after_the_other(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client may repeat a chunk while the first one is still being stored."""
    body = b"x" * 1000
    url = start(client, len(body))
    write, both = Blobs.write, threading.Barrier(2)

    def slow_write(*arguments: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)  # would pass if two chunks were stored at a time
        write(*arguments)

    monkeypatch.setattr(Blobs, "write", slow_write)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: send(client, url, "upload, finalize", 0, body), range(2)))
    assert both.broken
    assert [(each.status, each.headers["x-goog-upload-status"]) for each in found] == [(200, "final")] * 2


def test_a_cancelled_upload_accepts_no_chunk(client: InMemoryClient) -> None:
    url = start(client, 1)
    assert send(client, url, "cancel").headers["x-goog-upload-status"] == "cancelled"
    refused = send(client, url, "upload, finalize", 0, b"x")
    assert (refused.status, refused.headers["x-goog-upload-status"]) == (400, "cancelled")


def test_an_empty_file(client: InMemoryClient) -> None:
    assert upload(client, b"")["sizeBytes"] == "0"


def test_a_name_is_unique(client: InMemoryClient) -> None:
    assert upload(client, b"x", name="files/my-name")["name"] == "files/my-name"
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    again = client.send("POST", "/upload/v1/files", {"file": {"name": "files/my-name"}}, headers)
    assert (again.status, again.json["error"]["status"]) == (409, "ALREADY_EXISTS")
    for name in ("files/-a", "files/A", "files/" + "a" * 41, "files/a/b"):
        assert client.send("POST", "/upload/v1/files", {"file": {"name": name}}, headers).status == 400


def test_an_invalid_start(client: InMemoryClient) -> None:
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    assert client.post("/upload/v1/files", {"file": {}}).status == 400
    assert client.send("POST", "/upload/v1/files", {"file": {"nope": 1}}, headers).status == 400
    large = {**headers, "x-goog-upload-header-content-length": str((2 << 30) + 1)}
    assert client.send("POST", "/upload/v1/files", {}, large).status == 400
    unknown = client.post("/upload/v1/files?upload_id=nope&upload_protocol=resumable")
    assert unknown.status in (400, 404)


def test_a_key_in_the_query_comes_back_in_the_upload_url() -> None:
    client = InMemoryClient(Emulator(key="right"))
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    assert (
        "key="
        not in client.send("POST", "/upload/v1/files", {}, {**headers, "x-goog-api-key": "right"}).headers[
            "x-goog-upload-url"
        ]
    )
    url = client.send("POST", "/upload/v1/files?key=right", {}, headers).headers["x-goog-upload-url"]
    assert url.endswith("&key=right")
    chunk = client.send(
        "POST",
        url.partition(".com")[2],
        b"x",
        {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"},
    )
    assert chunk.status == 200
    client.emulator.close()


def test_lists_come_in_pages_newest_first(client: InMemoryClient) -> None:
    assert client.get("/v1/files").json == {}
    names = [upload(client, b"x")["name"] for _ in range(12)][::-1]
    first = client.get("/v1/files").json
    assert [file["name"] for file in first["files"]] == names[:10]
    second = client.get(f"/v1/files?pageToken={first['nextPageToken']}").json
    assert [file["name"] for file in second["files"]] == names[10:]
    assert "nextPageToken" not in second
    assert len(client.get("/v1/files?pageSize=3").json["files"]) == 3
    assert client.get("/v1/files?pageSize=x").status == 400
    assert client.get("/v1/files?pageToken=%21%21").status == 400


def test_a_video_is_processed_for_some_time(clock: Clock) -> None:
    client = InMemoryClient(Emulator(clock=clock, pace=Pace(processing=3)))
    file = upload(client, b"x", "video/mp4")
    assert file["state"] == "PROCESSING"
    clock.now += 3
    assert client.get(f"/v1/{file['name']}").json["state"] == "ACTIVE"
    client.emulator.close()


def test_a_file_expires_after_48_hours(client: InMemoryClient, clock: Clock) -> None:
    file = upload(client, b"x")
    clock.now += 48 * 3600
    gone = client.get(f"/v1/{file['name']}")
    assert (gone.status, gone.json["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert client.get("/v1/files").json == {}


def test_a_file_is_usable_only_while_it_is_active(clock: Clock) -> None:
    client = InMemoryClient(Emulator(clock=clock, pace=Pace(processing=3)))
    file = upload(client, b"x", "video/mp4")
    part = {"type": "video", "uri": file["uri"], "mime_type": "video/mp4"}
    headers = {"host": "127.0.0.1:1"}

    def request_with(uri: str) -> tuple[int, str]:
        body = {"model": MODEL, "input": [{**part, "uri": uri}]}
        response = client.send("POST", "/v1/interactions", body, headers)
        return response.status, response.json.get("error", {}).get("code", "")

    older = {"contents": [{"parts": [{"fileData": {"fileUri": file["uri"], "mimeType": "video/mp4"}}]}]}
    assert request_with(file["uri"]) == (400, "failed_precondition")
    assert client.post(f"/v1/models/{MODEL}:generateContent", older).json["error"]["status"] == "FAILED_PRECONDITION"
    clock.now += 3
    assert request_with(file["uri"]) == (200, "")
    assert request_with(file["uri"] + "x") == (403, "permission_denied")
    assert request_with("https://generativelanguage.googleapis.com/v1beta/files/abc") == (200, "")
    clock.now += 48 * 3600
    assert request_with(file["uri"]) == (403, "permission_denied")
    client.emulator.close()


def test_the_host_of_file_uris(clock: Clock) -> None:
    client = InMemoryClient(Emulator(clock=clock, file_host="generativelanguage.googleapis.com"))
    host = {"host": "127.0.0.1:8080"}

    def uploaded() -> str:
        headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start", **host}
        opened = client.send("POST", "/upload/v1beta/files", {"file": {"mimeType": "text/plain"}}, headers)
        url = opened.headers["x-goog-upload-url"]
        assert url.startswith("http://127.0.0.1:8080/upload/v1beta/files?")
        target = url.removeprefix("http://127.0.0.1:8080")
        file = send(client, target, "upload, finalize", 0, b"x").json["file"]
        return str(file["uri"])

    def used(uri: str) -> int:
        part = {"type": "document", "uri": uri, "mime_type": "text/plain"}
        body = {"model": MODEL, "input": [part]}
        return client.send("POST", "/v1beta/interactions", body, host).status

    uri = uploaded()
    id = uri.removeprefix("https://generativelanguage.googleapis.com/v1beta/files/")
    assert used(uri) == 200
    assert used(f"http://127.0.0.1:8080/v1beta/files/{id}") == 200
    assert used(uri + "x") == 403
    assert used(f"http://127.0.0.1:8080/v1beta/files/{id}x") == 403


@pytest.mark.parametrize("host", ["two words", "https://host/path", "ftp://host", "host/../x"])
def test_an_invalid_host_of_file_uris(host: str) -> None:
    with pytest.raises(ValueError, match="file host"):
        Emulator(file_host=host)


def test_delete(client: InMemoryClient) -> None:
    file = upload(client, b"x")
    deleted = client.send("DELETE", f"/v1/{file['name']}")
    assert (deleted.status, deleted.json) == (200, {})
    assert client.get(f"/v1/{file['name']}").status == 404
    assert client.send("DELETE", f"/v1/{file['name']}").status == 404


def test_uploaded_files_cannot_be_downloaded(client: InMemoryClient) -> None:
    file = upload(client, b"x")
    response = client.get(f"/v1/{file['name']}:download?alt=media")
    assert (response.status, response.json["error"]["status"]) == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"{'file': {'display_name': 'IMAGE'}}", "IMAGE"),
        (rb"""{'file': {'display_name': 'it\'s a "cat" \\'}}""", 'it\'s a "cat" \\'),
        (rb"""{"file": {"display_name": "it's 'so' \"here\""}}""", "it's 'so' \"here\""),
        (b"{'file': {'display_name': ''}}", None),
    ],
)
def test_the_start_of_an_upload_may_have_single_quotes(client: InMemoryClient, body: bytes, title: str | None) -> None:
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    response = client.send("POST", "/upload/v1beta/files", body, headers)
    assert response.status == 200, response.body
    url = response.headers["x-goog-upload-url"].partition("googleapis.com")[2]
    assert send(client, url, "upload, finalize", 0, b"x").json["file"].get("displayName") == title


def test_other_requests_may_not(client: InMemoryClient) -> None:
    assert client.send("POST", "/v1beta/interactions", b"{'model': 'gemini-flash-latest', 'input': 'Hi'}").status == 400
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    assert client.send("POST", "/upload/v1beta/files", b"{'file': {'display_name': 'a}}", headers).status == 400
