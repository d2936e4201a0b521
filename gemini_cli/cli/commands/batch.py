"""`batch submit|status|wait|results|cancel|list|delete`: batch jobs of the API."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer import Option

from gemini_cli.api.body import Body
from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER
from gemini_cli.bulk import batch_jobs
from gemini_cli.bulk.batch_jobs import Job
from gemini_cli.bulk.output_rows import FailureSummary
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, command_app, single_argument
from gemini_cli.cli.context import Context, load_schema
from gemini_cli.cli.dry_run import without_secrets
from gemini_cli.cli.row_input import RowInput, RowsArgument, TemplateOptions, read_row_input
from gemini_cli.cli.row_output import RowOutputOptions, check_row_output, open_row_output, schema_validator
from gemini_cli.client import resources
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import FILE_NAME, ONCE, option_groups
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.request_options import PromptOptions, RequestOptions
from gemini_cli.errors import OutputError, UsageError

COLUMNS = ("NAME", "STATE", "REQUESTS", "FAILED", "CREATED", "TITLE")


@dataclass(eq=False, repr=False)
class SubmitOptions:
    """Job."""

    display_name: Annotated[
        str | None,
        Option("--display-name", metavar="TEXT", help="the title of the job (default: the name of the file)"),
        ONCE,
    ] = None
    dry_run: Annotated[bool, Option("-n", "--dry-run", help="print the requests as JSON lines, and send nothing")] = (
        False
    )


@dataclass(eq=False, repr=False)
class ResultsOptions:
    """Results."""

    schema: Annotated[
        str | None,
        Option("--schema", metavar="FILE|JSON", help="check each answer against this JSON Schema"),
        FILE_NAME,
        ONCE,
    ] = None


JobArgument = Annotated[str, typer.Argument(metavar="ID", show_default=False)]

app = command_app()


@app.callback()
def batch() -> None:
    """Batch jobs: submit, status, wait, results, cancel, list, delete."""


@app.command("submit", cls=OptionCommand)
@option_groups
def batch_submit(
    ctx: typer.Context,
    file: RowsArgument = None,
    *,
    job: SubmitOptions,
    template: TemplateOptions,
    prompt: PromptOptions,
    request: RequestOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Start a batch job with a request for each row, and print its name.

    The rows come from FILE or stdin, as for `map`, or as the API itself has them: {"key", "request"}. If one row is
    invalid, no job is started. A job costs half and may take a day; `map` answers at once.
    """
    context = Context(ctx, job, template, prompt, request, output, connection, no_timeout=True)
    path = file[0] if file else "-"
    for name in ("api", "long", "fallback"):
        if context.is_given(name) and getattr(request, name) != "generate-content":
            raise UsageError(f"--{name} has no effect on a batch job, which uses generateContent")
    title = job.display_name or ("stdin" if path == "-" else os.path.basename(path))
    row_input = read_row_input(context, GENERATE_CONTENT_ADAPTER, file, template)
    if job.dry_run:
        return _preview(context, row_input)
    context.terminal.require_stdout()
    rows = batch_jobs.prepare_batch(row_input.rows, row_input.template, context.attachments.resolve)
    context.connection.deadline.start()
    with closing(rows.source), context.terminal.progress(title, rows.source.size, "B") as progress:
        started = batch_jobs.create_job(context.api_client, rows, title, progress.advance)
    try:
        _show(context, started, started.name)
    except OutputError as failure:
        failure.hint = f"the job is {started.name}"
        raise
    return None


def _preview(context: Context, row_input: RowInput) -> None:
    def preview(body: Body) -> None:
        context.attachments.preview(body)
        body |= without_secrets(body)

    for line, _ in batch_jobs.request_lines(row_input.rows, row_input.template, preview):
        context.terminal.write_row(line.decode())


@app.command("status", cls=OptionCommand)
@option_groups
def batch_status(ctx: typer.Context, id: JobArgument, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """Print the state of a job.

    SUCCEEDED, PARTIALLY_SUCCEEDED, FAILED, CANCELLED or EXPIRED at its end; QUEUED, PENDING, RUNNING, UPDATING, PAUSED
    or CANCELLING before. With --json, the whole job.
    """
    context = Context(ctx, output, connection, needs_stdout=True)
    job = batch_jobs.fetch_job(context.api_client, _name(id))
    _show(context, job, job.state)


@app.command("wait", cls=OptionCommand)
@option_groups
def batch_wait(ctx: typer.Context, id: JobArgument, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """Wait until a job ends, and print its state.

    A job that did not succeed is an error. The command may be stopped and started again at any time.
    """
    context = Context(ctx, output, connection, no_timeout=True, needs_stdout=True)
    name = _name(id)
    api_client = context.api_client
    with context.terminal.progress(name, None, "requests") as progress:

        def show_progress(job: Job) -> None:
            finished = job.count("successful", "failed")
            progress.advance_to(finished)
            progress.note(f"{job.state}, {finished} of {job.count('request')} requests")

        job = batch_jobs.wait_for_job(api_client, name, show_progress)
    failure = job.completion_error()
    if failure is not None:
        raise failure
    _show(context, job, job.state)


@app.command("results", cls=OptionCommand)
@option_groups
def batch_results(
    ctx: typer.Context,
    id: JobArgument,
    *,
    results: ResultsOptions,
    row_output: RowOutputOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Print the results of a job, as rows like those of `map`.

    They come in the order of the server; `key` tells the row, and is the first column with --to csv or tsv. The exit
    status is 11 if some rows failed, and 8, with nothing printed, if the job has not ended.
    """
    context = Context(ctx, results, row_output, output, connection, no_timeout=True)
    check_row_output(context, row_output, results.schema)
    schema = load_schema(results.schema, context.terminal.print_notice)
    validator = schema_validator(schema)
    job = batch_jobs.fetch_job(context.api_client, _name(id))
    failure = job.completion_error()
    if failure is not None:
        raise failure
    summary = FailureSummary()
    with open_row_output(context, row_output, ["key"], schema) as target:
        for row in batch_jobs.job_results(context.api_client, job, validator, extract=row_output.extract):
            target.write(row)
            summary.add(row)
    if error := summary.error():
        raise error


@app.command("cancel", cls=OptionCommand)
@option_groups
def batch_cancel(ctx: typer.Context, id: JobArgument, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """Cancel a job.

    Its finished requests are billed, and their answers are lost.
    """
    context = Context(ctx, output, connection)
    batch_jobs.cancel_job(context.api_client, _name(id))


@app.command("list", cls=OptionCommand)
@option_groups
def batch_list(ctx: typer.Context, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """List the jobs.

    Name, state, number of requests, number of failed requests, time of creation and title; with --json, JSON lines.
    """
    context = Context(ctx, output, connection, needs_stdout=True)
    resource_output.print_list(context, COLUMNS, resources.list_all(context.api_client, "batches", "operations"), _row)


@app.command("delete", cls=OptionCommand)
@option_groups
def batch_delete(ctx: typer.Context, id: JobArgument, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """Delete a job, but not its files."""
    context = Context(ctx, output, connection)
    resources.delete_resource(context.api_client, _name(id))


def _name(id: str) -> str:
    return resources.resource_name("batches", single_argument([id], "ID"))


def _show(context: Context, job: Job, text: str) -> None:
    if context.global_options.json:
        resource_output.print_resource(context, job.raw)
    else:
        context.terminal.write(f"{text}\n")


def _row(operation: dict[str, Any]) -> tuple[Any, ...]:
    job = Job(operation)
    return job.name, job.state, job.count("request"), job.count("failed"), job.created, job.title
