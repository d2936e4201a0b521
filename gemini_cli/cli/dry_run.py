"""`--dry-run` and `--curl`: show a request without sending it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemini_cli.api import tool_types
from gemini_cli.api.body import Body
from gemini_cli.cli.context import Context
from gemini_cli.config.option_groups import declaring, option_fields
from gemini_cli.config.output_options import OutputOptions
from gemini_cli.console import formatting
from gemini_cli.errors import UsageError


def print_dry_run(context: Context, body: Body, commands: Mapping[str, Any] | None = None) -> bool:
    """Print the request for `--dry-run` or `--curl`; False without these options.

    It needs no key, and shows no secret.
    """
    options, terminal = context.dry_run_options, context.terminal
    if not (options.dry_run or options.curl):
        return False
    refuse_answer_options(context, "a request that is not sent")
    _preview_attachments(context, body)
    accept = "text/event-stream" if body.get("stream") else "application/json"
    path, request_body = context.adapter.build_request(without_secrets(body))
    url, headers = context.endpoint.url(path), context.endpoint.headers(path, accept)
    if options.curl:
        terminal.write(formatting.curl(url, headers, request_body, stream=bool(body.get("stream"))))
    else:
        extra = {"commands": commands} if commands else {}
        terminal.write(formatting.dry_run(url, headers, request_body, pretty=terminal.stdout_is_terminal, **extra))
    return True


def without_secrets(body: Body) -> Body:
    """The body as previews show it: the headers of `--tool-header` are redacted."""
    return {**body, "tools": tool_types.redact_server_headers(body["tools"])} if "tools" in body else body


def _preview_attachments(context: Context, body: Body) -> None:
    """Put a preview in place of attachments that would be uploaded first.

    UsageError with --curl, since the command needs their addresses.
    """
    uploads = context.attachments.preview(body)
    if uploads and context.dry_run_options.curl:
        raise UsageError(
            f"--curl cannot show a request whose files are uploaded first: {', '.join(uploads)}",
            hint="`gemini-cli upload` them and attach files/ID;type=…, or use --inline",
        )


def refuse_answer_options(context: Context, what: str) -> None:
    """UsageError for options of the answer, if the command does not wait for one."""
    for field in option_fields(OutputOptions):
        if declaring(OutputOptions, field.name) is OutputOptions and context.is_given(field.name):
            raise UsageError(f"{field.long} has no effect on {what}")
