"""Read the input of a request: arguments, files, attachments and stdin."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from glob import glob, has_magic
from shlex import quote

from gemini_cli.api.body import REQUEST_LIMIT
from gemini_cli.config.endpoint import Endpoint
from gemini_cli.config.request_options import PromptOptions
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import InputError, UsageError
from gemini_cli.files.content_parts import Attachment, Part, attachment_parts, join_prompt, user_input
from gemini_cli.formats import documents, text_files
from gemini_cli.formats.documents import Document

_ATTACHES = "attaches a file that is not text"

NO_STDIN = "stdin is empty, and --require-stdin is given"
PIPEFAIL_HINT = "the command before the pipe printed nothing; `set -o pipefail` reports its failure"


class PromptInput:
    """Reads the prompt and the files that the options name.

    stdin is read once: for the option whose value is `-`, else as the last part. `prompt` is that of the profile, with
    its variables filled in; `files` are other options that may name `-`.
    """

    def __init__(
        self,
        terminal: Terminal,
        words: list[str],
        prompt_options: PromptOptions,
        prompt: str,
        files: Mapping[str, str | None],
        endpoint: Endpoint,
    ) -> None:
        self._terminal = terminal
        self._words = words
        self._prompt_options = prompt_options
        self.prompt = prompt
        self._endpoint = endpoint
        attached = prompt_options.attach or ()
        self._claims = [flag for flag, name in {"-f": prompt_options.prompt_file, **files}.items() if name == "-"]
        self._claims += ["-a" for text in attached if Attachment.parse(text).source == "-"]
        self._claims += ["the prompt"] if words == ["-"] else []
        if words and prompt_options.prompt_file is not None:
            raise UsageError(
                "give the prompt as words or with -f, not both",
                hint=f"-f FILE is the whole prompt; -a {quote(prompt_options.prompt_file)} sends it with the words",
            )
        if len(self._claims) > 1:
            raise UsageError(f"stdin is claimed twice: by {' and '.join(self._claims)}")
        if self._claims and prompt_options.no_stdin:
            raise UsageError("- reads stdin, and --no-stdin forbids it")
        if self._claims and not terminal.stdin.is_open:
            raise UsageError("- reads stdin, which is closed")
        if prompt_options.require_stdin and (prompt_options.no_stdin or terminal.stdin.is_terminal):
            reason = "--no-stdin forbids to read it" if prompt_options.no_stdin else "it is a terminal"
            raise UsageError(f"--require-stdin needs stdin, and {reason}")

    def build_input(self) -> str | list[Part] | None:
        """One turn of the user; None if there is no input."""
        if not self._prompt_options.attach and (self._prompt_options.inline or self._prompt_options.upload):
            raise UsageError(f"--{'inline' if self._prompt_options.inline else 'upload'} has no effect without -a")
        for word in self._words:
            if word != "-" and os.path.isfile(word):
                self._terminal.print_notice(
                    f"{word} is sent as a word of the prompt; -a {quote(word)} attaches the file"
                )
        prompt = self._whole_prompt()
        attached = self.load_attachments(self._prompt_options.attach or ())
        piped = None if self._claims else self._piped_text()
        if self._prompt_options.require_stdin:
            self.require_stdin()
        return user_input(prompt, attached, piped)

    def require_stdin(self) -> None:
        """UsageError if stdin brings nothing: the command before the pipe may have failed."""
        if not self._stdin.strip():
            raise UsageError(NO_STDIN, hint=PIPEFAIL_HINT)

    def read_bytes(self, path: str) -> bytes:
        """The bytes of a file; `-` is stdin."""
        return self._stdin if path == "-" else text_files.read_bytes(path, limit=REQUEST_LIMIT)

    def first_turn_input(self, text: str) -> str | list[Part]:
        """The first of several turns, with the prompt of the profile and the attachments."""
        return (
            user_input(join_prompt(self.prompt, text), self.load_attachments(self._prompt_options.attach or ()), None)
            or text
        )

    def load_attachments(self, texts: Sequence[str]) -> list[Part]:
        """Content parts for each text of `-a`, which may be a pattern."""
        return self.load_files([each for text in texts for each in _expand_pattern(Attachment.parse(text))])

    def load_files(self, attachments: Sequence[Attachment]) -> list[Part]:
        """The same without patterns, for names that do not come from the command line."""
        return attachment_parts(attachments, lambda: self._stdin, self._endpoint, self._terminal.print_notice)

    @property
    def has_prompt(self) -> bool:
        """True if the arguments or `-f` give a prompt."""
        return bool(self._words) or self._prompt_options.prompt_file is not None

    @property
    def reads_stdin(self) -> bool:
        return bool(self._claims)

    def read_text(self, path: str) -> str:
        return text_files.decode_text(self.read_bytes(path), "stdin" if path == "-" else path)

    def read_document(self, path: str) -> Document:
        return (
            documents.parse_document(self._stdin, "stdin")
            if path == "-"
            else documents.load_document(path, limit=REQUEST_LIMIT)
        )

    def _whole_prompt(self) -> str | None:
        """The prompt of the profile, then the arguments or the file."""
        if self._prompt_options.prompt_file is not None:
            path = self._prompt_options.prompt_file
            text = text_files.decode_text(
                self.read_bytes(path), "stdin" if path == "-" else path, hint=f"-a {quote(path)} {_ATTACHES}"
            )
        else:
            text = (
                self.read_text("-")
                if self._words == ["-"]
                else text_files.decode_argument(" ".join(self._words), "the prompt")
            )
        if not text.strip() and self.has_prompt:
            raise UsageError("no prompt: it is empty")
        return join_prompt(self.prompt, text) or None

    def _piped_text(self) -> str | None:
        """The text on stdin; None for a terminal or blank text."""
        if self._prompt_options.no_stdin or self._terminal.stdin.is_terminal:
            return None
        text = text_files.decode_text(self._stdin, "stdin", hint=f"-a - {_ATTACHES}")
        if text.strip():
            return text
        if self.has_prompt and self._terminal.stdin.is_pipe and not self._prompt_options.require_stdin:
            self._terminal.print_notice("stdin is empty; only the prompt is sent (--require-stdin makes it an error)")
        return None

    @cached_property
    def _stdin(self) -> bytes:
        return self._terminal.stdin.read(REQUEST_LIMIT)


def _expand_pattern(attachment: Attachment) -> list[Attachment]:
    """List the files of a pattern (`imgs/*.png`), each with its type.

    A source that is not a pattern stays as it is.
    """
    source = attachment.source
    if not has_magic(source) or os.path.lexists(source) or "://" in source:
        return [attachment]
    found = sorted(glob(source))
    if not found:
        raise InputError(f"no file fits the pattern {source}")
    return [attachment._replace(source=name) for name in found]
