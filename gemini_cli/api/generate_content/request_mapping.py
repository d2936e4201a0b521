"""Convert a request body to generateContent's fields (api/README.md 11.1-11.3).

`FIELD_MAPPERS` converts each field; those in `UNSUPPORTED_FIELDS` have no counterpart. All other fields are sent
unchanged, as the older API's own, or a gateway's, so that `--request` and `--set` can set any field. Values are not
checked: the server does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from gemini_cli.api.adapter import Request, UnsupportedFieldError
from gemini_cli.api.body import Body, merge
from gemini_cli.api.field_names import to_camel_case
from gemini_cli.api.generate_content.contents import to_contents
from gemini_cli.errors import UsageError
from gemini_cli.formats import strict_json
from gemini_cli.formats.mime_types import MEDIA_KINDS

FieldMapper = Callable[[Any], Body]

UNSUPPORTED_FIELDS = ("previous_interaction_id", "background", "agent", "agent_config", "environment", "webhook_config")
SPEECH_MIME_TYPE = "audio/l16"  # the only type of speech that the older API returns


def map_request(body: Body) -> Request:
    """Convert a body.

    UnsupportedFieldError for a field without a counterpart, UsageError for a value that is given in both formats.
    """
    for key in UNSUPPORTED_FIELDS:
        if body.get(key) not in (None, False):
            raise UnsupportedFieldError(key)
    mapped: Body = {}
    for key, value in body.items():
        if key in FIELD_MAPPERS:
            mapped = merge(mapped, FIELD_MAPPERS[key](value))
    own = {
        key: value for key, value in body.items() if key not in (*FIELD_MAPPERS, *UNSUPPORTED_FIELDS, "model", "stream")
    }
    method = "streamGenerateContent?alt=sse" if body.get("stream") else "generateContent"
    return Request(f"{_model(body.get('model'))}:{method}", _joined(mapped, own))


def _model(name: Any) -> str:
    """Put `models/` before a bare name; UsageError if it would change the path."""
    if not isinstance(name, str):
        raise UsageError(f"model: {strict_json.dumps(name)[:40]} is not the name of a model")
    path = name if name.startswith(("models/", "tunedModels/")) else f"models/{name}"
    if any(step.strip(".") == "" for step in path.split("/")):
        raise UsageError(f"{name!r} is not the name of a model")
    return quote(path)


def _joined(mapped: Body, own: Body, path: str = "") -> Body:
    """Merge both deeply; UsageError for a field that is in both."""
    joined = dict(mapped)
    for key, value in own.items():
        below = joined.get(key, {})
        if isinstance(value, dict) and isinstance(below, dict):
            joined[key] = _joined(below, value, f"{path}{key}.")
        elif key in joined:
            raise UsageError(f"{path}{key} is given twice: in generate-content's format, and by an option or field")
        else:
            joined[key] = value
    return joined


def _camel(name: str) -> FieldMapper:
    return lambda value: {to_camel_case(name): value}


def _in_config(name: str) -> FieldMapper:
    return lambda value: {"generationConfig": {name: value}}


def _thinking(name: str, convert: Callable[[Any], Any]) -> FieldMapper:
    return lambda value: {"generationConfig": {"thinkingConfig": {name: convert(value)}}}


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _items(name: str, value: Any) -> list[Body]:
    """Return a list of maps; a single map becomes a list of one."""
    items = value if isinstance(value, list) else [value]
    return [_map(name, item) for item in items]


def _map(name: str, value: Any) -> Body:
    if not isinstance(value, dict):
        raise UsageError(f"{name}: {value!r} is not a map")
    return value


# The fields of the body -----------------------------------------------------------------------------------------------


def _system(value: Any) -> Body:
    return {"systemInstruction": {"parts": [{"text": value}]} if isinstance(value, str) else value}


def _config(value: Any) -> Body:
    config: Body = {}
    for key, setting in _map("generation_config", value).items():
        config = merge(config, CONFIG_MAPPERS.get(key, _in_config(to_camel_case(key)))(setting))
    return config


def _modalities(value: Any) -> Body:
    return _in_config("responseModalities")([_upper(each) for each in value] if isinstance(value, list) else value)


def _safety(value: Any) -> Body:
    return {"safetySettings": [_safety_setting(item) for item in _items("safety_settings", value)]}


def _safety_setting(item: Body) -> Body:
    if "type" not in item:
        return item
    category = f"HARM_CATEGORY_{str(item['type']).upper().removeprefix('HARM_CATEGORY_')}"
    return {"category": category, **{key: _upper(value) for key, value in item.items() if key != "type"}}


def _tool_choice(value: Any) -> Body:
    allowed = _map("tool_choice", value.get("allowed_tools", value)) if isinstance(value, dict) else {"mode": value}
    names = {"allowedFunctionNames": allowed["tools"]} if "tools" in allowed else {}
    return {"toolConfig": {"functionCallingConfig": {"mode": _upper(allowed.get("mode")), **names}}}


def _speech(value: Any) -> Body:
    """Convert `{speakers: [...]}`, or the bare list (api/README.md 2.9)."""
    speakers = value.get("speakers") if isinstance(value, dict) else value
    if not isinstance(speakers, list):
        return _in_config("speechConfig")(value)
    voices = [
        {"speaker": each.get("speaker"), "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": each.get("voice")}}}
        for each in _items("speech_config", speakers)
    ]
    several = {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": voices}}
    one = {"voiceConfig": voices[0]["voiceConfig"]} if len(voices) == 1 else several
    language = next(({"languageCode": each["language"]} for each in speakers if each.get("language")), {})
    return _in_config("speechConfig")({**one, **language})


# The format of the answer ---------------------------------------------------------------------------------------------


def _format(value: Any) -> Body:
    """Convert `response_format`, one object or several (api/README.md 2.10)."""
    formats = _items("response_format", value)
    config: Body = {}
    for each in formats:
        config = merge(config, _one_format(each))
    kinds = [str(each.get("type")) for each in formats]
    return merge(config, _modalities(kinds)) if {"image", "audio"} & set(kinds) else config


def _one_format(value: Body) -> Body:
    """Convert one format; a value of no known type is a schema (api/README.md 2.10)."""
    kind = str(value.get("type"))
    if kind in MEDIA_KINDS and kind not in FORMAT_MAPPERS:
        raise UsageError(f"response_format {kind} (--format-{kind}) has no counterpart in generate-content")
    return FORMAT_MAPPERS.get(kind, _schema)(value)


def _text_format(value: Body) -> Body:
    schema = {"responseJsonSchema": value["schema"]} if "schema" in value else {}
    mime_type = value.get("mime_type", "application/json" if schema else None)
    return {"generationConfig": {**({"responseMimeType": mime_type} if mime_type else {}), **schema}}


def _schema(value: Body) -> Body:
    return _text_format({"schema": value})


def _image_format(value: Body) -> Body:
    if value.get("delivery", "inline") != "inline":
        raise UnsupportedFieldError("delivery")
    wanted = {to_camel_case(key): value[key] for key in ("aspect_ratio", "image_size") if key in value}
    return {"generationConfig": {"imageConfig": wanted} if wanted else {}}


def _audio_format(value: Body) -> Body:
    if str(value.get("mime_type", SPEECH_MIME_TYPE)).lower() != SPEECH_MIME_TYPE:
        field = f"response_format {value['mime_type']} (--format-audio)"
        raise UsageError(f"{field} has no counterpart in generate-content, which speaks {SPEECH_MIME_TYPE}")
    return {}


FORMAT_MAPPERS: Mapping[str, FieldMapper] = {
    "text": _text_format,
    "image": _image_format,
    "audio": _audio_format,
}


# Tools ----------------------------------------------------------------------------------------------------------------


def _tools(value: Any) -> Body:
    """Convert the flat list of tools: functions to one tool, MCP servers to another.

    Tools in the older API's own format stay.
    """
    tools = _items("tools", value)
    kinds = [tool.get("type") for tool in tools]
    converted = [
        _built_in(str(kind), tool) if kind else tool
        for kind, tool in zip(kinds, tools, strict=True)
        if kind not in ("function", "mcp_server")
    ]
    for word, kind, convert in (("functionDeclarations", "function", _function), ("mcpServers", "mcp_server", _server)):
        if kind in kinds:
            converted.append({word: [convert(tool) for tool in tools if tool.get("type") == kind]})
    places = [tool for tool in tools if tool.get("type") == "google_maps" and "latitude" in tool]
    where = [{"latitude": place["latitude"], "longitude": place.get("longitude")} for place in places]
    return {"tools": converted, **({"toolConfig": {"retrievalConfig": {"latLng": where[0]}}} if where else {})}


def _function(tool: Body) -> Body:
    declared = {to_camel_case(key): value for key, value in tool.items() if key not in ("type", "parameters")}
    return {**declared, **({"parametersJsonSchema": tool["parameters"]} if "parameters" in tool else {})}


def _server(tool: Body) -> Body:
    for field in ("allowed_tools", "defer_loading"):
        if field in tool:
            raise UnsupportedFieldError(field)
    transport = {key: tool[key] for key in ("url", "headers") if key in tool}
    return {"name": tool.get("name"), "streamableHttpTransport": transport}


def _built_in(kind: str, tool: Body) -> Body:
    fields = {to_camel_case(key): value for key, value in tool.items() if key not in ("type", "latitude", "longitude")}
    if isinstance(fields.get("searchTypes"), list):  # a map here
        fields["searchTypes"] = {to_camel_case(str(each)): {} for each in fields["searchTypes"]}
    if kind == "computer_use" and "environment" in fields:
        fields["environment"] = f"ENVIRONMENT_{str(fields['environment']).upper().removeprefix('ENVIRONMENT_')}"
    return {to_camel_case(kind): fields}


CONFIG_MAPPERS: Mapping[str, FieldMapper] = {
    "tool_choice": _tool_choice,
    "thinking_level": _thinking("thinkingLevel", _upper),
    "thinking_summaries": _thinking("includeThoughts", lambda value: value == "auto"),
    "thinking_budget": _thinking("thinkingBudget", lambda value: value),
    "speech_config": _speech,
    "response_modalities": _modalities,
}

FIELD_MAPPERS: Mapping[str, FieldMapper] = {
    "input": lambda value: {"contents": to_contents(value)},
    "system_instruction": _system,
    "generation_config": _config,
    "response_format": _format,
    "response_mime_type": _in_config("responseMimeType"),
    "response_modalities": _modalities,
    "tools": _tools,
    "safety_settings": _safety,
    **{name: _camel(name) for name in ("cached_content", "service_tier", "continuation_token")},
}
