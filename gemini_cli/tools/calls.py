"""Answer function_call steps with function_result steps, by local commands.

A function runs only if its declaration says `run`, or `--exec` does. A call that cannot be run as requested becomes an
error result, which the model sees and may correct. A model that repeats the same call, or makes too many calls, is
stopped (`RoundLimit`). The result of each call is stored: if the server repeats a call, its result is sent again.
"""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gemini_cli.api.conversation import CONTENT_TYPES
from gemini_cli.api.generate_content.contents import GENERATED_ID_PREFIX
from gemini_cli.api.interaction import Step
from gemini_cli.config.executables import find_executable
from gemini_cli.errors import ActionRequired, InputError
from gemini_cli.formats import strict_json
from gemini_cli.tools import process_runner
from gemini_cli.tools.arguments import with_integers
from gemini_cli.tools.declarations import Function
from gemini_cli.tools.process_runner import OUTPUT_LIMIT, ProcessResult, ProcessSpec

MAX_EQUAL_ROUNDS = 3  # rounds in a row with the same call that end the run
RUN_FACTOR = 4  # calls of a run, for each that a round may have
MAX_NAMES = 10  # of functions in a message
TAIL = 4096  # characters of a failed command's output, for the model
NOTHING = "(no output)"  # an empty result may be refused (api/README.md 9.5)


class Runnable(NamedTuple):
    """A function with a command on this machine.

    `content_type` is the type of the command's output, if that is not JSON or text.
    """

    command: ProcessSpec
    parameters: Mapping[str, Any]
    content_type: str | None


def runnable_functions(
    functions: Sequence[Function], named: Mapping[str, list[str]], environ: Mapping[str, str], timeout: float | None
) -> dict[str, Runnable]:
    """The functions with a command, declared or `named` with `--exec`, by name.

    `timeout` is for those that have none of their own. InputError if the program does not exist. A relative one is
    beside the file that declares it, or for a named one in the working directory.
    """
    runnable: dict[str, Runnable] = {}
    for function in functions:
        argv = named.get(function.name) or function.local.get("run")
        if argv is None:
            continue
        directory = os.curdir if function.name in named else os.path.dirname(function.document.name)
        file = find_executable(argv[0], directory, environ)
        if file is None:
            problem = f"{function.name} cannot run: no program {argv[0]!r} that may be executed"
            raise InputError(problem) if function.name in named else function.error_at("run", problem)
        visible = process_runner.process_environment(environ, function.local.get("env", ()))
        command = ProcessSpec(argv, file, visible, function.local.get("timeout", timeout))
        runnable[function.name] = Runnable(command, function.parameters, function.local.get("content_type"))
    return runnable


class ToolResult(NamedTuple):
    """A call that was answered.

    `problem` is the reason if it failed, `errors` the command's stderr, `result` the step for the model.
    """

    call: Step
    problem: str | None
    errors: str
    result: Step


class CallRunner:
    """Answers the calls of each round.

    `allowed` is asked about each call that would run; `report` gets each call that was answered. ActionRequired before
    any call of a round runs, if one is not allowed or the limit is reached.
    """

    def __init__(
        self,
        functions: Mapping[str, Runnable],
        limit: RoundLimit,
        allowed: Callable[[Step], bool],
        report: Callable[[ToolResult], None],
    ) -> None:
        self._functions = functions
        self._limit = limit
        self._allowed = allowed
        self._report = report
        self._stored: dict[str, tuple[str, Step]] = {}  # a call and its result, by the call's id

    def __call__(self, calls: Sequence[Step]) -> list[Step]:
        self._limit.count_round(calls)
        stored = [self._stored_result(call) for call in calls]
        new_calls = [call for call, result in zip(calls, stored, strict=True) if result is None]
        new_results = iter(run_calls(new_calls, self._functions, self._allowed))
        return [result or self._report_and_store(next(new_results)) for result in stored]

    def _stored_result(self, call: Step) -> Step | None:
        described, result = self._stored.get(str(call.get("id")), ("", None))
        return result if described == describe_call(call) else None

    def _report_and_store(self, answered: ToolResult) -> Step:
        self._report(answered)
        call_id = answered.call.get("id")
        if isinstance(call_id, str) and not call_id.startswith(GENERATED_ID_PREFIX):
            self._stored[call_id] = describe_call(answered.call), answered.result
        return answered.result


def run_calls(
    calls: Sequence[Step], functions: Mapping[str, Runnable], allowed: Callable[[Step], bool]
) -> list[ToolResult]:
    """Run calls in parallel; return results in the same order (api/README.md 9.7).

    `allowed` is asked about each call that would run. If it says no, ActionRequired is raised before any runs.
    """
    results: dict[int, ToolResult] = {}
    jobs: dict[int, tuple[ProcessSpec, bytes]] = {}
    for index, call in enumerate(calls):
        if problem := _objection(call, functions):
            results[index] = ToolResult(call, problem, "", function_result(call, problem, is_error=True))
        elif allowed(call):
            function = functions[call_name(call)]
            arguments = with_integers(_arguments(call), function.parameters)
            jobs[index] = function.command, strict_json.dumps(arguments).encode()
        else:
            raise ActionRequired(f"the call of {call_name(call)} was refused")
    for index, finished in zip(jobs, process_runner.run_processes(list(jobs.values())), strict=True):
        function = functions[call_name(calls[index])]
        results[index] = _to_tool_result(calls[index], finished, function.content_type)
    return [results[index] for index in range(len(calls))]


def function_result(call: Step, value: Any, *, is_error: bool = False) -> Step:
    """A function_result step for a call, given by `id` and `name` (api/README.md 9.4)."""
    named = {"name": call["name"]} if "name" in call else {}
    return {
        "type": "function_result",
        **named,
        "call_id": call.get("id"),
        "result": value,
        **({"is_error": True} if is_error else {}),
    }


def result_value(text: str) -> Any:
    """The output of a command or file as the API takes it.

    An object, a list of content parts, or text.
    """
    try:
        parsed = strict_json.loads(text)
    except ValueError:
        parsed = None
    return parsed if _is_result(parsed) else text.rstrip("\n") or NOTHING


def _is_result(parsed: Any) -> bool:
    """Whether the API takes this: an object, or a list of content parts (9.4)."""
    if isinstance(parsed, list):
        return parsed != [] and all(isinstance(block, dict) and block.get("type") in CONTENT_TYPES for block in parsed)
    return isinstance(parsed, dict)


def describe_call(call: Step) -> str:
    """A call as text for people; to be shown in visible form, as it is the model's."""
    return f"{call_name(call)}({strict_json.dumps(_arguments(call))})"


def call_name(call: Step) -> str:
    return str(call.get("name"))


def _arguments(call: Step) -> Any:
    """The arguments of a call; {} if missing or null (api/README.md 1.10, 7.7)."""
    arguments = call.get("arguments")
    return {} if arguments is None else arguments


def _objection(call: Step, functions: Mapping[str, Runnable]) -> str | None:
    function = functions.get(call_name(call))
    if function is None:
        return f"no function {call_name(call)} is declared; there are: {', '.join(functions) or 'none'}"
    if not isinstance(_arguments(call), dict):
        return "the arguments are not a JSON object"
    if not function.parameters:
        return None
    from gemini_cli.formats import json_schema

    why = json_schema.schema_mismatch(_arguments(call), function.parameters)
    return f"the arguments do not fit the declaration: {why}" if why else None


def _to_tool_result(call: Step, finished: ProcessResult, content_type: str | None) -> ToolResult:
    output, errors = (data.decode("utf-8", "replace") for data in (finished.output, finished.errors))
    is_text = content_type is None or content_type.startswith("text/")
    problem = finished.failure
    if finished.cut and not is_text:
        problem = problem or f"it printed more than {OUTPUT_LIMIT} bytes, and a part is no {content_type}"
    if problem:
        result: Any = "\n".join(filter(None, (f"the command failed: {problem}", (errors + output).strip()[-TAIL:])))
    elif not is_text:
        result = [_block(finished.output, str(content_type))]
    elif finished.cut:
        result = f"{output}\n[cut: these are the first {OUTPUT_LIMIT} bytes]"
    else:
        result = result_value(output) if content_type is None else output or NOTHING
    return ToolResult(call, problem, errors, function_result(call, result, is_error=problem is not None))


def _block(data: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition("/")[0]
    encoded = base64.b64encode(data).decode("ascii")
    return {"type": kind if kind in CONTENT_TYPES else "document", "mime_type": content_type, "data": encoded}


class RoundLimit:
    """Limits of the model's calls.

    Rounds, calls of a round and of the run, and the same call three times in a row.
    """

    def __init__(self, rounds: int, calls: int) -> None:
        self._rounds = self._left = rounds
        self._calls = calls
        self._total = 0
        self._row = Counter[str]()  # how often in a row each call of the latest round was made

    def count_round(self, calls: Sequence[Step]) -> None:
        """Count one more round.

        ActionRequired, naming the functions, if it is over a limit.
        """
        if not self._left:
            raise ActionRequired(
                f"the model still calls {_names(calls)} after {self._rounds} rounds of calls (--max-rounds)"
            )
        self._left -= 1
        self._total += len(calls)
        for count, limit, span in ((len(calls), self._calls, "round"), (self._total, RUN_FACTOR * self._calls, "run")):
            if count > limit:
                raise ActionRequired(
                    f"the model makes {count} calls of {_names(calls)} in a {span}, the limit is {limit} (--max-calls)"
                )
        self._row = Counter(
            {call: count + self._row[call] for call, count in Counter(map(describe_call, calls)).items()}
        )
        if repeated := [call for call, count in self._row.items() if count >= MAX_EQUAL_ROUNDS]:
            raise ActionRequired(f"the model makes the same call again and again: {repeated[0]}")


def _names(calls: Sequence[Step]) -> str:
    """The functions that are called, each once, and not more than a few."""
    names = list(dict.fromkeys(map(call_name, calls)))
    return ", ".join([*names[:MAX_NAMES], *(["…"] if len(names) > MAX_NAMES else [])])
