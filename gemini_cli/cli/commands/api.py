"""`api METHOD PATH`: any call of the API that no other command makes."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qsl

import typer
from typer import Option

from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.cli.command import OptionCommand, command_app, single_argument
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import print_request
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import FILE_NAME, ONCE, option_groups
from gemini_cli.config.output_options import GlobalOptions, PreviewOptions
from gemini_cli.console import formatting
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import IncompleteError, UsageError
from gemini_cli.formats import documents
from gemini_cli.transport.body import METHODS_WITH_BODY
from gemini_cli.transport.errors import BrokenBodyError

if TYPE_CHECKING:
    from gemini_cli.client.api_client import ApiClient

ANY_TYPE = "*/*"

# The characters of a path and a query (RFC 3986, 3.3 and 3.4).
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
# Encoded forms that a server may read as `.`, `/`, `\`, `%` or a control character.
_UNSAFE = re.compile(r"%(?:2e|2f|5c|25|[01][0-9a-f]|7f)", re.IGNORECASE)
_VERSION = re.compile(r"v\d+(?:alpha|beta)?\d*")


@dataclass(eq=False, repr=False)
class CallOptions:
    """Call."""

    data: Annotated[
        str | None,
        Option(
            "-d",
            "--data",
            metavar="FILE|JSON",
            help="send this body: JSON, or a file with JSON or YAML, or - for stdin; for POST, PUT and PATCH",
        ),
        FILE_NAME,
        ONCE,
    ] = None
    paginate: Annotated[
        bool, Option("--paginate", help="for GET: follow nextPageToken, and print each page as a JSON document")
    ] = False


MethodArgument = Annotated[
    Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
    typer.Argument(metavar="METHOD", show_default=False, case_sensitive=False, help="GET, POST, PUT, PATCH or DELETE"),
]
PathArgument = Annotated[
    str, typer.Argument(metavar="PATH", show_default=False, help="the path after the version, with an optional ?query")
]

app = command_app()


@app.command("api", cls=OptionCommand)
@option_groups
def call_api(
    ctx: typer.Context,
    method: MethodArgument,
    path: PathArgument,
    *,
    call: CallOptions,
    preview: PreviewOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Call any method of the API.

    PATH is relative to the API version, such as cachedContents or models/MODEL:embedContent. The key, proxies, retries,
    limits, errors and exit statuses are those of the other commands; a POST or PATCH is repeated only if it was not
    sent or was refused for now. The response is printed as it is: status 0 means that it is complete, also if it
    describes a failure of the model. Streams of events are refused; `stream --json` prints them.
    """
    context = Context(ctx, call, preview, output, connection)
    target = parse_target(single_argument([path], "PATH"))
    if call.data is not None and method not in METHODS_WITH_BODY:
        raise UsageError(f"-d has no effect with {method}")
    if call.paginate and method != "GET":
        raise UsageError(f"--paginate has no effect with {method}")
    context.terminal.require_stdout()
    body = None if call.data is None else _read_body(call.data, context.terminal)
    if _wants_events(target, body):
        from gemini_cli.client.failures import EVENTS_HINT

        raise UsageError("api prints no streams of events", hint=EVENTS_HINT)
    if preview.dry_run or preview.curl:
        print_request(context, method, target.text, ANY_TYPE, body)
    elif call.paginate:
        _print_pages(context, target)
    else:
        _print_bytes(context.terminal, _call(context.api_client, method, target.text, body))


class CallTarget(NamedTuple):
    """A checked path below the API version, and its query."""

    path: str
    query: str

    @property
    def text(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


def parse_target(text: str) -> CallTarget:
    """Check a path with a query; UsageError if it could leave the host or the version."""
    path, _, query = text.removeprefix("/").partition("?")
    segments = path.split("/")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise UsageError(f"PATH {text!r} holds a character that a URL does not allow; percent-encode it")
    if _UNSAFE.search(path) or any(part.partition(";")[0] in ("", ".", "..") for part in segments):
        raise UsageError(f"PATH {text!r} is not a plain path below the API version, such as cachedContents/abc")
    if _VERSION.fullmatch(segments[0]):
        raise UsageError(f"PATH begins with the version {segments[0]}", hint="leave it out, or give --api-version")
    if any(name == "key" for name, _ in parse_qsl(query, keep_blank_values=True)):
        raise UsageError("PATH holds a key; the key is sent in a header", hint="set GEMINI_API_KEY")
    return CallTarget(path, query)


def _read_body(text: str, terminal: Terminal) -> Body:
    if text == "-":
        document = documents.parse_document(terminal.stdin.read(REQUEST_LIMIT), "stdin")
    elif text.lstrip().startswith(("{", "[")):
        document = documents.parse_json_document(os.fsencode(text), "--data")
    else:
        document = documents.load_document(text, limit=REQUEST_LIMIT)
    if not isinstance(document.value, dict):
        raise document.error_at((), "the body of a call is a JSON object")
    return document.value


def _wants_events(target: CallTarget, body: Body | None) -> bool:
    """Whether the call asks for server-sent events (api/README.md 7.1, 8.1, 11.9)."""
    query = dict(parse_qsl(target.query))
    return query.get("alt") == "sse" or query.get("stream") == "true" or (body or {}).get("stream") is True


def _call(api_client: ApiClient, method: str, path: str, body: Body | None) -> Iterable[bytes]:
    """Send the request; a JSON answer is checked before it is returned."""
    from gemini_cli.client import resources
    from gemini_cli.client.request_body import encode_body

    encoded = b"" if body is None else encode_body(body)
    with api_client.create_errors() if method in ("POST", "PATCH") else nullcontext():
        answer = api_client.call(method, path, encoded)
        if not isinstance(answer, bytes):
            return answer
        if answer:
            resources.check_document(answer.decode("utf-8", "replace"))
        return [answer]


def _print_bytes(terminal: Terminal, pieces: Iterable[bytes]) -> None:
    """Print bytes as they are; on a terminal, as text with visible control characters."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        for piece in pieces:
            if terminal.stdout_is_terminal:
                terminal.write(decoder.decode(piece))
            else:
                terminal.write_bytes(piece)
    except BrokenBodyError as error:
        raise IncompleteError(f"the answer is cut off: {error}", billed="maybe") from error
    if terminal.stdout_is_terminal:
        terminal.write(decoder.decode(b"", True))
        terminal.end_line()


def _print_pages(context: Context, target: CallTarget) -> None:
    for page in _pages(context, target):
        context.terminal.write(formatting.as_json(page, pretty=context.terminal.stdout_is_terminal))


def _pages(context: Context, target: CallTarget) -> Iterator[dict[str, Any]]:
    from gemini_cli.client import resources

    query = parse_qsl(target.query, keep_blank_values=True)
    return resources.list_pages(context.api_client, target.path, query)
