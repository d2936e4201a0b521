"""Typer options from the records that declare the flags.

The one decorator of the program. `generate` and `stream` take the same fifty flags, other commands some of them, and
Typer wants a parameter for each in every signature: declarations that would have to agree. So the signature is made
from the records, which also give the profile keys and the places in the body.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gemini_cli.documents import spoken
from gemini_cli.errors import UsageError
from gemini_cli.flag import Field, fields
from gemini_cli.shown import Voice

if TYPE_CHECKING:
    from gemini_cli.commands.command import Work
    from gemini_cli.context import Context


def one_word(context: Context, name: str) -> str:
    """The one argument of a command that takes one."""
    if len(context.words) != 1 or not context.words[0]:
        raise UsageError(f"give one {name}")
    return spoken(context.words[0], name)


def takes(
    *records: type, argument: str | None = None, endless: bool = False
) -> Callable[[Work], Callable[..., int | None]]:
    """Make a command of `work`: its flags are those of `records`, its words an argument named `argument`."""

    speaks = any(issubclass(record, Voice) for record in records)

    def command(work: Work) -> Callable[..., int | None]:
        def callback(ctx: typer.Context, **said: Any) -> int | None:
            said.pop("api_key")
            words = said.pop("words", None) or []
            context: Context = ctx.obj
            context.hear(
                {name: value for name, value in said.items() if value not in (None, [])}, words, endless=endless
            )
            if speaks:
                context.adopt_manner()
            return work(context)

        options = [_option(field) for record in records for field in fields(record)]
        parameters = [_context(), *_words(argument), *options, _api_key()]
        callback.__doc__ = work.__doc__
        callback.__name__ = work.__name__
        callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect's own protocol
        callback.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return callback

    return command


def _context() -> inspect.Parameter:
    return inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)


def _words(argument: str | None) -> Iterator[inspect.Parameter]:
    if argument is not None:
        yield _parameter("words", list[str], typer.Argument(metavar=argument, show_default=False))


def _option(field: Field) -> inspect.Parameter:
    flag = field.flag
    names = [name for name in (flag.short, field.long) if name]
    metavar = flag.metavar if field.takes_value else None
    option = typer.Option(*names, help=field.help, metavar=metavar, show_default=False, count=flag.counted)
    return _parameter(field.name, list[str] if field.kind is list else field.kind, option)


def _parameter(name: str, kind: Any, info: Any) -> inspect.Parameter:
    annotation = Annotated[kind | None, info]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _api_key() -> inspect.Parameter:
    """A key in argv is in the process list and the shell's history: refused, and not repeated in the message."""

    def refuse(value: str | None) -> None:
        if value is not None:
            raise UsageError("a key does not belong on the command line; set GEMINI_API_KEY or use --api-key-file")

    return _parameter("api_key", str, typer.Option("--api-key", hidden=True, callback=refuse))
