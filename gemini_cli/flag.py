"""A flag, declared once.

The fields of a few records are the flags: `Settings` (how to reach the service), `Prompted` and `Asked` (what is asked
of it), those of `shown.py` (what comes out), and small ones beside the commands that have flags of their own. Each
field is `Annotated[type, Flag(...)]`; its name is the long flag and the profile key, and what it carries here is
everything else. `commands/flags.py` makes command-line options of them, `settings.py` resolves them, `request.py` puts
those with a `path` into the body.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints


class Flag(NamedTuple):
    help: str
    short: str | None = None
    metavar: str | None = None
    env: tuple[str, ...] = ()  # the first one that is set wins
    path: str | None = None  # where the value lands in the body of a create
    profile: bool = False  # may stand at the top of a profile
    counted: bool = False  # may be repeated: -vv
    file: bool = False  # names a file: bytes of the system's, not text
    empty: bool = False  # an empty text means something
    choices: tuple[str, ...] = ()  # the only values
    online: bool = False  # means nothing to the embedded emulator


class Field(NamedTuple):
    """One declared flag: `kind` is bool, int, float, str or list (of str)."""

    name: str
    kind: type
    flag: Flag
    default: Any

    @property
    def long(self) -> str:
        return "--" + self.name.rstrip("_").replace("_", "-")


def fields(record: type) -> tuple[Field, ...]:
    """The flags of a record, in the order they are written down."""
    if record not in _CACHE:
        _CACHE[record] = tuple(_fields(record))
    return _CACHE[record]


_CACHE: dict[type, tuple[Field, ...]] = {}


def _fields(record: type) -> Iterator[Field]:
    for name, hint in get_type_hints(record, include_extras=True).items():
        flag = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Flag)), None)
        if flag is not None:
            yield Field(name, _kind(get_args(hint)[0]), flag, getattr(record, name))


def _kind(hint: Any) -> type:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(option for option in get_args(hint) if option is not type(None))
    kind: type = get_origin(hint) or hint
    return kind
