"""All faults, and the parser of their notation, `name(argument, key=value)`.

To add a fault, write a function with the decorator `fault` in one of the three modules imported here.
"""

import ast
import threading
from difflib import get_close_matches
from typing import Any

from ..http.routes import ROUTES
from . import answer_faults, file_faults, stream_faults  # noqa: F401  they register themselves
from .fault_context import REQUEST_FILTERS
from .fault_registry import FAULTS, FaultType

COMMON_ARGUMENTS = ("times", "on")
ROUTE_KINDS = tuple(dict.fromkeys(route.kind for route in ROUTES))


def all_faults() -> dict[str, FaultType]:
    return FAULTS


def parse_fault(text: str) -> tuple[FaultType, dict[str, Any]]:
    """The fault and its arguments by name; ValueError says what is wrong."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"fault {text!r}: expected name(argument, key=value)") from error
    called, positional, named = (tree.func, tree.args, tree.keywords) if isinstance(tree, ast.Call) else (tree, [], [])
    if not isinstance(called, ast.Name):
        raise ValueError(f"fault {text!r}: expected name(argument, key=value)")
    fault_type = FAULTS.get(called.id)
    if fault_type is None:
        near = get_close_matches(called.id, FAULTS, 1, 0)[0]
        raise ValueError(f"unknown fault {called.id!r}, did you mean {near!r}?")
    parameters = list(fault_type.defaults)
    if len(positional) > len(parameters):
        raise ValueError(f"fault {text!r}: too many arguments for {fault_type.usage}")
    arguments = {name: _value(node, text) for name, node in zip(parameters, positional, strict=False)}
    for keyword in named:
        if keyword.arg not in (*parameters, *COMMON_ARGUMENTS):
            raise ValueError(f"fault {text!r}: {fault_type.usage} has no argument {keyword.arg!r}")
        if keyword.arg in arguments:
            raise ValueError(f"fault {text!r}: argument {keyword.arg!r} is given twice")
        arguments[keyword.arg] = _value(keyword.value, text)
    _check(fault_type, arguments, text)
    return fault_type, arguments


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False}.get(node.id, node.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise ValueError(f"fault {text!r}: arguments are numbers and words") from error


def _check(fault_type: FaultType, arguments: dict[str, Any], text: str) -> None:
    """Raise ValueError for an argument of a wrong type or with an unknown value."""
    for name, value in arguments.items():
        if not isinstance(value, (str, int, float)):
            raise ValueError(f"fault {text!r}: arguments are numbers and words")
        kind = fault_type.types.get(name)
        if kind is int and (type(value) is not int or value < 0):
            raise ValueError(f"fault {text!r}: {name} is a whole number from 0 on")
        if kind is float and (isinstance(value, (bool, str)) or not 0 <= value <= threading.TIMEOUT_MAX):
            raise ValueError(f"fault {text!r}: {name} is a number from 0 on")
        if name in fault_type.choices and value not in (fault_type.defaults[name], *fault_type.choices[name]):
            raise ValueError(f"fault {text!r}: {name} is one of {', '.join(fault_type.choices[name])}")
    on = arguments.get("on")
    if on is not None and on not in REQUEST_FILTERS and on not in ROUTE_KINDS:
        raise ValueError(f"fault {text!r}: on is one of {', '.join([*REQUEST_FILTERS, *ROUTE_KINDS])}")
