"""`upload`: files to the service, whatever breaks on the way."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated

from gemini_cli import render, resources
from gemini_cli.commands.command import Command
from gemini_cli.context import Context
from gemini_cli.errors import DeadlinePassed, Failure, InputError, Partial, Temporary, UsageError
from gemini_cli.flag import Flag, Record
from gemini_cli.resources import Resource
from gemini_cli.settings import Settings, resolve
from gemini_cli.shown import Voice

if TYPE_CHECKING:
    from gemini_cli.files.source import Source
    from gemini_cli.terminal import Progress

STDIN = "-"


class Uploaded(Record):
    """What is uploaded, and how."""

    wait: Annotated[bool, Flag("wait until the file can be used (the default)")] = False
    no_wait: Annotated[bool, Flag("do not wait while the service processes the file")] = False
    name: Annotated[str | None, Flag("its name on the service, files/ID", metavar="ID")] = None
    display_name: Annotated[str | None, Flag("its title; the file's own name if none is given", metavar="TEXT")] = None
    mime: Annotated[str | None, Flag("its type, where neither name nor first bytes tell it", metavar="TYPE")] = None
    reuse: Annotated[bool, Flag("name it after its content; what is there already is not sent again")] = False
    no_resume: Annotated[bool, Flag("start over; do not continue an upload that was interrupted")] = False
    jobs: Annotated[int, Flag("upload so many files at a time", "-j", "N")] = 4


Outcome = Resource | Failure


def upload(context: Context) -> None:
    """Upload files, and print their names on the service, a line each, in the order of the FILEs. `-` is stdin.

    An upload that breaks off is continued, also by the next call. Of several files all are tried: exit status 11 if
    some fail, and if all fail in the same way, that one's own.
    """
    asked, words = _asked(context), context.words
    context.terminal.require_stdout()
    label = (_title(words[0]) or "stdin") if len(words) == 1 else f"{len(words)} files"
    each: dict[str, str] = {}
    for word in words:
        each.setdefault(_identity(word), word)
    with context.terminal.progress(label, sum(map(_size, each)) or None, "B") as progress:
        found = _shown(context, _results(_work(context, asked, progress, len(each)), [*each.values()], asked.jobs))
    _conclude(found)


def _identity(word: str) -> str:
    """A file that is named twice is uploaded once, in whatever ways it is named."""
    return word if word == STDIN else os.path.abspath(word)


def _asked(context: Context) -> Uploaded:
    """UsageError for flags that contradict each other, or cannot be meant for these files."""
    asked, words = resolve(Uploaded, context.said), context.words
    if not words or "" in words:
        raise UsageError("give at least one FILE, or - for stdin")
    if asked.wait and asked.no_wait:
        raise UsageError("--wait and --no-wait exclude each other")
    if asked.name and (asked.reuse or len(words) > 1):
        raise UsageError(f"--name has no effect with {'--reuse' if asked.reuse else 'several files'}")
    if asked.mime and not re.fullmatch(r"[\w.+-]+/[\w.+-]+", asked.mime, re.ASCII):
        raise UsageError(f"--mime {asked.mime!r} is not a MIME type")
    if STDIN in words and not asked.mime:
        raise UsageError("`-` needs --mime TYPE: what comes on stdin has no name to tell its type")
    if words.count(STDIN) > 1:
        raise UsageError("stdin can be uploaded once")
    if not asked.jobs:
        raise UsageError("--jobs 0: nothing would be uploaded")
    return asked


def _size(word: str) -> int:
    """For the progress; what cannot be read is told later."""
    try:
        return 0 if word == STDIN else os.stat(word).st_size
    except (OSError, ValueError):
        return 0


def _work(context: Context, asked: Uploaded, progress: Progress, count: int) -> Callable[[str], Resource]:
    """What is done for one FILE of so many, in whatever thread; all that needs the main thread is made here."""
    from gemini_cli.files import uploads
    from gemini_cli.files.source import Source
    from gemini_cli.files.unfinished import unfinished

    owner, state, terminal = context.service.owner, context.state, context.terminal
    name = resources.full_name("files", asked.name) if asked.name else None
    ready = itertools.count(1)
    context.deadline.start()

    def work(word: str) -> Resource:
        service = context.api_client()
        with closing(Source.spooled(terminal.pieces(), "stdin") if word == STDIN else Source.of(word)) as source:
            mime_type, title = asked.mime or _mime_type(source), asked.display_name or _title(word)
            told = (mime_type, title, name, asked.reuse)
            with unfinished(state, source, owner, told, resume=not asked.no_resume) as record:
                file = uploads.upload(
                    service,
                    source,
                    mime_type=mime_type,
                    display_name=title,
                    name=name,
                    reuse=asked.reuse,
                    unfinished=record,
                    advance=progress.advance,
                )
                uploads.name_of(file)  # or it cannot be printed
                if asked.no_wait:
                    return file
                if count == 1:
                    progress.note("waiting until it can be used")
                file = uploads.wait_until_active(service, file)
                if count > 1:
                    progress.note(f"{next(ready)} of {count} can be used")
                return file

    return work


def _title(word: str) -> str | None:
    """The file's own name, if it has one."""
    return None if word == STDIN else os.fsencode(os.path.basename(word)).decode("utf-8", "replace")


def _mime_type(source: Source) -> str:
    found = source.mime_type()
    if found is None:
        raise InputError(f"the type of {source.name} is not known; say it with --mime")
    return found


def _results(work: Callable[[str], Resource], words: Sequence[str], jobs: int) -> Iterator[tuple[str, Outcome]]:
    """What came of each word, in their order. The work is done in threads that end with us, so that we can end."""
    results: dict[str, SimpleQueue[Outcome | BaseException]] = {word: SimpleQueue() for word in words}
    waiting: SimpleQueue[str] = SimpleQueue()
    for word in words:
        waiting.put(word)
    for _ in range(min(jobs, len(words))):
        threading.Thread(target=_labour, args=[work, waiting, results], daemon=True).start()
    late: Failure | None = None
    for word in words:
        try:
            outcome = results[word].get(block=late is None)
        except DeadlinePassed as passed:
            late = outcome = Temporary(passed.message, hint="the same command continues where this one ended")
        except Empty:
            assert late is not None
            outcome = late
        if isinstance(outcome, BaseException) and not isinstance(outcome, Failure):
            raise outcome
        yield word, outcome


def _labour(
    work: Callable[[str], Resource],
    waiting: SimpleQueue[str],
    results: dict[str, SimpleQueue[Outcome | BaseException]],
) -> None:
    while True:
        try:
            word = waiting.get_nowait()
        except Empty:
            return
        try:
            results[word].put(work(word))
        except BaseException as error:
            results[word].put(error)


def _shown(context: Context, results: Iterator[tuple[str, Outcome]]) -> list[Outcome]:
    """Print each as it comes: the name of a file, or with several of them why there is none."""
    found: dict[str, Outcome] = {}
    for word in context.words:
        if _identity(word) not in found:
            _, outcome = next(results)
            found[_identity(word)] = outcome
            if isinstance(outcome, Failure) and len(context.words) > 1:
                outcome.message = outcome.message if word in outcome.message else f"{word}: {outcome.message}"
                context.terminal.tell(outcome, as_json=context.voice.json)
        outcome = found[_identity(word)]
        if not isinstance(outcome, Failure):
            shown = render.as_json(outcome, pretty=False) if context.voice.json else f"{outcome['name']}\n"
            context.terminal.write(shown)
    return [found[_identity(word)] for word in context.words]


def _conclude(found: Sequence[Outcome]) -> None:
    """One that failed alone fails as itself; several that failed alike, as one of them would."""
    failures = [outcome for outcome in found if isinstance(outcome, Failure)]
    if not failures:
        return
    if len(found) == 1:
        raise failures[0]
    kinds = {type(failure) for failure in failures}
    if len(failures) == len(found) and len(kinds) == 1:
        raise kinds.pop()(f"none of the {len(found)} files was uploaded")
    raise Partial(f"{len(failures)} of {len(found)} files were not uploaded")


COMMANDS = (Command("upload", upload, (Uploaded, Voice, Settings), "FILE...", endless=True),)
