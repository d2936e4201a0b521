"""`call-tool`: run the functions that the model calls, or print the calls."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer import Option

from gemini_cli.api.body import Body
from gemini_cli.api.conversation import Conversation
from gemini_cli.api.interaction import Interaction, Step
from gemini_cli.cli.command import OptionCommand, PromptWords, command_app
from gemini_cli.cli.context import Context
from gemini_cli.cli.prompt_run import run_prompt, save_answer
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import option_groups, parse_key_value
from gemini_cli.config.output_options import DryRunOptions
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.console.presenter import Presenter
from gemini_cli.errors import UsageError
from gemini_cli.tools import calls
from gemini_cli.tools.calls import CallRunner, RoundLimit, Runnable, ToolResult
from gemini_cli.tools.tool_loop import ToolLoop


@dataclass(eq=False, repr=False)
class CallToolOptions:
    """Function calls."""

    exec: Annotated[
        list[str] | None,
        Option(
            "--exec",
            metavar="NAME=CMD",
            help="run CMD for the function NAME; split into words as by a shell, but run without one; may be repeated",
        ),
    ] = None
    result: Annotated[
        list[str] | None,
        Option(
            "--result",
            metavar="ID=@FILE|-|JSON",
            help="the result of a call, with --previous or --history; ID!=… for an error; may be repeated",
        ),
    ] = None
    ask: Annotated[
        bool, Option("--ask", help="ask on the terminal before each call; a refused call ends the run with status 10")
    ] = False
    max_rounds: Annotated[
        int,
        Option(
            "--max-rounds",
            metavar="N",
            min=0,
            help="end with status 10 if the model calls functions in more rounds",
        ),
    ] = 8
    max_calls: Annotated[
        int,
        Option(
            "--max-calls",
            metavar="N",
            min=0,
            help="end with status 10 when the model makes more calls in a round, or four times as many in the run",
        ),
    ] = 64
    tool_timeout: Annotated[
        float,
        Option(
            "--tool-timeout",
            metavar="SECONDS",
            min=0,
            help="time limit for a command whose declaration has no timeout",
        ),
    ] = 60.0


app = command_app()


@app.command("call-tool", cls=OptionCommand)
@option_groups
def call_tool(
    ctx: typer.Context,
    prompt: PromptWords = None,
    *,
    prompt_options: PromptOptions,
    options: CallToolOptions,
    history: HistoryOptions,
    request: RequestOptions,
    output: DryRunOptions,
    connection: ConnectionOptions,
) -> None:
    """Send a prompt, and run the functions that the model calls.

    The file of -T declares the functions: name, description and parameters, a JSON Schema. `run`, a list of words, is
    the command of a function: it gets the arguments as JSON on stdin, and its output is the result. Beside `run` there
    may be `timeout` in seconds, `env`, a list of more variables to pass on, and `content_type`, such as image/png.

    The calls of one round run in parallel. If one of them has no command, none is run, and all are printed as JSON with
    exit status 10; continue with --previous ID --result CALL_ID=@FILE.
    """
    records = (prompt_options, options, history, request, output, connection)
    context = Context(ctx, *records, words=prompt, results=options.result)
    if request.background:
        raise UsageError("--background returns at once, so no call could be run")
    results = _results(context, context.results)
    body = context.build_request(stream=False, results=results)
    if results and not (context.history_path or "previous_interaction_id" in body):
        raise UsageError("--result needs the interaction that waits for it: --previous ID, -c or --history FILE")
    functions = _runnable(context, options, _names(body))
    if options.ask and not (output.dry_run or output.curl):
        context.terminal.require_interactive()

    def send(presenter: Presenter) -> Interaction:
        rounds = _rounds(context, options, body, functions, presenter)
        return rounds.run(body, Conversation(body, stored=context.adapter.stores_interactions))

    commands = {name: [each.command.file, *each.command.argv[1:]] for name, each in functions.items()}
    run_prompt(context, body, send, commands=commands)


def _rounds(
    context: Context, options: CallToolOptions, body: Body, functions: Mapping[str, Runnable], presenter: Presenter
) -> ToolLoop:
    without_command = _names(body) - functions.keys()
    computer_use = any(tool.get("type") == "computer_use" for tool in _tools(body))  # calls undeclared functions

    def report(result: ToolResult) -> None:
        _report(context, result)

    limit = RoundLimit(options.max_rounds, options.max_calls)
    runner = CallRunner(functions, limit, _allowed(context, options), report)

    def is_runnable(call: Step) -> bool:
        return calls.call_name(call) in functions or not (computer_use or calls.call_name(call) in without_command)

    def on_end(last: Body, interaction: Interaction) -> None:
        save_answer(context, last, interaction)

    output = context.output_options
    at_the_end = output.json or output.extract or output.output is not None
    streamed = not (without_command or computer_use or at_the_end)
    return ToolLoop(
        context.interactions_client,
        presenter,
        run_calls=runner,
        is_runnable=is_runnable,
        on_end=on_end,
        streamed=streamed,
    )


def _names(body: Body) -> set[str]:
    """The functions that are declared in the request."""
    return {str(tool.get("name")) for tool in _tools(body) if tool.get("type") == "function"}


def _tools(body: Body) -> list[dict[str, Any]]:
    """The tools that are objects; --request and --set may add other values."""
    tools = body.get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


def _runnable(context: Context, options: CallToolOptions, names: set[str]) -> dict[str, Runnable]:
    """The functions with a command, from their declaration or from --exec."""
    functions = [function for function in context.tool_declarations.functions if function.name in names]
    commands = dict(map(_command, options.exec or ()))
    if unknown := commands.keys() - {function.name for function in functions}:
        raise UsageError(f"--exec {min(unknown)}: no function of that name is declared")
    return calls.runnable_functions(functions, commands, context.environ, options.tool_timeout or None)


def _command(text: str) -> tuple[str, list[str]]:
    name, line = parse_key_value("--exec", text, "NAME=CMD")
    try:
        argv = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"--exec {text}: {error}") from None
    if not argv or not argv[0]:
        raise UsageError(f"--exec {text}: write NAME=CMD")
    return name, argv


def _results(context: Context, texts: Sequence[str]) -> list[Step] | None:
    """The values of `--result` as steps; None without the option."""
    if not texts:
        return None
    prompt_input, functions = context.prompt_input, context.tool_declarations.functions
    if prompt_input.has_prompt or context.prompt_options.attach:
        raise UsageError("--result takes the place of a prompt")
    only = {"name": functions[0].name} if len(functions) == 1 else {}  # the call's id is enough (api/README.md 9.4)
    results: dict[str, Step] = {}
    for text in texts:
        name, value = _split(text)
        call_id = name.removesuffix("!")
        if not call_id or call_id in results:
            raise UsageError(f"--result {call_id}: {'given twice' if call_id else 'write ID=@FILE, ID=- or ID=JSON'}")
        path = "-" if value == "-" else value.removeprefix("@") if value.startswith("@") else None
        content = calls.result_value(value if path is None else prompt_input.read_text(path))
        results[call_id] = calls.function_result({"id": call_id, **only}, content, is_error=name.endswith("!"))
    return list(results.values())


def _split(text: str) -> tuple[str, str]:
    """Split `--result ID=VALUE`.

    An id may end in `=`, as base64 does; so a value that begins with `=` must be in a file.
    """
    match = re.fullmatch(r"([^=]+=*)=(@.*|-)", text, re.DOTALL)
    return (match[1], match[2]) if match else parse_key_value("--result", text, "ID=@FILE, ID=- or ID=JSON")


def _allowed(context: Context, options: CallToolOptions) -> Callable[[Step], bool]:
    return lambda call: not options.ask or context.terminal.confirm(f"gemini-cli: run {calls.describe_call(call)}?")


def _report(context: Context, result: ToolResult) -> None:
    """Print the stderr of a command, and a notice if the call failed."""
    terminal, name = context.terminal, calls.call_name(result.call)
    for line in result.errors.splitlines() if not terminal.quiet else ():
        terminal.print_line(f"{name}: {line}")
    if result.problem:
        terminal.print_notice(f"the call of {name} failed: {result.problem}; the model gets the error")
    terminal.log(1, f"called {calls.describe_call(result.call)}")
