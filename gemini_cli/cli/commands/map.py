"""`map`: send a request for each row, in parallel, with a checkpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from gemini_cli.bulk.output_rows import FailureSummary, OutputRow, error_row
from gemini_cli.bulk.rows import InputRows
from gemini_cli.cli.command import OptionCommand, command_app
from gemini_cli.cli.context import Context
from gemini_cli.cli.dry_run import preview_headers, refuse_answer_options, without_secrets
from gemini_cli.cli.row_input import RowInput, RowsArgument, TemplateOptions, read_row_input
from gemini_cli.cli.row_output import RowOutputOptions, check_row_output, open_row_output, schema_validator
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import FILE_NAME, ONCE, option_groups
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.request_options import PromptOptions, RequestOptions
from gemini_cli.console import formatting
from gemini_cli.errors import CliError, UsageError
from gemini_cli.transport.deadline import Clock

if TYPE_CHECKING:
    from gemini_cli.bulk.checkpoint import CheckpointStore
    from gemini_cli.bulk.map_runner import RowOutcome
    from gemini_cli.console.terminal import Progress

MAX_JOBS = 1000
LONGEST_SPACING = 366 * 24 * 3600.0  # seconds
COUNT_INTERVAL = 0.2  # seconds between two counts on the terminal


@dataclass(eq=False, repr=False)
class MapOptions:
    """Run."""

    jobs: Annotated[int, Option("-j", "--jobs", metavar="N", min=0, help="the number of requests in parallel")] = 8
    rate: Annotated[
        str | None,
        Option("--rate", metavar="N/min", help="the largest number of requests in a time: N/min, N/s or N/h"),
    ] = None
    unordered: Annotated[
        bool, Option("--unordered", help="print each row when it is done, not in the order of the input")
    ] = False
    checkpoint: Annotated[
        str | None,
        Option("--checkpoint", metavar="FILE", help="save the requests and answers in FILE, and continue from it"),
        FILE_NAME,
        ONCE,
    ] = None
    dry_run: Annotated[bool, Option("-n", "--dry-run", help="print the request of each row, and send nothing")] = False


app = command_app()


@app.command("map", cls=OptionCommand)
@option_groups
def map_rows(
    ctx: typer.Context,
    file: RowsArgument = None,
    *,
    options: MapOptions,
    template: TemplateOptions,
    row_output: RowOutputOptions,
    prompt: PromptOptions,
    request: RequestOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Send a request for each row of a file, in parallel.

    The rows come from FILE, or from stdin. One JSON object is printed for each row.

    A row is a line of JSON, a string or an object, a line of text with --lines, or a record of CSV, from a file named
    .csv or .tsv or with --csv. With -p, the fields of the row fill in the prompt and the values of -a. Without -p, its
    `input` or `prompt` is the prompt, and its other fields are fields of the request.
    Its `key`, `id` or `custom_id` is its name; without them, its line number. A row {"key", "request"} of the Batch
    API is read too, with --api generate-content.

    The output has the fields "key", "ok", "text", "usage" and "interaction", and with --schema "data". A failed row has
    "error" and "line" instead of "interaction". The exit status is 11 if some rows failed. A daily quota, a
    refused key, a refusal of the proxy, or ten equal errors in a row end the run with their own status, and the rest is
    not sent.

    With --to csv or tsv the output is a table (RFC 4180, lines end with LF). Its columns are those of the input (for
    JSON, the fields of the first row; for text, `input`), then `text`, or the properties of --schema, then `ok` and
    `error`. A column of the answer whose name is taken is called `answer_NAME`. A spreadsheet computes a text that
    begins with = + - or @, unless --csv-safe is given.

    With --checkpoint a later run sends only the rows without an answer and those that failed for a reason outside the
    row, and prints all rows. A row that was sent and got no response is sent again only with --retry-unknown. A
    changed row is sent again.
    """
    context = Context(ctx, options, template, row_output, prompt, request, output, connection, no_timeout=True)
    spacing = _check(context, options, row_output)
    row_input = read_row_input(
        context, context.adapter, file, template, answer_settings=["extract"] if row_output.extract else []
    )
    if options.dry_run:
        _preview(context, row_input)
    else:
        _run(context, options, row_output, row_input, spacing)


def _check(context: Context, options: MapOptions, row_output: RowOutputOptions) -> float:
    """Return the seconds between two requests; UsageError for wrong options."""
    if not 1 <= options.jobs <= MAX_JOBS:
        raise UsageError(f"--jobs {options.jobs}: from 1 to {MAX_JOBS}")
    output, checkpoint = row_output.output, options.checkpoint
    if output and checkpoint and os.path.realpath(output) == os.path.realpath(checkpoint):
        raise UsageError("--output and --checkpoint name the same file")
    check_row_output(context, row_output, context.request_options.schema)
    if options.dry_run:
        refuse_answer_options(context, "rows that are not sent", RowOutputOptions)
    return _spacing(options.rate) if options.rate else 0.0


def _run(
    context: Context, options: MapOptions, row_output: RowOutputOptions, row_input: RowInput, spacing: float
) -> None:
    from gemini_cli.bulk import map_runner
    from gemini_cli.bulk.rate_limiter import AdaptiveLimiter

    context.connection.deadline.start()
    columns = _read_ahead(row_input.rows, row_output)
    context.attachments.resolve({"input": row_input.template.shared_parts})
    terminal = context.terminal
    with (
        open_row_output(context, row_output, columns, context.schema) as target,
        _open_checkpoint(options.checkpoint, row_input, context) as checkpoint,
        terminal.progress("map", row_input.size, "") as progress,
    ):
        dependencies = map_runner.WorkerDependencies(
            template=row_input.template,
            checkpoint=checkpoint,
            limiter=AdaptiveLimiter(
                options.jobs, spacing, context.connection.dependencies.sleep, context.connection.dependencies.clock
            ),
            make_api_client=context.connection.make_api_client,
            make_interactions_client=context.make_interactions_client,
            validator=schema_validator(context.schema),
            retry_unknown=context.connection_options.retry_unknown > 0,
            notice=terminal.print_notice,
            redacted=terminal.redacted,
            extract=row_output.extract,
        )
        tally = Tally(progress, context.connection.dependencies.clock)
        running = map_runner.run_rows(row_input.rows, dependencies, jobs=options.jobs, ordered=not options.unordered)
        with tally.summarised(), closing(running) as outcomes:
            for outcome in outcomes:
                target.write(outcome.output, outcome.row.fields)
                tally.add(outcome)
    if error := tally.summary.error():
        raise error


def _read_ahead(rows: InputRows, row_output: RowOutputOptions) -> list[str]:
    """Read the first row, or for a table the columns of the input."""
    if row_output.to == "jsonl":
        rows.read_first()
        return []
    return rows.read_columns()


class Tally:
    """Counts rows, failures and tokens, and shows them with the progress.

    The progress is measured in bytes of the input.
    """

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self.summary = FailureSummary()
        self._progress = progress
        self._clock = clock
        self._sent = self._tokens = self._end = 0
        self._started = self._shown_at = clock()

    def add(self, outcome: RowOutcome) -> None:
        self.summary.add(outcome.output)
        self._sent += outcome.sent
        self._tokens += outcome.output.tokens
        self._progress.advance(max(outcome.row.end - self._end, 0))
        self._end = max(outcome.row.end, self._end)
        now = self._clock()
        if now - self._shown_at >= COUNT_INTERVAL:
            self._shown_at = now
            rate = self._sent / (now - self._started)
            rows = formatting.count(self.summary.rows, "row")
            self._progress.note(f"{rows}, {rate:.1f}/s, {self.summary.failed} failed, {self._tokens} tokens")

    @contextmanager
    def summarised(self) -> Iterator[None]:
        """Leave the counts on the terminal after the block, unless a signal ends it."""
        try:
            yield
        except CliError:
            self._summarise()
            raise
        self._summarise()

    def _summarise(self) -> None:
        rows, tokens = formatting.count(self.summary.rows, "row"), formatting.count(self._tokens, "token")
        seconds = self._clock() - self._started
        self._progress.summary = f"{rows}, {self.summary.failed:,} failed, {tokens}, {seconds:,.0f} s"


def _spacing(rate: str) -> float:
    """The seconds between two requests for `N/min`, `N/s` or `N/h`."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(s|min|h))?", rate)
    if match is None or not float(match[1]):
        raise UsageError(f"--rate {rate}: write N/min, N/s or N/h")
    spacing = {"s": 1, "min": 60, "h": 3600}[match[2] or "min"] / float(match[1])
    if spacing > LONGEST_SPACING:
        raise UsageError(f"--rate {rate}: less than one request in a year")
    return spacing


@contextmanager
def _open_checkpoint(path: str | None, row_input: RowInput, context: Context) -> Iterator[CheckpointStore]:
    from gemini_cli.bulk import checkpoint

    if path is None:
        yield checkpoint.NoCheckpoint()
        return
    with checkpoint.open_checkpoint(path, row_input.template.digest) as store:
        if store.damaged:
            context.terminal.print_notice(f"{path}: {store.damaged} damaged lines are skipped")
        yield store


def _preview(context: Context, row_input: RowInput) -> None:
    """Print the request of each row, without a key."""
    summary = FailureSummary()
    for row in row_input.rows:
        try:
            if row.fault:
                raise row.input_error(row.fault)
            body = row_input.template.fill(row)
            context.attachments.preview(body)
            path, sent = context.adapter.build_request(without_secrets(body))
        except CliError as failure:
            failure.message = context.terminal.redacted(failure.message)
            bad = error_row(row.key, failure, line=row.line)
            summary.add(bad)
            context.terminal.write_row(bad.text + "\n")
            continue
        summary.add(OutputRow("", ok=True))
        url, headers = context.connection.endpoint.url(path), preview_headers(context, path, "application/json")
        context.terminal.write_row(formatting.dry_run("POST", url, headers, sent, pretty=False, key=row.key))
    if error := summary.error("are no requests"):
        raise error
