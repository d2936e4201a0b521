"""`chat`: one turn of a kept conversation, a turn for each line of stdin, or turns typed at a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.api.conversation import Conversation, as_steps
from gemini_cli.api.interaction import spoken, words
from gemini_cli.api.request import with_prompt
from gemini_cli.chat.session import Session, Sessions
from gemini_cli.chat.turn_runner import Turns
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import preview
from gemini_cli.cli.prompt_run import hold_against_schema, refuse_binary, remember
from gemini_cli.cli.repl import Prompt
from gemini_cli.client import interactions
from gemini_cli.config.option_spec import Flag, Record
from gemini_cli.config.output_options import PreviewFlags
from gemini_cli.config.request_options import Asked, Prompted
from gemini_cli.config.settings import Settings, resolve
from gemini_cli.console import formatting
from gemini_cli.errors import Failure, UsageError
from gemini_cli.formats import text_files

COLUMNS = ("NAME", "TURNS", "STATUS", "LAST TURN", "INTERACTION")


class Chatting(Record):
    """Which conversation, and what becomes of it."""

    session: Annotated[
        str | None, Flag("keep the conversation under NAME, and go on with it", metavar="NAME", kept="session")
    ] = None
    replay: Annotated[bool, Flag("say the known history again to a service that has forgotten it")] = False
    null: Annotated[bool, Flag("turns on stdin end with NUL instead of a newline", "-0")] = False
    list: Annotated[bool, Flag("list the sessions and end")] = False
    show: Annotated[str | None, Flag("print a session and end", metavar="NAME", kept="session")] = None
    delete: Annotated[str | None, Flag("delete a session and end", metavar="NAME", kept="session")] = None
    remote: Annotated[bool, Flag("with --delete: delete its interactions from the service too")] = False


def chat(context: Context) -> None:
    """Ask in several turns, each with all that was said before.

    With a PROMPT, one turn. Without one, a prompt line on a terminal; else each line of stdin is a turn, and the first
    one that fails ends the run with its status, 10 for one that ends in a call of a declared function. With --session
    NAME the conversation is kept, and goes on at the next call with the model, the tools and the system instruction it
    has.
    """
    chatting = resolve(Chatting, context.said)
    sessions = Sessions(context.state, offline=context.settings.offline, now=context.means.now)
    _check(context, chatting)
    if chatting.list:
        resource_output.several(context, COLUMNS, map(_summary, map(sessions.read, sessions.names())), _row)
    elif chatting.show is not None:
        _show(context, sessions.read(chatting.show))
    elif chatting.delete is not None:
        _delete(context, sessions, chatting.delete, remote=chatting.remote)
    elif chatting.session is not None:
        with sessions.held(chatting.session) as session:
            _converse(context, chatting, session)
    else:
        _converse(context, chatting, None)


def _check(context: Context, chatting: Chatting) -> None:
    managing = [flag for flag in ("list", "show", "delete") if getattr(chatting, flag)]
    if len(managing) + bool(chatting.session) > 1:
        raise UsageError("--session, --list, --show and --delete exclude each other")
    one = context.gathering.says_prompt
    useless = {
        "a prompt": one and bool(managing),
        "--replay": chatting.replay and not chatting.session,
        "--remote": chatting.remote and not chatting.delete,
        "--null": chatting.null and one,
        "--background": bool(context.asked.background),
        **{f"--{flag.replace('_', '-')}": not one and flag in context.flags for flag in ("output", "dry_run", "curl")},
    }
    for said, is_useless in useless.items():
        if is_useless:
            raise UsageError(f"{said} has no effect here")


def _converse(context: Context, chatting: Chatting, session: Session | None) -> None:
    one = context.gathering.says_prompt
    if not one and context.gathering.claims_stdin:
        raise UsageError("stdin has the turns; nothing else can be read from it with -")
    asks = context.gathering.input() if one else None
    body = context.create(stream=not context.shown.json, asks=asks, kept=session.settings if session else None)
    conversation = _conversation(context, body, session, repeat=chatting.replay)
    if one and preview(context, conversation.question(with_prompt(body)["input"])):
        return
    if one:
        refuse_binary(context, body)
    turns = Turns(context.dialogue, conversation, session, lambda ended: remember(context, ended))
    if one:
        _take(context, turns, body["input"])
    elif context.terminal.stdin_is_terminal:
        Prompt(context, turns, lambda asked: _take(context, turns, asked)).run()
    elif context.prompted.no_stdin:
        raise UsageError("no prompt: give words or -f FILE; --no-stdin forbids to read turns from stdin")
    else:
        for asked in _piped(context, b"\0" if chatting.null else b"\n"):
            _take(context, turns, asked)


def _conversation(context: Context, body: Body, session: Session | None, *, repeat: bool) -> Conversation:
    if session is None:
        return Conversation(body, kept=context.family.keeps)
    conversation = session.conversation(body, kept=context.family.keeps)
    if (repeat or not conversation.kept) and not session.whole:
        raise UsageError(f"session {session.name} began with an interaction whose history is not known here")
    conversation.repeat = repeat
    return conversation


def _take(context: Context, turns: Turns, asked: Any) -> None:
    """One turn. What a later one fails with is its own status, not that of an answer that was cut."""
    context.terminal.answered = False
    with context.output() as output:
        interaction = turns.take(asked, context.answer(output))
    context.terminal.answered = False  # what fails from here on is no part of it
    hold_against_schema(context, interaction)


def _piped(context: Context, separator: bytes) -> Iterator[Any]:
    """Each record of stdin that says something; the attachments go with the first."""
    records = (text_files.decode(record, "stdin") for record in context.terminal.records(separator, REQUEST_LIMIT))
    said = (record for record in records if record.strip())
    first = next(said, None)
    if first is None:
        raise UsageError("no prompt: give words, -f FILE, or turns on stdin")
    yield context.gathering.opening(first)
    yield from said


# The sessions -------------------------------------------------------------------------------------------------------


def _summary(session: Session) -> dict[str, Any]:
    last = session.turns[-1] if session.turns else {}
    return {
        "name": session.name,
        "turns": len(session.turns),
        "status": last.get("status"),
        "at": last.get("at"),
        "id": last.get("id"),
    }


def _row(summary: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(summary.values())


def _show(context: Context, session: Session) -> None:
    """What was said, a paragraph each; with --json all that is kept."""
    if context.shown.json:
        resource_output.one(context, {"name": session.name, **session.record})
        return
    for turn in session.turns:
        asked = "".join(words(step) for step in as_steps(turn["input"]))
        quoted = "".join(f"> {line}\n" for line in asked.splitlines())
        answer = "".join(map(spoken, turn["steps"]))
        mark = "" if turn["status"] == "completed" else f"[{turn['status']}]\n"
        context.terminal.write(f"{quoted}\n{answer}{formatting.ended(answer) if answer else ''}{mark}\n")


def _delete(context: Context, sessions: Sessions, name: str, *, remote: bool) -> None:
    """The local record goes last, so that what is left on the service can still be named."""
    with sessions.deleting(name):
        for interaction_id in sessions.read(name).ids if remote else ():
            try:
                interactions.delete(context.service, interaction_id)
            except Failure as failure:
                if failure.http_status != 404:
                    raise


COMMANDS = (Command("chat", chat, (Prompted, Chatting, Asked, PreviewFlags, Settings), "[PROMPT]...", endless=True),)
