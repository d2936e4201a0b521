"""Conditions that the older API puts on a request beyond the types of its fields.

Each check has the message of the service, and its source: a recording or a public report.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from ..errors import ErrorResponse
from ..http.exchange import JsonObject
from ..model.functions import FUNCTION_NAME
from .json_parser import to_snake_case
from .json_schema_check import check_json_schema
from .names import ALIASES, THINKING_LEVELS, answering_model, bare_model_name

NAME_RULES = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), "
    "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
)


def check_generate_request(body: JsonObject, model: str) -> None:
    """Raise ErrorResponse for a parsed request that the service refuses."""
    if not body.get("contents"):
        raise ErrorResponse(400, "* GenerateContentRequest.contents: contents is not specified\n")
    config = body.get("generationConfig", {})
    _check_roles(body["contents"])
    _check_parts(body["contents"])
    _check_limits(config)
    _check_thinking(config, model)
    _check_penalties(config, model)
    _check_candidates(config, model)
    _check_logprobs(config, model)
    _check_function_names(body)
    _check_schemas(body)
    _check_forced_call(body)
    _check_json_with_functions(body, model)
    _check_function_responses(body["contents"])
    if has_signed_calls(model):
        _check_signatures(body["contents"])


def function_declarations(body: JsonObject) -> list[JsonObject]:
    return [each for tool in body.get("tools", []) for each in tool.get("functionDeclarations", [])]


def has_signed_calls(model: str) -> bool:
    """Whether function calls of the model have signatures: Gemini 3 and later."""
    name = bare_model_name(model)
    return name in ALIASES or re.match(r"gemini-([3-9]|\d\d)", name) is not None


def _is_2_5(model: str) -> bool:
    return bare_model_name(model).startswith("gemini-2.5")


def _check_roles(contents: list[JsonObject]) -> None:
    """Recorded by opentelemetry-python-contrib."""
    if any(content.get("role", "user") not in ("user", "model", "function") for content in contents):
        raise ErrorResponse(400, "Please use a valid role: user, model.")


def _check_parts(contents: list[JsonObject]) -> None:
    """https://github.com/langchain-ai/langchain-google/issues/691"""
    for index, content in enumerate(contents):
        if not content.get("parts"):
            path = f"GenerateContentRequest.contents[{index}].parts"
            raise ErrorResponse(400, f"* {path}: contents.parts must not be empty.\n")


def _check_limits(config: JsonObject) -> None:
    if config.get("maxOutputTokens", 1) < 1:
        raise ErrorResponse(400, "max_output_tokens must be positive.")


def _check_thinking(config: JsonObject, model: str) -> None:
    """Recorded by Vercel's AI SDK, https://github.com/vercel/ai/issues/22372

    For the levels of a model: https://github.com/vellum-ai/vellum-assistant/pull/32687
    """
    thinking = config.get("thinkingConfig", {})
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise ErrorResponse(400, "You can only set only one of thinking budget and thinking level.")
    level, levels = thinking.get("thinkingLevel"), THINKING_LEVELS.get(answering_model(model))
    if levels and level not in (None, "THINKING_LEVEL_UNSPECIFIED", *map(str.upper, levels)):
        raise ErrorResponse(400, f"Thinking level {level} is not supported for this model.")


def _check_penalties(config: JsonObject, model: str) -> None:
    """Recorded for 2.5, https://github.com/vercel/ai/issues/8943

    For later models: https://github.com/google-gemini/cookbook/issues/1290. Zero is accepted there.
    """
    if not config.get("presencePenalty") and not config.get("frequencyPenalty"):
        return
    if _is_2_5(model):
        raise ErrorResponse(400, f"Penalty is not enabled for models/{model}")
    if has_signed_calls(model):
        raise ErrorResponse(400, "Penalty is not enabled for this model")


def _check_candidates(config: JsonObject, model: str) -> None:
    """https://github.com/googleapis/js-genai/issues/1609

    For the range: https://github.com/googleapis/python-aiplatform/issues/3603
    """
    count = config.get("candidateCount", 1)
    if count > 1 and has_signed_calls(model):
        raise ErrorResponse(400, "Multiple candidates is not enabled for this model")
    if not 0 <= count <= 8:
        raise ErrorResponse(
            400,
            f"Unable to submit request because it has a candidateCount value of {count} but the supported range is "
            "from 1 (inclusive) to 9 (exclusive). Update the value and try again.",
        )


def _check_logprobs(config: JsonObject, model: str) -> None:
    """https://github.com/Vela-Research/think-reason-learn/issues/34"""
    if config.get("responseLogprobs"):
        raise ErrorResponse(400, f"Logprobs is not enabled for models/{model}")


def _check_function_names(body: JsonObject) -> None:
    """https://github.com/google-gemini/gemini-cli/issues/2966, with today's length."""
    names = [
        (tool_index, index, each.get("name", ""))
        for tool_index, tool in enumerate(body.get("tools", []))
        for index, each in enumerate(tool.get("functionDeclarations", []))
    ]
    invalid = [each for each in names if not FUNCTION_NAME.fullmatch(each[2])]
    if invalid:
        lines = [
            f"* GenerateContentRequest.tools[{tool}].function_declarations[{index}].name: {NAME_RULES}\n"
            for tool, index, _ in invalid
        ]
        raise ErrorResponse(400, "".join(lines))


def _check_schemas(body: JsonObject) -> None:
    config = body.get("generationConfig", {})
    for name in ("responseSchema", "responseJsonSchema"):
        if name in config:
            check_json_schema(config[name], f"generation_config.{to_snake_case(name)}")
    for each in function_declarations(body):
        for name in ("parameters", "parametersJsonSchema"):
            if name in each:
                check_json_schema(each[name], f"function_declarations.{each['name']}.{to_snake_case(name)}")


def _check_forced_call(body: JsonObject) -> None:
    """https://github.com/AstrBotDevs/AstrBot/pull/7407"""
    if _calling_mode(body) == "ANY" and not function_declarations(body):
        raise ErrorResponse(400, "Function calling config is set without function_declarations.")


def _check_json_with_functions(body: JsonObject, model: str) -> None:
    """https://github.com/symfony/ai/issues/1777

    Not with mode NONE: https://github.com/google/adk-python/issues/5735
    """
    mime_type = body.get("generationConfig", {}).get("responseMimeType")
    if not _is_2_5(model) or mime_type != "application/json" or _calling_mode(body) == "NONE":
        return
    if function_declarations(body):
        raise ErrorResponse(400, f"Function calling with a response mime type: '{mime_type}' is unsupported")


def _calling_mode(body: JsonObject) -> str:
    return str(body.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode", "AUTO"))


def _turns(contents: list[JsonObject]) -> Iterator[tuple[bool, list[JsonObject]]]:
    """The parts of each turn; consecutive contents of one side are one turn."""
    for is_model, group in groupby(contents, lambda content: content.get("role") == "model"):
        yield is_model, [part for content in group for part in content["parts"]]


def _check_function_responses(contents: list[JsonObject]) -> None:
    """https://github.com/langchain-ai/langchain/issues/27799

    For the numbers: https://github.com/google-gemini/gemini-cli/issues/16984, and for calls without any response
    https://github.com/microsoft/vscode/issues/299295
    """
    calls = 0
    for is_model, parts in _turns(contents):
        if is_model:
            calls = sum("functionCall" in part for part in parts)
            continue
        responses = sum("functionResponse" in part for part in parts)
        if responses and not calls:
            raise ErrorResponse(
                400, "Please ensure that function response turn comes immediately after a function call turn."
            )
        if responses != calls:
            raise ErrorResponse(
                400,
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
            )


def _check_signatures(contents: list[JsonObject]) -> None:
    """https://github.com/nanbingxyz/5ire/issues/405

    Only calls after the last prompt need one: https://ai.google.dev/gemini-api/docs/thought-signatures
    """
    prompts = [
        index
        for index, content in enumerate(contents)
        if content.get("role", "user") == "user" and any("functionResponse" not in part for part in content["parts"])
    ]
    for index, content in enumerate(contents):
        calls = [part for part in content["parts"] if "functionCall" in part]
        if index > max(prompts, default=-1) and calls and not calls[0].get("thoughtSignature"):
            raise ErrorResponse(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{calls[0]['functionCall'].get('name', '')}` , position {index + 1}. "
                "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
            )
