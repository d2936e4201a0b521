"""`map`: one request for each row, concurrently; what is done stays done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

from gemini_cli import render
from gemini_cli.commands.asking import judge
from gemini_cli.commands.command import Command
from gemini_cli.commands.given import FORM, Given, given
from gemini_cli.context import Context
from gemini_cli.deadline import Clock
from gemini_cli.errors import Failure, Partial, UsageError
from gemini_cli.flag import Flag, Record
from gemini_cli.many.rows import failed
from gemini_cli.settings import resolve

if TYPE_CHECKING:
    from gemini_cli.many.checkpoint import Memory
    from gemini_cli.many.mapping import Done
    from gemini_cli.terminal import Progress

MOST_JOBS = 1000
LONGEST_SPACING = 366 * 24 * 3600.0  # seconds
OFTEN = 0.2  # seconds between two counts on the terminal


class Mapped(Record):
    """How the rows are worked through."""

    jobs: Annotated[int, Flag("so many requests at a time", "-j", "N")] = 8
    rate: Annotated[str | None, Flag("so many requests in a time, and no more", metavar="N/min")] = None
    unordered: Annotated[bool, Flag("print rows as they are done, not in the order of the input")] = False
    checkpoint: Annotated[
        str | None, Flag("keep in FILE what was asked and answered; go on from there", metavar="FILE", file=True)
    ] = None
    output: Annotated[str | None, Flag("write the rows to FILE, when all are done", "-o", "FILE", file=True)] = None
    dry_run: Annotated[bool, Flag("print a request for each row and send nothing", "-n")] = False


def map_(context: Context) -> None:
    """Ask once for each row of FILE (or stdin), several at a time, and print one row of JSON for each.

    A row is a line of JSON, a string or an object, or with --csv a record. With -p, its fields fill in the prompt, and
    those of -a the attachments. Without -p, its `input` or `prompt` is asked, and its other fields go into the request.
    Its `key` or `id` names it; else its line does.

    Rows out are {"key", "ok", "text", "usage", "interaction"}; "data" has what fits --schema. A row that failed has
    "error" and "line" instead. Some failed: status 11. A quota of the day, or ten equal failures in a row, end the run
    with their own status, and leave the rest unsent.

    With --checkpoint a later run asks what is missing, or failed for a reason outside of the row, and prints all rows.
    What was sent without an answer is asked again with --retry-unknown only. A row that was changed is asked anew.
    """
    mapped = resolve(Mapped, context.said)
    if not 1 <= mapped.jobs <= MOST_JOBS:
        raise UsageError(f"--jobs {mapped.jobs}: from 1 to {MOST_JOBS}")
    if mapped.output and mapped.checkpoint and os.path.realpath(mapped.output) == os.path.realpath(mapped.checkpoint):
        raise UsageError("--output and --checkpoint name the same file")
    spacing = _spacing(mapped.rate) if mapped.rate else 0.0
    found = given(context, context.family)
    if mapped.dry_run:
        return _preview(context, found)
    from gemini_cli.many import mapping
    from gemini_cli.many.gate import Gate

    context.deadline.start()
    context.attachments.settle({"input": found.form.common})
    terminal = context.terminal
    with (
        context.output() as output,
        _memory(mapped.checkpoint, found, context) as memory,
        terminal.progress("map", found.size, "") as progress,
    ):
        means = mapping.Means(
            form=found.form,
            memory=memory,
            gate=Gate(mapped.jobs, spacing, context.means.sleep, context.means.clock),
            service=context.api_client,
            dialogue=context.dialogue_with,
            judge=judge(context),
            retry_unknown=context.settings.retry_unknown > 0,
            notice=terminal.notice,
        )
        tally = Tally(progress, context.means.clock)
        asked = mapping.outcomes(found.rows, means, jobs=mapped.jobs, ordered=not mapped.unordered)
        with closing(asked) as outcomes:
            for done in outcomes:
                output.write_row(f"{done.output.text}\n")
                tally.add(done)
    if tally.failed:
        raise Partial(f"{tally.failed} of {tally.rows} rows failed")
    return None


class Tally:
    """What has been done so far, and how fast; of the progress, the bytes of the input are the measure."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self.rows = self.failed = 0
        self._progress = progress
        self._clock = clock
        self._asked = self._tokens = self._end = 0
        self._started = self._told = clock()

    def add(self, done: Done) -> None:
        self.rows += 1
        self.failed += not done.output.ok
        self._asked += done.asked
        self._tokens += done.output.tokens
        self._progress.advance(max(done.row.end - self._end, 0))
        self._end = max(done.row.end, self._end)
        now = self._clock()
        if now - self._told >= OFTEN:
            self._told = now
            rate = self._asked / (now - self._started)
            self._progress.note(f"{self.rows} rows, {rate:.1f}/s, {self.failed} failed, {self._tokens} tokens")


def _spacing(rate: str) -> float:
    """`N/min`, or a second or an hour: seconds between two requests."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(s|min|h))?", rate)
    if match is None or not float(match[1]):
        raise UsageError(f"--rate {rate}: write N/min, N/s or N/h")
    spacing = {"s": 1, "min": 60, "h": 3600}[match[2] or "min"] / float(match[1])
    if spacing > LONGEST_SPACING:
        raise UsageError(f"--rate {rate}: that is less than one in a year")
    return spacing


@contextmanager
def _memory(path: str | None, found: Given, context: Context) -> Iterator[Memory]:
    from gemini_cli.many import checkpoint

    if path is None:
        yield checkpoint.Forgetful()
        return
    with checkpoint.opened(path, found.form.digest) as kept:
        if kept.damaged:
            context.terminal.notice(f"{path}: {kept.damaged} damaged lines are skipped")
        yield kept


def _preview(context: Context, found: Given) -> None:
    """`-n`: what would be sent, a line for each row, without a key."""
    done = bad = 0
    for row in found.rows:
        done += 1
        try:
            if row.fault:
                raise row.failure(row.fault)
            filled = found.form.fill(row)
            context.attachments.preview(filled)
            path, body = context.family.request(filled)
        except Failure as failure:
            bad += 1
            context.terminal.write_row(failed(row.key, failure, line=row.line).text + "\n")
            continue
        url, headers = context.endpoint.url(path), context.endpoint.headers(path, "application/json")
        context.terminal.write_row(render.dry_run(url, headers, body, pretty=False, key=row.key))
    if bad:
        raise Partial(f"{bad} of {done} rows are no requests")


COMMANDS = (Command("map", map_, (Mapped, *FORM), "[FILE]", endless=True),)
