"""`chat`: one turn of a saved session, a turn for each line of stdin, or a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

import typer
from typer import Option

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.api.conversation import Conversation, input_to_steps
from gemini_cli.api.interaction import Step, output_text, step_text
from gemini_cli.api.request import require_prompt
from gemini_cli.chat import history_file
from gemini_cli.chat.session import Session, SessionStore
from gemini_cli.chat.turn_runner import TurnRunner
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, PromptWords, command_app
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import print_dry_run
from gemini_cli.cli.prompt_run import print_answer, refuse_binary, save_last_interaction
from gemini_cli.cli.repl import Repl
from gemini_cli.client import interaction_resource
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import ONCE, Saved, option_groups
from gemini_cli.config.output_options import DryRunOptions
from gemini_cli.config.request_options import API_NAMES, HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.console import formatting
from gemini_cli.errors import CliError, InputError, UsageError
from gemini_cli.formats import text_files

COLUMNS = ("NAME", "TURNS", "STATUS", "LAST TURN", "INTERACTION")
ANSWER_FLAGS = ("output", "extract", "dry_run", "curl")  # they need a prompt on the command line


@dataclass(eq=False, repr=False)
class ChatOptions:
    """Session."""

    session: Annotated[
        str | None,
        Option("--session", metavar="NAME", help="save the conversation as NAME, and continue it"),
        Saved("session"),
        ONCE,
    ] = None
    resend: Annotated[
        bool, Option("--resend", help="send the saved history again, if the server has deleted the interactions")
    ] = False
    null: Annotated[bool, Option("-0", "--null", help="end turns on stdin with NUL instead of a newline")] = False
    list: Annotated[bool, Option("--list", help="list the sessions and exit")] = False
    show: Annotated[
        str | None, Option("--show", metavar="NAME", help="print a session and exit"), Saved("session"), ONCE
    ] = None
    roles: Annotated[
        bool, Option("--roles", help="with --show: print each message after its role, as `role - user: TEXT`")
    ] = False
    delete: Annotated[
        str | None, Option("--delete", metavar="NAME", help="delete a session and exit"), Saved("session"), ONCE
    ] = None
    remote: Annotated[bool, Option("--remote", help="with --delete: delete the interactions from the server too")] = (
        False
    )


app = command_app()


@app.command("chat", cls=OptionCommand)
@option_groups
def chat(
    ctx: typer.Context,
    prompt: PromptWords = None,
    *,
    prompt_options: PromptOptions,
    options: ChatOptions,
    history: HistoryOptions,
    request: RequestOptions,
    output: DryRunOptions,
    connection: ConnectionOptions,
) -> None:
    """Hold a conversation of several turns.

    With a PROMPT, the command sends one turn. Without it, the command reads turns from the terminal, or one from each
    line of stdin; then the first turn that fails ends the run with its status, 10 if the model calls a declared
    function. With --session NAME the conversation is saved, and continues in the next run with the same model, tools
    and system instruction. With --history FILE the conversation begins with that of the file, which is not changed.
    """
    context = Context(ctx, prompt_options, options, history, request, output, connection, words=prompt, no_timeout=True)
    sessions = SessionStore(
        context.state, offline=context.connection_options.is_local, now=context.connection.dependencies.now
    )
    _check(context, options)
    if options.list:
        resource_output.print_list(context, COLUMNS, _summaries(context, sessions))
    elif options.show is not None:
        _show(context, sessions.load(options.show), roles=options.roles)
    elif options.delete is not None:
        _delete(context, sessions, options.delete, remote=options.remote)
    elif options.session is not None:
        with sessions.open_locked(options.session) as session:
            _converse(context, options, session)
    else:
        _converse(context, options, None)


def _check(context: Context, options: ChatOptions) -> None:
    managing = [flag for flag in ("list", "show", "delete") if getattr(options, flag)]
    if len(managing) + bool(options.session) > 1:
        raise UsageError("--session, --list, --show and --delete exclude each other")
    one = context.prompt_input.has_prompt
    useless = {
        "a prompt": one and bool(managing),
        "--resend": options.resend and not options.session,
        "--remote": options.remote and not options.delete,
        "--roles": options.roles and (options.show is None or context.output_options.json),
        "--history": context.history_path is not None and bool(managing),
        "--null": options.null and (one or bool(managing)),
        "--background": bool(context.request_options.background),
        **{f"--{flag.replace('_', '-')}": not one and context.is_given(flag) for flag in ANSWER_FLAGS},
    }
    for option, is_useless in useless.items():
        if is_useless:
            raise UsageError(f"{option} has no effect on this kind of chat")
    context.output_options.extract &= one


def _use_session_api(context: Context, session: Session) -> None:
    """Keep a session with the API it began with; UsageError if --api names the other."""
    request = context.request_options
    if session.api is None:
        session.api = request.api
    elif context.is_given("api") and request.api != session.api:
        raise UsageError(
            f"session {session.name} goes on with --api {session.api}; begin another session for {request.api}"
        )
    elif session.api not in API_NAMES:
        raise InputError(f"session {session.name}: unknown API {session.api!r}")
    else:
        request.api = session.api  # type: ignore[assignment]  # checked above


def _converse(context: Context, options: ChatOptions, session: Session | None) -> None:
    if session:
        _use_session_api(context, session)
    one = context.prompt_input.has_prompt
    if not one and context.prompt_input.reads_stdin:
        raise UsageError("stdin holds the turns, so - cannot read anything else from it")
    turn_input = context.prompt_input.build_input() if one else None
    settings = session.settings if session else None
    body = context.build_body(
        stream=not context.output_options.json, input=turn_input, input_follows=not one, session_settings=settings
    )
    conversation = _conversation(context, body, session, repeat=options.resend)
    if one and print_dry_run(context, conversation.next_request(require_prompt(body)["input"])):
        return
    if one:
        refuse_binary(context, body)
    turns = TurnRunner(
        context.interactions_client, conversation, session, lambda ended: save_last_interaction(context, ended)
    )
    if one:
        _run_turn(context, turns, body["input"])
    elif context.terminal.stdin.is_terminal:
        Repl(context, turns, lambda message: _run_turn(context, turns, message)).run()
    elif context.prompt_options.no_stdin:
        raise UsageError("no prompt: give words or -f FILE, since --no-stdin forbids to read turns from stdin")
    else:
        for message in _piped_turns(context, b"\0" if options.null else b"\n"):
            _run_turn(context, turns, message)


def _conversation(context: Context, body: Body, session: Session | None, *, repeat: bool) -> Conversation:
    stored, steps = context.adapter.stores_interactions, _given_history(context, body, session)
    if session is None:
        return Conversation(body, steps, stored=stored)
    conversation = session.conversation(body, stored=stored)
    if (repeat or not conversation.stored) and not session.has_full_history:
        raise UsageError(f"session {session.name} began with an interaction whose history is not saved on this machine")
    conversation.resend_history = repeat
    return conversation


def _given_history(context: Context, body: Body, session: Session | None) -> list[Step]:
    """The steps of --history; a new session gets them as its first turn."""
    if context.history_path is None:
        return []
    if body.get("previous_interaction_id"):
        raise UsageError("--history excludes --previous and --continue: the conversation begins with one of them")
    if session and session.turns:
        raise UsageError(f"session {session.name} has a history of its own: --history has no effect")
    steps = history_file.read_history(context.history_path)
    if session and steps:
        session.record_history(steps)
    return steps


def _run_turn(context: Context, runner: TurnRunner, turn_input: Any) -> None:
    """Run one turn, whose exit status does not depend on earlier answers."""
    context.terminal.answered = False
    print_answer(context, lambda presenter: runner.run_turn(turn_input, presenter))
    context.terminal.answered = False  # a later error does not belong to this answer


def _piped_turns(context: Context, separator: bytes) -> Iterator[Any]:
    """The records of stdin that are not blank; the first with the attachments."""
    records = (
        text_files.decode_text(record, "stdin") for record in context.terminal.stdin.records(separator, REQUEST_LIMIT)
    )
    turns = (record for record in records if record.strip())
    first = next(turns, None)
    if first is None:
        raise UsageError("no prompt: give words, -f FILE, or turns on stdin")
    yield context.prompt_input.first_turn_input(first)
    yield from turns


# The sessions -------------------------------------------------------------------------------------------------------


def _summaries(context: Context, sessions: SessionStore) -> Iterator[dict[str, Any]]:
    """A summary of each session; a notice for one that cannot be read."""
    for name in sessions.names():
        try:
            session = sessions.load(name)
        except InputError as error:
            context.terminal.print_notice(error.message)
        else:
            yield _summary(session)


def _summary(session: Session) -> dict[str, Any]:
    last = session.turns[-1] if session.turns else {}
    return {
        "name": session.name,
        "turns": len(session.turns),
        "status": last.get("status"),
        "at": last.get("at"),
        "id": last.get("id"),
    }


def _show(context: Context, session: Session, *, roles: bool) -> None:
    """Print the turns of a session; with --json the whole record."""
    if context.output_options.json:
        resource_output.print_resource(context, {"name": session.name, **session.record})
        return
    for turn in session.turns:
        messages = _messages(turn)
        mark = "" if turn["status"] == "completed" else f"[{turn['status']}]\n"
        if roles:
            lines = [f"role - {role}: {text}{formatting.trailing_newline(text)}" for role, text in messages if text]
            context.terminal.write("".join([*lines, mark]))
        else:
            context.terminal.write("".join([*map(_quoted, *zip(*messages, strict=True)), mark, "\n"]))


def _messages(turn: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of each message of a turn; the last one is of the model."""
    steps = [
        ("user" if step.get("type") != "model_output" else "model", step_text(step))
        for step in input_to_steps(turn["input"])
    ]
    steps += [("model", output_text(step)) for step in turn["steps"]]
    grouped = [(role, "".join(text for _, text in group)) for role, group in groupby(steps, lambda step: step[0])]
    return grouped if grouped[-1][0] == "model" else [*grouped, ("model", "")]


def _quoted(role: str, text: str) -> str:
    """A message of the user as a quotation, one of the model below it."""
    if role == "model":
        return text + (formatting.trailing_newline(text) if text else "")
    return "".join(f"> {line}\n" for line in text.splitlines()) + "\n"


def _delete(context: Context, sessions: SessionStore, name: str, *, remote: bool) -> None:
    """Delete a session, and with `remote` its interactions on the server first.

    If one of these cannot be deleted, the local record still has their ids.
    """
    with sessions.delete_locked(name):
        for interaction_id in sessions.load(name).ids if remote else ():
            try:
                interaction_resource.delete_interaction(context.api_client, interaction_id)
            except CliError as failure:
                if failure.http_status != 404:
                    raise
