"""Prompt, files, URLs and stdin as the API's content parts (api/README.md 3).

Only the first bytes of a file are read. An uploaded file (`files/ID`) without a type gets it in `attachments.py`, which
may send requests.
"""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from gemini_cli.api.body import REQUEST_LIMIT
from gemini_cli.config.endpoint import Endpoint
from gemini_cli.errors import InputError, UsageError
from gemini_cli.files.local_file import LocalFile
from gemini_cli.formats import mime_types, text_files
from gemini_cli.formats.strict_json import StreamedString

Part = dict[str, Any]

REMOTE = r"(?i:https?|gs)://|files/[a-z0-9-]+\Z"
STDIN_NAMES = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
TRIPLETS = 192 * 1024  # bytes encoded at a time; pieces of base64 join only where three bytes end
YOUTUBE = r"(?i)https?://(www\.|m\.)?(youtube\.com|youtu\.be)/"


class Attachment(NamedTuple):
    """The parts of `-a`: the source, and the type after `;type=`, as in curl's -F."""

    source: str
    mime_type: str | None

    @classmethod
    def parse(cls, text: str) -> Attachment:
        source, marker, mime_type = text.rpartition(";type=")
        if not marker:
            source, mime_type = text, ""
        if source in STDIN_NAMES:
            source = "-"
        elif re.match(r"(?i)(?:https?|gs)://", source):
            scheme, _, rest = source.partition(":")
            source = f"{scheme.lower()}:{rest}"
        if not marker:
            return cls(source, None)
        if not mime_types.is_mime_type(mime_type):
            raise UsageError(f"-a {text}: {mime_type!r} is not a MIME type")
        return cls(source, mime_type.lower())


class Base64File(StreamedString):
    """The base64 text of a file, encoded while it is sent.

    `file` is the File of the server, if the file was uploaded instead.
    """

    def __init__(self, source: LocalFile) -> None:
        super().__init__(4 * -(-source.size // 3), partial(_encoded, source))
        self.source = source
        self.file: dict[str, Any] | None = None


def _encoded(source: LocalFile) -> Iterator[bytes]:
    for offset in range(0, source.size, TRIPLETS):
        raw = b"".join(source.read_chunks(offset, min(TRIPLETS, source.size - offset)))
        yield binascii.b2a_base64(raw, newline=False)


class FileReference(str):
    """`files/ID` as the `uri` of a part whose type has to be looked up."""


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def user_input(prompt: str | None, attached: Sequence[Part], stdin: str | None) -> str | list[Part] | None:
    """The prompt first, attachments in their order, stdin last.

    A single text is sent as a plain string.
    """
    texts = [text for text in (prompt, stdin) if text]
    if not attached:
        return texts[0] if len(texts) == 1 else [text_part(text) for text in texts] or None
    before = [text_part(prompt)] if prompt else []
    after = [text_part(stdin)] if stdin else []
    return [*before, *attached, *after]


def attachment_parts(
    attachments: Sequence[Attachment],
    stdin: Callable[[], bytes],
    endpoint: Endpoint,
    notice: Callable[[str], None] = lambda text: None,
) -> list[Part]:
    """A content part for each attachment.

    InputError for a source that cannot be read or has no known type. `stdin` reads the bytes that `-` names; `endpoint`
    knows the addresses of the server's files; `notice` gets a warning about a name that a local file has, too.
    """
    for source in (attachment.source for attachment in attachments):
        if is_address(source) and os.path.lexists(source):
            notice(f"-a {source} is the server's file; ./{source} is the local one")
    return [_part(attachment, stdin, endpoint) for attachment in attachments]


def is_address(source: str) -> bool:
    """Whether a source is an address, which the server reads, or a local file."""
    return re.match(REMOTE, source) is not None


def _part(attachment: Attachment, stdin: Callable[[], bytes], endpoint: Endpoint) -> Part:
    if is_address(attachment.source):
        return _remote(attachment, endpoint)
    if attachment.source == "-":
        return _local(LocalFile.from_chunks([stdin()], "stdin"), attachment)
    return _local(LocalFile.open_path(attachment.source, pipe_limit=REQUEST_LIMIT), attachment)


def _remote(attachment: Attachment, endpoint: Endpoint) -> Part:
    """A part with the `uri` of the source.

    YouTube pages have no file name to guess from; the API takes them as video.
    """
    source, mime_type = attachment
    file = source if source.startswith("files/") else endpoint.file_name_in(source)
    if file and mime_type is None:
        return {"uri": FileReference(file)}
    if mime_type is None:
        is_video = re.match(YOUTUBE, source)
        mime_type = "video/mp4" if is_video else mime_types.guess_from_name(source.partition("?")[0])
    if mime_type is None:
        raise InputError(f"the type of {source} is not known; add ;type=image/png or the like")
    uri = endpoint.url(source) if file == source else source
    return {"type": mime_types.content_kind(mime_type), "uri": uri, "mime_type": mime_type}


def _local(source: LocalFile, attachment: Attachment) -> Part:
    mime_type = attachment.mime_type or source.mime_type()
    if mime_type is None:
        raise InputError(f"the type of {source.name} is not known; add ;type=image/png or the like")
    if mime_types.is_text(mime_type):
        return text_part(_text(source))
    return {"type": mime_types.content_kind(mime_type), "data": Base64File(source), "mime_type": mime_type}


def _text(source: LocalFile) -> str:
    if source.size > REQUEST_LIMIT:
        raise InputError(f"{source.name} is too large: {source.size} bytes of text, the API takes {REQUEST_LIMIT}")
    text = text_files.decode_text(b"".join(source.read_chunks(0, source.size)), source.name)
    if not text:
        raise InputError(f"cannot send {source.name}: it is empty but for a byte order mark")
    return text


def join_prompt(prompt: str, text: str) -> str:
    """A text after the profile's prompt."""
    return f"{prompt}{text}" if not (prompt and text) or prompt[-1].isspace() else f"{prompt} {text}"
