"""A row of the command tree. Each command's module ends with its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_cli.cli.context import Context

    CommandFunction = Callable[[Context], int | None]  # the exit status, if it is not 0


class Command(NamedTuple):
    """A verb, or a noun and a verb; its work; the records that declare its flags; what its words are.

    `no_timeout`: no time limit unless one is said. `argument_completes`: what the words name on this machine, for
    completion.
    """

    name: str
    run: CommandFunction
    records: tuple[type, ...]
    argument: str | None = None
    no_timeout: bool = False
    argument_completes: Literal["file", "command"] | None = None

    @property
    def verb(self) -> str:
        return self.name.split()[-1]
