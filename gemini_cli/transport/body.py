"""Request bodies that are streamed instead of held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple


class StreamedBody(NamedTuple):
    """A body of `size` bytes that is not held in memory.

    Each attempt opens the chunks again, and may read only some of them.
    """

    size: int
    open_chunks: Callable[[], Iterator[bytes]]
    text: bytes = b""  # without the attachments, which are base64


RequestContent = bytes | StreamedBody


def read_whole_body(body: RequestContent) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"".join(body.open_chunks())


def holds(body: RequestContent, secret: bytes) -> bool:
    """True if the secret stands in the body in clear."""
    return secret in (body if isinstance(body, bytes) else body.text)
