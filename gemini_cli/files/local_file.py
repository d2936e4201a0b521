"""A local file that must not change while it is sent."""

from __future__ import annotations

import os
import select
import stat
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from gemini_cli.errors import InputError, OutputError
from gemini_cli.formats import mime_types
from gemini_cli.formats.text_files import open_nonblocking, refuse_process_file

# Bytes read and sent at a time: each read costs 40 us, and a larger piece leaves the processor's cache.
FILE_READ_SIZE = 256 * 1024
SAMPLE = 1024 * 1024  # bytes at both ends that are hashed to compare the contents of two runs

TEXT_HINT = "-a 'FILE;type=text/plain', or upload --mime text/plain, sends it as text"


class FileStamp(NamedTuple):
    """Identity, size and time of a file; if one of them changes, the file has changed."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def from_stat(cls, stat_result: os.stat_result) -> FileStamp:
        return cls(stat_result.st_dev, stat_result.st_ino, stat_result.st_size, stat_result.st_mtime_ns)


class LocalFile:
    """Bytes of known size, readable at any offset.

    `path` is absolute, and None for bytes that came from a pipe. The file is closed by `close`, or with the last
    reference: a `map` attaches a file to each of many rows.
    """

    def __init__(self, descriptor: int, name: str, path: str | None) -> None:
        self._descriptor = descriptor
        self.close = weakref.finalize(self, os.close, descriptor)
        self.stamp = FileStamp.from_stat(os.fstat(descriptor))
        self.name = name
        self.path = path
        self.size = self.stamp.size

    @classmethod
    def open_path(cls, path: str, *, pipe_limit: int | None = None) -> LocalFile:
        """Open a regular file or a pipe; InputError if it is empty or cannot be read.

        A pipe (`<(COMMAND)` in a shell) is read to its end first, at most `pipe_limit` bytes; so is a file that does
        not tell its size, as those of /proc.
        """
        refuse_process_file(path)
        try:
            descriptor = open_nonblocking(path, os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
        source = cls(descriptor, path, os.path.abspath(path))
        stat_result = os.fstat(descriptor)
        if stat.S_ISFIFO(stat_result.st_mode) or (stat.S_ISREG(stat_result.st_mode) and not stat_result.st_size):
            with closing(source):
                return cls.from_chunks(_read_to_end(descriptor, path, pipe_limit), path)
        wrong = "it is a directory" if stat.S_ISDIR(stat_result.st_mode) else "it is no regular file"
        if not stat.S_ISREG(stat_result.st_mode):
            source.close()
            raise InputError(f"cannot send {path}: {wrong}")
        return source

    @classmethod
    def from_chunks(cls, pieces: Iterable[bytes], name: str) -> LocalFile:
        """Copy chunks into a file without a name.

        The server has to be told the size before the bytes.
        """
        import tempfile

        try:
            with tempfile.TemporaryFile() as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                source = cls(os.dup(file.fileno()), name, None)
        except OSError as error:
            raise OutputError(f"cannot keep {name} in {tempfile.gettempdir()}: {error.strerror or error}") from None
        if not source.size:
            source.close()
            raise InputError(f"cannot send {name}: it is empty")
        return source

    def check_unchanged(self) -> None:
        """InputError if the file has changed since it was opened, or was replaced."""
        try:
            stat_result = os.fstat(self._descriptor) if self.path is None else os.stat(self.path)
        except OSError:
            raise self._changed() from None
        if FileStamp.from_stat(stat_result) != self.stamp:
            raise self._changed()

    def _changed(self) -> InputError:
        return InputError(f"{self.name} changed while it was being sent")

    def read_chunks(self, offset: int, length: int, largest: int = FILE_READ_SIZE) -> Iterator[bytes]:
        """Yield `length` bytes from `offset`.

        The file is checked before the last chunk, so that an upload of a changed file is never completed.
        """
        end = offset + length
        while offset < end:
            try:
                piece = os.pread(self._descriptor, min(largest, end - offset), offset)
            except OSError as error:
                raise self._unreadable(error) from None
            offset += len(piece)
            if not piece or offset == end:
                self.check_unchanged()
            if not piece:
                raise self._changed()
            yield piece

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"cannot read {self.name}: {error.strerror}")

    def mime_type(self) -> str | None:
        """The type by the first bytes and the name.

        InputError if the name says media, and the file holds a page or an error.
        """
        head = b"".join(self.read_chunks(0, min(mime_types.HEAD_SIZE, self.size)))
        if text := mime_types.text_under_other_name(self.name, head):
            expected = mime_types.guess_from_name(self.name)
            raise InputError(f"cannot send {self.name}: it holds {text}, and its name says {expected}", hint=TEXT_HINT)
        return mime_types.guess_type(self.name, head)

    def sample_hash(self) -> str:
        """A hash of both ends, which tells most contents of one size and time apart."""
        from hashlib import sha256

        ends, length = sha256(), min(SAMPLE, self.size)
        for offset in (0, self.size - length):
            for piece in self.read_chunks(offset, length):
                ends.update(piece)
        return ends.hexdigest()


def links_outside(path: str, directory: str) -> bool:
    """Whether symbolic links lead a path out of a directory that it is below."""
    real = os.path.realpath(directory)
    return os.path.commonpath([real, os.path.realpath(path)]) != real


def _read_to_end(descriptor: int, path: str, limit: int | None) -> Iterator[bytes]:
    """Read a pipe to its end; a named pipe without a writer is waited for."""
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and not os.path.realpath(path).startswith(("/proc/", "/dev/fd/")):
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        waiting.poll()  # without it, the end would be read before the first writer has come
    size = 0
    while True:
        try:
            piece = os.read(descriptor, FILE_READ_SIZE)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None
        size += len(piece)
        if limit is not None and size > limit:
            raise InputError(f"{path} is too large: more than {limit} bytes")
        if not piece:
            return
        yield piece
