"""Download a file completely: continue after a broken connection.

The rest is requested with a range (RFC 9110, 14). A server without ranges sends the whole file again; its beginning is
compared with the bytes received before, and skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING

from gemini_cli.client.api_client import ApiClient
from gemini_cli.errors import IncompleteError
from gemini_cli.transport.errors import BrokenBodyError

if TYPE_CHECKING:
    from gemini_cli.transport.http_client import Response

_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


def download_chunks(api_client: ApiClient, path: str) -> Iterator[bytes]:
    """Yield the bytes of a `:download`; IncompleteError if some cannot be had."""
    got, tries = _ReceivedBytes(), 0
    while True:
        try:
            for piece in got.rest(*api_client.content(path, got.wanted)):
                tries = 0
                yield piece
            return
        except BrokenBodyError as error:
            tries += 1
            failure = IncompleteError(f"the file is cut off: {error}")
            if tries > api_client.retries:
                raise failure from error
            api_client.log(1, f"{failure.message}; asking for the rest")
            api_client.wait_before_retry(failure, tries)


class _ReceivedBytes:
    """The bytes received so far: number and hash, and the file's size and ETag."""

    def __init__(self) -> None:
        self._size = 0
        self._digest = blake2b()
        self._total: int | None = None
        self._tag = ""

    @property
    def wanted(self) -> Mapping[str, str]:
        """The headers that request the rest, with If-Range if the file has a strong ETag."""
        if not self._size:
            return {}
        only = {"If-Range": self._tag} if self._tag else {}
        return {"Range": f"bytes={self._size}-", **only}

    def rest(self, response: Response, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the new bytes of a response; BrokenBodyError if they end too early."""
        try:
            for piece in self._after(response, chunks):
                self._size += len(piece)
                self._digest.update(piece)
                yield piece
        finally:
            response.close()
        if self._total is not None and self._size < self._total:
            raise BrokenBodyError(f"{self._size} of {self._total} bytes came")

    def _after(self, response: Response, chunks: Iterator[bytes]) -> Iterator[bytes]:
        if response.status_code == 206:
            self._check_range(response.headers.get("content-range", ""))
            yield from filter(None, chunks)
            return
        tag, length = response.headers.get("etag", ""), response.headers.get("content-length", "")
        self._tag = "" if tag.startswith("W/") else tag
        self._total = int(length) if length.isascii() and length.isdigit() else None
        yield from self._skipped(chunks)

    def _check_range(self, text: str) -> None:
        found = _RANGE.fullmatch(text)
        if found is None or int(found[1]) != self._size:
            raise IncompleteError(f"the file is cut off: the server answered with another range ({text or 'none'})")
        if found[2] != "*":
            self._total = int(found[2])

    def _skipped(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Skip the bytes received before; IncompleteError if they differ now."""
        before, again, left = self._digest.digest(), blake2b(), self._size
        for piece in chunks:
            seen, fresh = piece[:left], piece[left:]
            again.update(seen)
            left -= len(seen)
            if seen and not left and again.digest() != before:
                break
            if fresh:
                yield fresh
        else:
            if not left:
                return
        raise IncompleteError("the file is cut off, and the server now sends a different file")
