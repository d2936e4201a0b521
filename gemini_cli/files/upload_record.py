"""The stored state of an unfinished upload, so that the next call continues it.

    uploads/NAME.json   {"about": {...}, "url", "granularity"}

NAME is a hash of the file's path and the owner of the upload. `about` has everything that must be unchanged to
continue: size, time and content of the file, and its description for the server. One process at a time has the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from gemini_cli.errors import InputError, OutputError, RejectedError, UnknownOutcomeError
from gemini_cli.files.local_file import LocalFile
from gemini_cli.files.resumable_upload import UploadSession
from gemini_cli.formats import strict_json
from gemini_cli.storage.state_dir import StateDirectory

RECORD_LIMIT = 64 * 1024  # bytes of a record; it holds an URL and a few words


class UploadRecord:
    """The record of one upload."""

    def __init__(self, state: StateDirectory, name: str, identity: Mapping[str, Any]) -> None:
        self._state = state
        self._name = name
        self._identity = identity
        self._saved: UploadSession | None = None

    def load_session(self) -> UploadSession | None:
        """The session to continue; None if there is none, or it is of another content."""
        try:
            record = strict_json.loads((self._state.read(self._name, RECORD_LIMIT) or b"").decode())
            same = record["about"] == self._identity
            session = UploadSession(str(record["url"]), int(record["granularity"]))
        except (InputError, ValueError, TypeError, KeyError):
            return None
        return session if same and session.granularity > 0 else None

    def save(self, session: UploadSession) -> None:
        """Store the session; without a record, the upload goes on but cannot be resumed."""
        if session == self._saved:
            return
        self._saved = session
        record = {"about": self._identity, **session._asdict()}
        with suppress(OutputError):
            self._state.write(self._name, f"{strict_json.dumps(record)}\n".encode())

    def delete(self) -> None:
        with suppress(OutputError):  # there may be none
            self._state.delete(self._name)


@contextmanager
def open_upload_record(
    state: StateDirectory, source: LocalFile, owner: str, description: Sequence[Any], *, resume: bool
) -> Iterator[UploadRecord | None]:
    """Lock the record of an upload; InputError if another process has it.

    The record is deleted when the block ends, unless the next call may continue the upload. `owner` tells whose upload
    it is, `description` is what the server is told of the file. There is no record for bytes that came from a pipe.
    """
    if source.path is None:
        yield None
        return
    from hashlib import sha256

    name = sha256(f"{owner}\0{source.path}".encode("utf-8", "surrogateescape")).hexdigest()[:40]
    identity = {
        "size": source.size,
        "modified_ns": source.stamp.modified_ns,
        "sample": source.sample_hash(),
        "told": list(description),
    }
    with state.lock(f"upload-{name}", f"the upload of {source.name}"):
        record = UploadRecord(state, f"uploads/{name}.json", identity)
        if not resume:
            record.delete()
        try:
            yield record
        except (InputError, RejectedError, UnknownOutcomeError):
            record.delete()
            raise
        record.delete()
