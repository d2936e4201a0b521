"""Accumulate the events of a stream (api/README.md 7) to an Interaction.

It equals the Interaction of the same request without streaming.

- Steps are kept by index. The content of `step.start` counts too (api/README.md 7.6). There may be no step (7.5).
- Text, arguments and audio are appended; a signature is set when it is not empty; everything else replaces.
- Unknown events and deltas are ignored.
- Only `interaction.completed` ends a stream, for every outcome.
- Text is collected in a StringIO: a stream of 50,000 deltas must not be copied 50,000 times, or kept in 50,000 strings.
- A server that counts in UTF-16 may cut a character in two. Its first half is held back until the other half, or the
  end of the stream, arrives.
"""

from __future__ import annotations

from io import StringIO
from typing import Any, NamedTuple

from gemini_cli.api import media
from gemini_cli.api.api_error import api_error_from
from gemini_cli.api.events import Event
from gemini_cli.api.fields import get_objects, get_typed, without_nulls
from gemini_cli.api.interaction import MEDIA_BLOCKS, Interaction, merge_continuations, output_text
from gemini_cli.errors import CliError, IncompleteError, RejectedError
from gemini_cli.formats import strict_json
from gemini_cli.formats.surrogates import join_surrogates, utf16_length


class StepLengths(NamedTuple):
    """The parts of a step that have arrived.

    Text and arguments are counted in bytes of UTF-16; `others` is a number of deltas.
    """

    text: int = 0
    arguments: int = 0
    others: int = 0


class ResumePoint(NamedTuple):
    """The position in a stream at an event with an id (api/README.md 7.12)."""

    event_id: str
    step: int
    lengths: StepLengths


class StepAccumulator:
    """One step while it arrives."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.type = start.get("type")
        self.stopped = False
        self.other_deltas = 0
        self._start = start
        self._content: list[dict[str, Any]] = list(get_objects(start, "content"))
        self._summary: list[Any] = list(get_typed(start, "summary", list) or [])
        self._open: StringIO | None = None  # text that belongs to the last part of the content
        self._audio: list[str] = []  # base64 that belongs to the last part of the content
        self._arguments: list[str] = []
        self._set: dict[str, Any] = {}
        self._text_length = utf16_length(self.text)
        self._arguments_length = 0

    @property
    def lengths(self) -> StepLengths:
        return StepLengths(self._text_length, self._arguments_length, self.other_deltas)

    @property
    def text(self) -> str:
        blocks = (get_typed(block, "text", str) or "" for block in self._content if block.get("type") == "text")
        return "".join([*blocks, self._open.getvalue() if self._open else ""])

    @property
    def arguments(self) -> str:
        return "".join(self._arguments)

    def add(self, delta: dict[str, Any]) -> str:
        """Apply a delta (api/README.md 7.9), and return the text in it."""
        kind = get_typed(delta, "type", str) or ("text" if "text" in delta else None)
        if kind == "text":
            text = get_typed(delta, "text", str) or ""
            self._text_length += utf16_length(text)
            self._append(text)
            return text
        if kind == "arguments_delta":
            fragment = get_typed(delta, "arguments", str) or ""
            self._arguments_length += utf16_length(fragment)
            self._arguments.append(fragment)
            return ""
        self.other_deltas += 1
        if kind == "text_annotation_delta":
            self._close()
            block = self._last_text()
            block["annotations"] = [*get_objects(block, "annotations"), *get_objects(delta, "annotations")]
        elif kind == "thought_summary":
            self._summary.append({"type": "text", **without_nulls(get_typed(delta, "content", dict) or {})})
        elif kind == "thought_signature" or kind == self.type:
            news = without_nulls({**delta, "type": None})
            if not news.get("signature"):  # empty means "none yet" (api/README.md 4.4)
                news.pop("signature", None)
            self._set |= news
        elif kind in MEDIA_BLOCKS:
            self._add_block(without_nulls(delta))
        return ""

    def step(self) -> dict[str, Any]:
        """The step as in an answer without streaming."""
        self._close()
        whole = {**self._start, **self._set}
        if self._content:
            whole["content"] = self._content
        if self._summary:
            whole["summary"] = self._summary
        if self._arguments:
            whole["arguments"] = self._parsed_arguments()
        return whole

    def _add_block(self, delta: dict[str, Any]) -> None:
        """Add an image, a video, or a piece of audio (api/README.md 7.11)."""
        if self._audio and "data" in delta and self._content[-1].items() >= _format_fields(delta).items():
            self._audio.append(get_typed(delta, "data", str) or "")
            return
        self._close()
        self._content.append(delta)
        if delta.get("type") == "audio" and "data" in delta:
            self._audio = [get_typed(delta, "data", str) or ""]

    def _append(self, text: str) -> None:
        if not self._content or self._content[-1].get("type") != "text":
            self._close()
            self._content.append({"type": "text", "text": ""})
        self._open = self._open or StringIO()
        self._open.write(text)

    def _close(self) -> None:
        if self._open is not None:
            block = self._content[-1]
            self._content[-1] = {
                **block,
                "text": (block.get("text") or "") + join_surrogates(self._open.getvalue()),
            }
            self._open = None
        if self._audio:
            self._content[-1] = {**self._content[-1], "data": media.join_base64(self._audio)}
            self._audio = []

    def _last_text(self) -> dict[str, Any]:
        for place in range(len(self._content) - 1, -1, -1):
            if self._content[place].get("type") == "text":
                self._content[place] = dict(self._content[place])
                return self._content[place]
        self._content.append({"type": "text", "text": ""})
        return self._content[-1]

    def _parsed_arguments(self) -> Any:
        """Parse the joined fragments, or else the last one (api/README.md 7.7, 7.8).

        Text that is not JSON stays text.
        """
        for candidate in (self.arguments, self._arguments[-1]):
            try:
                return strict_json.loads(candidate)
            except ValueError:
                continue
        return self.arguments


class StreamAccumulator:
    """All events so far.

    `known_id`: the id of the interaction, if it is known before its first event.
    `terminal`: the last event of the latest request has arrived (api/README.md 7.4).
    """

    def __init__(self, known_id: str | None = None) -> None:
        self._known_id = known_id
        self.text_began = False  # text of the answer has arrived
        self._parts: list[Interaction] = []
        self._begin()

    def _begin(self) -> None:
        self.events = 0
        self.recognized = False  # at least one event had a type of the API
        self.terminal = False
        self.resume_point: ResumePoint | None = None
        self.error: CliError | None = None
        self._errors: list[dict[str, Any]] = []  # in the server's words
        self.steps: dict[int, StepAccumulator] = {}
        self._returned = StringIO()  # the text that `add` returned
        self._half = ""  # of a surrogate pair, not returned yet
        self._fields: dict[str, Any] = {}

    @property
    def id(self) -> str | None:
        return get_typed(self._fields, "id", str) or self._known_id

    @property
    def interaction(self) -> Interaction:
        """The answer, over all its requests."""
        return merge_continuations([*self._parts, self.latest])

    @property
    def latest(self) -> Interaction:
        """The part of the answer from the latest request."""
        folded = [self.steps[index].step() for index in sorted(self.steps)]
        steps = get_objects(self._fields, "steps") or folded
        return Interaction({**self._fields, **({"steps": steps} if steps else {})})

    def begin_continuation(self) -> None:
        """Begin the next request of the same answer, whose steps are counted from 0 again."""
        self._parts.append(self.latest)
        self._begin()

    def set_interaction(self, interaction: Interaction) -> None:
        """Take an answer that came without streaming."""
        self._fields, self.terminal = interaction.raw, True

    def add(self, event: Event) -> str:
        """Take one event, and return the text of the answer in it."""
        self.events += 1
        text = self._apply(event)
        if text and not self.terminal:
            text = self._whole_characters(text)
        if text:
            self._returned.write(text)
            self.text_began = True
        if event_id := event.payload.get("event_id"):
            index = max(self.steps, default=-1)
            lengths = self.steps[index].lengths if index >= 0 else StepLengths()
            self.resume_point = ResumePoint(str(event_id), index, lengths)
        return text

    def _whole_characters(self, text: str) -> str:
        if self._half:
            text, self._half = join_surrogates(self._half + text), ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text

    def _apply(self, event: Event) -> str:
        payload = event.payload
        self.recognized = self.recognized or event.type.startswith(("interaction.", "step.", "error"))
        match event.type:
            case "step.delta":
                step = self._step(payload)
                text = step.add(get_typed(payload, "delta", dict) or {})
                return text if step.type == "model_output" else ""
            case "step.start":
                step = StepAccumulator(get_typed(payload, "step", dict) or {})
                self.steps[_index(payload)] = step
                return step.text if step.type == "model_output" else ""
            case "step.stop":
                self._step(payload).stopped = True
            case "interaction.created" | "interaction.in_progress":
                begun = get_typed(payload, "interaction", dict) or {}
                self._fields |= without_nulls({**begun, "steps": None})
            case "interaction.status_update":
                self._fields |= without_nulls({key: payload.get(key) for key in ("status", "continuation_token")})
            case "interaction.completed":
                return self._complete(without_nulls(get_typed(payload, "interaction", dict) or {}))
            case "interaction.start" | "content.start":
                raise RejectedError("the stream has the legacy shape, which the API left in June 2026")
            case "error":
                self._fail(get_typed(payload, "error", dict) or {})
        return ""

    def _step(self, payload: dict[str, Any]) -> StepAccumulator:
        """The step of an event; without a `step.start`, it is taken as output."""
        index = _index(payload)
        if index not in self.steps:
            self.steps[index] = StepAccumulator({"type": "model_output"})
        return self.steps[index]

    def _complete(self, last: dict[str, Any]) -> str:
        """Take the last event, and return the rest of the text.

        The event has steps, and thus a rest, if it was made from the response of a GET.

        IncompleteError if the text returned so far is not that of the steps in their order: if steps interleave, or
        begin twice, the answer is not known.
        """
        parts = (output_text(step.step()) for _, step in sorted(self.steps.items()))
        returned = self._returned.getvalue()
        if join_surrogates("".join(parts)) != returned + self._half:
            raise IncompleteError("the stream contradicts itself: its steps are out of order", interaction_id=self.id)
        ended = Interaction(last)
        rest = self._half
        if ended.steps:
            if not ended.all_text.startswith(returned):
                raise IncompleteError("the fetched answer differs from what was streamed", interaction_id=self.id)
            rest = ended.all_text[len(returned) :]
            last = {**last, "steps": ended.steps}
        if self._errors and "errors" not in last and ended.status != "completed":
            last = {**last, "errors": self._errors}  # the reason, if only an event gave it
        self._fields |= {key: value for key, value in last.items() if key != "steps" or ended.steps}
        self.terminal = True
        return rest

    def _fail(self, error: dict[str, Any]) -> None:
        """Keep an error; the stream may still complete (api/README.md 7.14)."""
        api_error = api_error_from(error)
        if api_error.code or api_error.message:
            self.error = api_error.to_cli_error()
            self._errors.append(error)


def _format_fields(delta: dict[str, Any]) -> dict[str, Any]:
    """The fields of an audio delta without its bytes.

    Later deltas of the same audio repeat or omit them.
    """
    return {key: value for key, value in delta.items() if key != "data"}


def _index(payload: dict[str, Any]) -> int:
    return get_typed(payload, "index", int) or 0
