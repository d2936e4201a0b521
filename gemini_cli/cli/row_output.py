"""The output of `map` and `batch results`: rows of JSON, or a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from gemini_cli.cli.context import Context
from gemini_cli.config.option_groups import FILE_NAME, ONCE, PROFILE_KEY
from gemini_cli.console.output_file import OutputTarget
from gemini_cli.errors import UsageError

if TYPE_CHECKING:
    from gemini_cli.bulk.output_rows import OutputRow, SchemaValidator
    from gemini_cli.bulk.output_table import RowWriter
    from gemini_cli.formats.documents import Document

DELIMITERS = {"csv": ",", "tsv": "\t"}


@dataclass(eq=False, repr=False)
class RowOutputOptions:
    """Output."""

    output: Annotated[
        str | None,
        Option("-o", "--output", metavar="FILE", help="write the rows to FILE when all are done"),
        FILE_NAME,
        ONCE,
    ] = None
    to: Annotated[
        Literal["jsonl", "csv", "tsv"],
        Option(
            "--to",
            help="the format of the output: JSON lines, or a table with the columns of the input, then text or the "
            "properties of --schema, ok and error",
        ),
    ] = "jsonl"
    csv_safe: Annotated[
        bool,
        Option(
            "--csv-safe",
            help="put ' before a cell that begins with = + - @, a tab or CR, which a spreadsheet would take as a "
            "formula; numbers stay as they are",
        ),
    ] = False
    no_interaction: Annotated[
        bool, Option("--no-interaction", help="leave the answer as the API sent it out of the rows")
    ] = False
    extract: Annotated[
        bool,
        Option("-x", "--extract", help="the text of a row is what stands inside the first fenced code block"),
        PROFILE_KEY,
    ] = False


def check_row_output(context: Context, options: RowOutputOptions, schema: str | None) -> None:
    """UsageError for options that have no effect.

    --extract of a profile is ignored beside a schema.
    """
    if options.csv_safe and options.to == "jsonl":
        raise UsageError("--csv-safe has no effect without --to csv or --to tsv")
    if options.no_interaction and options.to != "jsonl":
        raise UsageError(f"--no-interaction has no effect with --to {options.to}, which leaves it out")
    if options.extract and schema is not None:
        if context.is_given("extract"):
            raise UsageError("--extract and --schema exclude each other")
        options.extract = False


class RowOutput:
    """Writes the output rows to a target, the header of a table before the first."""

    def __init__(self, target: OutputTarget, writer: RowWriter) -> None:
        self._target = target
        self._writer = writer
        self._header = writer.header()

    def write(self, row: OutputRow, fields: Mapping[str, Any] | None = None) -> None:
        """Write an output row; `fields` are those of its input row, if that is known."""
        self._target.write_row(self._header + self._writer.line(row, fields))
        self._header = ""

    def finish(self) -> None:
        """Write the header of a table without rows."""
        self._target.write_row(self._header)


@contextmanager
def open_row_output(
    context: Context, options: RowOutputOptions, columns: Sequence[str], schema: Document | None
) -> Iterator[RowOutput]:
    """Open the output in the format of `--to`; `columns` are those of the input."""
    from gemini_cli.bulk import output_table

    writer: RowWriter
    if options.to == "jsonl":
        writer = output_table.JsonWriter(interaction=not options.no_interaction)
    else:
        writer = output_table.TableWriter(
            columns,
            output_table.schema_properties(schema.value if schema else None),
            delimiter=DELIMITERS[options.to],
            safe=options.csv_safe,
            notice=context.terminal.print_notice,
        )
    with context.open_output(options.output) as target:
        rows = RowOutput(target, writer)
        yield rows
        rows.finish()


def schema_validator(schema: Document | None) -> SchemaValidator | None:
    """A function that checks one of many answers; None without a schema."""
    if schema is None:
        return None
    from gemini_cli.formats import json_schema

    return json_schema.thread_validator(schema)
