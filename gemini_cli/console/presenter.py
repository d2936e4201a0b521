"""Print an answer: its text or media, then notices, citations and usage."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote
from typing import TYPE_CHECKING, Any

from gemini_cli.api import media
from gemini_cli.api.accumulator import StreamAccumulator
from gemini_cli.api.events import Event
from gemini_cli.api.fields import get_objects, get_typed
from gemini_cli.api.interaction import Interaction, Step, sum_usage
from gemini_cli.api.outcome import completion_error
from gemini_cli.config.output_options import OutputOptions
from gemini_cli.config.request_options import RequestOptions
from gemini_cli.console import formatting
from gemini_cli.console.output_file import OutputTarget
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import CliError, IncompleteError
from gemini_cli.formats import mime_types
from gemini_cli.formats.code_block import CodeBlockExtractor

if TYPE_CHECKING:
    from gemini_cli.console.pictures import EncodePicture

QUIET_STEPS = ("model_output", "thought", "user_input")


class Presenter:
    """Prints one answer to `output`; thoughts, tool steps and counts to stderr.

    With -o, images and audio go to the file, and their text to stdout. With --extract, an answer without a code block
    goes to stderr. `fetch` downloads media given by address; `get_command` is a command that gets an answer by its id.
    """

    def __init__(
        self,
        options: OutputOptions,
        terminal: Terminal,
        output: OutputTarget,
        fetch: media.FetchMedia,
        get_command: str = "gemini-cli interactions get",
    ) -> None:
        self._options = options
        self._terminal = terminal
        self._output = output
        self._usages: list[dict[str, Any]] = []
        self._fetch = fetch
        self._code_block = CodeBlockExtractor() if options.extract else None
        self._get_command = get_command
        self._text_output: OutputTarget | None = output  # the target of the text; None when an image has taken stdout

    def show(self, interaction: Interaction) -> None:
        """Print a complete response, whatever its status."""
        failure = completion_error(interaction)
        if failure and not interaction.text and failure.exit_status not in (8, 9, 10):
            self._add_usage(interaction)
            raise failure
        if self._options.json:
            self._output.write(formatting.as_json(interaction.wire, pretty=self._pretty))
        elif interaction.calls:
            self._show_text_before_calls(interaction)
        else:
            self._show_steps(interaction.steps)
            self._print_answer(interaction, failure)
        self._finish(interaction, interaction.text, failure)

    def show_tool_round(self, interaction: Interaction, *, printed: bool) -> None:
        """Print an intermediate answer, whose calls run locally. `printed`: as streamed."""
        self._usages.append(interaction.usage)
        if not printed:
            self._show_text_before_calls(interaction)
        elif interaction.all_text:
            self._output.write(formatting.trailing_newline(interaction.all_text))

    def _show_text_before_calls(self, interaction: Interaction) -> None:
        """Show the text before a call (api/README.md 9.6) on stderr: it is not the answer."""
        self._show_steps(interaction.steps)
        if interaction.all_text and not self._terminal.quiet:
            self._terminal.print_thought(interaction.all_text)

    def show_stream(self, events: Iterable[tuple[Event, str]], accumulator: StreamAccumulator) -> Interaction:
        """Print a streamed answer: each event, and each piece of text, as it arrives.

        A stream cannot know that a tool step will come between two texts, of which `output_text` is only the last
        (api/README.md 6.10); so it prints both. With -o nothing is printed before the end, and it is `output_text`.
        """
        self.show_events(events)
        self.finish_stream(accumulator.interaction)
        return accumulator.interaction

    def show_events(self, events: Iterable[tuple[Event, str]]) -> None:
        """Print events and text as they arrive."""
        for event, text in events:
            if self._options.json:
                self._output.write(f"{event.raw}\n" if event.raw else "")
            elif not text:
                self._show_side_event(event)
            elif self._options.output is None:
                self._output.write(self._code_block.feed(text) if self._code_block else text)

    def finish_stream(self, interaction: Interaction) -> None:
        """Print the rest of a stream that has ended."""
        failure = completion_error(interaction)
        if self._options.output is not None and not self._options.json:
            self._print_answer(interaction, failure)
        elif self._code_block and failure is None:
            self._output.write(self._code_block.finish())
        self._finish(interaction, interaction.all_text, failure)

    def _print_answer(self, interaction: Interaction, failure: CliError | None) -> None:
        """Print the answer, or the text of one that is not complete."""
        if failure is None:
            self._require_named_media(interaction)
        if failure is None and self._writes_media(interaction):
            try:
                self._write_media(interaction.media)
            except CliError as failed:
                failed.interaction_id, failed.billed = interaction.id, "yes"
                raise
            self._text_output = self._terminal if self._writes_to_file else None
        if self._text_output is not None:
            self._text_output.write(self._printed_text(interaction, complete=failure is None))
        elif interaction.text:
            self._terminal.print_notice(f"the text beside it: {interaction.text}")

    def _require_named_media(self, interaction: Interaction) -> None:
        """IncompleteError if the file of -o is named as a medium that the answer lacks.

        The text of the answer is printed on stderr, since it does not belong into the file.
        """
        kind = mime_types.content_kind(mime_types.guess_from_name(self._options.output or "") or "")
        if kind not in mime_types.MEDIA_KINDS or any(block.get("type") == kind for block in interaction.media):
            return
        if interaction.text:
            self._terminal.print_thought(interaction.text)
        self._add_usage(interaction)
        raise IncompleteError(
            f"the answer has no {kind}, so {self._options.output} is not written",
            hint=f"--format-{kind} requests one, of a model that makes it"
            if hasattr(RequestOptions, f"format_{kind}")
            else None,
            interaction_id=interaction.id,
            billed="yes",
        )

    def _printed_text(self, interaction: Interaction, *, complete: bool) -> str:
        """The text of an answer, or the part of it that --extract prints."""
        if self._code_block is None:
            return interaction.text
        return self._code_block.feed(interaction.text) + (self._code_block.finish() if complete else "")

    def _check_code_block(self, text: str, failure: CliError | None) -> CliError | None:
        """Print a text without a code block on stderr, and return the error."""
        assert self._code_block is not None
        if not self._code_block.found and text:
            self._terminal.print_thought(text)
        return failure or self._code_block.error()

    def _write_media(self, blocks: list[media.MediaBlock]) -> None:
        named = mime_types.guess_from_name(self._options.output or "") or ""
        for block, (name, write) in zip(blocks, self._output.media_writers(len(blocks)), strict=True):
            for piece in media.media_bytes(block, self._fetch):
                write(piece)
            received = media.block_mime_type(block)
            if mime_types.content_kind(named) == "image" and named != received:
                self._terminal.print_notice(f"{name} holds {received}")

    def _finish(self, interaction: Interaction, text: str, failure: CliError | None) -> None:
        if self._code_block:
            failure = self._check_code_block(text, failure)
            text = text if self._code_block.found else ""
        if failure:
            failure.interaction_id = failure.interaction_id or interaction.id
            self._print_pending_calls(interaction)
            self._add_usage(interaction)
            raise failure.after_output_began() if text else failure
        if not self._options.json and not self._code_block:
            self._print_citations(interaction, text)
        self._add_usage(interaction)
        if not self._writes_media(interaction):
            self._check_for_nothing(interaction, text)

    def _print_pending_calls(self, interaction: Interaction) -> None:
        """Print calls that no local command answers, as JSON on stdout, also with -o."""
        if interaction.calls and not self._options.json:
            self._terminal.end_line()
            self._terminal.write(formatting.pending_calls(interaction, pretty=self._terminal.stdout_is_terminal))

    def _print_citations(self, interaction: Interaction, text: str) -> None:
        """End the text with a newline, and list the sources below it."""
        if self._text_output is None:
            return
        sources = formatting.citation_list(interaction.citations) if self._options.citations else ""
        if text:
            self._text_output.write(formatting.trailing_newline(text))
        self._text_output.write(sources)

    def _show_or_name_media(self, interaction: Interaction) -> None:
        """Show images where the terminal can; give notice of media that are not shown."""
        encode = None if self._options.no_images else self._terminal.picture_encoder()
        named = [block for block in interaction.media if encode is None or not self._show_picture(block, encode)]
        if len(named) < len(interaction.media) and interaction.id:
            self._terminal.print_notice(f"`{self._get_command} {quote(interaction.id)} -o FILE` saves the image")
        if named:
            kinds = ", ".join(map(media.block_mime_type, named))
            self._terminal.print_notice(f"the answer holds {kinds}; -o FILE writes it, --json has it")

    def _show_picture(self, block: media.MediaBlock, encode: EncodePicture) -> bool:
        """Show an image on the terminal; False for other media."""
        if block.get("type") != "image":
            return False
        try:
            picture = encode(b"".join(media.media_bytes(block, self._fetch)))
        except ValueError:
            return False
        self._terminal.end_line()
        self._terminal.write_bytes(picture)
        return True

    def _check_for_nothing(self, interaction: Interaction, text: str) -> None:
        """Show or name media that are not written, and give notice of an empty answer."""
        if interaction.media and not self._options.json:
            self._show_or_name_media(interaction)
        if text or interaction.media:
            return
        if self._options.require_output:
            raise IncompleteError("the answer is empty", interaction_id=interaction.id, billed="yes")
        self._terminal.print_notice("the answer is empty")

    def _writes_media(self, interaction: Interaction) -> bool:
        return bool(interaction.media) and self._options.output is not None and not self._options.json

    def _add_usage(self, interaction: Interaction) -> None:
        self._usages.append(interaction.usage)
        self.print_usage()

    def print_usage(self) -> None:
        """Print the token counts of all rounds so far."""
        if self._options.usage:
            self._terminal.print_line(formatting.usage_line(sum_usage(self._usages)))

    def _show_steps(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._show_step(step)
            for summary in get_objects(step, "summary") if step.get("type") == "thought" else ():
                self._show_thought(summary)

    def _show_side_event(self, event: Event) -> None:
        """Print thoughts and, with -v, tool steps of a stream to stderr."""
        if event.type == "step.start":
            self._show_steps([get_typed(event.payload, "step", dict) or {}])
        elif event.type == "step.delta":
            delta = get_typed(event.payload, "delta", dict) or {}
            if delta.get("type") == "thought_summary":
                self._show_thought(get_typed(delta, "content", dict) or {})
            self._show_code_execution(delta)

    def _show_step(self, step: Step) -> None:
        if step.get("type") not in QUIET_STEPS:
            self._terminal.log(1, f"step: {step.get('type')}")
        self._show_code_execution(step)

    def _show_code_execution(self, step: Step) -> None:
        """Log code that the service ran, and its output, from a step or a delta."""
        for line in formatting.code_execution(step).splitlines():
            self._terminal.log(1, f"  {line}")

    def _show_thought(self, block: dict[str, Any]) -> None:
        text = get_typed(block, "text", str)
        if text and not self._terminal.quiet:
            self._terminal.print_thought(text)

    @property
    def _writes_to_file(self) -> bool:
        return self._options.output not in (None, "-")

    @property
    def _pretty(self) -> bool:
        return self._terminal.stdout_is_terminal and not self._writes_to_file
