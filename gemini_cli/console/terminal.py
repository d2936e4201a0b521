"""stdout, stderr, and the questions to a person. `standard_input` reads stdin.

stdout carries the answer, byte for byte; on a terminal, control characters are shown in a visible form. stderr carries
messages, one a line, always in visible form and without secrets. Nothing is buffered, so that no byte is lost.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Protocol

from gemini_cli.console import signals
from gemini_cli.console.raw_streams import (
    READ_SIZE,
    RawStream,
    discard_input,
    is_open,
    is_open_for_reading,
    isatty,
    write_all,
)
from gemini_cli.console.secrets import secret_forms
from gemini_cli.console.standard_input import StandardInput
from gemini_cli.console.visible import shorten, visible_in_full, visible_line, visible_text
from gemini_cli.errors import CliError, Interrupted, OutputError, UsageError
from gemini_cli.formats import strict_json

if TYPE_CHECKING:
    from gemini_cli.console.pictures import EncodePicture
    from gemini_cli.console.progress import ProgressBar
    from gemini_cli.console.waiting_line import WaitingLine

WAITING_AFTER = 2.0  # seconds without output after which a person is told

_SURROGATE = "[\ud800-\udfff]"
# The id of an upload is all that writing to it takes (api/README.md 10.3). It comes as a parameter and as a header.
_UPLOAD_ID = r"(?i)(upload_?id(?:=|: ?))[^&\s\"']+"


class Progress(Protocol):
    """A progress line: `advance` adds an amount, `advance_to` sets it.

    `note` shows a few words. `summary` is a line that remains after the end.
    """

    summary: str

    def advance(self, count: float) -> None: ...
    def advance_to(self, amount: float) -> None: ...
    def note(self, text: str) -> None: ...


class _NoProgress:
    summary = ""

    def advance(self, count: float) -> None: ...
    def advance_to(self, amount: float) -> None: ...
    def note(self, text: str) -> None: ...


class Terminal:
    """The three streams; None is one that was closed from the start."""

    def __init__(
        self,
        stdin: RawStream | None,
        stdout: RawStream | None,
        stderr: RawStream | None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.stdin = StandardInput(stdin, self.print_notice, hints=isatty(stderr))
        self._stdout = stdout
        self._stderr = stderr
        self._environ = environ or {}
        self._secrets: list[str] = []
        self._noticed: set[str] = set()
        self.stdout_is_terminal = isatty(stdout)
        self.json_lines = False  # every message on stderr is a JSON object
        self.quiet = False
        self.verbose = 0
        self.answered = False  # a byte of the answer is on stdout
        self._column_zero = True
        self._bar: ProgressBar | None = None
        self._waiting_line: WaitingLine | None = None

    @classmethod
    def standard(cls, environ: Mapping[str, str]) -> Terminal:
        """The process's own. Closed ones are opened, so that no socket gets their number."""
        open_ones = [is_open(number) for number in range(3)]
        for number, opened in enumerate(open_ones):
            if number == 0 and opened:
                open_ones[0] = is_open_for_reading(0)  # nohup gives a stdin that is open for writing
            elif not opened:
                os.open(os.devnull, os.O_RDWR if number else os.O_RDONLY)  # takes the lowest free number: this one
        files = [io.FileIO(number, "r" if number == 0 else "w", closefd=False) for number in range(3)]
        stdin, stdout, stderr = (file if opened else None for file, opened in zip(files, open_ones, strict=True))
        return cls(stdin, stdout, stderr, environ)

    @classmethod
    def of_process(cls, environ: Mapping[str, str]) -> Terminal:
        """The standard streams, or the ones that `typer.testing` puts in their place."""
        if sys.stdout is sys.__stdout__:
            return cls.standard(environ)
        stdin, stdout, stderr = (getattr(stream, "buffer", None) for stream in (sys.stdin, sys.stdout, sys.stderr))
        return cls(stdin, stdout, stderr, environ)

    # Progress -----------------------------------------------------------------------------------------------------

    @contextmanager
    def progress(self, label: str, total: float | None, unit: str) -> Iterator[Progress]:
        """Show progress on stderr during the block; `unit` "B" counts bytes.

        Without a unit there is only a bar and the time left. There is none off a terminal, with -q, and within another
        one: a row of `map` may upload a file.
        """
        if self._bar or not self._shows_progress():
            yield _NoProgress()
            return
        self._end_waiting_line()
        from gemini_cli.console.progress import ProgressBar  # rich, 90 ms

        self._bar = ProgressBar(self._put, self._environ, label, total, unit, self.redacted)
        try:
            yield self._bar
        finally:
            bar, self._bar = self._bar, None
            bar.close()
            if bar.summary:
                self.print_status(bar.summary)

    @contextmanager
    def waiting(self, reason: str, delay: float = WAITING_AFTER) -> Iterator[None]:
        """Show on stderr, after `delay` seconds without output, that the program waits.

        Only on a terminal, not within a line of the answer, and not where messages tell more or are for programs: -v,
        --json.
        """
        inside = self._bar or self._waiting_line  # another one shows it
        mid_line = self.stdout_is_terminal and not self._column_zero
        if inside or mid_line or not self._shows_progress() or self.verbose or self.json_lines:
            yield
            return
        from gemini_cli.console.waiting_line import WaitingLine

        self._waiting_line = WaitingLine(self._put, f"gemini-cli: waiting for {reason} …", delay)
        try:
            yield
        finally:
            self._end_waiting_line()

    def _end_waiting_line(self) -> None:
        line, self._waiting_line = self._waiting_line, None
        if line is not None:
            line.end()

    def _shows_progress(self) -> bool:
        return not self.quiet and isatty(self._stderr) and self._environ.get("TERM", "dumb") != "dumb"

    def _without_progress(self) -> AbstractContextManager[None]:
        """End a waiting line, and hide the bar for a block that writes."""
        self._end_waiting_line()
        return self._bar.hidden() if self._bar else nullcontext()

    # Messages ------------------------------------------------------------------------------------------------------

    def add_secret(self, secret: str) -> None:
        """Redact this on stderr and in recordings, also its encoded forms."""
        self._secrets += secret_forms(secret)

    def print_notice(self, text: str) -> None:
        """Print a notice once; not with -q."""
        if not self.quiet and text not in self._noticed:
            self._noticed.add(text)
            self._print_message("notice", text)

    def log(self, level: int, *parts: str | bytes) -> None:
        """Print lines for -v (1) and -vv (2); the parts are joined only if printed."""
        if level <= self.verbose:
            texts = (part if isinstance(part, str) else part.decode("utf-8", "replace") for part in parts)
            for line in " ".join(texts).split("\n"):
                self._print_message("log", line, "" if level > 1 else "gemini-cli: ")

    def print_status(self, text: str) -> None:
        """Print a notice for a person at a terminal; -v has it in the log."""
        if isatty(self._stderr) and not self.quiet and not self.verbose:
            self._print_message("status", text)

    def print_thought(self, text: str) -> None:
        """Print a summary of thoughts: several lines, dimmed on a terminal."""
        if self.json_lines:
            self._print_message("thought", text.strip())
            return
        shown = self.redacted(visible_text(text.strip()))
        self._write_stderr(f"\x1b[2m{shown}\x1b[0m\n" if self._coloured() else f"{shown}\n")

    def print_error(self, failure: CliError, *, as_json: bool) -> None:
        """Print a line with the error and one with the hint; or one JSON object."""
        if as_json:
            self._print_object(failure.as_dict())
            return
        self._print_line(f"gemini-cli: {failure.kind}: {failure.message}")
        if failure.hint:
            self._print_line(f"hint: {failure.hint}")

    def print_line(self, text: str) -> None:
        """Print a line that was asked for, also with -q."""
        self._print_message("notice", text, "")

    def _print_message(self, kind: str, text: str, beginning: str = "gemini-cli: ") -> None:
        """Print a line, or with --json an object whose one key is `kind`."""
        if self.json_lines:
            self._print_object({kind: text.removeprefix("gemini-cli: ")})
        else:
            self._print_line(f"{beginning}{text}")

    def _print_object(self, value: Mapping[str, object]) -> None:
        self._print_line(strict_json.dumps(value))

    def _print_line(self, line: str) -> None:
        self._break_line()
        self._write_stderr(visible_line(self.redacted(line)) + "\n")

    def _break_line(self) -> None:
        """Begin a new line on a terminal, if the answer has not ended its last one."""
        if self.stdout_is_terminal and not self._column_zero:
            self._column_zero = True
            self._write_stderr("\n")

    def redacted(self, text: str) -> str:
        """The text with secrets replaced."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return re.sub(_UPLOAD_ID, r"\1[redacted]", text)

    def _write_stderr(self, text: str) -> None:
        """Write, and ignore failures: the answer and the exit status count."""
        with self._without_progress():
            self._put(text)

    def _put(self, text: str) -> None:
        if self._stderr is not None:
            try:
                write_all(self._stderr, re.sub(_SURROGATE, "\ufffd", text).encode())
            except OSError:
                self._stderr = None

    def _coloured(self) -> bool:
        if self._environ.get("NO_COLOR"):
            return False
        if self._environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
            return True
        return self._environ.get("TERM") != "dumb" and isatty(self._stderr)

    # The answer ---------------------------------------------------------------------------------------------------

    def require_stdout(self) -> None:
        """OutputError if stdout is closed. Call it before anything is sent."""
        if self._stdout is None:
            raise OutputError("stdout is closed")

    def write(self, text: str) -> None:
        """Write text to stdout; OutputError if that fails, Interrupted without a reader."""
        self.write_bytes(self.encoded(visible_text(text) if self.stdout_is_terminal else text))

    def write_row(self, text: str) -> None:
        """Write a complete line, after which a failure keeps its own exit status."""
        answered = self.answered
        self.write(text)
        self.answered = answered

    def encoded(self, text: str) -> bytes:
        """The text in UTF-8; half a surrogate pair becomes U+FFFD, with a notice."""
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.print_notice("the answer holds half a surrogate pair; it is shown as U+FFFD")
            return re.sub(_SURROGATE, "\ufffd", text).encode()

    def end_line(self) -> None:
        """Begin a new line on stdout."""
        if not self._column_zero:
            self.write("\n")

    def media_writers(self, count: int) -> list[tuple[str, Callable[[bytes], None]]]:
        """A writer for one image or audio file; OutputError for more, or on a terminal."""
        if self.stdout_is_terminal:
            raise OutputError("the answer is binary, and stdout is a terminal", hint="use -o FILE")
        if count > 1:
            raise OutputError(f"the answer is {count} files, and stdout holds one", hint="use -o FILE")
        return [("stdout", self.write_bytes)]

    def picture_encoder(self) -> EncodePicture | None:
        """The encoder of pictures for stdout; None if it shows none."""
        if not self.stdout_is_terminal:
            return None
        from gemini_cli.console.pictures import find_encoder  # needed by few runs

        return find_encoder(self._environ)

    def write_bytes(self, data: bytes) -> None:
        if not data:
            return
        if self._stdout is None:
            raise OutputError("stdout is closed")
        self.answered = True
        self._column_zero = data.endswith(b"\n")
        try:
            if self.stdout_is_terminal:
                with self._without_progress():
                    write_all(self._stdout, data)
            else:
                self._end_waiting_line()
                write_all(self._stdout, data)
        except BrokenPipeError:
            # SIGPIPE stays ignored, or a server that hangs up would end the process; a closed pipe raises instead.
            raise Interrupted(signal.SIGPIPE) from None
        except OSError as error:
            raise OutputError(f"cannot write to stdout: {error.strerror or error}") from None

    # A person --------------------------------------------------------------------------------------------------------

    def confirm(self, question: str) -> bool:
        """Ask a person at the terminal; UsageError if there is none.

        Input that was typed before the question is not an answer to it.
        """
        shown = shorten(visible_in_full(self.redacted(question)))
        self._end_waiting_line()
        with _terminal() as terminal:
            discard_input(terminal)
            write_all(terminal, f"{shown} [y/N] ".encode())
            answer = b""
            while not answer.endswith(b"\n") and (piece := terminal.read(READ_SIZE)):
                answer += piece
        return answer.strip().lower() in (b"y", b"yes")

    def require_interactive(self) -> None:
        """UsageError if there is no terminal to ask at."""
        _terminal().close()

    def read_line(self, prompt: str, commands: Collection[str] = ()) -> str | None:
        """Read a line with readline, which completes `commands`; None at the end (Ctrl-D).

        The result has several lines if they were pasted.
        """
        self._break_line()
        if not self.stdout_is_terminal:  # no prompts in a redirected answer
            self._write_stderr(prompt)
        with suppress(ImportError):  # not everywhere; without it the line is typed as it is
            from gemini_cli.console import line_editor

            line_editor.set_up(commands, dumb=self._environ.get("TERM", "dumb") == "dumb")
        try:
            # `RootGroup` collects help where stdout was; readline wants the real one.
            with redirect_stdout(sys.__stdout__), signals.end_immediately():
                return input(prompt if self.stdout_is_terminal else "")
        except EOFError:
            self._write_stderr("\n")
            return None


def _terminal() -> io.FileIO:
    try:
        return io.FileIO("/dev/tty", "r+")
    except OSError as error:
        raise UsageError(f"there is no terminal to ask at: {error.strerror or error}") from None
