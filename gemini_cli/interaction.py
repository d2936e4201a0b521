"""Read the API's events and Interactions (api/README.md 4, 5, 6, 7). No I/O.

The JSON stays a dict, so unknown fields reach `--json`, and the server again in a history. A known field of the wrong
type means that the answer is not the API's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Any, NamedTuple, TypeVar

from gemini_cli import json_text, refusal
from gemini_cli.errors import ActionRequired, Blocked, Failure, Incomplete, Rejected
from gemini_cli.mime_type import MEDIA

Step = dict[str, Any]
Kind = TypeVar("Kind")

MEDIA_BLOCKS = {*MEDIA, "document"}
RUNNING = ("queued", "in_progress")
CITATIONS = ("url_citation", "file_citation", "place_citation")


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
        raw = json_text.dump(payload) if "\n" in data else data
        return cls(str(payload.get("event_type") or ("error" if "error" in payload else name)), payload, raw)

    @classmethod
    def make(cls, payload: dict[str, Any]) -> Event:
        return cls(payload["event_type"], payload, json_text.dump(payload))


def parse_object(text: str, what: str) -> dict[str, Any]:
    """Parse a JSON object of the server's; Rejected, naming `what`, for anything else."""
    try:
        value = json_text.parse(text)
    except ValueError as error:
        raise Rejected(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Rejected(f"{what} is not an object")
    return value


def want(holder: dict[str, Any], key: str, kind: type[Kind]) -> Kind | None:
    """Get a known field: None if it is missing, Rejected if it has another type."""
    if key not in holder:
        return None
    value = holder[key]
    if not isinstance(value, kind):
        raise Rejected(f"not the API's answer: {key!r} is {json_text.dump(value)[:40]}")
    return value


def objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Get a known list of objects; an empty one if it is missing."""
    found = want(holder, key, list) or []
    for item in found:
        if not isinstance(item, dict):
            raise Rejected(f"not the API's answer: {key!r} holds {json_text.dump(item)[:40]}")
    return found


class Citation(NamedTuple):
    title: str
    url: str


class Interaction:
    """The API's resource (api/README.md 6), around its JSON (`raw`).

    `wire` is the JSON that the server sent, if that has another format. `lost`: the error that kept the rest away.
    """

    def __init__(self, raw: dict[str, Any], wire: dict[str, Any] | None = None, *, lost: Failure | None = None) -> None:
        self.raw = raw
        self.wire = raw if wire is None else wire
        self.lost = lost

    @classmethod
    def parse(cls, text: str) -> Interaction:
        """Parse an Interaction; Rejected for an object without a `status`.

        No other field is always there (api/README.md 6.1).
        """
        raw = parse_object(text, "the answer")
        if "outputs" in raw and "steps" not in raw:  # api/README.md 6.11
            raise Rejected("the answer has the legacy shape (outputs), which the API left in June 2026")
        if not isinstance(raw.get("status"), str):
            said = refusal.parse(text)
            words = f", but an error: {said.message}" if said and said.message else ": it has no status"
            raise Rejected(f"the answer is not an Interaction{words}")
        return cls(raw)

    @property
    def id(self) -> str | None:
        """The id; None if the interaction is not stored (api/README.md 6.2)."""
        return want(self.raw, "id", str) or None

    @property
    def status(self) -> str:
        return want(self.raw, "status", str) or ""

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def token(self) -> str | None:
        """The token to continue an answer that is too long (api/README.md 8.11)."""
        return (want(self.raw, "continuation_token", str) or None) if self.status == "requires_continuation" else None

    @property
    def steps(self) -> list[Step]:
        """The model's steps, without the `user_input` of a GET (api/README.md 8.2)."""
        steps = objects(self.raw, "steps")
        asked = max((place for place, step in enumerate(steps) if step.get("type") == "user_input"), default=-1)
        return steps[asked + 1 :]

    @property
    def text(self) -> str:
        """The SDK's `output_text` (api/README.md 6.10): the last run of text."""
        return "".join(reversed(list(_backwards(self.steps))))

    @property
    def spoken(self) -> str:
        """All text of the answer, in order: the same as a stream has printed when it ends."""
        return "".join(spoken(step) for step in self.steps)

    @property
    def media(self) -> list[dict[str, Any]]:
        """The images, audio, videos and documents of the answer, in order."""
        output = (step for step in self.steps if step.get("type") == "model_output")
        blocks = (block for step in output for block in objects(step, "content") if block.get("type") in MEDIA_BLOCKS)
        return [block for block in blocks if block.get("data") or block.get("uri")]

    @property
    def calls(self) -> list[Step]:
        """Function calls that wait for a result, not history (api/README.md 4.6)."""
        if self.status != "requires_action":
            return []
        answered = {str(step.get("call_id")) for step in self.steps}
        calls = {str(step.get("id")): step for step in self.steps if step.get("type") == "function_call"}
        return [step for call_id, step in calls.items() if call_id not in answered]

    @property
    def citations(self) -> list[Citation]:
        """Each source once, in the order of the text (api/README.md 5.3)."""
        found: dict[str, Citation] = {}
        for citation in _citations(self.steps):
            found.setdefault(citation.url, citation)
        return list(found.values())

    @property
    def usage(self) -> dict[str, Any]:
        """The token counts; each of them may be missing (api/README.md 6.7)."""
        usage = self.raw.get("usage")
        return usage if isinstance(usage, dict) else {}


def merged(hops: Sequence[Interaction], lost: Failure | None = None) -> Interaction:
    """Merge the parts of an answer that took several requests (api/README.md 8.12).

    The result has the fields of the last part, all steps, the sum of the counts, and all ids.
    """
    if len(hops) == 1 and lost is None:
        return hops[0]
    raw = {key: value for key, value in hops[-1].raw.items() if key != "steps"}
    return Interaction(
        {
            **raw,
            "steps": [step for hop in hops for step in hop.steps],
            "usage": total([hop.usage for hop in hops]),
            "continuation_ids": [hop.id for hop in hops if hop.id],
        },
        lost=lost,
    )


def total(counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sum several usages, lists of counts by modality or tool (api/README.md 6.7)."""
    added: dict[str, Any] = {}
    for name in dict.fromkeys(name for usage in counts for name in usage):
        values = [usage[name] for usage in counts if name in usage]
        if all(isinstance(value, int) for value in values):
            added[name] = sum(values)
        elif all(isinstance(value, list) for value in values):
            added[name] = _sum_by_kind([item for value in values for item in value if isinstance(item, dict)])
    return added


def _sum_by_kind(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for item in items:
        names = tuple((key, value) for key, value in item.items() if isinstance(value, str))
        kinds.setdefault(names, []).append({key: value for key, value in item.items() if isinstance(value, int)})
    return [{**dict(names), **total(counts)} for names, counts in kinds.items()]


def spoken(step: Step) -> str:
    """The text of one step, if that belongs to the answer."""
    return words(step) if step.get("type") == "model_output" else ""


def words(step: Step) -> str:
    """The text of a step of any type."""
    return "".join(want(block, "text", str) or "" for block in objects(step, "content") if block.get("type") == "text")


def _backwards(steps: Sequence[Step]) -> Iterator[str]:
    begun = False
    for step in reversed(steps):
        if step.get("type") == "thought":
            continue
        if step.get("type") != "model_output":
            if begun:
                return
            continue
        for block in reversed(objects(step, "content")):
            if block.get("type") == "text":
                begun = True
                yield want(block, "text", str) or ""
            elif begun:
                return


def _citations(steps: Sequence[Step]) -> Iterator[Citation]:
    for step in steps:
        for block in objects(step, "content") if step.get("type") == "model_output" else ():
            for annotation in objects(block, "annotations") if block.get("annotations") else ():
                if annotation.get("type") not in CITATIONS:  # word_info, for one, has no source
                    continue
                url = annotation.get("url") or annotation.get("document_uri") or annotation.get("source")
                title = annotation.get("title") or annotation.get("name") or annotation.get("file_name") or url
                if isinstance(url or title, str) and isinstance(title, str):
                    yield Citation(title, url or title)


def verdict(interaction: Interaction) -> Failure | None:
    """Return None for a complete answer, otherwise the error.

    An unknown status does not count as success.
    """
    failure = interaction.lost.after_the_first_byte() if interaction.lost else _verdict(interaction)
    if failure is not None:
        failure.interaction_id = interaction.id
        failure.billed = "yes"
    return failure


def _verdict(interaction: Interaction) -> Failure | None:
    reported = _reported(interaction)
    match interaction.status:
        case "completed":
            return None
        case "incomplete":
            if isinstance(reported, Blocked):
                return reported
            reason = f": {reported.message}" if reported else "; most likely it reached the token limit"
            return Incomplete(f"the answer is incomplete{reason}")
        case "failed":
            return reported or Rejected("the interaction failed, and the server gave no reason")
        case "requires_action":
            return _waiting(interaction)
        case "requires_continuation":
            return Incomplete(
                "the answer goes on: it reached the output limit of one request",
                hint="--long asks for the rest; each request bills its input again",
            )
        case status if status in RUNNING:
            waits = f"`gemini-cli interactions wait {quote(interaction.id or 'ID')}` waits for it"
            return Incomplete(f"the interaction is {status}", hint=waits)
        case status:
            return Incomplete(f"the interaction ended as {status!r}")


def _waiting(interaction: Interaction) -> Failure:
    names = ", ".join(str(call.get("name")) for call in interaction.calls)
    results = " ".join(f"--result {quote(str(call.get('id')))}=@FILE" for call in interaction.calls)
    if interaction.id:
        condition, kept = "", f"--previous {quote(interaction.id)}"
    else:  # the server does not store it, so the caller has to
        condition, kept = "asked with --history FILE, ", "--history FILE"
    return ActionRequired(
        f"the model waits for the result of a call: {names or 'it did not say which'}",
        hint=f"{condition}`gemini-cli call-tool {kept} {results}` and the same flags go on" if results else None,
    )


def _reported(interaction: Interaction) -> Failure | None:
    """The first error in an interaction or in its steps (api/README.md 4.9, 6.1)."""
    errors = objects(interaction.raw, "errors")
    errors += [step["error"] for step in interaction.steps if isinstance(step.get("error"), dict)]
    return refusal.from_error(errors[0]).failure() if errors else None
