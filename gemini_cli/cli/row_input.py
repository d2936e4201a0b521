"""What `map` and `batch submit` have in common: rows from a file or stdin, and the form that they fill in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from gemini_cli.api.adapter import Family
from gemini_cli.bulk import rows
from gemini_cli.bulk.request_template import Form
from gemini_cli.bulk.rows import Row
from gemini_cli.cli.context import Context
from gemini_cli.config.option_spec import Flag, Record
from gemini_cli.config.output_options import Voice
from gemini_cli.config.request_options import Asked, Prompted
from gemini_cli.config.settings import Settings, resolve
from gemini_cli.errors import UsageError


class Filled(Record):
    """How a row becomes a request."""

    prompt: Annotated[
        str | None,
        Flag("the prompt: {name} is a field of the row, {_} the whole row as JSON, {{ }} braces", "-p", "TEXT"),
    ] = None
    csv: Annotated[bool, Flag("the rows are CSV, with a header")] = False


FORM = (Filled, Prompted, Asked, Voice, Settings)  # the flags of what fills a form in


class Given(NamedTuple):
    """`size` of the rows in bytes, None if it is not known."""

    rows: Iterator[Row]
    form: Form
    size: int | None


def given(context: Context, family: Family) -> Given:
    """The rows that the command line names, and the form; what is wrong with either is said before a row is read."""
    filled, prompted = resolve(Filled, context.said), resolve(Prompted, context.said)
    if len(context.words) > 1:
        raise UsageError("give one FILE of rows")
    path = context.words[0] if context.words else "-"
    context.words = []  # the prompt is elsewhere
    gathering = context.gathering
    if filled.prompt is not None and prompted.prompt_file is not None:
        raise UsageError("give the prompt with -p or with -f, not both")
    if path == "-":
        _check_stdin(context, prompted)
    source = context.terminal.pieces() if path == "-" else rows.pieces(path)
    body = context.create(stream=False)
    family.request({"input": "", **body})  # what cannot be asked of any row
    form = Form(
        body,
        way=[context.settings.offline, context.asked.api, context.asked.long],
        prompt=filled.prompt if prompted.prompt_file is None else gathering.text(prompted.prompt_file),
        prefix=gathering.prompt,
        attach=prompted.attach or (),
        attached=gathering.attached,
    )
    return Given(rows.read(source, csv=filled.csv), form, None if path == "-" else os.path.getsize(path) or None)


def _check_stdin(context: Context, prompted: Prompted) -> None:
    if context.gathering.claims_stdin:
        raise UsageError("stdin is claimed twice: the rows come from it, too")
    if prompted.no_stdin:
        raise UsageError("no rows: name a FILE; --no-stdin forbids to read them from stdin")
    if context.terminal.stdin_is_terminal:
        raise UsageError("no rows: name a FILE, or pipe them in")
