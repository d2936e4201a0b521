"""`call-tool`: the model calls functions; commands of this machine make the calls, or whoever started us does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from gemini_cli.answer import Answer
from gemini_cli.body import Body
from gemini_cli.commands.asking import add_to_history, hold_against_schema, preview, refuse_binary, remember
from gemini_cli.commands.command import Command
from gemini_cli.context import Context
from gemini_cli.conversations.conversation import Conversation
from gemini_cli.conversations.history import InHistory
from gemini_cli.errors import UsageError
from gemini_cli.flag import Flag, Record
from gemini_cli.interaction import Interaction, Step
from gemini_cli.request import Asked, Prompted, pair
from gemini_cli.settings import Settings, resolve
from gemini_cli.shown import PreviewFlags
from gemini_cli.tools import calls
from gemini_cli.tools.calls import Made, Runnable, Tolerance
from gemini_cli.tools.rounds import Rounds


class Calling(Record):
    """Who makes the calls, and how often."""

    exec: Annotated[
        list[str] | None,
        Flag("run CMD for the function NAME; in words as a shell splits them, but without one", metavar="NAME=CMD"),
    ] = None
    result: Annotated[
        list[str] | None,
        Flag(
            "the result of a handed-out call, with --previous or --history; ID!=… for an error; may be repeated",
            metavar="ID=@FILE|-|JSON",
        ),
    ] = None
    ask: Annotated[bool, Flag("confirm each call on the terminal; a refused one ends the run with status 10")] = False
    max_rounds: Annotated[int, Flag("end with status 10 when the model calls more often", metavar="N")] = 8
    tool_timeout: Annotated[float, Flag("end a command that says no timeout of its own", metavar="SECONDS")] = 60.0


def call_tool(context: Context) -> None:
    """Ask, and let the model call functions on the way to its answer.

    -T declares the functions: name, description and parameters, a JSON Schema. One with a `run`, a list of words, is a
    command: it gets the arguments as JSON on stdin, and what it prints is the result. Beside `run` there may be
    `timeout` in seconds, `env`, a list of more variables that it sees, and `content_type`, such as image/png.

    The calls of one round run together; if one of them has no command, none is run, and all are printed as JSON, with
    exit status 10: make them, and go on with --previous ID --result CALL_ID=@FILE.
    """
    calling = resolve(Calling, context.said)
    if context.asked.background:
        raise UsageError("--background returns at once; nobody would make the calls")
    results = _results(context, calling.result or ())
    body = context.question(stream=False, results=results)
    if results and not (context.history or "previous_interaction_id" in body):
        raise UsageError("--result needs the interaction that waits for it: --previous ID, -c or --history FILE")
    functions = _runnable(context, calling, _names(body))
    if preview(context, body, {name: [each.command.file, *each.command.argv[1:]] for name, each in functions.items()}):
        return
    if calling.ask:
        context.terminal.require_person()
    refuse_binary(context, body)
    with context.output() as output:
        rounds = _rounds(context, calling, body, functions, context.answer(output))
        interaction = rounds.follow(body, Conversation(body, kept=context.family.keeps))
    hold_against_schema(context, interaction)


def _rounds(
    context: Context, calling: Calling, body: Body, functions: Mapping[str, Runnable], answer: Answer
) -> Rounds:
    tolerance = Tolerance(calling.max_rounds)
    theirs = _names(body) - functions.keys()
    anything = any(tool.get("type") == "computer_use" for tool in _tools(body))  # it has functions of its own

    def make(asked: Sequence[Step]) -> list[Step]:
        tolerance.take(asked)
        made = calls.make(asked, functions, _allowed(context, calling))
        for each in made:
            _tell(context, each)
        return [each.result for each in made]

    def ours(call: Step) -> bool:
        return calls.name(call) in functions or not (anything or calls.name(call) in theirs)

    def ended(last: Body, interaction: Interaction) -> None:
        remember(context, interaction)
        add_to_history(context, last, interaction)

    streamed = not (theirs or anything or context.shown.json or context.shown.output is not None)
    return Rounds(context.dialogue, answer, make=make, ours=ours, ended=ended, streamed=streamed)


def _names(body: Body) -> set[str]:
    """The functions that the model is told of."""
    return {str(tool.get("name")) for tool in _tools(body) if tool.get("type") == "function"}


def _tools(body: Body) -> list[dict[str, Any]]:
    """--request and --set may have put anything there."""
    tools = body.get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


def _runnable(context: Context, calling: Calling, names: set[str]) -> dict[str, Runnable]:
    """The declared functions that have a command, from their declaration or from --exec."""
    functions = [function for function in context.declared.functions if function.name in names]
    commands = dict(map(_command, calling.exec or ()))
    if unknown := commands.keys() - {function.name for function in functions}:
        raise UsageError(f"--exec {min(unknown)}: no function of that name is declared")
    return calls.runnable(functions, commands, context.environ, calling.tool_timeout or None)


def _command(text: str) -> tuple[str, list[str]]:
    name, line = pair("--exec", text, "NAME=CMD")
    try:
        argv = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"--exec {text}: {error}") from None
    if not argv or not argv[0]:
        raise UsageError(f"--exec {text}: write NAME=CMD")
    return name, argv


def _results(context: Context, said: Sequence[str]) -> list[Step] | None:
    """The `--result`s as steps; None if there are none, and a prompt is asked for."""
    if not said:
        return None
    gathering, functions = context.gathering, context.declared.functions
    if gathering.says_prompt or context.flags.get("attach"):
        raise UsageError("--result takes the place of a prompt")
    only = {"name": functions[0].name} if len(functions) == 1 else {}  # the call's id is enough (api/README.md 9.4)
    found: dict[str, Step] = {}
    for text in said:
        name, value = _split(text)
        call_id = name.removesuffix("!")
        if not call_id or call_id in found:
            raise UsageError(f"--result {call_id}: {'given twice' if call_id else 'write ID=@FILE, ID=- or ID=JSON'}")
        path = "-" if value == "-" else value.removeprefix("@") if value.startswith("@") else None
        content = calls.value(value if path is None else gathering.text(path))
        found[call_id] = calls.result({"id": call_id, **only}, content, is_error=name.endswith("!"))
    return list(found.values())


def _split(text: str) -> tuple[str, str]:
    """The id of a call may end in `=`, as base64 does; what begins with one cannot be said but in a file."""
    match = re.fullmatch(r"([^=]+=*)=(@.*|-)", text, re.DOTALL)
    return (match[1], match[2]) if match else pair("--result", text, "ID=@FILE, ID=- or ID=JSON")


def _allowed(context: Context, calling: Calling) -> Callable[[Step], bool]:
    return lambda call: not calling.ask or context.terminal.confirm(f"gemini-cli: run {calls.said(call)}?")


def _tell(context: Context, made: Made) -> None:
    """What a command says on its stderr, and that a call went wrong, is for the user; the result is for the model."""
    terminal, name = context.terminal, calls.name(made.call)
    for line in made.errors.splitlines() if not terminal.quiet else ():
        terminal.line(f"{name}: {line}")
    if made.problem:
        terminal.notice(f"the call of {name} failed: {made.problem}; the model is told")
    terminal.log(1, f"called {calls.said(made.call)}")


COMMANDS = (
    Command("call-tool", call_tool, (Prompted, Calling, InHistory, Asked, PreviewFlags, Settings), "[PROMPT]..."),
)
