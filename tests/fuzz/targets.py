"""Properties that hold for any bytes: the targets of the fuzzer, and of hypothesis in `test_targets.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.api_error import StreamError
from gemini_cli.api.events import Event
from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER
from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from gemini_cli.bulk import rows
from gemini_cli.bulk.rows import Row
from gemini_cli.client.event_stream import read_api_events
from gemini_cli.config import profiles
from gemini_cli.errors import CliError, InputError
from gemini_cli.formats import documents
from gemini_cli.transport.recording import file_format

KNOWN = profiles.profile_keys()


def stream_reader(data: bytes) -> None:
    """However a stream is cut into chunks, it has the same events and the same end, and only our failures end it."""
    whole = read_stream([data])
    assert read_stream(data[place : place + 1] for place in range(len(data))) == whole
    size = data[0] % 32 + 1 if data else 1
    assert read_stream(data[place : place + size] for place in range(0, len(data), size)) == whole


def read_stream(chunks: Iterable[bytes]) -> tuple[list[str], str, str]:
    """The events, the text that they brought, and how it ended."""
    events: list[str] = []
    fold, text, end = StreamAccumulator(), "", ""
    try:
        for event in read_api_events(chunks, lambda: None):
            events.append(event.raw)
            text += fold.add(event)
        end = repr(completion_error(fold.interaction))
    except (StreamError, CliError) as known:
        end = f"{type(known).__name__}: {known}"
    return events, text, end


def profile_reader(data: bytes) -> None:
    """It is a profile whose every setting can be asked for, or it is refused, and its file named."""
    told = "p.yaml"
    try:
        profile = profiles.check_profile(documents.parse_document(data, "p.yaml"))
        for name in profile.client:
            profile.value(KNOWN[name])
    except InputError as refused:
        told = refused.message
    assert told.startswith("p.yaml")


def answer_reader(data: bytes) -> None:
    """It is an answer all of whose parts can be read, or it is refused, in either format of the API."""
    for parse in (Interaction.parse, GENERATE_CONTENT_ADAPTER.parse_response):
        with suppress(CliError):
            answer = parse(data.decode("utf-8", "replace"))
            completion_error(answer)
            assert answer.text in answer.all_text
            assert answer.media + answer.calls + answer.steps is not None
            assert None not in (answer.citations, answer.usage, answer.running, answer.id or "")
    with suppress(CliError, StreamError):
        accumulator = StreamAccumulator()
        for event in GENERATE_CONTENT_ADAPTER.map_events(iter([Event.parse(data.decode("utf-8", "replace"))])):
            accumulator.add(event)
        completion_error(accumulator.interaction)


def recording_reader(data: bytes) -> None:
    """Each line is an exchange, or is refused with the reason; the first one may have rules."""
    for number, line in enumerate(data.split(b"\n"), 1):
        file_format.read_rules(line)
        with suppress(ValueError):
            assert file_format.read_exchange(number, line).line == number


def row_reader(data: bytes) -> None:
    """However a file is cut into pieces, it has the same rows, or is refused in the same way, in each format."""
    for options in ({}, {"csv": True}, {"csv": True, "delimiter": ";"}, {"lines": True}):
        whole = _read_rows([data], options)
        size = data[0] % 32 + 1 if data else 1
        assert _read_rows((data[place : place + size] for place in range(0, len(data), size)), options) == whole


def _read_rows(pieces: Iterable[bytes], options: Mapping[str, Any]) -> tuple[list[Row], str]:
    found: list[Row] = []
    try:
        for row in rows.read_rows(pieces, **options):
            assert row.fields is not None
            found.append(row)
    except InputError as refused:
        return found, refused.message
    return found, ""


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (stream_reader, profile_reader, answer_reader, recording_reader, row_reader)
}
