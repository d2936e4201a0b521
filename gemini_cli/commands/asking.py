"""What the commands that ask have in common, before and after the answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from gemini_cli import render
from gemini_cli.body import Body
from gemini_cli.context import Context
from gemini_cli.conversations import history
from gemini_cli.conversations.conversation import as_steps
from gemini_cli.errors import OutputError, UsageError
from gemini_cli.flag import fields
from gemini_cli.interaction import Interaction
from gemini_cli.mime_type import MEDIA
from gemini_cli.shown import AnswerFlags, Voice
from gemini_cli.tools import functions

if TYPE_CHECKING:
    from gemini_cli.many.rows import Judge


def preview(context: Context, body: Body, commands: Mapping[str, Any] | None = None) -> bool:
    """`--dry-run` and `--curl`: print the request and send nothing. Needs no key, and shows no secret."""
    shown, terminal = context.shown, context.terminal
    if not (shown.dry_run or shown.curl):
        return False
    without_effect(context, "a request that is only shown")
    _preview_attachments(context, body)
    accept = "text/event-stream" if body.get("stream") else "application/json"
    if "tools" in body:
        body = {**body, "tools": functions.without_secrets(body["tools"])}
    path, sent = context.family.request(body)
    url, headers = context.endpoint.url(path), context.endpoint.headers(path, accept)
    if shown.curl:
        terminal.write(render.curl(url, headers, sent, stream=bool(body.get("stream"))))
    else:
        about = {"commands": commands} if commands else {}
        terminal.write(render.dry_run(url, headers, sent, pretty=terminal.stdout_is_terminal, **about))
    return True


def _preview_attachments(context: Context, body: Body) -> None:
    """A dry run says which files would be uploaded; a curl command cannot do without their addresses."""
    ahead = context.attachments.preview(body)
    if ahead and context.shown.curl:
        raise UsageError(
            f"--curl cannot show a request whose files are uploaded first: {', '.join(ahead)}",
            hint="`gemini-cli upload` them and attach files/ID;type=…, or use --inline",
        )


def refuse_binary(context: Context, body: Body) -> None:
    """Before anything is sent: what is asked for is no text, and a terminal is no place for it."""
    formats = body.get("response_format")
    kinds = {str(each.get("type")) for each in (formats if isinstance(formats, list) else [formats]) if each}
    shown, terminal = context.shown, context.terminal
    if terminal.stdout_is_terminal and shown.output in (None, "-") and not shown.json and kinds & MEDIA:
        raise UsageError(
            f"the answer is to be {', '.join(sorted(kinds & MEDIA))}, and stdout is a terminal: use -o FILE"
        )


def without_effect(context: Context, what: str) -> None:
    """UsageError for the flags that are about an answer, where none is waited for."""
    for field in fields(AnswerFlags):
        if field not in fields(Voice) and context.flags.get(field.name):
            raise UsageError(f"{field.long} has no effect on {what}")


def remember(context: Context, interaction: Interaction) -> None:
    """Save the id for `-c`, if it can be continued (api/README.md 8.9). A failure to write costs only that."""
    if interaction.id is None or interaction.status in ("failed", "cancelled"):
        return
    try:
        context.state.remember(interaction.id, offline=context.settings.offline)
    except OutputError as error:
        context.terminal.log(1, error.message)


def add_to_history(context: Context, body: Body, interaction: Interaction) -> None:
    """For `--history`: what was asked, which has all that was before, and a turn that came to its end."""
    if context.history is not None and interaction.status in ("completed", "requires_action"):
        asked = as_steps(body["input"])
        before = history.read(context.history)
        if before != asked[: len(before)]:
            raise OutputError(f"{context.history} was changed by another run meanwhile; this turn is not in it")
        history.write(context.history, [*asked, *interaction.steps])


def hold_against_schema(context: Context, interaction: Interaction) -> None:
    """After the answer is out: that it does not fit does not make it less whole."""
    if context.schema is not None:
        from gemini_cli import schema

        schema.compare(interaction.text, context.schema)


def judge(context: Context) -> Judge | None:
    """The same for each of many answers; None without a schema."""
    if context.schema is None:
        return None
    from gemini_cli import schema

    return partial(schema.compare, schema=context.schema)
