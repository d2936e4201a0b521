"""The resumable upload protocol (api/README.md 10.1-10.6) as a state machine without I/O.

It gives the next request, and takes the response or the error that came of it.

Rule 1. What the server has is what it last said. A chunk counts once it is acknowledged, and never after an error.
Rule 2. After anything else the server is asked what it has (`query`), and the next chunk begins exactly there.
Rule 3. Only bytes that were never acknowledged before are progress. Tries without any are counted, and come to an end.
Rule 4. A session that is gone is replaced by a new one: a kept one silently, one of this run once.
Rule 5. What ended the upload is the File. When its description is lost the File is looked for, not sent again.

Whether the File is what was sent is seen by its hash (`says`): a server that counts wrong is found out at the end.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from gemini_cli import json_text
from gemini_cli.client.api_client import UploadResponse
from gemini_cli.errors import AuthError, Failure, Rejected, Temporary, Unknown

CHUNK = 8 * 1024 * 1024  # bytes, as the SDK sends them

STATUS = "x-goog-upload-status"
RECEIVED = "x-goog-upload-size-received"

Command = Literal["start", "query", "upload", "upload, finalize", "cancel", "find"]
File = dict[str, Any]


class Session(NamedTuple):
    """An upload that the server knows. The URL is a secret: who has it may write."""

    url: str
    granularity: int = CHUNK

    @property
    def chunk(self) -> int:
        """Bytes of one chunk: a multiple of what the server wants."""
        return max(CHUNK // self.granularity, 1) * self.granularity


class Step(NamedTuple):
    """A request: the command, and for a chunk which bytes. `find` is none of the protocol: look for the File."""

    command: Command
    offset: int = 0
    length: int = 0


class Upload:
    """One upload of `size` bytes: `step` says what to do, `take` (after a `find`, `found`) what came of it.

    `retries` is how often something may fail in a row; `may_go_to` says whether an upload URL is one to send to.
    """

    def __init__(
        self, size: int, retries: int, may_go_to: Callable[[str], bool], session: Session | None = None
    ) -> None:
        self.size = size
        self.session = session
        self.file: File | None = None
        self.tries = 0  # without progress
        self._retries = retries
        self._may_go_to = may_go_to
        self._next: Command = "start" if session is None else "query"
        self._offset = 0
        self._sent = size  # the end of what the server may have of this session; all of it, if it is a kept one
        self._highest = 0  # of all that was ever acknowledged
        self._spare = 1 if session is None else 2  # sessions that may be replaced
        self._finalized = False  # this session was told to
        self._gone: Failure | None = None  # why the session is no more, where the file may be there all the same
        self._refused: Failure | None = None  # a chunk, for a reason that another try may not mend

    @property
    def step(self) -> Step | None:
        """What to do next; None once the File is there."""
        if self.file is not None:
            return None
        if self._next != "upload" or self.session is None:
            return Step(self._next)
        length = min(self.session.chunk, self.size - self._offset)
        last = self._offset + length == self.size
        return Step("upload, finalize" if last else "upload", self._offset, length)

    def take(self, told: UploadResponse) -> Failure | None:
        """What came of the step: the failure to wait for before the next one, or None to go on at once.

        Raises the failure that ends the upload.
        """
        if self._next == "start":
            return self._started(told)
        if self._next == "query":
            return self._asked(told)
        return self._sent_chunk(told)

    def found(self, file: File | None) -> None:
        """The File that `find` was about, or None if there is none."""
        self.file = file
        if file is not None:
            return
        if self._gone is None:
            raise Unknown("the file was uploaded, but the answer with its name is lost; see `gemini-cli files list`")
        self._renew(self._gone)

    def _started(self, told: UploadResponse) -> Failure | None:
        if told.failure is not None:
            return self._again(told.failure, "start")
        url = told.headers.get("x-goog-upload-url", "")
        if not url:
            raise Rejected("the start of the upload was answered without an upload URL")
        if not self._may_go_to(url):
            raise Rejected(f"the upload URL leads to another host ({_host(url)}); nothing was sent there")
        granularity = _number(told.headers.get("x-goog-upload-chunk-granularity"))
        self.session = Session(url, granularity or CHUNK)
        self._next, self._offset, self._sent = "upload", 0, 0
        return None

    def _sent_chunk(self, told: UploadResponse) -> Failure | None:
        step = self.step
        assert step is not None  # or there was nothing to take
        end = step.offset + step.length
        self._sent = max(self._sent, end)
        self._finalized |= end == self.size
        status, received = told.headers.get(STATUS), _number(told.headers.get(RECEIVED))
        if status == "cancelled" or _is_gone(told.failure):
            self._lost(told.failure or Rejected("the server cancelled the upload"))
            return None
        if told.failure is None and status == "final":
            return self._finished(told, step)
        if told.failure is None and status == "active" and end < self.size and received in (None, end):
            self._acknowledged(end)
            return None
        failure = told.failure or Temporary("the server did not acknowledge what was uploaded")
        if not failure.retryable:
            if failure.http_status is None or failure.http_status < 400:
                raise failure
            self._refused = failure
        return self._again(failure, "query")

    def _asked(self, told: UploadResponse) -> Failure | None:
        status, received = told.headers.get(STATUS), _number(told.headers.get(RECEIVED))
        failure = told.failure
        if status == "cancelled" or _is_unknown(failure):
            self._lost(failure or Rejected("the server cancelled the upload"))
            return None
        if failure is None and status == "final":
            return self._finished(told, Step("query"))
        if failure is not None or status != "active" or received is None:
            return self._again(failure or Temporary("the server does not say what it has of the upload"), "query")
        if received > self._sent:
            raise Rejected(f"the server claims to have {received} bytes of the upload, of {self._sent} that were sent")
        if received <= self._highest and self._refused is not None:
            raise self._refused
        self._next = "upload"
        self._acknowledged(received)
        return None

    def _acknowledged(self, offset: int) -> None:
        if offset > self._highest:
            self._highest, self.tries, self._refused = offset, 0, None
        self._offset = offset

    def _again(self, failure: Failure, following: Command) -> Failure:
        self.tries += 1
        if self.tries > self._retries or not (failure.retryable or failure is self._refused):
            raise failure
        self._next = following
        return failure

    def _finished(self, told: UploadResponse, step: Step) -> Failure | None:
        self.file = _described(told.text)
        if self.file is None and step.command != "query":
            return self._again(Temporary("the description of the uploaded file is lost"), "query")
        self._next, self._gone = "find", None
        return None

    def _lost(self, failure: Failure) -> None:
        """The session is no more. If it was finalized, the file may be there."""
        self._gone = failure
        if self._finalized:
            self._next = "find"
        else:
            self._renew(failure)

    def _renew(self, failure: Failure) -> None:
        if not self._spare:
            raise failure
        self._spare -= 1
        self.session, self._next, self._finalized = None, "start", False


def says(file: File, digest: str) -> bool:
    """Whether a File has this SHA-256 (in hex). The server writes base64 of the hex digits (api/README.md 10.9)."""
    forms = (digest.encode(), bytes.fromhex(digest))
    return file.get("sha256Hash") in [base64.b64encode(form).decode() for form in forms]


def _described(text: str) -> File | None:
    """The File in the answer that ends an upload."""
    try:
        value = json_text.parse(text)
    except ValueError:
        return None
    file = value.get("file") if isinstance(value, dict) else None
    return file if isinstance(file, dict) and isinstance(file.get("name"), str) else None


def _is_gone(failure: Failure | None) -> bool:
    return failure is not None and failure.http_status in (404, 410)


def _is_unknown(failure: Failure | None) -> bool:
    """A query is refused for good: whatever the reason, this session is of no use."""
    return isinstance(failure, Rejected | AuthError) and 400 <= (failure.http_status or 0) < 500


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "none"
    except ValueError:
        return "none"
