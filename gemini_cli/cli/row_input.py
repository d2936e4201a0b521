"""The input of `map` and `batch submit`: rows, and the template of their requests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import typer
from typer import Option

from gemini_cli.api.adapter import ApiAdapter
from gemini_cli.bulk.request_template import RequestTemplate
from gemini_cli.bulk.rows import InputRows, file_chunks, read_rows
from gemini_cli.cli.context import Context, check_request
from gemini_cli.cli.prompt_input import NO_STDIN, PIPEFAIL_HINT
from gemini_cli.config.option_groups import FILE_NAME, ONCE
from gemini_cli.config.request_options import PromptOptions
from gemini_cli.errors import UsageError


@dataclass(eq=False, repr=False)
class TemplateOptions:
    """Rows."""

    prompt: Annotated[
        str | None,
        Option(
            "-p",
            "--prompt",
            metavar="TEXT",
            help="the prompt for each row: {name} is a field of the row, {_} the whole row (a text as it is), "
            "{{ and }} are braces",
        ),
        ONCE,
    ] = None
    allow_paths: Annotated[
        bool,
        Option("--allow-paths", help="let a row name any file for -a, also outside of the directory that -a names"),
    ] = False
    lines: Annotated[bool, Option("--lines", help="read each line as text, which is the prompt, or {_} in -p")] = False
    csv: Annotated[bool, Option("--csv", help="read the rows as CSV with a header; implied by .csv and .tsv")] = False
    delimiter: Annotated[
        str | None,
        Option("--delimiter", metavar="C", help="the character between the columns of CSV; a tab for .tsv, or a comma"),
        ONCE,
    ] = None


RowsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE]", show_default=False, help="the file with the rows; stdin without FILE"),
    FILE_NAME,
]


class RowInput(NamedTuple):
    """The rows and their template. `size` is in bytes, None if it is not known."""

    rows: InputRows
    template: RequestTemplate
    size: int | None


def read_row_input(
    context: Context,
    adapter: ApiAdapter,
    files: Sequence[str] | None,
    template_options: TemplateOptions,
    answer_settings: Sequence[object] = (),
) -> RowInput:
    """Open the rows, and make the template; UsageError before a row is read.

    `answer_settings` are settings beside the request that change the answers in a checkpoint.
    """
    prompt_options = context.prompt_options
    if files and len(files) > 1:
        raise UsageError("give one FILE of rows")
    path = files[0] if files else "-"
    prompt_input = context.prompt_input
    if template_options.prompt is not None and prompt_options.prompt_file is not None:
        raise UsageError("give the prompt with -p or with -f, not both")
    if path == "-":
        _check_stdin(context, prompt_options)
    elif prompt_options.require_stdin:
        if not prompt_input.reads_stdin:
            raise UsageError("--require-stdin has no effect: the rows come from a file")
        prompt_input.require_stdin()
    csv, delimiter = _csv_format(path, template_options)
    connection, request = context.connection_options, context.request_options
    body = context.build_body(stream=False, input_follows=True)
    check_request(adapter, {"input": "", **body})  # an error in the options is reported before any row
    prompt, origin = template_options.prompt, "-p"
    if (prompt_file := prompt_options.prompt_file) is not None:
        prompt, origin = prompt_input.read_text(prompt_file), "stdin" if prompt_file == "-" else prompt_file
    request_template = RequestTemplate(
        body,
        digest_parts=[connection.is_local, request.api, request.long, *answer_settings],
        prompt=prompt,
        prompt_origin=origin,
        prefix=prompt_input.prompt,
        attach=prompt_options.attach or (),
        attached=prompt_input.load_attachments,
        attached_by_row=prompt_input.load_files,
        generate_content=not adapter.stores_interactions,
        allow_paths=template_options.allow_paths,
    )
    source = context.terminal.stdin.chunks() if path == "-" else file_chunks(path)
    rows = read_rows(source, csv=csv, lines=template_options.lines, delimiter=delimiter)
    if path == "-" and prompt_options.require_stdin and rows.read_first() is None:
        raise UsageError(NO_STDIN, hint=PIPEFAIL_HINT)
    return RowInput(rows, request_template, None if path == "-" else os.path.getsize(path) or None)


def _csv_format(path: str, template_options: TemplateOptions) -> tuple[bool, str | None]:
    """Whether the rows are CSV, and its delimiter if that is known."""
    if template_options.lines and template_options.csv:
        raise UsageError("--lines and --csv exclude each other")
    ending = os.path.splitext(path)[1].lower()
    csv = template_options.csv or (ending in (".csv", ".tsv") and not template_options.lines)
    if template_options.delimiter is None:
        return csv, "\t" if ending == ".tsv" else None
    if not csv:
        raise UsageError("--delimiter has no effect without --csv")
    delimiter = "\t" if template_options.delimiter == "\\t" else template_options.delimiter
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise UsageError(f"--delimiter {template_options.delimiter!r}: give one character, or \\t for a tab")
    return csv, delimiter


def _check_stdin(context: Context, prompt_options: PromptOptions) -> None:
    if context.prompt_input.reads_stdin:
        raise UsageError("stdin is claimed twice: the rows come from stdin too")
    if prompt_options.no_stdin:
        raise UsageError("no rows: name a FILE, since --no-stdin forbids to read them from stdin")
    if context.terminal.stdin.is_terminal:
        raise UsageError("no rows: name a FILE, or pipe them in")
