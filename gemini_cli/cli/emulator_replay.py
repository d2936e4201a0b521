"""`emulator --replay`: an emulator that answers from a recording."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gemini_cli.cli import recordings
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import RejectedError

if TYPE_CHECKING:
    from gemini_cli.emulator.http.exchange import HttpRequest, HttpResponse
    from gemini_cli.emulator.service import Emulator
    from gemini_cli.transport.recording.file_format import RecordedResponse


def make_replay_emulator(path: str, faults: Iterable[str], terminal: Terminal) -> Emulator:
    """An emulator that answers from the recording in `path`, at the recorded pace.

    ValueError for a wrong fault. A key that a client puts into the URL is not compared.
    """
    from gemini_cli.emulator.http.exchange import HttpResponse
    from gemini_cli.emulator.replay import ReplayEmulator
    from gemini_cli.emulator.sandboxes import without_sandbox
    from gemini_cli.transport.recording.file_format import describe_request, whole_body

    recording = recordings.read_recording(path, terminal, for_one_run=False)

    def answer(request: HttpRequest, origin: str) -> HttpResponse:
        target = re.sub(r"(?<=[?&])key=[^&]*&?", "", without_sandbox(request.target)).rstrip("?&")
        body = whole_body(request.body)
        described = describe_request(request.method, target, request.headers, body, terminal.redacted)
        try:
            response = recording.find(described, origin)
        except RejectedError as error:
            raise LookupError(error.message) from None
        if response.lost is not None:
            raise ConnectionResetError(response.lost)
        return HttpResponse(response.status, response.headers, _paced_body(response))

    return ReplayEmulator(answer, faults=faults)


def _paced_body(response: RecordedResponse) -> Iterable[bytes]:
    """The body at the recorded pace; a tuple, whose size is known, if it came as one."""
    if response.cut is None and not any(gap for gap, _ in response.pieces):
        return tuple(piece for _, piece in response.pieces)
    return _paced_pieces(response)


def _paced_pieces(response: RecordedResponse) -> Iterator[bytes]:
    for gap, piece in response.pieces:
        time.sleep(gap)
        yield piece
    if response.cut is not None:
        raise ConnectionResetError(response.cut)
