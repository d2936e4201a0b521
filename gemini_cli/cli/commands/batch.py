"""`batch submit|status|wait|results|cancel|list|delete`: the rows of `map` through the service's own engine."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from gemini_cli.api.generate_content import GENERATE_CONTENT
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context
from gemini_cli.cli.prompt_run import judge
from gemini_cli.cli.row_input import FORM, Given, given
from gemini_cli.cli.typer_options import one_word
from gemini_cli.client import resources
from gemini_cli.config.option_spec import Flag, Record
from gemini_cli.config.output_options import Voice
from gemini_cli.config.settings import Settings, resolve
from gemini_cli.errors import OutputError, Partial, UsageError

if TYPE_CHECKING:
    from gemini_cli.bulk.batch_jobs import Job

COLUMNS = ("NAME", "STATE", "REQUESTS", "FAILED", "CREATED", "TITLE")


class Submitted(Record):
    """What becomes of the rows."""

    display_name: Annotated[str | None, Flag("the job's title; the file's name if none is given", metavar="TEXT")] = (
        None
    )
    dry_run: Annotated[bool, Flag("print the requests, a line each, and send nothing", "-n")] = False


class Results(Record):
    """Where the results go, and what they are held against."""

    output: Annotated[str | None, Flag("write the rows to FILE, whole or not at all", "-o", "FILE", file=True)] = None
    schema: Annotated[str | None, Flag("hold each answer against this JSON Schema", None, "FILE|JSON")] = None


def submit(context: Context) -> None:
    """Start a batch job with a request for each row of FILE (or stdin), and print its name.

    The rows are those of `map`, in the words of generateContent. All of them must be good: no job is started otherwise.
    A job costs half and may take a day; `map` answers at once.
    """
    asked = resolve(Submitted, context.said)
    path = context.words[0] if context.words else "-"
    for said in ("api", "long"):
        if context.flags.get(said) not in (None, "generate-content"):
            raise UsageError(f"--{said} has no effect on a job, which speaks generateContent")
    title = asked.display_name or ("stdin" if path == "-" else os.path.basename(path))
    found = given(context, GENERATE_CONTENT)
    if asked.dry_run:
        return _preview(context, found)
    from gemini_cli.bulk import batch_jobs

    context.terminal.require_stdout()
    batch = batch_jobs.ready(found.rows, found.form, context.attachments.settle)
    context.deadline.start()
    with closing(batch.source), context.terminal.progress(title, batch.source.size, "B") as progress:
        job = batch_jobs.create(context.service, batch, title, progress.advance)
    try:
        _show(context, job, job.name)
    except OutputError as failure:
        failure.hint = f"the job is {job.name}"
        raise
    return None


def _preview(context: Context, found: Given) -> None:
    from gemini_cli.bulk import batch_jobs

    for row in found.rows:
        line, _ = batch_jobs.request(row, found.form, context.attachments.preview)
        context.terminal.write_row(line.decode())


def status(context: Context) -> None:
    """Print the state of a job: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED or EXPIRED. With --json, all of it."""
    from gemini_cli.bulk import batch_jobs

    job = batch_jobs.fetch(context.service, _name(context))
    _show(context, job, job.state)


def wait(context: Context) -> None:
    """Wait until a job is over, and print its state. One that did not succeed is a failure.

    It needs nothing but the name: end it, and wait again whenever you like.
    """
    from gemini_cli.bulk import batch_jobs

    name = _name(context)
    service = context.service
    with context.terminal.progress(name, None, "requests") as progress:
        shown = 0

        def look(job: Job) -> None:
            nonlocal shown
            done = job.count("successful", "failed")
            progress.advance(done - shown)
            progress.note(f"{job.state}, {done} of {job.count('request')} requests")
            shown = done

        job = batch_jobs.wait(service, name, look)
    failure = job.verdict()
    if failure is not None:
        raise failure
    _show(context, job, job.state)


def results(context: Context) -> None:
    """Print the results of a job, the output rows of `map`, in the order in which the service gives them.

    A row's `key` says which one it is. Some failed: status 11. A job that is not over: 8, with nothing printed.
    """
    from gemini_cli.bulk import batch_jobs

    judging = judge(context)
    job = batch_jobs.fetch(context.service, _name(context))
    failure = job.verdict()
    if failure is not None:
        raise failure
    done = bad = 0
    with context.output() as output:
        for row in batch_jobs.results(context.service, job, judging):
            output.write_row(f"{row.text}\n")
            done, bad = done + 1, bad + (not row.ok)
    if bad:
        raise Partial(f"{bad} of {done} rows failed")


def cancel(context: Context) -> None:
    """Cancel a job. What it has done is billed, and lost."""
    from gemini_cli.bulk import batch_jobs

    batch_jobs.cancel(context.service, _name(context))


def list_(context: Context) -> None:
    """List the jobs: name, state, requests, failed ones, when it was created, title. With --json, one object a line."""
    resource_output.several(context, COLUMNS, resources.every(context.service, "batches", "operations"), _row)


def delete(context: Context) -> None:
    """Delete a job. Its files stay."""
    resources.delete(context.service, _name(context))


def _name(context: Context) -> str:
    return resources.full_name("batches", one_word(context, "ID"))


def _show(context: Context, job: Job, text: str) -> None:
    if context.voice.json:
        resource_output.one(context, job.raw)
    else:
        context.terminal.write(f"{text}\n")


def _row(operation: dict[str, Any]) -> tuple[Any, ...]:
    from gemini_cli.bulk.batch_jobs import Job

    job = Job(operation)
    return job.name, job.state, job.count("request"), job.count("failed"), job.created, job.title


COMMANDS = (
    Command("batch submit", submit, (Submitted, *FORM), "[FILE]", endless=True),
    Command("batch status", status, (Voice, Settings), "ID"),
    Command("batch wait", wait, (Voice, Settings), "ID", endless=True),
    Command("batch results", results, (Results, Voice, Settings), "ID", endless=True),
    Command("batch cancel", cancel, (Voice, Settings), "ID"),
    Command("batch list", list_, (Voice, Settings)),
    Command("batch delete", delete, (Voice, Settings), "ID"),
)
