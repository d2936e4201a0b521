"""A flag, declared once.

The fields of a few records are the flags: `ConnectionOptions` (how to reach the service), `PromptOptions` and `Asked`
(what is asked of it), those of `output_options.py` (what comes out), and small ones beside the commands that have flags
of their own. Each field is `Annotated[type, Flag(...)]`; its name is the long flag and the profile key, and what it
carries here is everything else. `typer_options.py` makes command-line options of them, `settings.py` resolves them,
`request.py` puts those with a `path` into the body, `reference/` makes man pages and completions of them, under the
first sentence of the record's docstring.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from inspect import get_annotations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union, get_args, get_origin

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """For type checkers only; `typing` has it from Python 3.11 on."""
        return lambda record: record


class OptionSpec(NamedTuple):
    help: str
    short: str | None = None
    metavar: str | None = None
    env: tuple[str, ...] = ()  # the first one that is set wins
    path: str | None = None  # where the value lands in the body of a create
    profile: bool = False  # may stand at the top of a profile
    repeatable: bool = False  # may be repeated: -vv
    is_path: bool = False  # names a file: bytes of the system's, not text
    allow_empty: bool = False  # an empty text means something
    choices: tuple[str, ...] = ()  # the only values
    requires_network: bool = False  # means nothing to the embedded emulator
    suggestions: tuple[str, ...] = ()  # values that a shell completes; others may be said too
    completes: Literal["profile", "session"] | None = None  # names one of those that are kept on this machine


@dataclass_transform(frozen_default=True)
class OptionGroup:
    """What a record of flags is made from: keyword arguments over the defaults of its class, and no change after that.

    To a type checker it is a frozen dataclass. Making those compiles code for each class, which cost every run a tenth
    of its time.
    """

    def __init__(self, **said: Any) -> None:
        self.__dict__.update(said)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change")


class OptionField(NamedTuple):
    """One declared flag: `kind` is bool, int, float, str or list (of str)."""

    name: str
    kind: type
    spec: OptionSpec
    default: Any

    @property
    def long(self) -> str:
        return "--" + self.name.rstrip("_").replace("_", "-")

    @property
    def takes_value(self) -> bool:
        return self.kind is not bool and not self.spec.repeatable

    @property
    def help(self) -> str:
        """The declaration's sentence, the real default, and the variables."""
        extras = []
        if self.takes_value and self.kind is not list and self.default is not None:
            extras.append(f"default: {self.default:g}" if self.kind is float else f"default: {self.default}")
        if self.spec.env:
            extras.append(f"env: {', '.join(self.spec.env)}")
        return self.spec.help + (f" [{'; '.join(extras)}]" if extras else "")


def option_fields(record: type) -> tuple[OptionField, ...]:
    """The flags of a record, in the order they are written down."""
    if record not in _CACHE:
        _CACHE[record] = tuple(_fields(record))
    return _CACHE[record]


_CACHE: dict[type, tuple[OptionField, ...]] = {}


def _fields(record: type) -> Iterator[OptionField]:
    hints: dict[str, Any] = {}
    for each in reversed(record.__mro__):
        hints |= get_annotations(each, eval_str=True)  # in half the time of `typing.get_type_hints`
    for name, hint in hints.items():
        flag = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, OptionSpec)), None)
        if flag is not None:
            yield OptionField(name, _kind(get_args(hint)[0]), flag, getattr(record, name))


def _kind(hint: Any) -> type:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    kind: type = get_origin(hint) or hint
    return kind


LARGEST_NUMBER = 1e8


def is_acceptable(field: OptionField, value: Any) -> bool:
    """One of its choices; a finite number, a limit or a count not negative either, and a time that fits a C long."""
    if field.spec.choices:
        return value in field.spec.choices
    if field.kind not in (int, float):
        return True
    return math.isfinite(value) and (field.spec.path is not None or 0 <= value <= LARGEST_NUMBER)
