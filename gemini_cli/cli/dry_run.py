"""`--dry-run` and `--curl`: show a request without sending it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from shlex import quote
from typing import Any

from gemini_cli.api import tool_types
from gemini_cli.api.body import Body
from gemini_cli.cli.context import Context
from gemini_cli.config.headers import Header
from gemini_cli.config.option_groups import declaring, option_fields
from gemini_cli.config.output_options import OutputOptions
from gemini_cli.console import formatting
from gemini_cli.errors import UsageError
from gemini_cli.formats import strict_json
from gemini_cli.transport.body import METHODS_WITH_BODY

ADDITIONS = ("usage", "citations")  # options that only add to an answer, so that -n may be put before any command


def print_dry_run(context: Context, body: Body, commands: Mapping[str, Any] | None = None) -> bool:
    """Print the request for `--dry-run` or `--curl`; False without these options.

    It needs no key, and shows no secret.
    """
    options = context.preview_options
    if not (options.dry_run or options.curl):
        return False
    refuse_answer_options(context, "a request that is not sent", allowed=ADDITIONS)
    _preview_attachments(context, body)
    accept = "text/event-stream" if body.get("stream") else "application/json"
    path, request_body = context.adapter.build_request(without_secrets(body))
    print_request(context, "POST", path, accept, request_body, {"commands": commands} if commands else {})
    return True


def print_request(
    context: Context, method: str, path: str, accept: str, body: Any, about: Mapping[str, Any] | None = None
) -> None:
    """Print a request for `--dry-run` or `--curl`; `body` is None without one."""
    terminal, url = context.terminal, context.connection.endpoint.url(path)
    if context.preview_options.curl:
        headers, secrets = context.connection.endpoint.headers(path, accept), _shell_headers(context.connection.headers)
        empty = "" if method in METHODS_WITH_BODY else None
        data = empty if body is None else strict_json.dumps(body)
        stream = accept == "text/event-stream"
        terminal.write(formatting.curl(method, url, headers, secrets, data, stream=stream))
    else:
        headers, pretty = preview_headers(context, path, accept), terminal.stdout_is_terminal
        terminal.write(formatting.dry_run(method, url, headers, body, pretty=pretty, **(about or {})))


def preview_headers(context: Context, path: str, accept: str) -> dict[str, str]:
    """The headers of a request without the key, and with no value of a gateway's."""
    gateway = {header.name: "[redacted]" for header in context.connection.headers}
    return {**context.connection.endpoint.headers(path, accept), **gateway}


def _shell_headers(gateway: Iterable[Header]) -> dict[str, str]:
    """The secret headers, with expressions of a shell for their values."""
    values = {each.name: f"$(cat {quote(each.path)})" if each.path else f"${each.variable}" for each in gateway}
    return {"x-goog-api-key": "$GEMINI_API_KEY", **values}


def without_secrets(body: Body) -> Body:
    """The body as previews show it: the headers of `--tool-header` are redacted."""
    return {**body, "tools": tool_types.redact_server_headers(body["tools"])} if "tools" in body else body


def _preview_attachments(context: Context, body: Body) -> None:
    """Put a preview in place of attachments that would be uploaded first.

    UsageError with --curl, since the command needs their addresses.
    """
    uploads = context.attachments.preview(body)
    if uploads and context.preview_options.curl:
        raise UsageError(
            f"--curl cannot show a request whose files are uploaded first: {', '.join(uploads)}",
            hint="`gemini-cli upload` them and attach files/ID;type=…, or use --inline",
        )


def refuse_answer_options(
    context: Context, what: str, record: type = OutputOptions, *, allowed: Collection[str] = ()
) -> None:
    """UsageError for options of the answer, if the command does not wait for one."""
    for field in option_fields(record):
        if declaring(record, field.name) is record and context.is_given(field.name) and field.name not in allowed:
            raise UsageError(f"{field.long} has no effect on {what}")
