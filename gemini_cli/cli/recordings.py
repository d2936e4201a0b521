"""`--record` and `--replay`: a recording around the transport, or instead of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gemini_cli.cli.program import Dependencies, Program
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.errors import InputError, OutputError, UsageError
from gemini_cli.formats import text_files

if TYPE_CHECKING:
    from gemini_cli.console.terminal import Terminal
    from gemini_cli.transport.http_client import BaseTransport
    from gemini_cli.transport.recording.file_format import Redact
    from gemini_cli.transport.recording.replay import Recording

SHORT_SLEEP = 0.01  # seconds; a recording whose last poll is not done would be read without end at full speed


def check_recording_options(options: ConnectionOptions, is_given: Callable[[str], bool]) -> None:
    """UsageError for options that exclude each other.

    `--offline` on the command line takes the place of a GEMINI_REPLAY, and `--replay` of a GEMINI_OFFLINE and a
    GEMINI_RECORD. `--record` does not take the place of a GEMINI_REPLAY, since requests would then be sent.
    """
    if is_given("offline") and is_given("replay"):
        raise UsageError("--offline and --replay exclude each other")
    if options.offline and is_given("offline"):
        options.replay = None
    if options.replay is not None:
        options.offline = False
        if is_given("replay") and not is_given("record"):
            options.record = None
    if options.record is not None and options.replay is not None:
        raise UsageError("--record and --replay exclude each other")


def without_waiting(dependencies: Dependencies) -> Dependencies:
    """Let waits between two requests take no time: the clock counts them all the same."""
    skipped = _SkippedTime(dependencies.clock)
    return dependencies._replace(sleep=skipped.sleep, clock=skipped.clock)


class _SkippedTime:
    """A clock that is set forward instead of waiting. Threads may share it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._skipped = 0.0
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self._clock() + self._skipped

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._skipped += seconds
        time.sleep(min(seconds, SHORT_SLEEP))


def make_transport(
    options: ConnectionOptions, program: Program, to_server: Callable[[], BaseTransport]
) -> BaseTransport:
    """The transport of `--replay`, of `--record`, or to the server.

    InputError if the recording cannot be read, OutputError if it cannot be written.
    """
    terminal = program.terminal
    if options.replay is not None:
        from gemini_cli.transport.recording.replay_transport import ReplayTransport

        return ReplayTransport(read_recording(options.replay, terminal), terminal.redacted)
    if options.record is None:
        return to_server()
    recorder = Recorder(options.record)
    program.finish = recorder.finish
    return recorder.around(to_server(), terminal.redacted)


def read_recording(path: str, terminal: Terminal, *, for_one_run: bool = True) -> Recording:
    """Read a recording; InputError if it is damaged or too large."""
    from gemini_cli.transport.recording.file_format import RECORDING_LIMIT
    from gemini_cli.transport.recording.replay import Recording

    recorded = Recording(text_files.read_bytes(path, limit=RECORDING_LIMIT), path, for_one_run=for_one_run)
    if recorded.is_cut:
        terminal.print_notice(f"{path}: the last line is cut off, and does not count")
    return recorded


class Recorder:
    """Appends exchanges to the recording `path`.

    OutputError if it cannot be written, InputError if it is another file. When it cannot be written later, the run
    goes on, since its answers may be paid for.
    """

    def __init__(self, path: str) -> None:
        from gemini_cli.storage.shared_log import ForeignFileError, SharedLog
        from gemini_cli.transport.recording.file_format import RECORDING_HEADER, read_rules

        self._path = path
        self._transport: BaseTransport | None = None
        self._error: OSError | None = None
        try:
            self._log = SharedLog(path, RECORDING_HEADER, lambda line: read_rules(line) is not None)
        except ForeignFileError:
            raise InputError(f"{path} is not a recording; it was not changed") from None
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None

    def around(self, transport: BaseTransport, redact: Redact) -> BaseTransport:
        """A transport that records what goes through it."""
        from gemini_cli.transport.recording.record_transport import RecordTransport

        self._transport = RecordTransport(transport, self._append, redact)
        return self._transport

    def _append(self, line: bytes) -> None:
        try:
            self._log.append(line)
        except OSError as error:
            self._error = self._error or error

    def finish(self) -> None:
        """Record what is still open; OutputError, once, if the recording is not complete."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        error, self._error = self._error, None
        if error is not None:
            raise OutputError(f"{self._path} is not complete: {error.strerror}", billed="maybe")
