"""Typer options from the records that declare the flags.

`generate` and `stream` take the same fifty flags, other commands some of them. Typer wants a parameter for each in
every signature: declarations that would have to agree, and that take ten times as long to be taken apart as options to
be made. So these are made here, from the records, which also give the profile keys and the places in the body.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperArgument, TyperOption

from gemini_cli.config.option_spec import OptionField, option_fields
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.errors import UsageError
from gemini_cli.formats.text_files import decode_argument

if TYPE_CHECKING:
    from gemini_cli.cli.command import Command
    from gemini_cli.cli.context import Context


def single_argument(context: Context, name: str) -> str:
    """The one argument of a command that takes one."""
    if len(context.arguments) != 1 or not context.arguments[0]:
        raise UsageError(f"give one {name}")
    return decode_argument(context.arguments[0], name)


def command_callback(command: Command) -> Callable[..., int | None]:
    """What Typer calls with the values of the `parameters`: the context hears them, and the work begins."""
    speaks = any(issubclass(record, GlobalOptions) for record in command.records)

    def begin(ctx: typer.Context, **said: Any) -> int | None:
        words = list(said.pop("words", None) or ())
        flags = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in said.items()
            if value not in (None, ())
        }
        context: Context = ctx.obj
        context.set_arguments(flags, words, no_timeout=command.no_timeout)
        if speaks:
            context.apply_verbosity()
        return command.run(context)

    begin.__doc__ = command.run.__doc__
    begin.__signature__ = _ONLY_THE_CONTEXT  # type: ignore[attr-defined]  # inspect's own protocol
    return begin


_ONLY_THE_CONTEXT = inspect.Signature(
    [inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)]
)


def typer_parameters(argument: str | None, records: Sequence[type]) -> Iterator[TyperArgument | TyperOption]:
    """Words named `argument`, and an option for each field of the records."""
    if argument is not None:
        yield TyperArgument(param_decls=["words"], nargs=-1, metavar=argument, show_default=False)
    for record in records:
        yield from map(_option, option_fields(record))
    yield TyperOption(param_decls=["--api-key"], hidden=True, callback=_refuse_key, expose_value=False)


def _option(field: OptionField) -> TyperOption:
    spec, names = field.spec, [field.spec.short, field.long]
    is_flag = field.kind is bool
    return TyperOption(
        param_decls=[field.name, *filter(None, names)],
        type=None if is_flag else str if field.kind is list else field.kind,
        is_flag=is_flag,
        multiple=field.kind is list,
        count=spec.repeatable,
        metavar=spec.metavar if field.takes_value else None,
        help=field.help,
    )


def _refuse_key(context: object, parameter: object, value: str | None) -> None:
    """A key in argv is in the process list and the shell's history: refused, and not repeated in the message."""
    if value is not None:
        raise UsageError("a key does not belong on the command line; set GEMINI_API_KEY or use --api-key-file")
