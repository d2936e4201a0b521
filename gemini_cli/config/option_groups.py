"""Options, declared once: records whose fields are Typer options.

    @dataclass(frozen=True)
    class RequestOptions:
        "Request."

        model: Annotated[str | None, Option("-m", "--model", metavar="NAME", help="…"), BodyField("model")] = None

`option_groups` puts the fields of such a record in the place of a command's parameter that has its type. The first
sentence of the record's docstring is the heading of its options in `--help` and the man page. Beside the declaration
for Typer, a field has the markers below for profiles, the request body and the shell completions.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import os
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo

from gemini_cli.errors import UsageError
from gemini_cli.formats.text_files import decode_argument

DEFAULT_ORIGIN = "default"
LARGEST = 100_000_000  # for counts and times; as seconds it fits a C long

Marked = TypeVar("Marked")

_FIELDS: dict[type, tuple[OptionField, ...]] = {}  # of each record that `option_fields` has read


class BodyField(NamedTuple):
    """The value is the field of the request body at this path."""

    path: str


class Suggestions(NamedTuple):
    """Values that a shell completes; others are accepted."""

    values: tuple[str, ...]


class Saved(NamedTuple):
    """The value is the name of a saved profile or session."""

    kind: Literal["profile", "session"]


class Marker(NamedTuple):
    name: str


PROFILE_KEY = Marker("PROFILE_KEY")  # a profile may set it, under the name of the field
FILE_NAME = Marker("FILE_NAME")  # bytes of the file system, not text; also of a command's arguments
PROGRAM_NAME = Marker("PROGRAM_NAME")  # of arguments: a program of this machine and its own arguments
ALLOW_EMPTY = Marker("ALLOW_EMPTY")  # an empty text is a value
ONCE = Marker("ONCE")  # an error if given twice; without it the last value counts
NEEDS_NETWORK = Marker("NEEDS_NETWORK")  # has no effect on the built-in emulator


class OptionField(NamedTuple):
    """One declared option.

    `annotation` is its type for Typer; `kind` is bool, int, float, str or list (of str).
    """

    name: str
    annotation: Any
    kind: type
    option: OptionInfo
    markers: tuple[Any, ...]
    default: Any

    @property
    def spellings(self) -> tuple[str, ...]:
        """The names, such as `-m` and `--model`.

        Inside Annotated, Typer keeps the first one as the default.
        """
        first = (self.option.default,) if isinstance(self.option.default, str) else ()
        return (*first, *(self.option.param_decls or ()))

    @property
    def long(self) -> str:
        return next(word for word in self.spellings if word.startswith("--"))

    @property
    def short(self) -> str | None:
        return next((word for word in self.spellings if not word.startswith("--")), None)

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables, of which the first one that is set counts."""
        names = self.option.envvar
        return (names,) if isinstance(names, str) else tuple(names or ())

    @property
    def takes_value(self) -> bool:
        return self.kind is not bool and not self.option.count

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values of a Literal."""
        return tuple(str(value) for value in get_args(self.annotation)) if _is_literal(self.annotation) else ()

    @property
    def is_body_field(self) -> bool:
        """True if the API, not this program, decides which values make sense."""
        return self.marker(BodyField) is not None

    def marker(self, kind: type[Marked]) -> Marked | None:
        return next((marker for marker in self.markers if isinstance(marker, kind)), None)


def option_fields(record: type) -> tuple[OptionField, ...]:
    """The options of a record, in the order of their declaration."""
    if record not in _FIELDS:
        _FIELDS[record] = tuple(_option_fields(record))
    return _FIELDS[record]


def _option_fields(record: type) -> Iterator[OptionField]:
    hints = get_type_hints(record, include_extras=True)
    for field in dataclasses.fields(record):
        annotation, option, *markers = get_args(hints[field.name])
        option.rich_help_panel = option.rich_help_panel or split_docstring(declaring(record, field.name).__doc__)[0]
        yield OptionField(field.name, annotation, _kind(annotation), option, tuple(markers), field.default)


def declaring(record: type, name: str) -> type:
    """The class that declares a field: the record, or one that it extends."""
    return next(base for base in record.__mro__ if name in inspect.get_annotations(base))


def split_docstring(doc: str | None) -> tuple[str, str]:
    """The first sentence of a docstring, without its full stop, and the rest."""
    first, _, rest = " ".join(line.strip() or "\n" for line in (doc or "").strip().splitlines()).partition(".")
    return " ".join(first.split()), rest.strip()


def _kind(annotation: Any) -> type:
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    if _is_literal(annotation):
        return str
    kind: type = get_origin(annotation) or annotation
    return kind


def _is_literal(annotation: Any) -> bool:
    return get_origin(annotation) is Literal


def option_groups(function: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each record among the parameters by its fields; call with the records."""
    # Not `get_type_hints`: on Python 3.10 it hides the annotation of a parameter whose default is None.
    declared = inspect.signature(function, eval_str=True).parameters
    hints = {name: parameter.annotation for name, parameter in declared.items()}
    parameters: list[inspect.Parameter] = []
    records: dict[str, type] = {}
    for parameter in declared.values():
        hint = parameter.annotation
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            records[parameter.name] = hint
            parameters += map(_parameter, option_fields(hint))
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hint))

    def call(**values: Any) -> Any:
        ctx = values["ctx"]
        made = {name: _record(record, values, ctx) for name, record in records.items()}
        return function(**values, **made)

    call.__name__, call.__doc__, call.__module__ = function.__name__, function.__doc__, function.__module__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # for `inspect`
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.records = tuple(records.values())  # type: ignore[attr-defined]  # for docgen
    call.argument_markers = {  # type: ignore[attr-defined]  # likewise
        marker for hint in hints.values() for marker in getattr(hint, "__metadata__", ()) if isinstance(marker, Marker)
    }
    return call


def _parameter(field: OptionField) -> inspect.Parameter:
    annotation = list[str] | None if ONCE in field.markers else field.annotation
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=Annotated[annotation, field.option],
    )


def _record(record: type, values: dict[str, Any], ctx: typer.Context) -> Any:
    return record(**{field.name: _checked(field, values.pop(field.name), ctx) for field in option_fields(record)})


def _checked(field: OptionField, value: Any, ctx: typer.Context) -> Any:
    """Check a value, and decode it as UTF-8 whatever the locale is."""
    if value is None or value is field.default:
        return value
    name = value_origin(ctx, field) or field.long
    if ONCE in field.markers and value is not None:
        if len(value) > 1:
            raise UsageError(f"{name} is given twice")
        (value,) = value or (None,)
    if value == "" and ALLOW_EMPTY not in field.markers:
        raise UsageError(f"{name} is empty")
    if isinstance(value, int | float) and (not math.isfinite(value) or (value > LARGEST and not field.is_body_field)):
        raise UsageError(f"{name} {value}: {'too large' if math.isfinite(value) else 'not a number'}")
    if FILE_NAME in field.markers:
        return value
    if isinstance(value, str):
        return decode_argument(value, name)
    return [decode_argument(text, name) for text in value] if isinstance(value, list) else value


class ResolvedValue(NamedTuple):
    """A value and its origin.

    The origin is an option, an environment variable, the file of a profile, or DEFAULT_ORIGIN.
    """

    value: Any
    origin: str


def parse_key_value(option: str, text: str, form: str) -> tuple[str, str]:
    """Split a value `KEY=VALUE`.

    UsageError, with the `form` to write, if a key or the `=` is missing.
    """
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise UsageError(f"{option} {text}: write {form}")
    return key, value


def value_source(ctx: typer.Context, name: str) -> str:
    """The name of the source of a value; empty if the command lacks the option.

    COMMANDLINE, ENVIRONMENT, DEFAULT_MAP (a profile) or DEFAULT.
    """
    source = ctx.get_parameter_source(name)
    return source.name if source else ""


def value_origin(ctx: typer.Context, field: OptionField) -> str:
    """The option or environment variable that a value comes from; else empty."""
    source = value_source(ctx, field.name)
    if source == "COMMANDLINE":
        return field.long
    if source == "ENVIRONMENT":
        return next((name for name in field.variables if os.environ.get(name)), "")
    return ""
