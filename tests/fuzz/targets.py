"""Properties that hold for any bytes: the targets of the fuzzer, and of hypothesis in `test_targets.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.errors import StreamError
from gemini_cli.api.outcome import completion_error
from gemini_cli.client.event_stream import read_api_events
from gemini_cli.config import profiles
from gemini_cli.errors import CliError, InputError
from gemini_cli.formats import documents

KNOWN = profiles.profile_keys()


def stream_reader(data: bytes) -> None:
    """However a stream is cut into chunks, it has the same events and the same end, and only our failures end it."""
    whole = _heard([data])
    assert _heard(data[place : place + 1] for place in range(len(data))) == whole
    size = data[0] % 32 + 1 if data else 1
    assert _heard(data[place : place + size] for place in range(0, len(data), size)) == whole


def _heard(chunks: Iterable[bytes]) -> tuple[list[str], str, str]:
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


TARGETS: Mapping[str, Callable[[bytes], None]] = {"stream_reader": stream_reader, "profile_reader": profile_reader}
