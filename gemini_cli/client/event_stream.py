"""Read server-sent events as the API's events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gemini_cli.api.api_error import StreamError, parse_api_error
from gemini_cli.api.events import Event
from gemini_cli.errors import RejectedError
from gemini_cli.transport import sse


def read_api_events(
    chunks: Iterable[bytes], on_invalid_utf8: Callable[[], None], *, limit: int = sse.EVENT_LIMIT
) -> Iterator[Event]:
    """Yield the events up to `[DONE]` or the end of the stream.

    RejectedError for an event that is not a JSON object, or larger than `limit` bytes. StreamError if the stream ends
    in an error body without a frame, or in a list (api/README.md 7.15, 11.11).
    """
    try:
        for event in sse.read_events(chunks, on_invalid_utf8, limit=limit):
            data = event.data
            if data == "[DONE]":
                return
            unframed = event.event == sse.UNFRAMED
            if (unframed or data.startswith("[")) and (error := parse_api_error(data)):
                raise StreamError(error)
            if not unframed:
                yield Event.parse(data, "" if event.event == "message" else event.event)
    except sse.EventTooLargeError as error:
        raise RejectedError(str(error)) from error
