"""The model's calls, answered by commands of this machine: function_call steps in, function_result steps out.

Nothing runs that was not named: a function runs if its declaration says `run`, or `--exec` does. What cannot be run as
it is asked for becomes an error that the model sees and may do better after; who asks for the same again and again is
stopped (`Tolerance`).
"""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gemini_cli import json_text
from gemini_cli.conversations.conversation import CONTENT
from gemini_cli.errors import ActionRequired, InputError
from gemini_cli.interaction import Step
from gemini_cli.tools import running
from gemini_cli.tools.functions import Function
from gemini_cli.tools.running import OUTPUT_LIMIT, Command, Finished

SAME = 3  # times in a row that a call may not be made
TAIL = 4096  # characters of what a failed command said, for the model
NOTHING = "(no output)"  # an empty result may be refused (api/README.md 9.5)


class Runnable(NamedTuple):
    """A function that may run here; `content_type` is what its command prints, if that is not JSON or text."""

    command: Command
    parameters: Mapping[str, Any]
    content_type: str | None


def runnable(
    functions: Sequence[Function], named: Mapping[str, list[str]], environ: Mapping[str, str], timeout: float | None
) -> dict[str, Runnable]:
    """The functions that say how to run them, or that are `named` with a command, by name.

    `timeout` is for those that have none of their own. InputError if there is no such program: a relative one is
    beside the file that declares it, or for a named one in the working directory.
    """
    found: dict[str, Runnable] = {}
    for function in functions:
        argv = named.get(function.name) or function.local.get("run")
        if argv is None:
            continue
        directory = os.curdir if function.name in named else os.path.dirname(function.document.name)
        file = running.executable(argv[0], directory, environ)
        if file is None:
            problem = f"{function.name} cannot run: no program {argv[0]!r} that may be executed"
            raise InputError(problem) if function.name in named else function.fault("run", problem)
        seen = running.environment(environ, function.local.get("env", ()))
        command = Command(argv, file, seen, function.local.get("timeout", timeout))
        found[function.name] = Runnable(command, function.parameters, function.local.get("content_type"))
    return found


class Made(NamedTuple):
    """A call that was answered: what went wrong, if it did; what the command said on stderr; the result's step."""

    call: Step
    problem: str | None
    errors: str
    result: Step


def make(calls: Sequence[Step], functions: Mapping[str, Runnable], allowed: Callable[[Step], bool]) -> list[Made]:
    """Run the calls of one answer in parallel, and return their results in the same order (api/README.md 9.7).

    `allowed` is asked about each call that would run. If it says no, ActionRequired is raised before any runs.
    """
    made: dict[int, Made] = {}
    jobs: dict[int, tuple[Command, bytes]] = {}
    for place, call in enumerate(calls):
        if problem := _objection(call, functions):
            made[place] = Made(call, problem, "", result(call, problem, is_error=True))
        elif allowed(call):
            jobs[place] = functions[name(call)].command, json_text.dump(_arguments(call)).encode()
        else:
            raise ActionRequired(f"the call of {name(call)} was refused")
    for place, finished in zip(jobs, running.run(list(jobs.values())), strict=True):
        made[place] = _made(calls[place], finished, functions[name(calls[place])].content_type)
    return [made[place] for place in range(len(calls))]


def result(call: Step, value: Any, *, is_error: bool = False) -> Step:
    """A function_result step for a call, of which `id` and `name` count (api/README.md 9.4)."""
    named = {"name": call["name"]} if "name" in call else {}
    return {
        "type": "function_result",
        **named,
        "call_id": call.get("id"),
        "result": value,
        **({"is_error": True} if is_error else {}),
    }


def value(text: str) -> Any:
    """What a command or a file says, as the API takes it: an object, a list of content blocks, or text."""
    try:
        parsed = json_text.parse(text)
    except ValueError:
        parsed = None
    return parsed if _is_result(parsed) else text.rstrip("\n") or NOTHING


def _is_result(parsed: Any) -> bool:
    """Whether the API takes this as a result: an object, or a list of content parts (api/README.md 9.4)."""
    if isinstance(parsed, list):
        return parsed != [] and all(isinstance(block, dict) and block.get("type") in CONTENT for block in parsed)
    return isinstance(parsed, dict)


def said(call: Step) -> str:
    """A call as a person reads it. What it holds is the model's, and is shown in visible form wherever it is shown."""
    return f"{name(call)}({json_text.dump(_arguments(call))})"


def name(call: Step) -> str:
    return str(call.get("name"))


def _arguments(call: Step) -> Any:
    """A step without `arguments` is a call without any (api/README.md 7.7)."""
    return call.get("arguments", {})


def _objection(call: Step, functions: Mapping[str, Runnable]) -> str | None:
    function = functions.get(name(call))
    if function is None:
        return f"no function {name(call)} is declared; there are: {', '.join(functions) or 'none'}"
    if not isinstance(_arguments(call), dict):
        return "the arguments are not a JSON object"
    if not function.parameters:
        return None
    from gemini_cli import schema

    why = schema.mismatch(_arguments(call), function.parameters)
    return f"the arguments do not fit the declaration: {why}" if why else None


def _made(call: Step, finished: Finished, content_type: str | None) -> Made:
    output, errors = (data.decode("utf-8", "replace") for data in (finished.output, finished.errors))
    is_text = content_type is None or content_type.startswith("text/")
    problem = finished.failure
    if finished.cut and not is_text:
        problem = problem or f"it printed more than {OUTPUT_LIMIT} bytes, and a part is no {content_type}"
    if problem:
        told: Any = "\n".join(filter(None, (f"the command failed: {problem}", (errors + output).strip()[-TAIL:])))
    elif not is_text:
        told = [_block(finished.output, str(content_type))]
    elif finished.cut:
        told = f"{output}\n[cut: these are the first {OUTPUT_LIMIT} bytes]"
    else:
        told = value(output) if content_type is None else output or NOTHING
    return Made(call, problem, errors, result(call, told, is_error=problem is not None))


def _block(data: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition("/")[0]
    encoded = base64.b64encode(data).decode("ascii")
    return {"type": kind if kind in CONTENT else "document", "mime_type": content_type, "data": encoded}


class Tolerance:
    """How long the model may go on calling: so many rounds, and never the same call three times in a row."""

    def __init__(self, rounds: int) -> None:
        self._rounds = self._left = rounds
        self._row = Counter[str]()  # how often in a row each call of the latest round was made

    def take(self, calls: Sequence[Step]) -> None:
        """One more round; ActionRequired, naming the functions, if it is one too many."""
        if not self._left:
            names = ", ".join(map(name, calls))
            raise ActionRequired(f"the model still calls {names} after {self._rounds} rounds of calls (--max-rounds)")
        self._left -= 1
        self._row = Counter({call: count + self._row[call] for call, count in Counter(map(said, calls)).items()})
        if repeated := [call for call, count in self._row.items() if count >= SAME]:
            raise ActionRequired(f"the model makes the same call again and again: {repeated[0]}")
