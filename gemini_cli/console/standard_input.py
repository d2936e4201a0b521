"""Read stdin: whole, in records, or as it arrives."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator

from gemini_cli.console.raw_streams import READ_SIZE, RawStream, is_pipe, isatty
from gemini_cli.errors import InputError

HINT_AFTER = 3.0  # seconds of reading stdin after which a person is told


class StandardInput:
    """Reads a stream; None is one that was closed from the start.

    With `hints`, `notice` tells a person that stdin is read, after a while.
    """

    def __init__(self, stream: RawStream | None, notice: Callable[[str], None], *, hints: bool) -> None:
        self._stream = stream
        self._notice = notice
        self._hints = hints

    @property
    def is_open(self) -> bool:
        """False for a stdin that was closed, or not open for reading, from the start."""
        return self._stream is not None

    @property
    def is_terminal(self) -> bool:
        return isatty(self._stream)

    @property
    def is_pipe(self) -> bool:
        """True for a pipe or a regular file, unlike /dev/null."""
        return self._stream is not None and is_pipe(self._stream)

    def read(self, limit: int) -> bytes:
        """Read stdin to its end; InputError if it is more than `limit` bytes."""
        hint = threading.Timer(HINT_AFTER, self._notice, ["reading stdin … (--no-stdin to skip)"])
        hint.daemon = True
        if self._hints and not self.is_terminal:
            hint.start()
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in self.chunks():
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise InputError(f"stdin is too large: more than {limit} bytes")
        finally:
            hint.cancel()
        return b"".join(pieces)

    def records(self, separator: bytes, limit: int) -> Iterator[bytes]:
        """The records of stdin, as they arrive; the last one may lack its separator."""
        held: list[bytes] = []
        size = 0
        for piece in self.chunks():
            first, *others = piece.split(separator)
            held.append(first)
            size += len(first)
            for following in others:
                yield b"".join(held)
                held, size = [following], len(following)
            if size > limit:
                raise InputError(f"a record of stdin is too large: more than {limit} bytes")
        if last := b"".join(held):
            yield last

    def chunks(self) -> Iterator[bytes]:
        """The bytes of stdin, as they arrive, to its end."""
        while self._stream is not None:
            try:
                piece = self._stream.read(READ_SIZE)
            except OSError as error:
                raise InputError(f"cannot read stdin: {error.strerror or error}") from None
            if piece is None:  # a non-blocking stdin with nothing to read yet
                select.select([self._stream.fileno()], [], [])
            elif piece:
                yield piece
            else:
                return
