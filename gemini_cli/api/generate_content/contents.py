"""Convert `input` in any shape (api/README.md 2.3) to `contents` (11.2, 11.4).

1. Inputs and function results have the role user, all other steps the role model. Neighbours of one role are one
   content, so that parallel calls stand together, and so do their results.
2. The signature of a thought stands on the part after it, or on an empty text if there is none: that is where the
   response mapping found it. A call has its own.
3. A part for which Interactions has no step is sent back unchanged.
4. Interactions' steps of Google's own tools are left out: the model's text has their outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gemini_cli.api.conversation import input_to_steps
from gemini_cli.api.fields import without_nulls
from gemini_cli.errors import UsageError
from gemini_cli.formats import strict_json

ContentsPart = dict[str, Any]
Content = dict[str, Any]

GENERATED_ID_PREFIX = (
    "no-id-"  # prefix of ids for calls without one; the server does not know them, so they are not sent
)


def to_contents(turn_input: Any) -> list[Content]:
    """Convert an input; UsageError if it is not valid, or has no counterpart."""
    turns: list[Content] = []
    signature = ""  # of a thought, until its part comes
    names: dict[str, str] = {}
    for step in _maps(input_to_steps(turn_input) if isinstance(turn_input, str | dict | list) else turn_input):
        kind = step.get("type")
        role = "user" if kind in ("user_input", "function_result") else "model"
        if role == "user" or (kind == "thought" and step.get("signature")):
            _join(turns, "model", _bare(signature))
            signature = ""
        if kind == "function_call":
            names[str(step.get("id"))] = str(step.get("name"))
        parts = list(_parts(step, names))
        if kind == "thought":
            signature = step.get("signature") or signature
        elif signature and parts:
            parts[0] = {"thoughtSignature": signature, **parts[0]}
            signature = ""
        _join(turns, role, parts)
    _join(turns, "model", _bare(signature))
    return turns


def _maps(value: Any) -> list[dict[str, Any]]:
    """Return a list of steps or parts; a string becomes a text part."""
    found = [{"type": "text", "text": value}] if isinstance(value, str) else value or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"input: neither content blocks nor steps: {strict_json.dumps(value)[:40]}")
    return found


def _join(turns: list[Content], role: str, parts: list[ContentsPart]) -> None:
    if parts and turns and turns[-1]["role"] == role:
        turns[-1]["parts"] += parts
    elif parts:
        turns.append({"role": role, "parts": parts})


def _bare(signature: str) -> list[ContentsPart]:
    return [{"text": "", "thoughtSignature": signature}] if signature else []


def _parts(step: dict[str, Any], names: dict[str, str]) -> Iterator[ContentsPart]:
    """Convert one step; `names` has the functions' names by id of the calls so far."""
    kind = step.get("type")
    signed = {"thoughtSignature": step["signature"]} if step.get("signature") else {}
    match kind:
        case "user_input" | "model_output":
            for block in _maps(step.get("content")):
                yield from [_result(block, names)] if block.get("type") == "function_result" else [_block(block)]
        case "thought":
            yield from ({**_block(each), "thought": True} for each in _maps(step.get("summary")))
        case "function_call":
            call = {"name": step.get("name"), "args": step.get("arguments") or {}}
            yield {"functionCall": {**_id(step.get("id")), **call}, **signed}
        case "function_result":
            yield _result(step, names)
        case "code_execution_call":
            arguments = step.get("arguments")
            fields = {
                "language": "python",
                "code": "",
                **without_nulls(arguments if isinstance(arguments, dict) else {}),
            }
            code = {"language": str(fields["language"]).upper(), "code": fields["code"]}
            yield {"executableCode": {**_id(step.get("id")), **code}, **signed}
        case "code_execution_result":
            outcome = "OUTCOME_FAILED" if step.get("is_error") else "OUTCOME_OK"
            output = {"outcome": outcome, "output": _text(_maps(step.get("result")))}
            yield {"codeExecutionResult": {**_id(step.get("call_id")), **output}, **signed}
        case _ if "part" in step:
            yield step["part"]
        case _ if not re.search(r"_(call|result)$", str(kind)):
            raise UsageError(f"input: {kind!r} has no counterpart in generate-content")


def _block(part: dict[str, Any]) -> ContentsPart:
    block = without_nulls(part)
    kind = block.get("type", "text")
    if "processing" in block:
        raise UsageError(f"processing of {kind} has no counterpart in generate-content")
    more = {}
    if "resolution" in block:
        more["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{str(block['resolution']).upper()}"}
    if kind == "text":
        return {"text": block.get("text", "")}
    mime_type = {"mimeType": block["mime_type"]} if "mime_type" in block else {}
    if "uri" in block:
        return {"fileData": {"fileUri": block["uri"], **mime_type}, **more}
    if "data" in block:
        return {"inlineData": {**mime_type, "data": block["data"]}, **more}
    raise UsageError(f"input: {kind!r} has no counterpart in generate-content")


def _result(step: dict[str, Any], names: dict[str, str]) -> ContentsPart:
    """Convert a function result.

    The name, optional in Interactions (api/README.md 9.4), is taken from the call.
    """
    call_id, result = str(step.get("call_id") or ""), step.get("result")
    blocks = result if isinstance(result, list) and all(_is_block(each) for each in result) else None
    media = [_block(each) for each in blocks or [] if each["type"] != "text"]
    value = _text(blocks) if blocks is not None else result
    if step.get("is_error"):
        value = {"error": value}
    elif not isinstance(value, dict):
        value = {"output": value}
    response = {"name": step.get("name") or names.get(call_id, call_id), "response": value}
    return {"functionResponse": {**_id(call_id), **response, **({"parts": media} if media else {})}}


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def _text(blocks: list[dict[str, Any]]) -> str:
    return "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")


def _id(call_id: Any) -> dict[str, str]:
    known = isinstance(call_id, str) and call_id and not call_id.startswith(GENERATED_ID_PREFIX)
    return {"id": call_id} if known else {}
