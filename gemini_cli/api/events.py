"""Events of a stream."""

from __future__ import annotations

from typing import Any, NamedTuple

from gemini_cli.api.fields import parse_object
from gemini_cli.formats import strict_json


class Event(NamedTuple):
    """One event of a stream: its `event_type`, its payload, and its line of JSON.

    `raw` is empty for all but the first event that is made of one frame.
    """

    type: str
    payload: dict[str, Any]
    raw: str

    @classmethod
    def parse(cls, data: str, name: str = "") -> Event:
        """Parse an event, whose type is in the JSON (api/README.md 7.2).

        `name`, from the `event:` line, counts only if the JSON has no type.
        """
        payload = parse_object(data, "an event of the stream")
        raw = strict_json.dumps(payload) if "\n" in data else data
        kind = payload.get("event_type") or ("error" if payload.get("error") is not None else name)
        return cls(str(kind), payload, raw)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Event:
        return cls(payload["event_type"], payload, strict_json.dumps(payload))
