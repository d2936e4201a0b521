"""The prompt of `chat` on a terminal: messages, and commands that begin with a slash."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from gemini_cli.api.interaction import total
from gemini_cli.chat import history_file
from gemini_cli.chat.turn_runner import Turns
from gemini_cli.cli.context import Context
from gemini_cli.console import formatting, signals
from gemini_cli.errors import Ended, Failure, UsageError
from gemini_cli.files.content_parts import Part, text_part
from gemini_cli.formats import text_files

PROMPT, MORE = "> ", ". "
QUOTES = '"""'


class Prompt:
    """Reads until the person leaves. What fails is told, and the conversation goes on."""

    def __init__(self, context: Context, turns: Turns, take: Callable[[Any], None]) -> None:
        self._context = context
        self._terminal = context.terminal
        self._turns = turns
        self._take = take
        self._attached: list[Part] = []
        self._begun = False
        self._interrupted = False
        self._commands: dict[str, tuple[str, Callable[[str], None]]] = {
            "/help": ("this list", self._help),
            "/new": ("begin a new conversation, with the same settings", self._new),
            "/system": ("TEXT  the system instruction from now on", self._system),
            "/attach": ("FILE  goes with the next message", self._attach),
            "/tools": ("the tools in force", self._tools),
            "/save": ("FILE  write the conversation as JSON, as --history reads it", self._save),
            "/usage": ("tokens counted so far", self._usage),
            "/quit": ("leave; Ctrl-D does too", lambda rest: None),
        }

    def run(self) -> None:
        self._terminal.notice("/help lists the commands; Ctrl-D leaves")
        while (said := self._message()) is not None and said.strip() != "/quit":
            if said.strip():
                self._survive(self._command if said.startswith("/") else self._say, said)

    def _message(self) -> str | None:
        """One line, or what stands between lines of three quotes. Ctrl-C clears it; twice in a row it leaves."""
        try:
            said = self._terminal.typed(PROMPT)
            if said is not None and said.startswith(QUOTES):
                said = self._quoted(said.removeprefix(QUOTES))
        except Ended as ended:
            self._interrupt(ended)
            return ""
        self._interrupted = False
        return said

    def _quoted(self, first: str) -> str | None:
        lines = [first] if first else []
        while not (lines and lines[-1].endswith(QUOTES)):
            line = self._terminal.typed(MORE)
            if line is None:
                return None
            lines.append(line)
        return "\n".join(lines).removesuffix(QUOTES).strip("\n")

    def _survive(self, do: Callable[[str], None], said: str) -> None:
        try:
            do(said)
        except Failure as failure:
            self._terminal.tell(failure, as_json=self._context.voice.json)
        except Ended as ended:
            self._interrupt(ended)
            self._terminal.line("gemini-cli: stopped; what was asked is not part of the conversation")

    def _interrupt(self, ended: Ended) -> None:
        """Ctrl-C ends what is being done, not the program, unless it comes twice."""
        if ended.signum != signal.SIGINT or self._interrupted:
            raise ended
        self._interrupted = True
        signals.listen()
        self._terminal.line("")

    def _say(self, said: str) -> None:
        text = text_files.spoken(said, "the message")
        asked = text if self._begun else self._context.gathering.opening(text)
        if self._attached:
            asked = [*([text_part(asked)] if isinstance(asked, str) else asked), *self._attached]
        self._take(asked)
        self._begun, self._attached = True, []

    # Commands --------------------------------------------------------------------------------------------------------

    def _command(self, said: str) -> None:
        name, _, rest = said.strip().partition(" ")
        if name not in self._commands:
            raise UsageError(f"no command {name}; /help lists them")
        self._commands[name][1](rest.strip())

    def _help(self, rest: str) -> None:
        for line in formatting.table([(name, says) for name, (says, _) in self._commands.items()]).splitlines():
            self._terminal.line(line)
        self._terminal.line(f"{QUOTES} begins and ends a message of several lines; Ctrl-C stops an answer")

    def _new(self, rest: str) -> None:
        self._turns.begin_again()
        self._begun = False

    def _system(self, rest: str) -> None:
        if not rest:
            raise UsageError("/system TEXT")
        self._turns.conversation.settings["system_instruction"] = rest

    def _attach(self, rest: str) -> None:
        if not rest:
            raise UsageError("/attach FILE")
        self._attached += self._context.gathering.attached([rest])

    def _tools(self, rest: str) -> None:
        tools = self._turns.conversation.settings.get("tools") or []
        for tool in tools:
            self._terminal.line(str(tool.get("name") or tool.get("type")))
        if not tools:
            self._terminal.line("none")

    def _save(self, rest: str) -> None:
        if not rest:
            raise UsageError("/save FILE")
        history_file.write(rest, self._turns.conversation.steps)

    def _usage(self, rest: str) -> None:
        self._terminal.line(formatting.usage(total(self._turns.counted)))
