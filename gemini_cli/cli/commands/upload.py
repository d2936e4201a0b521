"""`upload`: upload files, and continue uploads that broke off."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from gemini_cli.cli.command import OptionCommand, command_app
from gemini_cli.cli.context import Context
from gemini_cli.cli.partial_failures import print_failure, raise_failures
from gemini_cli.client import resources
from gemini_cli.client.resources import Resource
from gemini_cli.concurrency.worker_pool import WorkerPool
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.option_groups import FILE_NAME, ONCE, option_groups
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.console import formatting
from gemini_cli.errors import CliError, DeadlineExceeded, InputError, TemporaryError, UsageError
from gemini_cli.formats import mime_types

if TYPE_CHECKING:
    from gemini_cli.console.terminal import Progress
    from gemini_cli.files.local_file import LocalFile

STDIN = "-"


@dataclass(eq=False, repr=False)
class UploadOptions:
    """Upload."""

    wait: Annotated[bool, Option("--wait", help="wait until the server has processed the file (the default)")] = False
    no_wait: Annotated[bool, Option("--no-wait", help="do not wait while the server processes the file")] = False
    name: Annotated[str | None, Option("--name", metavar="ID", help="the name on the server, files/ID"), ONCE] = None
    display_name: Annotated[
        str | None, Option("--display-name", metavar="TEXT", help="the title (default: the name of the file)"), ONCE
    ] = None
    mime: Annotated[
        str | None,
        Option("--mime", metavar="TYPE", help="the MIME type, if it is not known from the name or the first bytes"),
        ONCE,
    ] = None
    reuse: Annotated[
        bool, Option("--reuse", help="name the file after its content, and do not send it if the server has it")
    ] = False
    no_resume: Annotated[
        bool, Option("--no-resume", help="start again, instead of continuing an interrupted upload")
    ] = False
    jobs: Annotated[
        int, Option("-j", "--jobs", metavar="N", min=0, help="the number of files to upload in parallel")
    ] = 4


UploadOutcome = Resource | CliError


FileArguments = Annotated[
    list[str] | None, typer.Argument(metavar="FILE...", show_default=False, help="the files; `-` is stdin"), FILE_NAME
]

app = command_app()


@app.command("upload", cls=OptionCommand)
@option_groups
def upload_command(
    ctx: typer.Context,
    files: FileArguments = None,
    *,
    options: UploadOptions,
    output: GlobalOptions,
    connection: ConnectionOptions,
) -> None:
    """Upload files, and print their names on the server.

    One name is printed for each FILE, in their order. `-` is stdin.

    An upload that breaks off is continued, also by the next run. If some of several files fail, the others are still
    uploaded, and the exit status is 11; if all fail in the same way, it is the status of that error.
    """
    context, words = Context(ctx, options, output, connection, words=files, no_timeout=True), files or []
    _check(options, words)
    context.terminal.require_stdout()
    label = (_title(words[0]) or "stdin") if len(words) == 1 else f"{len(words)} files"
    files_by_identity: dict[str, str] = {}
    for word in words:
        files_by_identity.setdefault(_identity(word), word)
    with context.terminal.progress(label, sum(map(_size, files_by_identity)) or None, "B") as progress:
        outcomes = _print_results(
            context,
            _results(
                _make_work(context, options, progress, len(files_by_identity)),
                [*files_by_identity.values()],
                options.jobs,
            ),
        )
    failures = [outcome for outcome in outcomes if isinstance(outcome, CliError)]
    raise_failures(failures, len(outcomes), "file", "uploaded")


def _identity(word: str) -> str:
    """The identity of a file: a file that is named twice is uploaded once."""
    return word if word == STDIN else os.path.abspath(word)


def _check(options: UploadOptions, words: Sequence[str]) -> None:
    """UsageError for options that contradict each other or the files."""
    if not words or "" in words:
        raise UsageError("give at least one FILE, or - for stdin")
    if options.wait and options.no_wait:
        raise UsageError("--wait and --no-wait exclude each other")
    if options.name and (options.reuse or len(words) > 1):
        raise UsageError(f"--name has no effect with {'--reuse' if options.reuse else 'several files'}")
    if options.mime and not mime_types.is_mime_type(options.mime):
        raise UsageError(f"--mime {options.mime!r} is not a MIME type")
    if STDIN in words and not options.mime:
        raise UsageError("`-` needs --mime TYPE, since stdin has no name")
    if words.count(STDIN) > 1:
        raise UsageError("stdin can be uploaded once")
    if not options.jobs:
        raise UsageError("--jobs 0: nothing would be uploaded")


def _size(word: str) -> int:
    """The size for the progress; 0 for a file that cannot be read."""
    try:
        return 0 if word == STDIN else os.stat(word).st_size
    except (OSError, ValueError):
        return 0


def _make_work(context: Context, options: UploadOptions, progress: Progress, count: int) -> Callable[[str], Resource]:
    """The function that uploads one of `count` files, for any thread.

    Objects that need the main thread are made before it runs.
    """
    from gemini_cli.files import upload
    from gemini_cli.files.local_file import LocalFile
    from gemini_cli.files.upload_record import open_upload_record

    owner, state, terminal = context.api_client.owner, context.state, context.terminal
    name = resources.resource_name("files", options.name) if options.name else None
    ready = itertools.count(1)
    context.connection.deadline.start()

    def work(word: str) -> Resource:
        api_client = context.connection.make_api_client()
        with closing(
            LocalFile.from_chunks(terminal.stdin.chunks(), "stdin") if word == STDIN else LocalFile.open_path(word)
        ) as source:
            mime_type = options.mime or _mime_type(source)
            title = options.display_name or (_title(word) if source.path else None)
            settings = (mime_type, title, name, options.reuse)
            with open_upload_record(state, source, owner, settings, resume=not options.no_resume) as record:
                file = upload.upload(
                    api_client,
                    source,
                    mime_type=mime_type,
                    display_name=title,
                    name=name,
                    reuse=options.reuse,
                    record=record,
                    on_progress=progress.advance,
                )
                upload.file_name(file)  # an error if the response has no name to print
                if options.no_wait:
                    return file
                if count == 1:
                    progress.note("waiting until the file can be used")
                file = upload.wait_until_active(api_client, file)
                if count > 1:
                    progress.note(f"{next(ready)} of {count} can be used")
                return file

    return work


def _title(word: str) -> str | None:
    """The name of the file; None for stdin."""
    return None if word == STDIN else os.fsencode(os.path.basename(word)).decode("utf-8", "replace")


def _mime_type(source: LocalFile) -> str:
    mime_type = source.mime_type()
    if mime_type is None:
        raise InputError(f"the type of {source.name} is not known; give it with --mime")
    return mime_type


def _results(work: Callable[[str], Resource], words: Sequence[str], jobs: int) -> Iterator[UploadOutcome]:
    """The outcome for each word, in their order.

    The threads are daemons, so that a signal or the deadline can end the process.
    """

    def attempt(word: str) -> tuple[str, UploadOutcome]:
        try:
            return word, work(word)
        except CliError as failure:
            return word, failure

    outcomes: dict[str, UploadOutcome] = {}
    late: CliError | None = None
    pool = WorkerPool(iter(words), lambda: attempt, min(jobs, len(words)))
    arriving = pool.results()
    for word in words:
        try:
            while word not in outcomes and late is None:
                outcomes.update(next(arriving))
        except DeadlineExceeded as passed:
            late = TemporaryError(passed.message, hint="the same command continues where this one ended")
            outcomes.update(pool.stop(0))
        yield outcomes[word] if late is None else outcomes.get(word, late)


def _print_results(context: Context, results: Iterator[UploadOutcome]) -> list[UploadOutcome]:
    """Print the name of each file, or with several files its error."""
    outcomes: dict[str, UploadOutcome] = {}
    for word in context.words:
        if _identity(word) not in outcomes:
            outcome = outcomes[_identity(word)] = next(results)
            if isinstance(outcome, CliError) and len(context.words) > 1:
                print_failure(context, word, outcome)
        outcome = outcomes[_identity(word)]
        if not isinstance(outcome, CliError):
            as_json = context.global_options.json
            context.terminal.write(formatting.as_json(outcome, pretty=False) if as_json else f"{outcome['name']}\n")
    return [outcomes[_identity(word)] for word in context.words]
