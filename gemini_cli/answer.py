"""From an Interaction, or the events that become one, to what the user gets: the answer, then what is said about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gemini_cli import media, mime_type, render
from gemini_cli.errors import Failure, Incomplete
from gemini_cli.fold import Fold
from gemini_cli.interaction import Event, Interaction, Step, objects, total, verdict, want
from gemini_cli.output import Output, numbered
from gemini_cli.shown import AnswerFlags
from gemini_cli.terminal import Terminal

QUIET_STEPS = ("model_output", "thought", "user_input")


class Answer:
    """Shows one answer. What the model put out goes to `output`; thoughts, tool steps and counts to stderr.

    With -o, pictures and sounds take the file and the text beside them goes to stdout; `fetch` gets what is elsewhere.
    """

    def __init__(self, shown: AnswerFlags, terminal: Terminal, output: Output, fetch: media.Fetch) -> None:
        self._shown = shown
        self._terminal = terminal
        self._output = output
        self._usages: list[dict[str, Any]] = []
        self._fetch = fetch
        self._words: Output | None = output  # where the text goes; nowhere when a picture has taken stdout

    def show(self, interaction: Interaction) -> None:
        """A plain answer: shown when it is there, however it ended; then `conclude`."""
        failure = verdict(interaction)
        if failure and not interaction.text and failure.exit_status not in (8, 9, 10):
            self._count(interaction)
            raise failure
        if self._shown.json:
            self._output.write(render.as_json(interaction.wire, pretty=self._pretty))
        elif interaction.calls:
            self._before_calls(interaction)
        else:
            self._steps(interaction.steps)
            self._put(interaction, failure)
        self._conclude(interaction, interaction.text, failure)

    def pause(self, interaction: Interaction, *, heard: bool) -> None:
        """An answer that ends in calls which somebody here makes: not the last one. `heard`: its words are out."""
        self._usages.append(interaction.usage)
        if not heard:
            self._before_calls(interaction)
        elif interaction.spoken:
            self._output.write(render.ended(interaction.spoken))

    def _before_calls(self, interaction: Interaction) -> None:
        """Show the text before a call (api/README.md 9.6) on stderr: it is not the answer."""
        self._steps(interaction.steps)
        if interaction.spoken and not self._terminal.quiet:
            self._terminal.thought(interaction.spoken)

    def follow(self, heard: Iterable[tuple[Event, str]], fold: Fold) -> Interaction:
        """Print a streamed answer: each event, and each piece of text, as it arrives.

        A stream cannot know that a tool step will come between two texts, of which `output_text` is only the last
        (api/README.md 6.10); so it prints both. With -o nothing is printed before the end, and it is `output_text`.
        """
        self.hear(heard)
        self.end(fold.interaction)
        return fold.interaction

    def hear(self, heard: Iterable[tuple[Event, str]]) -> None:
        """The first half of `follow`: what comes as it comes."""
        for event, text in heard:
            if self._shown.json:
                self._output.write(f"{event.raw}\n" if event.raw else "")
            elif not text:
                self._aside(event)
            elif self._shown.output is None:
                self._output.write(text)

    def end(self, interaction: Interaction) -> None:
        """The second half: what can be said only of a whole stream."""
        failure = verdict(interaction)
        if self._shown.output is not None and not self._shown.json:
            self._put(interaction, failure)
        self._conclude(interaction, interaction.spoken, failure)

    def _put(self, interaction: Interaction, failure: Failure | None) -> None:
        """The whole answer, or the text of one that is not whole."""
        if failure is None and self._takes_media(interaction):
            try:
                self._write_media(interaction.media)
            except Failure as failed:
                failed.interaction_id, failed.billed = interaction.id, "yes"
                raise
            self._words = self._terminal if self._to_file else None
        if self._words is not None:
            self._words.write(interaction.text)
        elif interaction.text:
            self._terminal.notice(f"the text beside it: {interaction.text}")

    def _write_media(self, blocks: list[media.Block]) -> None:
        path = self._shown.output or ""
        named = mime_type.by_name(path) or ""
        for number, (block, write) in enumerate(zip(blocks, self._output.places(len(blocks)), strict=True), 1):
            for piece in media.content(block, self._fetch):
                write(piece)
            came = media.mime_type(block)
            if mime_type.kind(named) == "image" and named != came:
                self._terminal.notice(f"{numbered(path, number)} holds {came}")

    def _conclude(self, interaction: Interaction, text: str, failure: Failure | None) -> None:
        if failure:
            self._hand_out(interaction)
            self._count(interaction)
            raise failure.after_the_first_byte() if text else failure
        if not self._shown.json:
            self._end(interaction, text)
        self._count(interaction)
        if not self._takes_media(interaction):
            self._miss(interaction, text)

    def _hand_out(self, interaction: Interaction) -> None:
        """Calls that nobody here makes, for whoever started us: on a line of their own, and never in the file of -o."""
        if interaction.calls and not self._shown.json:
            self._terminal.end_line()
            self._terminal.write(render.calls(interaction, pretty=self._terminal.stdout_is_terminal))

    def _end(self, interaction: Interaction, text: str) -> None:
        """A last newline, but a file gets the answer to the byte; the sources below it."""
        if self._words is None:
            return
        sources = render.citations(interaction.citations) if self._shown.citations else ""
        if text and (sources or self._words is self._terminal):
            self._words.write(render.ended(text))
        self._words.write(sources)

    def _miss(self, interaction: Interaction, text: str) -> None:
        """What is not there: media that nobody asked to have written, or anything at all."""
        if interaction.media and not self._shown.json:
            kinds = ", ".join(map(media.mime_type, interaction.media))
            self._terminal.notice(f"the answer holds {kinds}; -o FILE writes it, --json has it")
        if text or interaction.media:
            return
        if self._shown.require_output:
            raise Incomplete("the answer is empty", interaction_id=interaction.id, billed="yes")
        self._terminal.notice("the answer is empty")

    def _takes_media(self, interaction: Interaction) -> bool:
        return bool(interaction.media) and self._shown.output is not None and not self._shown.json

    def _count(self, interaction: Interaction) -> None:
        self._usages.append(interaction.usage)
        self.count()

    def count(self) -> None:
        """What was counted so far, over all rounds."""
        if self._shown.usage:
            self._terminal.line(render.usage(total(self._usages)))

    def _steps(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._step(step)
            for summary in objects(step, "summary") if step.get("type") == "thought" else ():
                self._thought(summary)

    def _aside(self, event: Event) -> None:
        """What is beside the answer in a stream: thoughts for stderr, tool steps for -v."""
        if event.type == "step.start":
            self._steps([want(event.payload, "step", dict) or {}])
        elif event.type == "step.delta":
            delta = want(event.payload, "delta", dict) or {}
            if delta.get("type") == "thought_summary":
                self._thought(want(delta, "content", dict) or {})
            self._executed(delta)

    def _step(self, step: Step) -> None:
        if step.get("type") not in QUIET_STEPS:
            self._terminal.log(1, f"step: {step.get('type')}")
        self._executed(step)

    def _executed(self, step: Step) -> None:
        """Code that the service ran, and what it printed: in a step, or in the delta that brings it."""
        for line in render.execution(step).splitlines():
            self._terminal.log(1, f"  {line}")

    def _thought(self, block: dict[str, Any]) -> None:
        text = want(block, "text", str)
        if text and not self._terminal.quiet:
            self._terminal.thought(text)

    @property
    def _to_file(self) -> bool:
        return self._shown.output not in (None, "-")

    @property
    def _pretty(self) -> bool:
        return self._terminal.stdout_is_terminal and not self._to_file
