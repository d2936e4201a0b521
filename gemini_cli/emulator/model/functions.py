"""The function calls of the emulated model (api/README.md 9.3).

Rule 1. With `tool_choice` "none" the model calls nothing. With "any", or allowed_tools with mode "any", it always does.
Rule 2. Otherwise it calls the functions that the prompt names: by the whole name, or else by the last word of the name
        ("What's the temperature?" names get_current_temperature).
Rule 3. The arguments are the JSON object after the name in the prompt, or else a sample for the parameters, in which
        free strings are the last proper name in the prompt ("What's the temperature in London?").
Rule 4. In a turn with a function result the model calls a function only if rule 1 demands it: the first one that the
        conversation has not called yet, or else the first one.
"""

import json
import re
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from .conversation import Step
from .sample import SAMPLE_WORD, sample_value

FunctionDeclaration = dict[str, Any]
FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")  # api/README.md 9.2


class ToolChoice(NamedTuple):
    """A parsed `tool_choice`; `names` is None if every declared function is allowed."""

    mode: str = "auto"
    names: tuple[str, ...] | None = None


def parse_tool_choice(value: Any) -> ToolChoice:
    if isinstance(value, dict):
        allowed = value.get("allowed_tools") or {}
        names = allowed.get("tools")
        return ToolChoice(str(allowed.get("mode") or "auto"), None if names is None else tuple(names))
    return ToolChoice(str(value or "auto"))


def choose_calls(
    functions: list[FunctionDeclaration], choice: ToolChoice, prompt: str, seed: str, earlier: Iterable[str] = ()
) -> list[Step]:
    if choice.mode == "none":
        return []
    allowed = [each for each in functions if choice.names is None or each["name"] in choice.names]
    named = _named(allowed, prompt)
    if not named and choice.mode == "any":
        # A client that forces calls until a certain function is called must come to an end.
        named = [each for each in allowed if each["name"] not in set(earlier)][:1] or allowed[:1]
    return [_call(each, prompt, f"{seed} {index}") for index, each in enumerate(named)]


def _named(functions: list[FunctionDeclaration], prompt: str) -> list[FunctionDeclaration]:
    """The functions that the prompt names; whole names win over last words."""
    for search in (_whole_name, _last_word):
        matches = [(match.start(), each) for each in functions if (match := search(each["name"], prompt))]
        if matches:
            return [each for _, each in sorted(matches, key=lambda pair: pair[0])]
    return []


def _whole_name(name: str, prompt: str) -> re.Match[str] | None:
    return re.search(rf"(?<![\w.:-]){re.escape(name)}(?!\w)", prompt)


def _last_word(name: str, prompt: str) -> re.Match[str] | None:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    if not words or len(words[-1]) < 4:
        return None
    return re.search(rf"\b{re.escape(words[-1])}\b", prompt, re.IGNORECASE)


def _call(function: FunctionDeclaration, prompt: str, seed: str) -> Step:
    name = str(function["name"])
    arguments = _arguments_in_prompt(name, prompt)
    if arguments is None:
        arguments = _sampled(function, prompt)
    return make_function_call(name, arguments, seed)


def _sampled(function: FunctionDeclaration, prompt: str) -> dict[str, Any]:
    sample = sample_value(function.get("parameters") or {"type": "object"})
    if not isinstance(sample, dict):
        return {}
    subject = (re.findall(r"(?<=\w )[A-Z]\w+", prompt) or [SAMPLE_WORD])[-1]
    return {key: subject if value == SAMPLE_WORD else value for key, value in sample.items()}


def make_function_call(name: str, arguments: dict[str, Any], seed: str) -> Step:
    """A function_call step with an id of eight characters (api/README.md 4.5)."""
    id = f"{zlib.crc32(f'{seed} {name}'.encode('utf-8', 'replace')):08x}"
    return {"id": id, "type": "function_call", "name": name, "arguments": arguments}


def _arguments_in_prompt(name: str, prompt: str) -> dict[str, Any] | None:
    match = re.search(rf"{re.escape(name)}\W{{0,3}}?\s*(?=\{{)", prompt)
    if match is None:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(prompt, match.end())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
