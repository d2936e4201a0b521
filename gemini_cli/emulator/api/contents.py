"""The older family's request, translated to a question for the pretend model (reference.md 11.2)."""

import base64
import json
from typing import Any

from ..errors import Problem
from ..model.conversation import Step
from ..model.functions import Choice
from ..model.model import Ask
from .json_parser import ANY, normal
from .names import bare, believed

Body = dict[str, Any]

BLOB = {"mimeType": str, "data": str, "displayName": str}
FILE = {"mimeType": str, "fileUri": str, "displayName": str}
PART = {
    "text": str,
    "inlineData": BLOB,
    "fileData": FILE,
    "functionCall": {"id": str, "name": str, "args": ANY},
    "functionResponse": {
        "id": str,
        "name": str,
        "response": ANY,
        "parts": ANY,
        "willContinue": bool,
        "scheduling": str,
    },
    "executableCode": ANY,
    "codeExecutionResult": ANY,
    "thought": bool,
    "thoughtSignature": str,
    "videoMetadata": ANY,
    "toolCall": ANY,
    "toolResponse": ANY,
    "partMetadata": ANY,
    "mediaResolution": ANY,
}
CONTENT = {"role": str, "parts": [PART]}
FUNCTION = {
    "name": str,
    "description": str,
    "parameters": ANY,
    "parametersJsonSchema": ANY,
    "response": ANY,
    "responseJsonSchema": ANY,
    "behavior": str,
}
TOOL = {
    "functionDeclarations": [FUNCTION],
    "googleSearch": ANY,
    "codeExecution": ANY,
    "urlContext": ANY,
    "fileSearch": ANY,
    "googleMaps": ANY,
    "computerUse": ANY,
    "mcpServers": ANY,
    "googleSearchRetrieval": ANY,
}
CALLING = {"mode": str, "allowedFunctionNames": [str]}
TOOL_CONFIG = {
    "functionCallingConfig": CALLING,
    "retrievalConfig": ANY,
    "includeServerSideToolInvocations": bool,
}
CONFIG = {
    "temperature": float,
    "topP": float,
    "topK": float,
    "candidateCount": int,
    "maxOutputTokens": int,
    "stopSequences": [str],
    "responseLogprobs": bool,
    "logprobs": int,
    "presencePenalty": float,
    "frequencyPenalty": float,
    "seed": int,
    "responseMimeType": str,
    "responseSchema": ANY,
    "responseJsonSchema": ANY,
    "responseModalities": [str],
    "mediaResolution": str,
    "speechConfig": ANY,
    "thinkingConfig": {"includeThoughts": bool, "thinkingLevel": str, "thinkingBudget": int},
    "imageConfig": ANY,
    "enableEnhancedCivicAnswers": bool,
    "audioTranscriptionConfig": ANY,
}
REQUEST = {
    "model": str,
    "contents": [CONTENT],
    "systemInstruction": CONTENT,
    "generationConfig": CONFIG,
    "safetySettings": [{"category": str, "threshold": str, "method": str}],
    "tools": [TOOL],
    "toolConfig": TOOL_CONFIG,
    "cachedContent": str,
    "serviceTier": str,
    "labels": ANY,
    "store": bool,
    "continuationToken": str,
}
TOOL_NAMES = {
    "googleSearch": "google_search",
    "googleSearchRetrieval": "google_search",
    "codeExecution": "code_execution",
    "urlContext": "url_context",
    "fileSearch": "file_search",
    "googleMaps": "google_maps",
}
MEDIA = ("image", "audio", "video")


def check_model(model: str, version: str, method: str) -> str:
    """The bare name, or the older family's 404 (traffic.md 85)."""
    if believed(model):
        return bare(model)
    raise Problem(
        404,
        f"models/{bare(model)} is not found for API version {version}, or is not supported for {method}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
    )


def ask_of(body: Body, model: str) -> Ask:
    """The question in a generateContent body, without a script line yet."""
    body = normal(body, REQUEST)
    if not body.get("contents"):
        raise Problem(400, "* GenerateContentRequest.contents: contents is not specified\n")
    config = body.get("generationConfig", {})
    if config.get("maxOutputTokens", 1) < 1:
        raise Problem(400, "max_output_tokens must be positive.")
    thinking = config.get("thinkingConfig", {})
    modalities = [each.lower() for each in config.get("responseModalities", [])]
    return Ask(
        model=model,
        steps=steps_of(body["contents"]),
        system="\n".join(part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", [])),
        functions=tuple(_functions(body)),
        choice=_choice(body.get("toolConfig", {}).get("functionCallingConfig", {})),
        tools=tuple(TOOL_NAMES[name] for tool in body.get("tools", []) for name in tool if name in TOOL_NAMES),
        thinking=thinking.get("thinkingBudget") != 0 and thinking.get("thinkingLevel", "").upper() != "MINIMAL",
        summaries=bool(thinking.get("includeThoughts")),
        json=config.get("responseMimeType") == "application/json",
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        media=tuple(each for each in modalities if each in ("image", "audio")),
        max_tokens=config.get("maxOutputTokens"),
        stops=tuple(config.get("stopSequences", ())),
        offset=_offset(body.get("continuationToken")),
    )


def steps_of(contents: list[Body]) -> list[Step]:
    steps: list[Step] = []
    for content in contents:
        role = content.get("role", "user")
        if role not in ("user", "model", "function"):
            raise Problem(400, "Please use a valid role: user, model.")
        parts = content.get("parts", [])
        steps += _model_steps(parts) if role == "model" else _client_steps(parts)
    return steps


def _client_steps(parts: list[Body]) -> list[Step]:
    blocks = [block for part in parts if (block := _block(part))]
    steps: list[Step] = [{"type": "user_input", "content": blocks}] if blocks else []
    for part in parts:
        if "functionResponse" in part:
            found = part["functionResponse"]
            name = found.get("name", "")
            call_id = found.get("id") or name
            steps.append({"type": "function_result", "name": name, "call_id": call_id, "result": found.get("response")})
    return steps


def _model_steps(parts: list[Body]) -> list[Step]:
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
    # A model turn of nothing we look into still was the model's turn.
    return steps or [{"type": "model_output", "content": []}]


def _block(part: Body) -> dict[str, Any] | None:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    for name, key, target in (("inlineData", "data", "data"), ("fileData", "fileUri", "uri")):
        if name in part:
            mime_type = part[name].get("mimeType", "")
            kind = mime_type.partition("/")[0]
            found = {"mime_type": mime_type, target: part[name].get(key, "")}
            return {"type": kind if kind in MEDIA else "document", **found}
    return None


def _functions(body: Body) -> list[dict[str, Any]]:
    declared = [each for tool in body.get("tools", []) for each in tool.get("functionDeclarations", [])]
    if any(not each.get("name") for each in declared):
        raise Problem(400, "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.\n")
    return [
        {"name": each["name"], "parameters": each.get("parametersJsonSchema") or each.get("parameters")}
        for each in declared
    ]


def _choice(config: Body) -> Choice:
    mode = config.get("mode", "AUTO").lower()
    if mode not in ("auto", "any", "none", "validated", "mode_unspecified"):
        raise Problem(400, f"Invalid value at 'tool_config.function_calling_config.mode', \"{config['mode']}\"")
    names = config.get("allowedFunctionNames")
    return Choice(mode, tuple(names) if names else None)


def token(offset: int) -> str:
    """Base64, as the real ones (reference.md 11.2)."""
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(given: str | None) -> int:
    if not given:
        return 0
    try:
        return int(json.loads(base64.b64decode(given.translate(str.maketrans("-_", "+/"))))["offset"])
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(400, "The continuation token is invalid.") from error
