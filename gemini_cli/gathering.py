"""Gather the input of a request: words, files, attachments and stdin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from gemini_cli import documents
from gemini_cli.body import REQUEST_LIMIT
from gemini_cli.content import Attachment, Part, attachment_parts, user_input
from gemini_cli.documents import Document
from gemini_cli.endpoint import Endpoint
from gemini_cli.errors import UsageError
from gemini_cli.request import Prompted
from gemini_cli.terminal import Terminal


class Gathering:
    """Reads what the flags name. stdin is read once, by whoever claimed it with `-`, else as the last part.

    `prompt` is the profile's, filled in; `files` are other flags that may name `-`.
    """

    def __init__(
        self,
        terminal: Terminal,
        words: list[str],
        prompted: Prompted,
        prompt: str,
        files: Mapping[str, str | None],
        endpoint: Endpoint,
    ) -> None:
        self._terminal = terminal
        self._words = words
        self._prompted = prompted
        self.prompt = prompt
        self._endpoint = endpoint
        attached = prompted.attach or ()
        self._claims = [flag for flag, name in {"-f": prompted.prompt_file, **files}.items() if name == "-"]
        self._claims += ["-a" for text in attached if Attachment.parse(text).source == "-"]
        self._claims += ["the prompt"] if words == ["-"] else []
        if words and prompted.prompt_file is not None:
            raise UsageError("give the prompt as words or with -f, not both")
        if len(self._claims) > 1:
            raise UsageError(f"stdin is claimed twice: by {' and '.join(self._claims)}")
        if self._claims and prompted.no_stdin:
            raise UsageError("- reads stdin, --no-stdin forbids it")

    def input(self) -> str | list[Part] | None:
        """One user turn; None if there is nothing at all."""
        if not self._prompted.attach and (self._prompted.inline or self._prompted.upload):
            raise UsageError(f"--{'inline' if self._prompted.inline else 'upload'} has no effect without -a")
        prompt = self._whole_prompt()
        attached = self.attached(self._prompted.attach or ())
        return user_input(prompt, attached, None if self._claims else self._piped_text())

    def data(self, path: str) -> bytes:
        """A file's bytes; `-` is stdin."""
        return self._stdin if path == "-" else documents.read_bytes(path, limit=REQUEST_LIMIT)

    def opening(self, said: str) -> str | list[Part]:
        """The first of several turns: the profile's prompt and the attachments belong to it."""
        return user_input(under(self.prompt, said), self.attached(self._prompted.attach or ()), None) or said

    def attached(self, texts: Sequence[str]) -> list[Part]:
        return attachment_parts(texts, lambda: self._stdin, self._endpoint)

    @property
    def says_prompt(self) -> bool:
        """Words or a file have the prompt."""
        return bool(self._words) or self._prompted.prompt_file is not None

    @property
    def claims_stdin(self) -> bool:
        return bool(self._claims)

    def text(self, path: str) -> str:
        return documents.decode(self.data(path), "stdin" if path == "-" else path)

    def document(self, path: str) -> Document:
        return documents.parse(self._stdin, "stdin") if path == "-" else documents.load(path)

    def _whole_prompt(self) -> str | None:
        """The profile's prompt, then the words or the file."""
        if self._prompted.prompt_file is not None:
            said = self.text(self._prompted.prompt_file)
        else:
            said = self.text("-") if self._words == ["-"] else documents.spoken(" ".join(self._words), "the prompt")
        if not said.strip() and self.says_prompt:
            raise UsageError("no prompt: it is empty")
        return under(self.prompt, said) or None

    def _piped_text(self) -> str | None:
        """stdin to its end when it is no terminal; blank is nothing."""
        if self._prompted.no_stdin or self._terminal.stdin_is_terminal:
            return None
        text = documents.decode(self._stdin, "stdin")
        return text if text.strip() else None

    @cached_property
    def _stdin(self) -> bytes:
        return self._terminal.read(REQUEST_LIMIT)


def under(prompt: str, said: str) -> str:
    """What was said, after the profile's prompt."""
    return f"{prompt}{said}" if not (prompt and said) or prompt[-1].isspace() else f"{prompt} {said}"
