"""Commands that take several names: all are tried, and the failures become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gemini_cli.cli.context import Context
from gemini_cli.errors import CliError, DeadlineExceeded, PartialFailure


def delete_each(context: Context, names: Sequence[str], delete: Callable[[str], None], noun: str) -> None:
    """Delete each name once, and print the error of each that failed."""
    names = list(dict.fromkeys(names))
    failures: list[CliError] = []
    for name in names:
        try:
            delete(name)
        except DeadlineExceeded:
            raise
        except CliError as failure:
            failures.append(failure)
            if len(names) > 1:
                print_failure(context, name, failure)
    raise_failures(failures, len(names), noun, "deleted")


def print_failure(context: Context, name: str, failure: CliError) -> None:
    """Print the error of one of several names."""
    failure.message = failure.message if name in failure.message else f"{name}: {failure.message}"
    context.terminal.print_error(failure, as_json=context.global_options.json)


def raise_failures(failures: Sequence[CliError], count: int, noun: str, done: str) -> None:
    """Raise the error that all names have in common, else one with status 11."""
    if not failures:
        return
    if count == 1:
        raise failures[0]
    kinds = {type(failure) for failure in failures}
    if len(failures) == count and len(kinds) == 1:
        raise kinds.pop()(f"none of the {count} {noun}s was {done}")
    raise PartialFailure(f"{len(failures)} of {count} {noun}s were not {done}")
