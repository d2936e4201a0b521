"""Guess media types by name or content, with the API's names (api/README.md 3.2).

The names of a library (`audio/x-wav`, `video/quicktime` …) would have to be translated with a table as long as this
one. Importing it takes 20 ms, and the maintained library takes every zip file for a Word document.
"""

from __future__ import annotations

import codecs
import os
import re

HEAD_SIZE = 4096  # bytes of a file that its type is guessed from
# The kinds of media, with the beginning of their media types; everything else is a document.
MEDIA_KINDS = {"image": "image/", "audio": "audio/", "video": "video/"}
PDF_HEADER_RANGE = 1024  # bytes in which readers look for the header, behind whatever was put before it

_PDF = re.compile(rb"(\xef\xbb\xbf)?\s*%PDF-")


def is_mime_type(text: str) -> bool:
    """Whether a text is a type and a subtype, without parameters."""
    return re.fullmatch(r"[\w.+-]+/[\w.+-]+", text, re.ASCII) is not None


def guess_from_name(name: str) -> str | None:
    """Guess from the extension, independently of the machine."""
    return _TYPES.get(os.path.splitext(name)[1].lower().removeprefix("."))


def guess_from_content(head: bytes) -> str | None:
    """By the first bytes; `text/plain` for what can be read as UTF-8."""
    found = _sure_type(head)
    if found or is_utf8_text(head):
        return found or "text/plain"
    return next((mime_type for mime_type, start in _WEAK_STARTS if re.match(start, head, re.DOTALL)), None)


def guess_type(name: str, head: bytes) -> str | None:
    """Guess by certain first bytes, else by the name, else by other first bytes.

    Where several types share a container, the name tells which one it is.
    """
    named, sure = guess_from_name(name), _sure_type(head)
    if named is None:
        return guess_from_content(head)
    return named if sure is None or named in _SHARED.get(sure, ()) else sure


def text_under_other_name(name: str, head: bytes) -> str | None:
    """The kind of text in a file named as a PDF, an image …: often an error page.

    None if there is none: of other text it is not sure that the name is wrong.
    """
    named = guess_from_name(name)
    if named is None or is_text(named) or _sure_type(head) or not is_utf8_text(head):
        return None
    if named == "application/pdf" and b"%PDF-" in head[:PDF_HEADER_RANGE]:
        return None
    return next((kind for kind, start in _TEXT_STARTS if re.match(start, head)), None)


def _sure_type(head: bytes) -> str | None:
    if _PDF.match(head):
        return "application/pdf"
    return next((mime_type for mime_type, start in _STARTS if re.match(start, head, re.DOTALL)), None)


def content_kind(mime_type: str) -> str:
    """The `type` of a content part."""
    return next((kind for kind, start in MEDIA_KINDS.items() if mime_type.startswith(start)), "document")


def is_text(mime_type: str) -> bool:
    """Whether a file is sent as a text part.

    Models ignore text files that are sent as documents (api/README.md 3.5).
    """
    return mime_type.startswith("text/")


def is_utf8_text(head: bytes) -> bool:
    """True for UTF-8 without NUL; the last character may be cut off."""
    try:
        return "\0" not in codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_TYPES = {
    **{name: f"image/{name}" for name in ("png", "jpeg", "webp", "heic", "heif", "gif", "bmp", "tiff")},
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    **{name: f"audio/{name}" for name in ("wav", "mp3", "aiff", "aac", "ogg", "flac", "m4a", "opus")},
    "aif": "audio/aiff",
    "oga": "audio/ogg",
    **{name: f"video/{name}" for name in ("mp4", "mpeg", "mpg", "mov", "avi", "webm", "wmv")},
    "m4v": "video/mp4",
    "flv": "video/x-flv",
    "3gp": "video/3gpp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "doc": "application/msword",
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

_STARTS = (
    ("image/png", rb"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", rb"\xff\xd8\xff"),
    ("image/gif", rb"GIF8[79]a"),
    ("image/webp", rb"RIFF....WEBP"),
    ("image/heic", rb"....ftyphei[cxms]"),
    ("image/heif", rb"....ftyp(mif1|msf1)"),
    ("image/bmp", rb"BM....\0\0\0\0"),
    ("image/tiff", rb"II\*\0|MM\0\*"),
    ("audio/wav", rb"RIFF....WAVE"),
    ("audio/mp3", rb"ID3[\x02-\x04]"),
    ("audio/aiff", rb"FORM....AIF[FC]"),
    ("audio/ogg", rb"OggS"),
    ("audio/flac", rb"fLaC"),
    ("audio/m4a", rb"....ftypM4[AB] "),
    ("video/mov", rb"....ftypqt  "),
    ("video/3gpp", rb"....ftyp3g[gp]"),
    ("video/mp4", rb"....ftyp(iso|mp4|avc|M4V|dash|MSNV)"),
    ("video/avi", rb"RIFF....AVI "),
    ("video/webm", rb"\x1aE\xdf\xa3.{0,64}webm"),
    ("video/wmv", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("video/x-flv", rb"FLV\x01"),
    ("video/mpeg", rb"\0\0\x01[\xb3\xba]"),
)

# Two bytes at the start of each audio frame: other files may begin with them.
_WEAK_STARTS = (
    ("audio/mp3", rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    ("audio/aac", rb"\xff[\xf0\xf1\xf8\xf9]"),
)

# Types that a name may tell apart where the first bytes are those of the key.
_SHARED = {
    "video/mp4": ("audio/m4a", "audio/aac", "video/mov", "video/3gpp"),
    "image/heif": ("image/heic",),
    "audio/ogg": ("audio/opus",),
    "audio/mp3": ("audio/aac", "audio/flac", "audio/aiff"),
}

_TEXT_STARTS = (
    ("HTML", rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body)"),
    ("XML", rb"(\xef\xbb\xbf)?\s*<[?!a-zA-Z]"),
    ("JSON", rb"(\xef\xbb\xbf)?\s*\{\s*\""),
    ("a pointer of Git LFS", rb"version https://git-lfs"),
)
