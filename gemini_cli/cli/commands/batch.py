"""`batch submit|status|wait|results|cancel|list|delete`: the rows of `map` through the service's own engine."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.prompt_run import schema_validator
from gemini_cli.cli.row_input import TEMPLATE_OPTIONS, RowInput, read_row_input
from gemini_cli.cli.typer_options import single_argument
from gemini_cli.client import resources
from gemini_cli.config.option_spec import OptionGroup, OptionSpec
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.settings import ConnectionOptions, resolve_options
from gemini_cli.errors import OutputError, PartialFailure, UsageError

if TYPE_CHECKING:
    from gemini_cli.bulk.batch_jobs import Job

COLUMNS = ("NAME", "STATE", "REQUESTS", "FAILED", "CREATED", "TITLE")


class SubmitOptions(OptionGroup):
    """What becomes of the rows."""

    display_name: Annotated[
        str | None, OptionSpec("the job's title; the file's name if none is given", metavar="TEXT")
    ] = None
    dry_run: Annotated[bool, OptionSpec("print the requests, a line each, and send nothing", "-n")] = False


class ResultsOptions(OptionGroup):
    """Where the results go, and what they are held against."""

    output: Annotated[
        str | None, OptionSpec("write the rows to FILE, whole or not at all", "-o", "FILE", is_path=True)
    ] = None
    schema: Annotated[str | None, OptionSpec("hold each answer against this JSON Schema", None, "FILE|JSON")] = None


def batch_submit(context: Context) -> None:
    """Start a batch job with a request for each row of FILE (or stdin), and print its name.

    The rows are those of `map`, in the words of generateContent. All of them must be good: no job is started otherwise.
    A job costs half and may take a day; `map` answers at once.
    """
    asked = resolve_options(SubmitOptions, context.config_sources)
    path = context.arguments[0] if context.arguments else "-"
    for said in ("api", "long"):
        if context.options.get(said) not in (None, "generate-content"):
            raise UsageError(f"--{said} has no effect on a job, which speaks generateContent")
    title = asked.display_name or ("stdin" if path == "-" else os.path.basename(path))
    found = read_row_input(context, GENERATE_CONTENT_ADAPTER)
    if asked.dry_run:
        return _preview(context, found)
    from gemini_cli.bulk import batch_jobs

    context.terminal.require_stdout()
    batch = batch_jobs.prepare_batch(found.rows, found.template, context.attachments.resolve)
    context.deadline.start()
    with closing(batch.source), context.terminal.progress(title, batch.source.size, "B") as progress:
        job = batch_jobs.create_job(context.api_client, batch, title, progress.advance)
    try:
        _show(context, job, job.name)
    except OutputError as failure:
        failure.hint = f"the job is {job.name}"
        raise
    return None


def _preview(context: Context, found: RowInput) -> None:
    from gemini_cli.bulk import batch_jobs

    for row in found.rows:
        line, _ = batch_jobs.request_line(row, found.template, context.attachments.preview)
        context.terminal.write_row(line.decode())


def batch_status(context: Context) -> None:
    """Print the state of a job: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED or EXPIRED. With --json, all of it."""
    from gemini_cli.bulk import batch_jobs

    job = batch_jobs.fetch_job(context.api_client, _name(context))
    _show(context, job, job.state)


def batch_wait(context: Context) -> None:
    """Wait until a job is over, and print its state. One that did not succeed is a failure.

    It needs nothing but the name: end it, and wait again whenever you like.
    """
    from gemini_cli.bulk import batch_jobs

    name = _name(context)
    api_client = context.api_client
    with context.terminal.progress(name, None, "requests") as progress:
        output_options = 0

        def look(job: Job) -> None:
            nonlocal output_options
            done = job.count("successful", "failed")
            progress.advance(done - output_options)
            progress.note(f"{job.state}, {done} of {job.count('request')} requests")
            output_options = done

        job = batch_jobs.wait_for_job(api_client, name, look)
    failure = job.completion_error()
    if failure is not None:
        raise failure
    _show(context, job, job.state)


def batch_results(context: Context) -> None:
    """Print the results of a job, the output rows of `map`, in the order in which the service gives them.

    A row's `key` says which one it is. Some failed: status 11. A job that is not over: 8, with nothing printed.
    """
    from gemini_cli.bulk import batch_jobs

    judging = schema_validator(context)
    job = batch_jobs.fetch_job(context.api_client, _name(context))
    failure = job.completion_error()
    if failure is not None:
        raise failure
    done = bad = 0
    with context.open_output() as output:
        for row in batch_jobs.job_results(context.api_client, job, judging):
            output.write_row(f"{row.text}\n")
            done, bad = done + 1, bad + (not row.ok)
    if bad:
        raise PartialFailure(f"{bad} of {done} rows failed")


def batch_cancel(context: Context) -> None:
    """Cancel a job. What it has done is billed, and lost."""
    from gemini_cli.bulk import batch_jobs

    batch_jobs.cancel_job(context.api_client, _name(context))


def batch_list(context: Context) -> None:
    """List the jobs: name, state, requests, failed ones, when it was created, title. With --json, one object a line."""
    resource_output.print_list(context, COLUMNS, resources.list_all(context.api_client, "batches", "operations"), _row)


def batch_delete(context: Context) -> None:
    """Delete a job. Its files stay."""
    resources.delete_resource(context.api_client, _name(context))


def _name(context: Context) -> str:
    return resources.resource_name("batches", single_argument(context, "ID"))


def _show(context: Context, job: Job, text: str) -> None:
    if context.global_options.json:
        resource_output.print_resource(context, job.raw)
    else:
        context.terminal.write(f"{text}\n")


def _row(operation: dict[str, Any]) -> tuple[Any, ...]:
    from gemini_cli.bulk.batch_jobs import Job

    job = Job(operation)
    return job.name, job.state, job.count("request"), job.count("failed"), job.created, job.title


COMMANDS = (
    Command("batch submit", batch_submit, (SubmitOptions, *TEMPLATE_OPTIONS), "[FILE]", no_timeout=True),
    Command("batch status", batch_status, (GlobalOptions, ConnectionOptions), "ID"),
    Command("batch wait", batch_wait, (GlobalOptions, ConnectionOptions), "ID", no_timeout=True),
    Command("batch results", batch_results, (ResultsOptions, GlobalOptions, ConnectionOptions), "ID", no_timeout=True),
    Command("batch cancel", batch_cancel, (GlobalOptions, ConnectionOptions), "ID"),
    Command("batch list", batch_list, (GlobalOptions, ConnectionOptions)),
    Command("batch delete", batch_delete, (GlobalOptions, ConnectionOptions), "ID"),
)
