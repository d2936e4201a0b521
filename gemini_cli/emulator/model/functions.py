"""Which declared functions the pretend model calls, and with what (reference.md 9.2).

Rule 1. `tool_choice` "none": no call. "any", or allowed_tools with mode "any": a call, whatever the prompt says.
Rule 2. Otherwise a function is called when the prompt names it: its whole name, or else the last word of its name
        ("What's the temperature?" names get_current_temperature).
Rule 3. Arguments are the JSON object that follows the name in the prompt, else a sample of the parameters, whose free
        texts are the last name in the prompt ("What's the temperature in London?").
Rule 4. Once a function result has come, no function is called in that turn.
"""

import json
import re
import zlib
from typing import Any, NamedTuple

from .conversation import Step
from .sample import WORD, sample

Function = dict[str, Any]


class Choice(NamedTuple):
    """`tool_choice`, taken apart; `names` None means every declared function."""

    mode: str = "auto"
    names: tuple[str, ...] | None = None


def choice_of(value: Any) -> Choice:
    if isinstance(value, dict):
        allowed = value.get("allowed_tools") or {}
        names = allowed.get("tools")
        return Choice(str(allowed.get("mode") or "auto"), None if names is None else tuple(names))
    return Choice(str(value or "auto"))


def calls(functions: list[Function], choice: Choice, prompt: str, turn: int) -> list[Step]:
    if choice.mode == "none":
        return []
    allowed = [each for each in functions if choice.names is None or each["name"] in choice.names]
    named = _named(allowed, prompt)
    if not named and choice.mode == "any":
        named = allowed[:1]
    return [_call(each, prompt, f"{turn} {index}") for index, each in enumerate(named)]


def _named(functions: list[Function], prompt: str) -> list[Function]:
    """In the order in which the prompt names them; whole names win over last words."""
    for spelling in (_whole, _last_word):
        found = [(match.start(), each) for each in functions if (match := spelling(each["name"], prompt))]
        if found:
            return [each for _, each in sorted(found, key=lambda pair: pair[0])]
    return []


def _whole(name: str, prompt: str) -> re.Match[str] | None:
    return re.search(rf"(?<![\w.:-]){re.escape(name)}(?!\w)", prompt)


def _last_word(name: str, prompt: str) -> re.Match[str] | None:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    if not words or len(words[-1]) < 4:
        return None
    return re.search(rf"\b{re.escape(words[-1])}\b", prompt, re.IGNORECASE)


def _call(function: Function, prompt: str, salt: str) -> Step:
    name = str(function["name"])
    arguments = _dictated(name, prompt)
    if arguments is None:
        arguments = _sampled(function, prompt)
    return function_call(name, arguments, salt)


def _sampled(function: Function, prompt: str) -> dict[str, Any]:
    found = sample(function.get("parameters") or {"type": "object"})
    if not isinstance(found, dict):
        return {}
    subject = (re.findall(r"(?<=\w )[A-Z]\w+", prompt) or [WORD])[-1]
    return {key: subject if value == WORD else value for key, value in found.items()}


def function_call(name: str, arguments: dict[str, Any], salt: str) -> Step:
    """Ids look like the real ones: eight lower-case letters and digits (traffic.md 28)."""
    id = f"{zlib.crc32(f'{salt} {name}'.encode()):08x}"
    return {"id": id, "type": "function_call", "name": name, "arguments": arguments}


def _dictated(name: str, prompt: str) -> dict[str, Any] | None:
    match = re.search(rf"{re.escape(name)}\W{{0,3}}?\s*(?=\{{)", prompt)
    if match is None:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(prompt, match.end())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
