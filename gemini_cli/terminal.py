"""stdin, stdout and stderr: the only module that writes to them.

stdout carries the answer, byte for byte, or in a visible form where a terminal would act on it. stderr carries what is
said about it, always in visible form, one line a statement, and never a secret. Everything is written at once: there
is no buffer in which a byte could be lost.
"""

from __future__ import annotations

import base64
import errno
import io
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from gemini_cli import json_text, signals
from gemini_cli.errors import Ended, Failure, InputError, OutputError, UsageError

if TYPE_CHECKING:
    from gemini_cli.progress import Bar

HINT_AFTER = 3.0  # seconds of silence on stdin after which a person is told what we wait for
READ_SIZE = 1024 * 1024

# C0 but newline and tab, DEL, C1, and the bidirectional controls: a terminal acts on them.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
VISIBLE = {code: f"\\u{code:04x}" for code in _CONTROLS if chr(code) not in "\n\t"}
VISIBLE_IN_LINE = {
    **VISIBLE,
    ord("\n"): "\\n",
    ord("\t"): "\\t",
    ord("\r"): "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_SURROGATE = "[\ud800-\udfff]"
# The id of an upload is all that writing to it takes (api/README.md 10.3). It comes as a parameter and as a header.
_UPLOAD_ID = r"(?i)(upload_?id(?:=|: ?))[^&\s\"']+"


class Stream(Protocol):
    """As much of a raw binary file as we use."""

    def read(self, size: int = -1, /) -> bytes | None: ...
    def write(self, data: bytes | memoryview, /) -> int | None: ...
    def fileno(self) -> int: ...
    def isatty(self) -> bool: ...


class Progress(Protocol):
    """Something that goes on: `advance` by so much, and `note` a few words about it."""

    def advance(self, count: float) -> None: ...
    def note(self, text: str) -> None: ...


class _Unseen:
    def advance(self, count: float) -> None: ...
    def note(self, text: str) -> None: ...


class Terminal:
    """The three streams; None is one that was closed before we started."""

    def __init__(
        self,
        stdin: Stream | None,
        stdout: Stream | None,
        stderr: Stream | None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._environ = environ or {}
        self._secrets: list[str] = []
        self._told: set[str] = set()
        self.stdout_is_terminal = _isatty(stdout)
        self.quiet = False
        self.verbose = 0
        self.answered = False  # a byte of the answer is on stdout
        self._column_zero = True
        self._bar: Bar | None = None

    @classmethod
    def standard(cls, environ: Mapping[str, str]) -> Terminal:
        """The process's own. Closed descriptors are filled, so that no socket ever takes the number of stdout."""
        open_ones = [_is_open(number) for number in range(3)]
        for number, is_open in enumerate(open_ones):
            if not is_open:
                os.open(os.devnull, os.O_RDWR if number else os.O_RDONLY)  # takes the lowest free number: this one
        files = [io.FileIO(number, "r" if number == 0 else "w", closefd=False) for number in range(3)]
        stdin, stdout, stderr = (file if is_open else None for file, is_open in zip(files, open_ones, strict=True))
        return cls(stdin, stdout, stderr, environ)

    # How far it is ------------------------------------------------------------------------------------------------

    @contextmanager
    def progress(self, label: str, total: float | None, unit: str) -> Iterator[Progress]:
        """A line on stderr that is there while the block lasts: of so many `unit` (bytes: "B"), how many, how fast.

        Without a unit, only a bar and the time left.
        Off a terminal and with -q there is none, and none within another: a row of `map` may upload a file.
        """
        if self._bar or self.quiet or not _isatty(self._stderr) or self._environ.get("TERM", "dumb") == "dumb":
            yield _Unseen()
            return
        from gemini_cli.progress import Bar  # rich, 90 ms

        self._bar = Bar(self._put, self._environ, label.translate(VISIBLE_IN_LINE), total, unit)
        try:
            yield self._bar
        finally:
            bar, self._bar = self._bar, None
            bar.close()

    def _beside_the_bar(self) -> AbstractContextManager[None]:
        return self._bar.hidden() if self._bar else nullcontext()

    # What may be said about it ------------------------------------------------------------------------------------

    def hide(self, secret: str) -> None:
        """Never show this on stderr, nor its base64 or URL-quoted forms."""
        encoded = base64.b64encode(secret.encode()).decode()
        self._secrets += [secret, json_text.dump(secret)[1:-1], encoded, encoded.rstrip("="), quote(secret, safe="")]

    def notice(self, text: str) -> None:
        """Something the user may want to know, once; not with -q."""
        if not self.quiet and text not in self._told:
            self._told.add(text)
            self._say(f"gemini-cli: {text}")

    def log(self, level: int, *parts: str | bytes) -> None:
        """Lines for -v (1) and -vv (2); decoded and joined only if they are shown, for a body may be large."""
        if level <= self.verbose:
            texts = (part if isinstance(part, str) else part.decode("utf-8", "replace") for part in parts)
            for line in " ".join(texts).split("\n"):
                self._say(line if level > 1 else f"gemini-cli: {line}")

    def aside(self, text: str) -> None:
        """What only a person at a terminal wonders about; -v tells it in its own words."""
        if _isatty(self._stderr) and not self.quiet and not self.verbose:
            self._say(f"gemini-cli: {text}")

    def thought(self, text: str) -> None:
        """A summary of thoughts: several lines, dimmed on a terminal."""
        shown = self.redacted(text.strip().translate(VISIBLE))
        self._write_stderr(f"\x1b[2m{shown}\x1b[0m\n" if self._coloured() else f"{shown}\n")

    def tell(self, failure: Failure, *, as_json: bool) -> None:
        """One line for what failed, one for what helps; or one JSON object."""
        if as_json:
            self._break_line()
            self._write_stderr(self.redacted(json_text.dump(failure.facts())).translate(VISIBLE) + "\n")
            return
        self._say(f"gemini-cli: {failure.kind}: {failure.message}")
        if failure.hint:
            self._say(f"hint: {failure.hint}")

    def line(self, text: str) -> None:
        """One line on stderr that was asked for: not silenced by -q."""
        self._say(text)

    def _say(self, line: str) -> None:
        self._break_line()
        self._write_stderr(self.redacted(line).translate(VISIBLE_IN_LINE) + "\n")

    def _break_line(self) -> None:
        """On a terminal, where both streams meet, a message does not continue the answer's last line."""
        if self.stdout_is_terminal and not self._column_zero:
            self._column_zero = True
            self._write_stderr("\n")

    def redacted(self, text: str) -> str:
        """The text without what is hidden."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return re.sub(_UPLOAD_ID, r"\1[redacted]", text)

    def _write_stderr(self, text: str) -> None:
        """Losing a message is no reason to fail: what counts is the answer and the exit status."""
        with self._beside_the_bar():
            self._put(text)

    def _put(self, text: str) -> None:
        if self._stderr is not None:
            try:
                _write_all(self._stderr, re.sub(_SURROGATE, "\ufffd", text).encode())
            except OSError:
                self._stderr = None

    def _coloured(self) -> bool:
        if self._environ.get("NO_COLOR"):
            return False
        if self._environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
            return True
        return self._environ.get("TERM") != "dumb" and _isatty(self._stderr)

    # The answer ---------------------------------------------------------------------------------------------------

    def require_stdout(self) -> None:
        """Before anything is sent: an answer that nobody can receive is not asked for."""
        if self._stdout is None:
            raise OutputError("stdout is closed")

    def write(self, text: str) -> None:
        """A piece of the answer, now. OutputError if it cannot be written, Ended if its reader has gone."""
        self.write_bytes(self.encoded(text.translate(VISIBLE) if self.stdout_is_terminal else text))

    def write_row(self, text: str) -> None:
        """A line that is whole by itself: it is no prefix of anything, and what fails later keeps its own status."""
        answered = self.answered
        self.write(text)
        self.answered = answered

    def encoded(self, text: str) -> bytes:
        """UTF-8. Half a surrogate pair cannot be said in it, and is shown as U+FFFD, with a notice."""
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.notice("the answer holds half a surrogate pair; it is shown as U+FFFD")
            return re.sub(_SURROGATE, "\ufffd", text).encode()

    def end_line(self) -> None:
        """What follows on stdout begins a line."""
        if not self._column_zero:
            self.write("\n")

    def places(self, count: int) -> list[Callable[[bytes], None]]:
        """Where so many pictures or sounds go: one, and not to a person."""
        if self.stdout_is_terminal:
            raise OutputError("the answer is binary, and stdout is a terminal", hint="use -o FILE")
        if count > 1:
            raise OutputError(f"the answer is {count} files, and stdout holds one", hint="use -o FILE")
        return [self.write_bytes]

    def write_bytes(self, data: bytes) -> None:
        if not data:
            return
        if self._stdout is None:
            raise OutputError("stdout is closed")
        self.answered = True
        self._column_zero = data.endswith(b"\n")
        try:
            if self.stdout_is_terminal:
                with self._beside_the_bar():
                    _write_all(self._stdout, data)
            else:
                _write_all(self._stdout, data)
        except BrokenPipeError:
            # SIGPIPE stays ignored, or it would kill us when a server hangs up; a reader that left is noticed here.
            raise Ended(getattr(signal, "SIGPIPE", signal.SIGTERM)) from None
        except OSError as error:
            raise OutputError(f"cannot write to stdout: {error.strerror or error}") from None

    # What is read -------------------------------------------------------------------------------------------------

    @property
    def stdin_is_terminal(self) -> bool:
        return _isatty(self._stdin)

    def read(self, limit: int) -> bytes:
        """stdin to its end, however slow it comes; InputError when it is more than `limit` bytes."""
        hint = threading.Timer(HINT_AFTER, self.notice, ["reading stdin … (--no-stdin to skip)"])
        hint.daemon = True
        if _isatty(self._stderr) and not self.stdin_is_terminal:
            hint.start()
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in self.pieces():
                hint.cancel()
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise InputError(f"stdin is too large: more than {limit} bytes")
        finally:
            hint.cancel()
        return b"".join(pieces)

    def records(self, separator: bytes, limit: int) -> Iterator[bytes]:
        """stdin as it comes, by what stands between separators; the last record may lack its own."""
        held: list[bytes] = []
        size = 0
        for piece in self.pieces():
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

    def pieces(self) -> Iterator[bytes]:
        """stdin as it comes, to its end."""
        while self._stdin is not None:
            try:
                piece = self._stdin.read(READ_SIZE)
            except OSError as error:
                raise InputError(f"cannot read stdin: {error.strerror or error}") from None
            if piece is None:  # a non-blocking stdin with nothing to read yet
                select.select([self._stdin.fileno()], [], [])
            elif piece:
                yield piece
            else:
                return

    # A person --------------------------------------------------------------------------------------------------------

    def confirm(self, question: str) -> bool:
        """Whether a person at the terminal says yes, whatever our streams are; UsageError if there is no terminal."""
        with _terminal() as terminal:
            _write_all(terminal, f"{self.redacted(question).translate(VISIBLE_IN_LINE)} [y/N] ".encode())
            answer = b""
            while not answer.endswith(b"\n") and (piece := terminal.read(READ_SIZE)):
                answer += piece
        return answer.strip().lower() in (b"y", b"yes")

    def require_person(self) -> None:
        """Before anything is asked for that a person would have to confirm."""
        _terminal().close()

    def typed(self, prompt: str) -> str | None:
        """A line that a person types, edited and recalled with readline; None at the end, which Ctrl-D is."""
        self._break_line()
        if not self.stdout_is_terminal:  # an answer that is sent elsewhere has no prompts in it
            self._write_stderr(prompt)
        with suppress(ImportError):  # not everywhere; without it the line is typed as it is
            import readline  # noqa: F401
        try:
            # `main` collects help where stdout was; readline wants the real one.
            with redirect_stdout(sys.__stdout__), signals.at_once():
                return input(prompt if self.stdout_is_terminal else "")
        except EOFError:
            self._write_stderr("\n")
            return None


def _write_all(stream: Stream, data: bytes) -> None:
    """All of it: a pipe takes less than we give, a non-blocking one nothing for a while."""
    view = memoryview(data)
    while view:
        written = stream.write(view)
        if written is None:
            select.select([], [stream.fileno()], [])
        else:
            view = view[written:]


def _terminal() -> io.FileIO:
    try:
        return io.FileIO("/dev/tty", "r+")
    except OSError as error:
        raise UsageError(f"there is no terminal to ask at: {error.strerror or error}") from None


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError as error:
        if error.errno == errno.EBADF:
            return False
        raise
    return True


def _isatty(stream: Stream | None) -> bool:
    return stream is not None and stream.isatty()
