"""Build the body of a request from the options. Pure: the caller reads the files.

The layers, each over the one before: the profile's `request:`, GEMINI_MODEL, `--request`, the options, `--set`. Maps
merge deeply, lists replace. The `BodyField` of an option names its field in the body.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from gemini_cli.api import tool_types
from gemini_cli.api.body import Body, BodyPath, apply_set_option, copy_json, merge, parse_path, set_path
from gemini_cli.config.model_names import DEFAULT_MODEL
from gemini_cli.config.option_groups import BodyField, option_fields, parse_key_value
from gemini_cli.config.request_options import RequestOptions
from gemini_cli.errors import UsageError
from gemini_cli.formats import strict_json
from gemini_cli.formats.documents import Document

# A request has one of these fields. `contents` is generateContent's own.
INPUT_FIELDS = ("input", "continuation_token", "contents")


class RequestInputs(NamedTuple):
    """Contents of the files and streams that the options name, read by the caller.

    `input_follows`: the caller adds the input later, from rows or from the turns of a chat.
    """

    input: str | list[dict[str, Any]] | None = None
    system: str | None = None
    request: Document | None = None
    schema: Document | None = None
    tools: list[dict[str, Any]] | None = None
    tool_headers: Mapping[str, str] | None = None
    last_id: str | None = None
    input_follows: bool = False


def check_options(given: Collection[str]) -> None:
    """Raise UsageError for options that exclude each other, before files are opened."""
    for one, other in (("model", "agent"), ("fallback", "agent"), ("system", "system_file"), ("continue_", "previous")):
        if one in given and other in given:
            raise UsageError(f"--{one.rstrip('_')} and --{other.replace('_', '-')} exclude each other")


def build_request_body(
    options: RequestOptions, inputs: RequestInputs, *, defaults: Mapping[str, Any], stream: bool
) -> Body:
    """Build the body of a request; UsageError for contradictions.

    `options` has only values from the command line, which lie over `--request`. Values from elsewhere are in
    `defaults`, the lowest layer.
    """
    body = merge({}, defaults)
    if inputs.request is not None:
        if not isinstance(inputs.request.value, dict):
            raise inputs.request.error_at((), "a request is a map")
        body = overlay(body, inputs.request.value)
    agent = options.agent or ("" if options.model else body.get("agent"))
    fields = _body_fields(options, inputs, deep_research=str(agent).startswith("deep-research"))
    for path, value in fields:
        set_path(body, path, copy_json(value))  # --set changes those of the body in place
        body = _choose(body, {str(path[0]): value})
    if inputs.input is not None or inputs.input_follows:
        _check_one_prompt(options, inputs.request)
    for text in options.set or ():
        body = _choose(body, {apply_set_option(body, text): text})
    _check_in_effect(body, fields)
    if inputs.tool_headers:
        body["tools"] = tool_types.add_server_headers(body.get("tools"), inputs.tool_headers)
    return apply_defaults(body, stream=stream)


def _check_one_prompt(options: RequestOptions, request: Document | None) -> None:
    """UsageError for `--set input=…` or an `input` in --request beside a prompt."""
    if any(text.partition("=")[0] == "input" for text in options.set or ()):
        raise UsageError("--set input would replace the prompt", hint="give the prompt in one way")
    if request is not None and request.value.get("input") is not None:
        raise UsageError(
            f"the prompt would replace the input of {request.name}",
            hint="give the prompt in one way; --no-stdin does not read one from stdin",
        )


def _check_in_effect(body: Body, fields: Sequence[tuple[BodyPath, Any]]) -> None:
    """UsageError if the value of an option was replaced, by --set or another option."""
    for path, value in fields:
        found: Any = body
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if not _contains(found, value):
            name = ".".join(map(str, path))
            raise UsageError(
                f"the option for {name} has no effect: the command line gives another value for it",
                hint="give the field in one way",
            )


def _contains(whole: Any, value: Any) -> bool:
    """Whether a value is still there, perhaps with further keys or items."""
    if isinstance(value, dict):
        return isinstance(whole, dict) and all(key in whole and _contains(whole[key], value[key]) for key in value)
    if isinstance(value, list):
        return isinstance(whole, list) and len(whole) >= len(value) and all(map(_contains, whole, value))
    return bool(whole == value)


def overlay(body: Body, values: Mapping[str, Any]) -> Body:
    """Lay one more layer over a body, which is not changed."""
    return _choose(merge(body, values), values)


def build_default_body(profile: Mapping[str, Any], options: RequestOptions) -> Body:
    """Build the body from the profile and the environment.

    `options` has values from the environment, and from the profile's own keys. They lie over the profile's `request:`;
    only GEMINI_MODEL gives way to an agent in it.
    """
    body = merge({}, profile)
    for path, value in _body_fields(options, RequestInputs(), deep_research=False):
        if not (path == ["model"] and "agent" in body):
            set_path(body, path, value)
    return body


def _choose(body: Body, values: Mapping[str, Any]) -> Body:
    """Keep one of `model` and `agent` (api/README.md 2.1): the later layer wins."""
    if "agent" in values and "model" not in values:
        body.pop("model", None)
    if "model" in values and "agent" not in values:
        body.pop("agent", None)
    return body


def _body_fields(options: RequestOptions, inputs: RequestInputs, *, deep_research: bool) -> list[tuple[BodyPath, Any]]:
    """Return the paths of the fields that the options set, with their values.

    Agents have no `generation_config`; Deep Research has its summaries in `agent_config` (api/README.md 2.1, 2.12).
    """
    values: dict[str, Any] = {
        "thoughts": "auto" if options.thoughts and not deep_research else None,
        "no_store": False if options.no_store else None,
        "background": options.background or None,
        "tool": inputs.tools,
        "tool_choice": tool_types.parse_tool_choice(options.tool_choice) if options.tool_choice else None,
        "system": inputs.system,
        "voice": None if options.voice is None else [{"voice": options.voice}],  # api/README.md 2.17
        "previous": inputs.last_id or options.previous,
        "safety": [_safety(text) for text in options.safety or ()] or None,
    }
    placed: list[tuple[BodyPath, Any]] = []
    for field in option_fields(RequestOptions):
        place = field.marker(BodyField)
        if place is None or place.path in ("labels", "response_format"):
            continue
        value = values[field.name] if field.name in values else getattr(options, field.name)
        if value is not None:
            placed.append((parse_path(place.path), value))
    if options.thoughts and deep_research:
        placed += [(["agent_config", "type"], "deep-research"), (["agent_config", "thinking_summaries"], "auto")]
    if formats := _formats(options, inputs.schema):
        placed.append((["response_format"], formats[0] if len(formats) == 1 else formats))
    placed += [
        (["labels", key], value)
        for key, value in (parse_key_value("--label", text, "KEY=VALUE") for text in options.label or ())
    ]
    return [*placed, (["input"], inputs.input)] if inputs.input is not None else placed


def apply_defaults(body: Body, *, stream: bool) -> Body:
    """Add the defaults to a body; UsageError for contradictions."""
    found = body.get("stream", stream)
    if found is not stream:
        text = strict_json.dumps(found)
        if not isinstance(found, bool):
            raise UsageError(f"stream: {text[:40]} is not true or false")
        raise UsageError(f"the request says stream: {text}; use `{'generate' if stream else 'stream'}`")
    if stream:
        body["stream"] = True
    if "agent" not in body:
        body = {"model": DEFAULT_MODEL, **body}
    if body.get("background") and body.get("store") is False:  # api/README.md 2.5
        raise UsageError("--background needs the service to store the interaction; it excludes --no-store")
    return body


def require_prompt(body: Body) -> Body:
    """Return the body; UsageError if it has no prompt."""
    if not any(key in body for key in INPUT_FIELDS):
        raise UsageError("no prompt: give words, -f FILE, or text on stdin")
    return body


def _formats(options: RequestOptions, schema: Document | None) -> list[Body]:
    """The `response_format`s of the options (api/README.md 2.10)."""
    formats: list[Body] = []
    if schema is not None:
        if not isinstance(schema.value, dict):
            raise schema.error_at((), "a JSON Schema is a map")
        formats.append({"type": "text", "mime_type": "application/json", "schema": schema.value})
    if options.format_image is not None:
        formats.append({"type": "image", **_ratio_and_size(options.format_image, "image_size")})
    if options.format_audio is not None:
        formats.append({"type": "audio", "mime_type": options.format_audio})
    if options.format_video is not None:
        formats.append({"type": "video", **_ratio_and_size(options.format_video, "resolution")})
    return formats


def _ratio_and_size(text: str, size_field: str) -> Body:
    """The fields of `RATIO[,SIZE]`; an empty one is left out."""
    ratio, _, size = text.partition(",")
    fields = {"aspect_ratio": ratio.strip(), size_field: size.strip()}
    return {key: value for key, value in fields.items() if value}


def _safety(text: str) -> dict[str, str]:
    kind, threshold = parse_key_value("--safety", text, "TYPE=THRESHOLD")
    return {"type": kind, "threshold": threshold}
