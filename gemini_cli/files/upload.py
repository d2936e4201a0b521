"""Upload a file: send the requests of `resumable_upload`, and check the File."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from gemini_cli.api.fields import get_typed
from gemini_cli.client import resources
from gemini_cli.client.api_client import ApiClient, UploadResponse
from gemini_cli.client.polling import PollInterval, poll_until_done
from gemini_cli.client.resources import Resource
from gemini_cli.config.api_key import LONGEST_KEY
from gemini_cli.errors import AuthError, CliError, InputError, RejectedError, UsageError
from gemini_cli.files.file_digest import FileDigest
from gemini_cli.files.local_file import LocalFile
from gemini_cli.files.resumable_upload import CHUNK, ResumableUpload, UploadSession, UploadStep, has_sha256
from gemini_cli.files.upload_record import UploadRecord
from gemini_cli.formats import strict_json
from gemini_cli.transport.body import StreamedBody

FILE_POLL = PollInterval(first=1.0, longest=10.0)

ProgressCallback = Callable[[int], None]


def upload(
    api_client: ApiClient,
    source: LocalFile,
    *,
    mime_type: str,
    display_name: str | None = None,
    name: str | None = None,
    reuse: bool = False,
    record: UploadRecord | None = None,
    on_progress: ProgressCallback = lambda count: None,
) -> Resource:
    """Upload a file, and return its File, which may still be in state PROCESSING.

    With `reuse` its name is made of its content, and a file that already exists is not sent again. `record` is
    continued, and stores the state for the next call; `on_progress` gets the number of bytes that were sent, or
    (negative) lost. InputError if the file changes meanwhile: then the upload is not finished.
    """
    digest = FileDigest(source)
    try:
        if reuse:
            name = f"files/{digest.hex()[:40]}"
            existing = _file_with_digest(api_client, name, digest)
            if existing and existing.get("state") != "FAILED":
                return existing
            if existing:
                resources.delete_resource(api_client, name)
        metadata = _FileMetadata(mime_type, display_name, name)
        upload_run = _UploadRun(api_client, source, digest, metadata, record, on_progress)
        try:
            return upload_run.run(record.load_session() if record else None)
        except RejectedError as failure:
            if reuse and failure.http_status == 409 and (existing := _file_with_digest(api_client, name or "", digest)):
                return existing  # another process has uploaded it meanwhile
            raise
    finally:
        digest.stop()


def wait_until_active(api_client: ApiClient, file: Resource) -> Resource:
    """Wait until a File can be used (api/README.md 10.10).

    RejectedError if processing it failed.
    """
    file = poll_until_done(
        lambda: resources.get_resource(api_client, file_name(file)),
        lambda latest: latest.get("state") != "PROCESSING",
        api_client.sleep,
        FILE_POLL,
        known=file,
    )
    if file.get("state") == "FAILED":
        error = get_typed(file, "error", dict) or {}
        reason = get_typed(error, "message", str) or "no reason given"
        raise RejectedError(
            f"the server could not process {file_name(file)}: {reason}", code=get_typed(error, "code", int)
        )
    file_name(file)  # an invalid name is an error
    return file


def file_name(file: Resource) -> str:
    """`files/ID`; RejectedError for any other name."""
    try:
        return resources.resource_name("files", str(file.get("name")))
    except UsageError:
        raise RejectedError(f"not the API's answer: a file with the name {file.get('name')!r}") from None


class _FileMetadata(NamedTuple):
    """The description of a file in the request that starts its upload."""

    mime_type: str
    display_name: str | None
    name: str | None

    def body(self, size: int) -> bytes:
        """The body of the start request.

        Names are sent only if there are any (api/README.md 10.1).
        """
        named = {"name": self.name, "display_name": self.display_name}
        fields = {key: value for key, value in named.items() if value}
        return strict_json.dumps({"file": {**fields, "mime_type": self.mime_type, "size_bytes": size}}).encode()

    def fits(self, file: Resource) -> bool:
        sent = {"displayName": self.display_name, "mimeType": self.mime_type, "name": self.name}
        return all(file.get(key) == value for key, value in sent.items() if value)


class _UploadRun:
    """The upload of one file."""

    def __init__(
        self,
        api_client: ApiClient,
        source: LocalFile,
        digest: FileDigest,
        metadata: _FileMetadata,
        record: UploadRecord | None,
        advance: ProgressCallback,
    ) -> None:
        self._api_client = api_client
        self._source = source
        self._digest = digest
        self._metadata = metadata
        self._record = record
        self._advance = advance
        self._position = 0  # the sum of the reported progress

    def run(self, session: UploadSession | None) -> Resource:
        """Upload the file, and check the File; a wrong one is deleted."""
        file = self._send(session)
        try:
            wrong = self._mismatch(file)
            self._source.check_unchanged()
        except InputError:
            self._remove(file)
            raise
        if not wrong:
            return file
        self._remove(file)
        if session is None:
            raise RejectedError(f"{self._source.name} arrived damaged: {wrong}")
        return self.run(None)  # the session of an earlier run was for another content

    def _send(self, session: UploadSession | None) -> Resource:
        """Upload the file, and return the File without checking it."""
        api_client = self._api_client
        protocol = ResumableUpload(self._source.size, api_client.retries, api_client.may_upload_to, session)
        try:
            while (step := protocol.step) is not None:
                if step.command == "find":
                    protocol.set_found_file(self._find_file())
                elif failure := protocol.handle_response(self._run_step(step, protocol.session)):
                    api_client.log(1, failure.message)
                    api_client.wait_before_retry(failure, protocol.tries)
                self._save_session(protocol.session)
        except InputError:
            self._cancel(protocol.session)
            raise
        except CliError as failure:
            failure.attempts = failure.attempts or protocol.tries
            if failure.retryable and self._record:
                failure.hint = "the same command continues where this one ended"
            raise
        return protocol.file or {}

    def _run_step(self, step: UploadStep, session: UploadSession | None) -> UploadResponse:
        if session is None:
            for _ in self._searched_pieces(0, min(CHUNK, self._source.size)):
                pass  # the key of a small file, or near the beginning, is found before anything is sent
            return self._api_client.start_upload(self._headers(), self._metadata.body(self._source.size))
        if step.command == "query":
            return self._api_client.upload(session.url, {"X-Goog-Upload-Command": "query"})
        if not step.length:  # an empty chunk has no last piece to check before
            self._source.check_unchanged()
        headers = {"X-Goog-Upload-Command": step.command, "X-Goog-Upload-Offset": str(step.offset)}
        return self._api_client.upload(session.url, headers, StreamedBody(step.length, lambda: self._pieces(step)))

    def _headers(self) -> dict[str, str]:
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(self._source.size),
            "X-Goog-Upload-Header-Content-Type": self._metadata.mime_type,
        }
        if self._source.path is None:
            return headers
        base = os.path.basename(self._source.path)
        plain = base.isascii() and base.isprintable()
        return {**headers, "X-Goog-Upload-File-Name": base if plain else quote(os.fsencode(base))}

    def _pieces(self, step: UploadStep) -> Iterator[bytes]:
        """The bytes of a chunk; the progress of an earlier try that was lost is undone."""
        self._report_position(step.offset)
        for piece in self._searched_pieces(step.offset, step.length):
            yield piece
            self._report_position(self._position + len(piece))

    def _searched_pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """Bytes of the file; InputError before a piece in which the API key begins."""
        refuse_key = self._api_client.refuse_key
        for piece in self._source.read_chunks(offset, length):
            offset += len(piece)
            following = self._source.read_chunks(offset, min(LONGEST_KEY, self._source.size - offset))
            refuse_key(piece)
            refuse_key(piece[-LONGEST_KEY:] + b"".join(following))
            yield piece

    def _report_position(self, position: int) -> None:
        if position != self._position:
            self._advance(position - self._position)
            self._position = position

    def _save_session(self, session: UploadSession | None) -> None:
        if self._record and session:
            self._record.save(session)

    def _mismatch(self, file: Resource) -> str:
        """The difference between the File (api/README.md 10.8) and the local file, if any.

        Missing fields do not count.
        """
        size = file.get("sizeBytes")
        if size is not None and str(size) != str(self._source.size):
            return f"{size} bytes instead of {self._source.size}"
        if file.get("sha256Hash") and not has_sha256(file, self._digest.hex()):
            return "the server has another SHA-256"
        return ""

    def _find_file(self) -> Resource | None:
        """Find the File of an upload whose last response was lost.

        By its name, else by all other fields.
        """
        if self._metadata.name:
            return _file_with_digest(self._api_client, self._metadata.name, self._digest)
        digest = self._digest.hex()
        files = resources.list_all(self._api_client, "files")
        return next((file for file in files if self._metadata.fits(file) and has_sha256(file, digest)), None)

    def _cancel(self, session: UploadSession | None) -> None:
        """Cancel the session; it expires if the server does not get the request."""
        if session is not None:
            self._api_client.upload(session.url, {"X-Goog-Upload-Command": "cancel"})

    def _remove(self, file: Resource) -> None:
        """Delete a damaged File; it expires if it cannot be deleted."""
        with suppress(CliError):
            resources.delete_resource(self._api_client, file_name(file))


def _file_with_digest(api_client: ApiClient, name: str, digest: FileDigest) -> Resource | None:
    """The File of that name, if it has this content."""
    try:
        file = resources.get_resource(api_client, name)
    except (RejectedError, AuthError) as failure:
        if failure.http_status in (403, 404):  # 403 also if there is no such file (api/README.md 10.15)
            return None
        raise
    return file if has_sha256(file, digest.hex()) else None
