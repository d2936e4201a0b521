"""Tables of the fields of `POST /interactions` (api/README.md 2, 3, 4, 9)."""

import re
from collections.abc import Iterable
from typing import Any

from ..errors import ErrorResponse
from ..model.functions import FUNCTION_NAME
from ..model.media import MEDIA_KINDS, PART_KINDS
from .json_schema_check import check_json_schema
from .names import THINKING_LEVELS, answering_model
from .validation import (
    Check,
    anything,
    at_least,
    boolean,
    by_type,
    integer,
    join_path,
    list_of,
    map_of,
    mapping,
    missing_parameter,
    number,
    one_of,
    record,
    tagged,
    text,
    unsupported_value,
)

text_list = list_of(text)
RESOLUTIONS = one_of("low", "medium", "high", "ultra_high")


def _object(type_name: str, required: Iterable[str] = (), /, **fields: Check) -> Check:
    return record({"type": one_of(type_name), **fields}, required)


# api/README.md 3.1, 3.3
MEDIA_FIELDS: dict[str, Check] = {"data": text, "uri": text, "mime_type": text, "resolution": RESOLUTIONS}
INPUT_FIELDS: dict[str, Check] = {
    "name": text,
    "sample_rate": integer,
    "channels": integer,
    "processing": by_type(str=one_of("static", "agentic"), dict=mapping),
}
CONTENT_KINDS: dict[str, Check] = {
    "text": _object("text", ["text"], text=text, annotations=list_of(mapping)),
    **{
        name: _object(name, **MEDIA_FIELDS, **{field: INPUT_FIELDS[field] for field in kind.input_fields})
        for name, kind in MEDIA_KINDS.items()
    },
}


def check_content(value: Any, path: str) -> None:
    tagged(CONTENT_KINDS)(value, path)
    if value["type"] in MEDIA_KINDS and bool(value.get("data")) == bool(value.get("uri")):
        raise ErrorResponse(400, f"Exactly one of 'data' and 'uri' must be set at '{path}'.")


content_list = list_of(check_content)

# api/README.md 4.1. A client sends steps back unchanged, so every field that the API writes is allowed.
RESULT = by_type(str=anything, dict=anything, list=list_of(mapping))
CALL: dict[str, Check] = {"id": text, "arguments": mapping, "signature": text}
ANSWER: dict[str, Check] = {"call_id": text, "result": RESULT, "is_error": boolean, "signature": text}
NAMED: dict[str, Check] = {"name": text, "server_name": text}


def _call(kind: str, /, *required: str, **more: Check) -> Check:
    return _object(kind, ["id", *required], **CALL, **more)


def _result(kind: str, /, *required: str, **more: Check) -> Check:
    return _object(kind, ["call_id", *required], **ANSWER, **more)


FUNCTION_RESULT = _result("function_result", "result", name=text)
STEP_KINDS: dict[str, Check] = {
    "user_input": _object(
        "user_input",
        content=by_type(str=anything, list=list_of(tagged({**CONTENT_KINDS, "function_result": FUNCTION_RESULT}))),
    ),
    "model_output": _object("model_output", content=content_list, error=mapping),
    "thought": _object("thought", signature=text, summary=list_of(mapping)),
    "function_call": _call("function_call", "name", "arguments", name=text),
    "function_result": FUNCTION_RESULT,
    "code_execution_call": _call("code_execution_call", "arguments"),
    "code_execution_result": _result("code_execution_result", "result"),
    "google_search_call": _call("google_search_call", search_type=text),
    "google_search_result": _result("google_search_result"),
    "url_context_call": _call("url_context_call"),
    "url_context_result": _result("url_context_result"),
    "google_maps_call": _call("google_maps_call"),
    "google_maps_result": _result("google_maps_result"),
    "file_search_call": _call("file_search_call"),
    "file_search_result": _result("file_search_result"),
    "retrieval_call": _call("retrieval_call", retrieval_type=text),
    "retrieval_result": _result("retrieval_result"),
    "mcp_server_tool_call": _call("mcp_server_tool_call", **NAMED),
    "mcp_server_tool_result": _result("mcp_server_tool_result", **NAMED),
    "tool_search_call": _call("tool_search_call"),
    "tool_search_result": _result("tool_search_result"),
    "processing_call": _call("processing_call"),
    "processing_result": _result("processing_result"),
}


def check_input(value: Any, path: str) -> None:
    """A string, a part, a list of parts, or a list of steps (api/README.md 2.3)."""
    if isinstance(value, list):
        _input_list(value, path)
    elif isinstance(value, dict):
        check_content(value, path)
    else:
        text(value, path)


def _input_list(value: list[Any], path: str) -> None:
    if any(isinstance(each, dict) and "role" in each for each in value):
        # api/README.md 2.16: turns have a message of their own.
        raise ErrorResponse(400, "The legacy Interactions API schema is no longer supported. Use the step list form.")
    if not value:
        raise ErrorResponse(400, f"'{path}' must not be empty.")
    first = value[0].get("type") if isinstance(value[0], dict) else None
    is_content = isinstance(first, str) and first in CONTENT_KINDS
    list_of(check_content if is_content else tagged(STEP_KINDS))(value, path)


# api/README.md 2.6, 2.7, 2.9
TOOL_CHOICE_MODES = one_of("auto", "any", "none", "validated")
ALLOWED_TOOLS = record({"allowed_tools": record({"mode": TOOL_CHOICE_MODES, "tools": text_list})}, ["allowed_tools"])
GENERATION_CONFIG = record(
    {
        "temperature": number,
        "top_p": number,
        "top_k": number,
        "seed": integer,
        "max_output_tokens": at_least(1),
        "stop_sequences": text_list,
        "thinking_level": one_of("minimal", "low", "medium", "high", "xhigh"),
        "thinking_summaries": one_of("auto", "none"),
        "tool_choice": by_type(str=TOOL_CHOICE_MODES, dict=ALLOWED_TOOLS),
        "speech_config": by_type(dict=mapping, list=list_of(mapping)),
        "transcription_config": mapping,
        "video_config": mapping,
        "image_config": mapping,
    }
)

# api/README.md 2.10: an object without a known type is a JSON Schema.
OUTPUT_FIELDS: dict[str, Check] = {"sample_rate": integer, "bit_rate": integer, "delivery": one_of("inline", "uri")}
FORMAT_KINDS: dict[str, Check] = {
    "text": _object("text", mime_type=one_of("text/plain", "application/json"), schema=check_json_schema),
    **{
        name: _object(name, **{field: OUTPUT_FIELDS.get(field, text) for field in kind.output_fields})
        for name, kind in MEDIA_KINDS.items()
        if kind.output_fields is not None
    },
}


def check_response_format(value: Any, path: str) -> None:
    mapping(value, path)
    kind = value.get("type")
    check = FORMAT_KINDS.get(kind, check_json_schema) if isinstance(kind, str) else check_json_schema
    check(value, path)


def check_function_name(value: Any, path: str) -> None:
    text(value, path)
    if not FUNCTION_NAME.fullmatch(value):
        raise ErrorResponse(400, f"Invalid function name '{value}' at '{path}'.")


# api/README.md 9.1
TOOL_KINDS: dict[str, Check] = {
    "function": _object(
        "function",
        ["name"],
        name=check_function_name,
        description=text,
        parameters=check_json_schema,
        defer_loading=boolean,
        short_description=text,
    ),
    "google_search": _object(
        "google_search", search_types=list_of(one_of("web_search", "image_search", "enterprise_web_search"))
    ),
    "code_execution": _object("code_execution"),
    "url_context": _object("url_context"),
    "file_search": _object("file_search", file_search_store_names=text_list, metadata_filter=text, top_k=integer),
    "google_maps": _object("google_maps", latitude=number, longitude=number, enable_widget=boolean),
    "computer_use": _object(
        "computer_use",
        environment=one_of("browser", "mobile", "desktop"),
        excluded_predefined_functions=text_list,
        enable_prompt_injection_detection=boolean,
        disabled_safety_policies=text_list,
    ),
    "mcp_server": _object(
        "mcp_server",
        name=text,
        url=text,
        headers=map_of(text),
        allowed_tools=list_of(mapping),
        defer_loading=boolean,
    ),
    "tool_search": _object(
        "tool_search", execution=one_of("server", "client"), name=text, description=text, parameters=mapping
    ),
    "retrieval": _object(
        "retrieval",
        retrieval_types=text_list,
        vertex_ai_search_config=mapping,
        rag_store_config=mapping,
        exa_ai_search_config=mapping,
        parallel_ai_search_config=mapping,
    ),
}

# api/README.md 2.15 and 2.2
SAFETY = record({"type": text, "threshold": text, "method": one_of("severity", "probability")}, ["type", "threshold"])
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def check_labels(value: Any, path: str) -> None:
    map_of(text)(value, path)
    for name, each in value.items():
        if not LABEL_KEY.fullmatch(name) or not LABEL_VALUE.fullmatch(each):
            raise ErrorResponse(400, f"Invalid label '{name}' at '{path}'.")


# api/README.md 2.12
AGENT_CONFIG_KINDS: dict[str, Check] = {
    "deep-research": _object(
        "deep-research",
        thinking_summaries=one_of("auto", "none"),
        visualization=one_of("off", "auto"),
        collaborative_planning=boolean,
        enable_bigquery_tool=boolean,
    ),
    "antigravity": _object("antigravity", model=text, max_total_tokens=by_type(str=anything, int=anything)),
    "code-mender": _object(
        "code-mender",
        model=text,
        session_id=text,
        session_config=mapping,
        find_request=mapping,
        fix_request=mapping,
    ),
    "dynamic": mapping,
}

# api/README.md 2.13
ENVIRONMENT = _object(
    "remote",
    environment_id=text,
    sources=list_of(
        record(dict.fromkeys(("type", "source", "target", "content", "encoding"), text)),
    ),
    network=by_type(str=one_of("disabled"), dict=mapping),
    env=map_of(by_type(str=anything, dict=mapping)),
    mode=one_of("on_demand", "self_hosted"),
    custom_config=mapping,
)

SHARED: dict[str, Check] = {
    "input": check_input,
    "system_instruction": text,
    "tools": list_of(tagged(TOOL_KINDS)),
    "response_format": by_type(dict=check_response_format, list=list_of(check_response_format)),
    "response_mime_type": text,
    "response_modalities": list_of(one_of(*PART_KINDS)),
    "stream": boolean,
    "store": boolean,
    "background": boolean,
    "previous_interaction_id": text,
    "continuation_token": text,
    "service_tier": one_of("flex", "standard", "priority", "deferred"),
    "safety_settings": list_of(SAFETY),
    "labels": check_labels,
    "webhook_config": mapping,
    "environment": by_type(str=anything, dict=ENVIRONMENT),
}
MODEL_BODY = record({**SHARED, "model": text, "generation_config": GENERATION_CONFIG, "cached_content": text})
AGENT_BODY = record({**SHARED, "agent": text, "agent_config": tagged(AGENT_CONFIG_KINDS)})


def check_interaction(body: dict[str, Any]) -> None:
    """Check a create, except for its references to stored interactions and files."""
    model, agent = body.get("model"), body.get("agent")
    if model is None and agent is None:
        raise ErrorResponse(400, "One of 'model' and 'agent' must be set.")
    if model is not None and agent is not None:
        raise ErrorResponse(400, "Only one of 'model' and 'agent' may be set.")
    (AGENT_BODY if model is None else MODEL_BODY)(body, "")
    if body.get("input") is None and body.get("continuation_token") is None:
        raise missing_parameter("input", "")
    level = (body.get("generation_config") or {}).get("thinking_level")
    levels = THINKING_LEVELS.get(answering_model(str(model)))
    if level is not None and levels and level not in levels:
        raise unsupported_value(level, join_path("generation_config", "thinking_level"), levels)
