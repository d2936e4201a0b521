"""Translate requests of the older API (api/README.md 11.2-11.5)."""

import json
from typing import Any

from ..errors import ErrorResponse
from ..http.exchange import JsonObject
from ..model.conversation import Step
from ..model.functions import ToolChoice
from ..model.media import is_generated, kind_of_mime_type
from ..model.model import ModelRequest
from ..model.tokens import text_tokens
from .continuation_token import parse_continuation_token
from .generate_checks import check_generate_request, function_declarations
from .generate_schema import REQUEST
from .json_parser import parse_message
from .names import answering_model, bare_model_name, is_known_model

TOOL_NAMES = {
    "googleSearch": "google_search",
    "googleSearchRetrieval": "google_search",
    "codeExecution": "code_execution",
    "urlContext": "url_context",
    "fileSearch": "file_search",
    "googleMaps": "google_maps",
}


def check_generate_model(model: str, version: str, method: str) -> str:
    """The name of the model that answers.

    ErrorResponse 404 for an unknown model (api/README.md 11.24).
    """
    if is_known_model(model, version):
        return answering_model(model)
    raise ErrorResponse(
        404,
        f"models/{bare_model_name(model)} is not found for API version {version}, or is not supported for {method}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
    )


def parse_generate_request(body: JsonObject, model: str) -> ModelRequest:
    """The request in a body, without a script line."""
    body = parse_message(body, REQUEST)
    check_generate_request(body, model)
    config = body.get("generationConfig", {})
    thinking = config.get("thinkingConfig", {})
    modalities = [each.lower() for each in config.get("responseModalities", [])]
    return ModelRequest(
        model=model,
        steps=content_steps(body["contents"]),
        system="\n".join(part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", [])),
        functions=tuple(_functions(body)),
        choice=_choice(body.get("toolConfig", {}).get("functionCallingConfig", {})),
        tools=tuple(TOOL_NAMES[name] for tool in body.get("tools", []) for name in tool if name in TOOL_NAMES),
        thinking=thinking.get("thinkingBudget") != 0 and thinking.get("thinkingLevel") != "MINIMAL",
        summaries=bool(thinking.get("includeThoughts")),
        json=config.get("responseMimeType") == "application/json",
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        media=tuple(filter(is_generated, modalities)),
        max_tokens=config.get("maxOutputTokens"),
        stops=tuple(config.get("stopSequences", ())),
        offset=_offset(body.get("continuationToken")),
        tool_tokens=tool_tokens(body),
        candidates=config.get("candidateCount") or 1,
    )


def tool_tokens(body: JsonObject) -> int:
    return text_tokens(json.dumps(body["tools"])) if body.get("tools") else 0


def content_steps(contents: list[JsonObject]) -> list[Step]:
    steps: list[Step] = []
    for content in contents:
        role = content.get("role", "user")
        parts = content.get("parts", [])
        steps += _model_steps(parts) if role == "model" else _client_steps(parts)
    return steps


def _client_steps(parts: list[JsonObject]) -> list[Step]:
    blocks = [block for part in parts if (block := _block(part))]
    steps: list[Step] = [{"type": "user_input", "content": blocks}] if blocks else []
    for part in parts:
        if "functionResponse" in part:
            response = part["functionResponse"]
            name = response.get("name", "")
            call_id = response.get("id") or name
            steps.append(
                {"type": "function_result", "name": name, "call_id": call_id, "result": response.get("response")}
            )
    return steps


def _model_steps(parts: list[JsonObject]) -> list[Step]:
    steps: list[Step] = []
    for part in parts:
        if part.get("thought"):
            steps.append({"type": "thought", "signature": part.get("thoughtSignature", "")})
        elif "functionCall" in part:
            call = part["functionCall"]
            step = {"id": call.get("id") or call.get("name", ""), "name": call.get("name", "")}
            steps.append({"type": "function_call", **step, "arguments": call.get("args") or {}})
        elif block := _block(part):
            steps.append({"type": "model_output", "content": [block]})
    # A turn with only unknown parts is still a turn of the model.
    return steps or [{"type": "model_output", "content": []}]


def _block(part: JsonObject) -> dict[str, Any] | None:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    for name, key, target in (("inlineData", "data", "data"), ("fileData", "fileUri", "uri")):
        if name in part:
            mime_type = part[name].get("mimeType", "")
            media = {"mime_type": mime_type, target: part[name].get(key, "")}
            return {"type": kind_of_mime_type(mime_type), **media}
    return None


def _functions(body: JsonObject) -> list[dict[str, Any]]:
    declared = function_declarations(body)
    return [
        {"name": each["name"], "parameters": each.get("parametersJsonSchema") or each.get("parameters")}
        for each in declared
    ]


def _choice(config: JsonObject) -> ToolChoice:
    mode = config.get("mode", "AUTO").lower()
    names = config.get("allowedFunctionNames")
    return ToolChoice(mode, tuple(names) if names else None)


def _offset(token: str | None) -> int:
    try:
        return parse_continuation_token(token)
    except ValueError as error:
        raise ErrorResponse(400, "The continuation token is invalid.") from error
