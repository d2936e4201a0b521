"""Uploading: the requests that `resumable` wants, made from a source; and the file at the end, held against it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from gemini_cli import json_text, resources
from gemini_cli.body import Pieces
from gemini_cli.client.api_client import ApiClient, UploadResponse
from gemini_cli.errors import AuthError, Failure, InputError, Rejected, UsageError
from gemini_cli.files.resumable import Session, Step, Upload, says
from gemini_cli.files.source import Digest, Source
from gemini_cli.files.unfinished import Unfinished
from gemini_cli.interaction import want
from gemini_cli.resources import Resource

POLL = 1.0  # seconds between two looks at a file that is being processed, at first
POLL_LONGEST = 10.0

Advance = Callable[[int], None]


def upload(
    service: ApiClient,
    source: Source,
    *,
    mime_type: str,
    display_name: str | None = None,
    name: str | None = None,
    reuse: bool = False,
    unfinished: Unfinished | None = None,
    advance: Advance = lambda count: None,
) -> Resource:
    """The File that holds exactly the bytes of `source`; it may still be in state PROCESSING.

    With `reuse` its name is made of its content, and a file that is already there is not sent again. `unfinished` is
    continued, and keeps what the next call needs; `advance` is told of bytes that were sent, or (negative) were lost.
    InputError if the source changes meanwhile: then nothing is finished.
    """
    digest = Digest(source)
    try:
        if reuse:
            name = f"files/{digest.hex()[:40]}"
            found = _there(service, name, digest)
            if found and found.get("state") != "FAILED":
                return found
            if found:
                resources.delete(service, name)
        described = _Described(mime_type, display_name, name)
        sending = _Sending(service, source, digest, described, unfinished, advance)
        try:
            return sending.verified(unfinished.session() if unfinished else None)
        except Rejected as failure:
            if reuse and failure.http_status == 409 and (found := _there(service, name or "", digest)):
                return found  # somebody was faster
            raise
    finally:
        digest.stop()


def wait_until_active(service: ApiClient, file: Resource) -> Resource:
    """Wait until a File can be used (api/README.md 10.10); Rejected if processing it failed."""
    pause = POLL
    while file.get("state") == "PROCESSING":
        service.sleep(pause)
        pause = min(pause * 2, POLL_LONGEST)
        file = resources.one(service, name_of(file))
    if file.get("state") == "FAILED":
        error = want(file, "error", dict) or {}
        reason = want(error, "message", str) or "no reason given"
        raise Rejected(f"the service could not process {name_of(file)}: {reason}", code=want(error, "code", int))
    name_of(file)  # or it cannot be used
    return file


def name_of(file: Resource) -> str:
    """`files/ID`; Rejected for anything else that the server may call it."""
    try:
        return resources.full_name("files", str(file.get("name")))
    except UsageError:
        raise Rejected(f"not the API's answer: a file with the name {file.get('name')!r}") from None


class _Described(NamedTuple):
    """The description of a file in the request that starts its upload."""

    mime_type: str
    display_name: str | None
    name: str | None

    def body(self, size: int) -> bytes:
        """The body of the start request; names are sent only if there are any (api/README.md 10.1)."""
        named = {"name": self.name, "display_name": self.display_name}
        said = {key: value for key, value in named.items() if value}
        return json_text.dump({"file": {**said, "mime_type": self.mime_type, "size_bytes": size}}).encode()

    def fits(self, file: Resource) -> bool:
        told = {"displayName": self.display_name, "mimeType": self.mime_type, "name": self.name}
        return all(file.get(key) == value for key, value in told.items() if value)


class _Sending:
    """One source on its way."""

    def __init__(
        self,
        service: ApiClient,
        source: Source,
        digest: Digest,
        described: _Described,
        unfinished: Unfinished | None,
        advance: Advance,
    ) -> None:
        self._service = service
        self._source = source
        self._digest = digest
        self._described = described
        self._unfinished = unfinished
        self._advance = advance
        self._position = 0  # what `advance` was told, in sum

    def verified(self, session: Session | None) -> Resource:
        """The File, if it has the content of the source as it still is; else it is deleted."""
        file = self._sent(session)
        try:
            wrong = self._wrong(file)
            self._source.check()
        except InputError:
            self._remove(file)
            raise
        if not wrong:
            return file
        self._remove(file)
        if session is None:
            raise Rejected(f"{self._source.name} arrived damaged: {wrong}")
        return self.verified(None)  # what was begun in an earlier run was of another content

    def _sent(self, session: Session | None) -> Resource:
        """The File that ends the upload, whatever is in it."""
        service = self._service
        upload = Upload(self._source.size, service.retries, service.may_upload_to, session)
        try:
            while (step := upload.step) is not None:
                if step.command == "find":
                    upload.found(self._found())
                elif failure := upload.take(self._told(step, upload.session)):
                    service.log(1, failure.message)
                    service.pause(failure, upload.tries)
                self._keep(upload.session)
        except InputError:
            self._cancel(upload.session)
            raise
        except Failure as failure:
            failure.attempts = failure.attempts or upload.tries
            if failure.retryable and self._unfinished:
                failure.hint = "the same command continues where this one ended"
            raise
        return upload.file or {}

    def _told(self, step: Step, session: Session | None) -> UploadResponse:
        if session is None:
            return self._service.start_upload(self._headers(), self._described.body(self._source.size))
        if step.command == "query":
            return self._service.upload(session.url, {"X-Goog-Upload-Command": "query"})
        if not step.length:  # an empty chunk has no last piece to check before
            self._source.check()
        headers = {"X-Goog-Upload-Command": step.command, "X-Goog-Upload-Offset": str(step.offset)}
        return self._service.upload(session.url, headers, Pieces(step.length, lambda: self._pieces(step)))

    def _headers(self) -> dict[str, str]:
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(self._source.size),
            "X-Goog-Upload-Header-Content-Type": self._described.mime_type,
        }
        if self._source.path is None:
            return headers
        base = os.path.basename(self._source.path)
        plain = base.isascii() and base.isprintable()
        return {**headers, "X-Goog-Upload-File-Name": base if plain else quote(os.fsencode(base))}

    def _pieces(self, step: Step) -> Iterator[bytes]:
        """The bytes of a chunk. What was told of an earlier try that was lost is taken back."""
        self._moved_to(step.offset)
        for piece in self._source.pieces(step.offset, step.length):
            yield piece
            self._moved_to(self._position + len(piece))

    def _moved_to(self, position: int) -> None:
        if position != self._position:
            self._advance(position - self._position)
            self._position = position

    def _keep(self, session: Session | None) -> None:
        if self._unfinished and session:
            self._unfinished.keep(session)

    def _wrong(self, file: Resource) -> str:
        """The difference between the File (api/README.md 10.8) and the source, if any. Missing fields are not one."""
        size = file.get("sizeBytes")
        if size is not None and str(size) != str(self._source.size):
            return f"{size} bytes instead of {self._source.size}"
        if file.get("sha256Hash") and not says(file, self._digest.hex()):
            return "the service has another SHA-256"
        return ""

    def _found(self) -> Resource | None:
        """Find the File of an upload whose last response was lost: by its name, else by all other fields."""
        if self._described.name:
            return _there(self._service, self._described.name, self._digest)
        digest = self._digest.hex()
        files = resources.every(self._service, "files")
        return next((file for file in files if self._described.fits(file) and says(file, digest)), None)

    def _cancel(self, session: Session | None) -> None:
        """Nothing more will come. It ends by itself if this is not heard."""
        if session is not None:
            self._service.upload(session.url, {"X-Goog-Upload-Command": "cancel"})

    def _remove(self, file: Resource) -> None:
        """What is damaged shall not be used; what cannot be deleted expires."""
        with suppress(Failure):
            resources.delete(self._service, name_of(file))


def _there(service: ApiClient, name: str, digest: Digest) -> Resource | None:
    """The file of that name, if there is one with this content."""
    try:
        file = resources.one(service, name)
    except (Rejected, AuthError) as failure:
        if failure.http_status in (403, 404):  # 403 also if there is no such file (api/README.md 10.15)
            return None
        raise
    return file if says(file, digest.hex()) else None
