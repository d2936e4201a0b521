"""Build the body of a request from the options. Pure: the caller reads the files.

The layers, each over the one before: the profile's `request:`, GEMINI_MODEL, `--request`, the options, `--set`. Maps
merge deeply, lists replace. The `path` of an option, in `Asked`, is its field in the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from gemini_cli.body import Body, BodyPath, assign, merge, parse_path, put
from gemini_cli.documents import Document, spoken
from gemini_cli.errors import UsageError
from gemini_cli.flag import Flag, Record, fields
from gemini_cli.tools import functions

DEFAULT_MODEL = "gemini-flash-latest"
ALIASES = (DEFAULT_MODEL, "gemini-flash-lite-latest", "gemini-pro-latest")  # api/README.md 1.3

FAMILIES = ("interactions", "generate-content")

# A request has one of these fields. `contents` is generateContent's own.
ASKING = ("input", "continuation_token", "contents")


class Prompted(Record):
    """Where the prompt comes from, beside the words."""

    prompt_file: Annotated[str | None, Flag("read the prompt from FILE, or - for stdin", "-f", "FILE", file=True)] = (
        None
    )
    no_stdin: Annotated[bool, Flag("do not read stdin", env=("GEMINI_NO_STDIN",), profile=True)] = False
    var: Annotated[list[str] | None, Flag("fill ${NAME} in the profile's prompt", metavar="NAME=VALUE")] = None
    attach: Annotated[
        list[str] | None,
        Flag(
            "add an image, audio, video, document or text: a file, a URL, files/ID or -",
            "-a",
            "PATH[;type=MIME]",
            file=True,
        ),
    ] = None
    inline_limit: Annotated[
        int,
        Flag(
            "how large a request may be with its attachments; the largest of them are uploaded first",
            metavar="BYTES",
            profile=True,
        ),
    ] = 21 * 1000 * 1000  # 20 MiB, the API's older, safer limit (api/README.md 3.4), and room for the rest
    inline: Annotated[bool, Flag("send every attachment in the request, up to the API's own limits")] = False
    upload: Annotated[bool, Flag("send every attachment that is no text ahead, through the Files API")] = False


class Asked(Record):
    """What is asked of the model."""

    # None means that the option was not given: only then does a profile's value count.

    request: Annotated[
        str | None, Flag("a whole request body, JSON or YAML; flags lie over it", None, "FILE", file=True)
    ] = None
    set: Annotated[
        list[str] | None, Flag("set any field of the body: a.b=7, a.b[0].c=x, a.b[]=x appends", None, "PATH=VALUE")
    ] = None
    api: Annotated[
        str, Flag(f"the family of the API: {' or '.join(FAMILIES)}", None, "FAMILY", profile=True, choices=FAMILIES)
    ] = FAMILIES[0]
    model: Annotated[
        str | None,
        Flag(f"the model; {DEFAULT_MODEL} if none is named", "-m", "NAME", ("GEMINI_MODEL",), "model", offers=ALIASES),
    ] = None
    agent: Annotated[str | None, Flag("an agent instead of a model", None, "NAME", (), "agent")] = None
    system: Annotated[str | None, Flag("system instruction", "-s", "TEXT", (), "system_instruction", empty=True)] = None
    system_file: Annotated[str | None, Flag("read the system instruction from FILE", None, "FILE", file=True)] = None
    thinking: Annotated[
        str | None,
        Flag(
            "how much the model thinks",
            metavar="LEVEL",
            path="generation_config.thinking_level",
            offers=("minimal", "low", "medium", "high", "xhigh"),  # api/README.md 13.3-13.5
        ),
    ] = None
    thoughts: Annotated[
        bool | None, Flag("show summaries of the thoughts, on stderr", path="generation_config.thinking_summaries")
    ] = None
    temperature: Annotated[
        float | None, Flag("sampling temperature", None, "NUMBER", (), "generation_config.temperature")
    ] = None
    top_p: Annotated[float | None, Flag("nucleus sampling", None, "NUMBER", (), "generation_config.top_p")] = None
    max_tokens: Annotated[
        int | None, Flag("stop after N tokens", None, "N", (), "generation_config.max_output_tokens")
    ] = None
    seed: Annotated[int | None, Flag("sampling seed", None, "N", (), "generation_config.seed")] = None
    stop: Annotated[
        list[str] | None,
        Flag("stop before this text; may be repeated", None, "TEXT", (), "generation_config.stop_sequences"),
    ] = None
    tool: Annotated[
        list[str] | None,
        Flag(
            f"a built-in tool ({' '.join(functions.SPELLINGS)}) or a file of declarations; may be repeated",
            "-T",
            "NAME|FILE",
            path="tools",
            file=True,
            offers=functions.BUILT_IN,
        ),
    ] = None
    tool_header: Annotated[
        list[str] | None,
        Flag("send a header to the mcp_server tools, its value read from FILE", None, "NAME=@FILE", file=True),
    ] = None
    tool_choice: Annotated[
        str | None,
        Flag(
            "auto, any, none, validated, or the function that must be called",
            metavar="MODE|NAME",
            path="generation_config.tool_choice",
            offers=functions.MODES,
        ),
    ] = None
    schema: Annotated[
        str | None,
        Flag(
            "answer in JSON that fits this JSON Schema; checked here too",
            metavar="FILE|JSON",
            path="response_format",
            file=True,
        ),
    ] = None
    format_image: Annotated[
        str | None, Flag("answer with an image, for -o; 16:9 or 16:9,2K", None, "RATIO[,SIZE]", (), "response_format")
    ] = None
    format_audio: Annotated[
        str | None, Flag("answer with sound of this type, for -o; audio/wav", None, "MIME", (), "response_format")
    ] = None
    continue_: Annotated[bool, Flag("continue your last interaction on this machine", "-c")] = False
    previous: Annotated[str | None, Flag("continue the interaction ID", None, "ID", (), "previous_interaction_id")] = (
        None
    )
    no_store: Annotated[bool | None, Flag("the service keeps nothing; nothing to continue later", path="store")] = None
    background: Annotated[bool | None, Flag("start it, print its id and return", path="background")] = None
    long: Annotated[
        bool, Flag("ask for the rest of an answer that is too long for one request; each request bills its input")
    ] = False
    service_tier: Annotated[
        str | None,
        Flag(
            "flex, standard, priority or deferred",  # api/README.md 2.14
            None,
            "TIER",
            (),
            "service_tier",
            offers=("flex", "standard", "priority", "deferred"),
        ),
    ] = None
    label: Annotated[
        list[str] | None, Flag("a label for billing; may be repeated", None, "KEY=VALUE", (), "labels")
    ] = None
    safety: Annotated[
        list[str] | None, Flag("a safety threshold; may be repeated", None, "TYPE=THRESHOLD", (), "safety_settings")
    ] = None


class Inputs(NamedTuple):
    """Contents of the files and streams that the options name, read by the caller."""

    input: str | list[dict[str, Any]] | None = None
    system: str | None = None
    request: Document | None = None
    schema: Document | None = None
    tools: list[dict[str, Any]] | None = None
    tool_headers: Mapping[str, str] | None = None
    last_id: str | None = None


def check(asked: Asked) -> None:
    """Raise UsageError for options that exclude each other, before files are opened."""
    for one, other in (("model", "agent"), ("system", "system_file"), ("continue_", "previous")):
        if getattr(asked, one) not in (None, False) and getattr(asked, other) is not None:
            raise UsageError(f"--{one.rstrip('_')} and --{other.replace('_', '-')} exclude each other")


def build(
    asked: Asked, inputs: Inputs, *, profile: Mapping[str, Any], environ: Mapping[str, str], stream: bool
) -> Body:
    """Build the body of a request; UsageError for contradictions."""
    body, _ = standing(profile, environ)
    if inputs.request is not None:
        if not isinstance(inputs.request.value, dict):
            raise inputs.request.fault((), "a request is a map")
        body = over(body, inputs.request.value)
    for path, value in _flags(asked, inputs):
        put(body, path, value)
        body = _choose(body, {str(path[0]): value})
    for text in asked.set or ():
        body = _choose(body, {assign(body, text): text})
    if inputs.tool_headers:
        body["tools"] = functions.with_headers(body.get("tools"), inputs.tool_headers)
    return complete(body, stream=stream)


def over(body: Body, said: Mapping[str, Any]) -> Body:
    """Lay one more layer over a body, which is not changed."""
    return _choose(merge(body, said), said)


def standing(profile: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Body, dict[str, str]]:
    """The body without any option, and the environment variable that set each field.

    Variables override the profile; only GEMINI_MODEL gives way to a profile's agent.
    """
    body = merge({}, profile)
    said = {}
    for field in fields(Asked):
        name = next((name for name in field.flag.env if environ.get(name)), None)
        if field.flag.path and name and not (field.name == "model" and "agent" in body):
            put(body, parse_path(field.flag.path), spoken(environ[name], name))
            said[field.flag.path] = name
    return body, said


def _choose(body: Body, said: Mapping[str, Any]) -> Body:
    """Keep one of `model` and `agent` (api/README.md 2.1): the later layer wins."""
    if "agent" in said and "model" not in said:
        body.pop("model", None)
    if "model" in said and "agent" not in said:
        body.pop("agent", None)
    return body


def _flags(asked: Asked, inputs: Inputs) -> list[tuple[BodyPath, Any]]:
    said: dict[str, Any] = {
        field.name: value
        for field in fields(Asked)
        if field.flag.path and (value := getattr(asked, field.name)) is not None
    }
    said |= {
        "thoughts": "auto" if asked.thoughts else None,
        "no_store": False if asked.no_store else None,
        "tool": inputs.tools,
        "tool_choice": functions.choice(asked.tool_choice) if asked.tool_choice else None,
        "system": inputs.system,
        "previous": inputs.last_id or asked.previous,
        "safety": [_safety(text) for text in asked.safety] if asked.safety else None,
    }
    placed = [
        (parse_path(field.flag.path), said[field.name])
        for field in fields(Asked)
        if field.flag.path not in (None, "labels", "response_format") and said.get(field.name) is not None
    ]
    if formats := _formats(asked, inputs.schema):
        placed.append((["response_format"], formats[0] if len(formats) == 1 else formats))
    placed += [
        (["labels", key], value) for key, value in (pair("--label", text, "KEY=VALUE") for text in asked.label or ())
    ]
    return [*placed, (["input"], inputs.input)] if inputs.input is not None else placed


def complete(body: Body, *, stream: bool) -> Body:
    """Add the defaults to a body; UsageError for contradictions."""
    if body.get("stream", stream) is not stream:
        raise UsageError(
            f"the request says stream: {str(body['stream']).lower()}; use `{'generate' if stream else 'stream'}`"
        )
    if stream:
        body["stream"] = True
    if "agent" not in body:
        body = {"model": DEFAULT_MODEL, **body}
    if body.get("background") and body.get("store") is False:  # api/README.md 2.5
        raise UsageError("--background needs the service to store the interaction; it excludes --no-store")
    return body


def with_prompt(body: Body) -> Body:
    """Return the body; UsageError if it has no prompt."""
    if not any(key in body for key in ASKING):
        raise UsageError("no prompt: give words, -f FILE, or text on stdin")
    return body


def _formats(asked: Asked, schema: Document | None) -> list[Body]:
    """The `response_format`s of the options (api/README.md 2.10)."""
    formats: list[Body] = []
    if schema is not None:
        if not isinstance(schema.value, dict):
            raise schema.fault((), "a JSON Schema is a map")
        formats.append({"type": "text", "mime_type": "application/json", "schema": schema.value})
    if asked.format_image is not None:
        ratio, _, size = asked.format_image.partition(",")
        said = {"aspect_ratio": ratio.strip(), "image_size": size.strip()}
        formats.append({"type": "image", **{key: value for key, value in said.items() if value}})
    if asked.format_audio is not None:
        formats.append({"type": "audio", "mime_type": asked.format_audio})
    return formats


def pair(flag: str, text: str, form: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise UsageError(f"{flag} {text}: write {form}")
    return key, value


def _safety(text: str) -> dict[str, str]:
    kind, threshold = pair("--safety", text, "TYPE=THRESHOLD")
    return {"type": kind, "threshold": threshold}


_VARIABLE = r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)\}"


def fill(prompt: str, variables: list[str] | None) -> str:
    """Fill `${NAME}` in a profile's prompt; `$${NAME}` is a literal `${NAME}`."""
    values = dict(pair("--var", text, "NAME=VALUE") for text in variables or ())
    used = {name for escaped, name in re.findall(_VARIABLE, prompt) if not escaped}
    for name in sorted(used - values.keys()):
        raise UsageError(f"the profile's prompt needs --var {name}=VALUE")
    for name in sorted(values.keys() - used):
        raise UsageError(f"--var {name} has no effect: the profile's prompt has no ${{{name}}}")
    return re.sub(_VARIABLE, lambda match: match[0][1:] if match[1] else values[match[2]], prompt)
