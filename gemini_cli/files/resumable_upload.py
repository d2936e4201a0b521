"""The resumable upload protocol (api/README.md 10) as a state machine without I/O.

It gives the next request, and takes the response or the error.

Rule 1. The server's last statement counts. A chunk counts once it is acknowledged, and never after an error.
Rule 2. After anything else the server is queried for its offset, and the next chunk begins exactly there.
Rule 3. Only bytes that were never acknowledged before are progress, and only enough of them: a server that acknowledges
one byte at a time makes none. Tries without progress are counted and limited.
Rule 4. A lost session is replaced by a new one: a stored one without notice, one of this run once.
Rule 5. The upload ends with the File. If its description is lost, the File is looked up, and not sent again.

The hash of the File (`has_sha256`) tells whether it is the file that was sent: a wrong count of the server is found at
the end.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from gemini_cli.client.api_client import UploadResponse
from gemini_cli.client.resources import Resource
from gemini_cli.errors import AuthError, CliError, RejectedError, TemporaryError, UnknownOutcomeError
from gemini_cli.formats import strict_json

CHUNK = 8 * 1024 * 1024  # bytes, as the SDK sends them

PROGRESS = 256 * 1024  # bytes, the granularity of the real server; of a small file a 64th is enough

STATUS = "x-goog-upload-status"
RECEIVED = "x-goog-upload-size-received"

UploadCommand = Literal["start", "query", "upload", "upload, finalize", "cancel", "find"]


class UploadSession(NamedTuple):
    """A session at the server (api/README.md 10.2). Its URL, a secret, allows writing."""

    url: str
    granularity: int = CHUNK

    @property
    def chunk(self) -> int:
        """The bytes of a chunk: a multiple of the granularity (api/README.md 10.6)."""
        return max(CHUNK // self.granularity, 1) * self.granularity


class UploadStep(NamedTuple):
    """A request: the command, and for a chunk its bytes.

    `find` is not part of the protocol: look for the File.
    """

    command: UploadCommand
    offset: int = 0
    length: int = 0


class ResumableUpload:
    """One upload of `size` bytes.

    `step` is the next request, `handle_response` takes its response; after a `find`, `set_found_file` takes its result.
    `retries` is how often something may fail in a row; `may_go_to` tells whether an upload URL may be used.
    """

    def __init__(
        self, size: int, retries: int, may_go_to: Callable[[str], bool], session: UploadSession | None = None
    ) -> None:
        self.size = size
        self.session = session
        self.file: Resource | None = None
        self.tries = 0  # without progress
        self._retries = retries
        self._may_go_to = may_go_to
        self._next: UploadCommand = "start" if session is None else "query"
        self._offset = 0
        # The end of the bytes that the server may have in this session; the whole file for a stored session.
        self._sent = size
        self._highest = 0  # the highest offset that was ever acknowledged
        self._progress_from = 0  # what was acknowledged when tries were last counted from 0
        self._spare = 1 if session is None else 2  # sessions that may be replaced
        self._finalized = False  # a finalize was sent in this session
        self._gone: CliError | None = None  # why the session is lost, if the File may exist
        self._refused: CliError | None = None  # the error of a chunk that may fail again

    @property
    def step(self) -> UploadStep | None:
        """The next request; None once the File is there."""
        if self.file is not None:
            return None
        if self._next != "upload" or self.session is None:
            return UploadStep(self._next)
        length = min(self.session.chunk, self.size - self._offset)
        last = self._offset + length == self.size
        return UploadStep("upload, finalize" if last else "upload", self._offset, length)

    def handle_response(self, response: UploadResponse) -> CliError | None:
        """Take the response of the step.

        Returns the error to wait for before the next step, or None to go on at once. Raises the error that ends the
        upload.
        """
        if self._next == "start":
            return self._handle_start(response)
        if self._next == "query":
            return self._handle_query(response)
        return self._handle_chunk(response)

    def set_found_file(self, file: Resource | None) -> None:
        """Take the File of a `find`, or None if there is none."""
        self.file = file
        if file is not None:
            return
        if self._gone is None:
            raise UnknownOutcomeError(
                "the file was uploaded, but the answer with its name is lost; see `gemini-cli files list`"
            )
        self._start_again(self._gone)

    def _handle_start(self, response: UploadResponse) -> CliError | None:
        if response.failure is not None:
            return self._retry(response.failure, "start")
        url = response.headers.get("x-goog-upload-url", "")
        if not url:
            raise RejectedError("the start of the upload was answered without an upload URL")
        if not self._may_go_to(url):
            raise RejectedError(f"the upload URL leads to another host ({_host(url)}); nothing was sent there")
        granularity = _number(response.headers.get("x-goog-upload-chunk-granularity"))
        self.session = UploadSession(url, granularity or CHUNK)
        self._next, self._offset, self._sent = "upload", 0, 0
        return None

    def _handle_chunk(self, response: UploadResponse) -> CliError | None:
        step = self.step
        assert step is not None  # there is no response without a step
        end = step.offset + step.length
        self._sent = max(self._sent, end)
        self._finalized |= end == self.size
        status, received = response.headers.get(STATUS), _number(response.headers.get(RECEIVED))
        if status == "cancelled" or _is_gone(response.failure):
            self._session_lost(response.failure or RejectedError("the server cancelled the upload"))
            return None
        if response.failure is None and status == "final":
            return self._handle_final(response, step)
        if response.failure is None and status == "active" and end < self.size and received in (None, end):
            self._acknowledged(end)
            return None
        failure = response.failure or TemporaryError("the server did not acknowledge what was uploaded")
        if not failure.retryable:
            if failure.http_status is None or failure.http_status < 400:
                raise failure
            self._refused = failure
        return self._retry(failure, "query")

    def _handle_query(self, response: UploadResponse) -> CliError | None:
        status, received = response.headers.get(STATUS), _number(response.headers.get(RECEIVED))
        failure = response.failure
        if status == "cancelled" or _is_unknown(failure):
            self._session_lost(failure or RejectedError("the server cancelled the upload"))
            return None
        if failure is None and status == "final":
            return self._handle_final(response, UploadStep("query"))
        if failure is not None or status != "active" or received is None:
            return self._retry(failure or TemporaryError("the server does not say what it has of the upload"), "query")
        if received > self._sent:
            raise RejectedError(
                f"the server claims to have {received} bytes of the upload, of {self._sent} that were sent"
            )
        if received <= self._highest and self._refused is not None:
            raise self._refused
        self._next = "upload"
        self._acknowledged(received)
        return None

    def _acknowledged(self, offset: int) -> None:
        if offset > self._highest:
            self._highest, self._refused = offset, None
        if self._highest - self._progress_from >= min(PROGRESS, max(self.size // 64, 1)):
            self._progress_from, self.tries = self._highest, 0
        self._offset = offset

    def _retry(self, failure: CliError, following: UploadCommand) -> CliError:
        self.tries += 1
        if self.tries > self._retries or not (failure.retryable or failure is self._refused):
            raise failure
        self._next = following
        return failure

    def _handle_final(self, response: UploadResponse, step: UploadStep) -> CliError | None:
        self.file = _file_in(response.text)
        if self.file is None and step.command != "query":
            return self._retry(TemporaryError("the description of the uploaded file is lost"), "query")
        self._next, self._gone = "find", None
        return None

    def _session_lost(self, failure: CliError) -> None:
        """The session is lost; if it was finalized, the File may exist."""
        self._gone = failure
        if self._finalized:
            self._next = "find"
        else:
            self._start_again(failure)

    def _start_again(self, failure: CliError) -> None:
        if not self._spare:
            raise failure
        self._spare -= 1
        self.session, self._next, self._finalized = None, "start", False


def has_sha256(file: Resource, digest: str) -> bool:
    """Whether a File has this SHA-256 (in hex).

    The server writes base64 of the hex digits (api/README.md 10.9).
    """
    forms = (digest.encode(), bytes.fromhex(digest))
    return file.get("sha256Hash") in [base64.b64encode(form).decode() for form in forms]


def _file_in(text: str) -> Resource | None:
    """The File in the response that ends an upload (api/README.md 10.5)."""
    try:
        value = strict_json.loads(text)
    except ValueError:
        return None
    file = value.get("file") if isinstance(value, dict) else None
    return file if isinstance(file, dict) and isinstance(file.get("name"), str) else None


def _is_gone(failure: CliError | None) -> bool:
    return failure is not None and failure.http_status in (404, 410)


def _is_unknown(failure: CliError | None) -> bool:
    """Whether a query is refused for good, so that the session cannot be used."""
    return isinstance(failure, RejectedError | AuthError) and 400 <= (failure.http_status or 0) < 500


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "none"
    except ValueError:
        return "none"
