"""The decorator that registers a fault, and the record it makes."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from ..http.exchange import HttpResponse
from .fault_context import SLOT_ORDER

Effect = Callable[..., HttpResponse]
E = TypeVar("E", bound=Effect)


class FaultType(NamedTuple):
    """A registered fault.

    `on` is its default request filter; two faults of one `slot` exclude each other. `choices` has the words that an
    argument may be.
    """

    name: str
    slot: str
    on: str
    effect: Effect
    choices: Mapping[str, Collection[str]]

    @property
    def rank(self) -> int:
        return SLOT_ORDER.index(self.slot) + 1 if self.slot in SLOT_ORDER else 0

    @property
    def description(self) -> str:
        return " ".join((self.effect.__doc__ or "").split())

    @property
    def usage(self) -> str:
        """The fault as a user writes it, with its arguments and their defaults."""
        listed = ", ".join(f"{name}={default!r}" for name, default in self.defaults.items())
        return f"{self.name}({listed})" if listed else self.name

    @property
    def defaults(self) -> dict[str, Any]:
        return {each.name: each.default for each in self._parameters}

    @property
    def types(self) -> dict[str, Any]:
        return {each.name: each.annotation for each in self._parameters}

    @property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.effect).parameters.values())[1:]


FAULTS: dict[str, FaultType] = {}


def fault(*, on: str, slot: str = "", **choices: Collection[str]) -> Callable[[E], E]:
    """Register a function as a fault; without `slot` it excludes only itself.

    `choices` are the words that arguments may be, beside their defaults.
    """

    def register(effect: E) -> E:
        FAULTS[effect.__name__] = FaultType(effect.__name__, slot or effect.__name__, on, effect, choices)
        return effect

    return register
