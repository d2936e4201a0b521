"""What the user hands over, words, files, URLs and stdin, as the API's content parts (reference.md 3)."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gemini_cli import documents
from gemini_cli.errors import InputError, UsageError

Part = dict[str, Any]

MEDIA = ("image", "audio", "video")
REMOTE = re.compile(r"(?:https?|gs)://|files/[a-z0-9-]+\Z")
INLINE_LIMIT = 20 * 1000 * 1000  # bytes of a request with media in it; the API's older, safer figure (reference.md 3)


class Attachment(NamedTuple):
    """`-a` taken apart: where it is, and the type after `;type=`, as in curl's -F."""

    source: str
    mime_type: str | None

    @classmethod
    def parse(cls, text: str) -> Attachment:
        source, marker, mime_type = text.rpartition(";type=")
        if not marker:
            return cls(text, None)
        if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", mime_type):
            raise UsageError(f"-a {text}: {mime_type!r} is not a MIME type")
        return cls(source, mime_type)


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def user_input(prompt: str | None, attached: Sequence[Part], stdin: str | None) -> str | list[Part] | None:
    """The prompt first, attachments in their order, stdin last. A single text is sent as a plain string."""
    texts = [text for text in (prompt, stdin) if text]
    if not attached:
        return texts[0] if len(texts) == 1 else [text_part(text) for text in texts] or None
    before = [text_part(prompt)] if prompt else []
    after = [text_part(stdin)] if stdin else []
    return [*before, *attached, *after]


def attachment_parts(texts: Sequence[str], stdin: Callable[[], bytes], *, file_uri: str) -> list[Part]:
    """A content part for each `-a TEXT`; InputError for what cannot be read, has no known type, or is too much inline.

    `stdin` reads the bytes that `-` names; `file_uri` is the URL under which the service keeps `files/ID`.
    """
    parts = [_part(Attachment.parse(text), stdin, file_uri) for text in texts]
    size = sum(len(part.get("data", "")) for part in parts)
    if size > INLINE_LIMIT:
        raise InputError(f"the attachments are too large to send inline: {size} bytes, the limit is {INLINE_LIMIT}")
    return parts


def _part(attachment: Attachment, stdin: Callable[[], bytes], file_uri: str) -> Part:
    if REMOTE.match(attachment.source):
        return _remote(attachment, file_uri)
    if attachment.source == "-":
        return _local(stdin(), attachment, "stdin")
    if os.path.isdir(attachment.source):
        raise InputError(f"cannot attach {attachment.source}: it is a directory")
    return _local(documents.read_bytes(attachment.source, limit=INLINE_LIMIT), attachment, attachment.source)


def _remote(attachment: Attachment, file_uri: str) -> Part:
    """By `uri`. YouTube pages have no file name to guess from; the API takes them as video."""
    source = attachment.source
    mime_type = attachment.mime_type or _guess(source.partition("?")[0])
    if re.match(r"https?://(www\.|m\.)?(youtube\.com|youtu\.be)/", source):
        mime_type = attachment.mime_type or "video/mp4"
    if mime_type is None:
        raise InputError(f"the type of {source} is not known; add ;type=image/png or the like")
    uri = f"{file_uri}/{source}" if source.startswith("files/") else source
    return {"type": _kind(mime_type), "uri": uri, "mime_type": mime_type}


def _local(data: bytes, attachment: Attachment, name: str) -> Part:
    if not data:
        raise InputError(f"cannot attach {name}: it is empty")
    mime_type = attachment.mime_type or _guess(attachment.source)
    if mime_type is None or _is_text(mime_type):
        try:
            return text_part(data.decode())
        except UnicodeDecodeError as error:
            if mime_type is not None:
                raise InputError(f"{name} is not valid UTF-8 (byte offset {error.start})") from None
            raise InputError(f"the type of {name} is not known; add ;type=image/png or the like") from None
    return {"type": _kind(mime_type), "data": base64.b64encode(data).decode("ascii"), "mime_type": mime_type}


def _kind(mime_type: str) -> str:
    major = mime_type.partition("/")[0]
    return major if major in MEDIA else "document"


def _is_text(mime_type: str) -> bool:
    """Text goes as text: a text document sent as a file was seen to be ignored by the model (traffic.md 53)."""
    return mime_type.startswith("text/")


def _guess(name: str) -> str | None:
    """The API's own list of types, by extension (reference.md 3): the same on every machine."""
    return _TYPES.get(os.path.splitext(name)[1].lower().removeprefix("."))


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_TYPES = {
    **{name: f"image/{name}" for name in ("png", "jpeg", "webp", "heic", "heif", "gif", "bmp", "tiff")},
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    **{name: f"audio/{name}" for name in ("wav", "mp3", "aiff", "aac", "ogg", "flac", "m4a", "opus")},
    **{name: f"video/{name}" for name in ("mp4", "mpeg", "mpg", "mov", "avi", "webm", "wmv")},
    "flv": "video/x-flv",
    "3gp": "video/3gpp",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "csv": "text/csv",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "dotx": f"{_OFFICE}wordprocessingml.template",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "odt": f"{_OPEN}text",
    "ods": f"{_OPEN}spreadsheet",
    "odp": f"{_OPEN}presentation",
}
