"""From an Interaction, or the events that become one, to what the user gets: the answer, then what is said about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gemini_cli import render
from gemini_cli.errors import Failure, Incomplete
from gemini_cli.fold import Fold
from gemini_cli.interaction import Event, Interaction, Step, objects, verdict, want
from gemini_cli.output import Output
from gemini_cli.shown import AnswerFlags
from gemini_cli.terminal import Terminal

QUIET_STEPS = ("model_output", "thought", "user_input")


class Answer:
    """Shows one answer. What the model put out goes to `output`; thoughts, tool steps and counts to stderr."""

    def __init__(self, shown: AnswerFlags, terminal: Terminal, output: Output) -> None:
        self._shown = shown
        self._terminal = terminal
        self._output = output

    def show(self, interaction: Interaction) -> None:
        """A plain answer: shown when it is there, however it ended; then `conclude`."""
        failure = verdict(interaction)
        if failure and not interaction.text and failure.exit_status not in (8, 9, 10):
            self._count(interaction)
            raise failure
        if self._shown.json:
            self._output.write(render.as_json(interaction.wire, pretty=self._pretty))
        else:
            self._steps(interaction.steps)
            self._output.write(interaction.text)
        self._conclude(interaction, interaction.text, failure)

    def follow(self, heard: Iterable[tuple[Event, str]], fold: Fold) -> Interaction:
        """A streamed answer: each event shown as it comes, each piece of text written at once.

        A stream cannot know that a tool step will come between two texts, of which `output_text` is only the last
        (reference.md 6.3); so it prints both. A file is not seen before the end, and gets `output_text`.
        """
        for event, text in heard:
            if self._shown.json:
                self._output.write(f"{event.raw}\n" if event.raw else "")
            elif not text:
                self._aside(event)
            elif not self._to_file:
                self._output.write(text)
        interaction = fold.interaction
        failure = verdict(interaction)
        if self._to_file and not self._shown.json:
            self._output.write(interaction.text)
        self._conclude(interaction, interaction.spoken, failure)
        return interaction

    def _conclude(self, interaction: Interaction, text: str, failure: Failure | None) -> None:
        if failure:
            self._count(interaction)
            raise failure.after_the_first_byte() if text else failure
        if not self._shown.json:
            self._end(interaction, text)
        self._count(interaction)
        if not text:
            self._empty(interaction)

    def _end(self, interaction: Interaction, text: str) -> None:
        """A last newline, but a file gets the answer to the byte; the sources below it."""
        sources = render.citations(interaction.citations) if self._shown.citations else ""
        if text and (sources or not self._to_file):
            self._output.write(render.ended(text))
        self._output.write(sources)

    def _empty(self, interaction: Interaction) -> None:
        media = [block.get("mime_type") for step in interaction.steps for block in _media(step)]
        kinds = ", ".join(map(str, media))
        if media and self._to_file and not self._shown.json:
            raise Incomplete(
                f"the answer is {kinds}, not text; --json has it", interaction_id=interaction.id, billed="yes"
            )
        if media:
            self._terminal.notice(f"the answer holds {kinds}; --json has it")
        elif self._shown.require_output:
            raise Incomplete("the answer is empty", interaction_id=interaction.id, billed="yes")
        else:
            self._terminal.notice("the answer is empty")

    def _count(self, interaction: Interaction) -> None:
        if self._shown.usage:
            self._terminal.line(render.usage(interaction.usage))

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

    def _step(self, step: Step) -> None:
        if step.get("type") not in QUIET_STEPS:
            self._terminal.log(1, f"step: {step.get('type')}")

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


def _media(step: Step) -> list[dict[str, Any]]:
    content = objects(step, "content") if step.get("type") == "model_output" else []
    return [block for block in content if block.get("type") != "text"]
