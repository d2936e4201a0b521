"""The prompt of `chat` on a terminal: messages, and commands with a slash."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from gemini_cli.api.interaction import sum_usage
from gemini_cli.chat import history_file
from gemini_cli.chat.turn_runner import TurnRunner
from gemini_cli.cli.context import Context
from gemini_cli.console import formatting, signals
from gemini_cli.errors import CliError, Interrupted, UsageError
from gemini_cli.files.content_parts import Attachment, Part, text_part
from gemini_cli.formats import text_files

PROMPT, MORE = "> ", ". "
QUOTES = '"""'
LEAVING = ("/quit", "/exit", "quit", "exit")


class _Message(NamedTuple):
    """A message as it was typed. One in quotes is never a command."""

    text: str
    is_quoted: bool = False


class _Command(NamedTuple):
    """A command with a slash, its argument and its line in /help."""

    argument: str
    summary: str
    run: Callable[[str], None]


class Repl:
    """Reads messages until the user leaves. An error is printed, and the chat goes on."""

    def __init__(self, context: Context, runner: TurnRunner, take: Callable[[Any], None]) -> None:
        self._context = context
        self._terminal = context.terminal
        self._runner = runner
        self._run_turn = take
        self._attached: list[Part] = []
        self._started = False
        self._interrupted = False
        self._commands: dict[str, _Command] = {
            "/help": _Command("", "list these commands", self._help),
            "/new": _Command("", "begin a new conversation with the same settings", self._new),
            "/model": _Command("NAME", "use another model from the next message on", self._model),
            "/system": _Command("TEXT", "set the system instruction", self._system),
            "/attach": _Command("FILE", "attach a file to the next message", self._attach),
            "/tools": _Command("", "list the tools", self._tools),
            "/save": _Command("FILE", "write the conversation as JSON, in the format of --history", self._save),
            "/usage": _Command("", "print the token counts so far", self._usage),
            "/quit": _Command("", "leave, as Ctrl-D does", lambda rest: None),
        }

    def run(self) -> None:
        self._terminal.print_notice("/help lists the commands; Ctrl-D leaves")
        session = self._runner.session
        if session and session.turns:
            turns = formatting.count(len(session.turns), "turn")
            self._terminal.print_notice(f"session {session.name}: {turns} so far, with {self._model_name()}")
        while (message := self._read_message()) is not None:
            text, is_quoted = message
            if not is_quoted and text.strip() in LEAVING:
                return
            if not is_quoted and text.startswith("/") and not text.startswith("//"):
                self._run_reporting_errors(self._command, text)
            elif text.strip():
                self._run_reporting_errors(self._send_message, text if is_quoted else text.removeprefix("/"))

    def _read_message(self) -> _Message | None:
        """Read one line, or the lines between two lines of three quotes.

        Ctrl-C clears the input; twice in a row it leaves.
        """
        try:
            text = self._terminal.read_line(PROMPT, self._commands)
            is_quoted = text is not None and text.startswith(QUOTES)
            if text is not None and is_quoted:
                text = self._read_quoted(text.removeprefix(QUOTES))
        except Interrupted as interrupt:
            self._interrupt(interrupt)
            return _Message("")
        self._interrupted = False
        return None if text is None else _Message(text, is_quoted)

    def _read_quoted(self, first: str) -> str | None:
        lines = [first] if first else []
        while not (lines and lines[-1].endswith(QUOTES)):
            line = self._terminal.read_line(MORE)
            if line is None:
                return None
            lines.append(line)
        return "\n".join(lines).removesuffix(QUOTES).strip("\n")

    def _run_reporting_errors(self, do: Callable[[str], None], text: str) -> None:
        try:
            do(text)
        except CliError as failure:
            self._terminal.print_error(failure, as_json=self._context.global_options.json)
        except Interrupted as interrupt:
            self._interrupt(interrupt)
            self._terminal.print_line("gemini-cli: stopped; the message is not part of the conversation")

    def _interrupt(self, interrupt: Interrupted) -> None:
        """Ctrl-C stops the answer; twice in a row it ends the program."""
        if interrupt.signum != signal.SIGINT or self._interrupted:
            raise interrupt
        self._interrupted = True
        signals.install_handlers()
        self._terminal.print_line("")

    def _send_message(self, line: str) -> None:
        text = text_files.decode_argument(line, "the message")
        message = text if self._started else self._context.prompt_input.first_turn_input(text)
        if self._attached:
            message = [*([text_part(message)] if isinstance(message, str) else message), *self._attached]
        self._run_turn(message)
        self._started, self._attached = True, []

    # Commands --------------------------------------------------------------------------------------------------------

    def _command(self, text: str) -> None:
        name, _, rest = text.strip().partition(" ")
        if name not in self._commands:
            raise UsageError(f"no command {name}; /help lists them", hint="// begins a message with a slash")
        self._commands[name].run(rest.strip())

    def _help(self, rest: str) -> None:
        for line in formatting.table(
            [(f"{name} {command.argument}", command.summary) for name, command in self._commands.items()]
        ).splitlines():
            self._terminal.print_line(line)
        self._terminal.print_line(f"{QUOTES} begins and ends a message of several lines; Ctrl-C stops an answer")
        self._terminal.print_line("// begins a message with a slash; `exit` and `quit` leave, too")

    def _new(self, rest: str) -> None:
        self._runner.reset()
        self._started = False
        self._terminal.print_line("a new conversation begins")

    def _model_name(self) -> str:
        settings = self._runner.conversation.settings
        return str(settings.get("agent") or settings.get("model"))

    def _model(self, rest: str) -> None:
        if not rest:
            raise UsageError(f"/model NAME; now {self._model_name()}")
        self._runner.conversation.settings.pop("agent", None)
        self._runner.conversation.settings["model"] = rest
        self._terminal.print_line(f"the model is {rest} from the next message on")

    def _system(self, rest: str) -> None:
        if not rest:
            raise UsageError("/system TEXT")
        self._runner.conversation.settings["system_instruction"] = rest
        self._terminal.print_line("the system instruction is set from the next message on")

    def _attach(self, rest: str) -> None:
        if not rest or Attachment.parse(rest).source == "-":  # stdin is the terminal
            raise UsageError("/attach FILE")
        parts = self._context.prompt_input.load_attachments([rest])
        self._attached += parts
        types = ", ".join(str(part.get("mime_type") or part["type"]) for part in parts)
        self._terminal.print_line(f"{rest} ({types}) goes with the next message")

    def _tools(self, rest: str) -> None:
        tools = self._runner.conversation.settings.get("tools") or []
        for tool in tools:
            self._terminal.print_line(str(tool.get("name") or tool.get("type")))
        if not tools:
            self._terminal.print_line("none")

    def _save(self, rest: str) -> None:
        if rest in ("", "-"):
            raise UsageError("/save FILE")
        steps = self._runner.conversation.steps
        history_file.write_history(rest, steps)
        self._terminal.print_line(f"{rest} has the conversation, {formatting.count(len(steps), 'step')}")

    def _usage(self, rest: str) -> None:
        self._terminal.print_line(formatting.usage_line(sum_usage(self._runner.usages)))
