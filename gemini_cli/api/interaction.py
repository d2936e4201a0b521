"""Read the API's Interactions (api/README.md 4, 5, 6). No I/O.

The JSON stays a dict, so unknown fields reach `--json`, and the server again in a history. A known field of the wrong
type means that the answer is not the API's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from gemini_cli.api.api_error import parse_api_error
from gemini_cli.api.fields import get_objects, get_typed, parse_object, without_nulls
from gemini_cli.errors import CliError, RejectedError
from gemini_cli.formats.mime_types import MEDIA_KINDS
from gemini_cli.formats.surrogates import replace_lone_surrogates

Step = dict[str, Any]

MEDIA_BLOCKS = {*MEDIA_KINDS, "document"}
RUNNING = ("queued", "in_progress")
GENERATE_CONTENT = "generate_content"  # the `object` of an answer that was converted from the older API
CITATIONS = ("url_citation", "file_citation", "place_citation")


class Citation(NamedTuple):
    """A source; `url` is empty if the server gave none."""

    title: str
    url: str


class Interaction:
    """The API's resource (api/README.md 6), around its JSON (`raw`).

    `wire` is the JSON that the server sent, if that has another format. `continuation_error`: the error that kept the
    rest away.
    """

    def __init__(
        self, raw: dict[str, Any], wire: dict[str, Any] | None = None, *, continuation_error: CliError | None = None
    ) -> None:
        self.raw = raw
        self.wire = raw if wire is None else wire
        self.continuation_error = continuation_error

    @classmethod
    def parse(cls, text: str) -> Interaction:
        """Parse an Interaction; RejectedError for an object without a `status`.

        No other field is always there (api/README.md 6.1).
        """
        raw = parse_object(text, "the answer")
        known = without_nulls(raw)
        if "outputs" in known and "steps" not in known:  # api/README.md 6.11
            raise RejectedError("the answer has the legacy shape (outputs), which the API left in June 2026")
        if not isinstance(raw.get("status"), str):
            error = parse_api_error(text)
            words = f", but an error: {error.message}" if error and error.message else ": it has no status"
            raise RejectedError(f"the answer is not an Interaction{words}")
        return cls(raw)

    @property
    def id(self) -> str | None:
        """The id; None if the interaction is not stored (api/README.md 6.2)."""
        return get_typed(self.raw, "id", str) or None

    @property
    def status(self) -> str:
        """The status, with `idle` replaced by its meaning (api/README.md 6.6)."""
        status = get_typed(self.raw, "status", str) or ""
        if status == "idle":
            return "requires_action" if self._unanswered_calls else "completed"
        return status

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def continuation_token(self) -> str | None:
        """The token to continue an answer that is too long (api/README.md 8.11)."""
        return (
            (get_typed(self.raw, "continuation_token", str) or None) if self.status == "requires_continuation" else None
        )

    @cached_property
    def steps(self) -> list[Step]:
        """The model's steps in valid Unicode: half a surrogate pair is U+FFFD."""
        steps: list[Step] = replace_lone_surrogates(self._raw_steps)
        return steps

    @property
    def _raw_steps(self) -> list[Step]:
        """The model's steps, without the `user_input` of a GET (api/README.md 8.2)."""
        steps = get_objects(self.raw, "steps")
        if len(steps) != len(self.raw.get("steps") or ()):
            raise RejectedError("not the API's answer: a step is null")
        latest = max((place for place, step in enumerate(steps) if step.get("type") == "user_input"), default=-1)
        return steps[latest + 1 :]

    @property
    def text(self) -> str:
        """The text that the SDK shows (api/README.md 6.10, 11.26).

        Of Interactions, it is the last run of text; of the older API, all text.
        """
        if self.raw.get("object") == GENERATE_CONTENT:
            return self.all_text
        return "".join(reversed(list(_backwards(self._raw_steps))))

    @property
    def all_text(self) -> str:
        """All text of the answer, in order: the same as a stream has printed when it ends."""
        return "".join(output_text(step) for step in self._raw_steps)

    @property
    def media(self) -> list[dict[str, Any]]:
        """The images, audio, videos and documents of the answer, in order."""
        output = (step for step in self._raw_steps if step.get("type") == "model_output")
        parts = (block for step in output for block in get_objects(step, "content"))
        blocks = (block for block in parts if get_typed(block, "type", str) in MEDIA_BLOCKS)
        return [block for block in blocks if block.get("data") or block.get("uri")]

    @property
    def calls(self) -> list[Step]:
        """Function calls that wait for a result, not history (api/README.md 4.6)."""
        return self._unanswered_calls if self.status == "requires_action" else []

    @property
    def _unanswered_calls(self) -> list[Step]:
        answered = {str(step.get("call_id")) for step in self.steps}
        calls = {str(step.get("id")): step for step in self.steps if step.get("type") == "function_call"}
        return [step for call_id, step in calls.items() if call_id not in answered]

    @property
    def citations(self) -> list[Citation]:
        """Each source once, in the order of the text (api/README.md 5.3)."""
        found: dict[str, Citation] = {}
        for citation in _citations(self.steps):
            found.setdefault(citation.url or citation.title, citation)
        return list(found.values())

    @property
    def usage(self) -> dict[str, Any]:
        """The token counts; each of them may be missing (api/README.md 6.7)."""
        usage = self.raw.get("usage")
        return usage if isinstance(usage, dict) else {}


def merge_continuations(parts: Sequence[Interaction], continuation_error: CliError | None = None) -> Interaction:
    """Merge the parts of an answer that took several requests (api/README.md 8.12).

    The result has the fields of the last part, all steps, the sum of the counts, and all ids.
    """
    if len(parts) == 1 and continuation_error is None:
        return parts[0]
    raw = {key: value for key, value in parts[-1].raw.items() if key != "steps"}
    return Interaction(
        {
            **raw,
            "steps": [step for hop in parts for step in hop.steps],
            "usage": sum_usage([hop.usage for hop in parts]),
            "continuation_ids": [hop.id for hop in parts if hop.id],
        },
        continuation_error=continuation_error,
    )


def sum_usage(counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sum several usages, lists of counts by modality or tool (api/README.md 6.7)."""
    added: dict[str, Any] = {}
    for name in dict.fromkeys(name for usage in counts for name in usage):
        values = [usage[name] for usage in counts if usage.get(name) is not None]
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
    return [{**dict(names), **sum_usage(counts)} for names, counts in kinds.items()]


def output_text(step: Step) -> str:
    """The text of one step, if that belongs to the answer."""
    return step_text(step) if step.get("type") == "model_output" else ""


def step_text(step: Step) -> str:
    """The text of a step of any type."""
    return "".join(
        get_typed(block, "text", str) or "" for block in get_objects(step, "content") if block.get("type") == "text"
    )


def _backwards(steps: Sequence[Step]) -> Iterator[str]:
    begun = False
    for step in reversed(steps):
        if step.get("type") == "thought":
            continue
        if step.get("type") != "model_output":
            if begun:
                return
            continue
        for block in reversed(get_objects(step, "content")):
            if block.get("type") == "text":
                begun = True
                yield get_typed(block, "text", str) or ""
            elif begun:
                return


def _citations(steps: Sequence[Step]) -> Iterator[Citation]:
    for step in steps:
        for block in get_objects(step, "content") if step.get("type") == "model_output" else ():
            for annotation in get_objects(block, "annotations") if block.get("annotations") else ():
                if annotation.get("type") not in CITATIONS:  # word_info, for one, has no source
                    continue
                url = annotation.get("url") or annotation.get("document_uri") or annotation.get("source")
                title = annotation.get("title") or annotation.get("name") or annotation.get("file_name") or url
                if isinstance(url or title, str) and isinstance(title, str):
                    yield Citation(title, url or "")
