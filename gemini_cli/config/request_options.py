"""Options that say what to ask for."""

from __future__ import annotations

from typing import Annotated

from gemini_cli.config.option_spec import OptionGroup, OptionSpec

BUILT_IN = ("google_search", "code_execution", "url_context", "google_maps", "computer_use")
SPELLINGS = (*BUILT_IN, "file_search=STORE", "mcp_server=URL")
MODES = ("auto", "any", "none", "validated")  # of the choice among tools (api/README.md 9.3)


DEFAULT_MODEL = "gemini-flash-latest"
MODEL_ALIASES = (DEFAULT_MODEL, "gemini-flash-lite-latest", "gemini-pro-latest")  # api/README.md 1.3

API_NAMES = ("interactions", "generate-content")


class PromptOptions(OptionGroup):
    """Where the prompt comes from, beside the words."""

    prompt_file: Annotated[
        str | None, OptionSpec("read the prompt from FILE, or - for stdin", "-f", "FILE", is_path=True)
    ] = None
    no_stdin: Annotated[bool, OptionSpec("do not read stdin", env=("GEMINI_NO_STDIN",), profile=True)] = False
    var: Annotated[list[str] | None, OptionSpec("fill ${NAME} in the profile's prompt", metavar="NAME=VALUE")] = None
    attach: Annotated[
        list[str] | None,
        OptionSpec(
            "add an image, audio, video, document or text: a file, a URL, files/ID or -",
            "-a",
            "PATH[;type=MIME]",
            is_path=True,
        ),
    ] = None
    inline_limit: Annotated[
        int,
        OptionSpec(
            "how large a request may be with its attachments; the largest of them are uploaded first",
            metavar="BYTES",
            profile=True,
        ),
    ] = 21 * 1000 * 1000  # 20 MiB, the API's older, safer limit (api/README.md 3.4), and room for the rest
    inline: Annotated[bool, OptionSpec("send every attachment in the request, up to the API's own limits")] = False
    upload: Annotated[bool, OptionSpec("send every attachment that is no text ahead, through the Files API")] = False


class RequestOptions(OptionGroup):
    """What is asked of the model."""

    # None means that the option was not given: only then does a profile's value count.

    request: Annotated[
        str | None, OptionSpec("a whole request body, JSON or YAML; flags lie over it", None, "FILE", is_path=True)
    ] = None
    set: Annotated[
        list[str] | None,
        OptionSpec("set any field of the body: a.b=7, a.b[0].c=x, a.b[]=x appends", None, "PATH=VALUE"),
    ] = None
    api: Annotated[
        str,
        OptionSpec(f"the family of the API: {' or '.join(API_NAMES)}", None, "FAMILY", profile=True, choices=API_NAMES),
    ] = API_NAMES[0]
    model: Annotated[
        str | None,
        OptionSpec(
            f"the model; {DEFAULT_MODEL} if none is named",
            "-m",
            "NAME",
            ("GEMINI_MODEL",),
            "model",
            suggestions=MODEL_ALIASES,
        ),
    ] = None
    agent: Annotated[str | None, OptionSpec("an agent instead of a model", None, "NAME", (), "agent")] = None
    system: Annotated[
        str | None, OptionSpec("system instruction", "-s", "TEXT", (), "system_instruction", allow_empty=True)
    ] = None
    system_file: Annotated[
        str | None, OptionSpec("read the system instruction from FILE", None, "FILE", is_path=True)
    ] = None
    thinking: Annotated[
        str | None,
        OptionSpec(
            "how much the model thinks",
            metavar="LEVEL",
            path="generation_config.thinking_level",
            suggestions=("minimal", "low", "medium", "high", "xhigh"),  # api/README.md 13.3-13.5
        ),
    ] = None
    thoughts: Annotated[
        bool | None,
        OptionSpec("show summaries of the thoughts, on stderr", path="generation_config.thinking_summaries"),
    ] = None
    temperature: Annotated[
        float | None, OptionSpec("sampling temperature", None, "NUMBER", (), "generation_config.temperature")
    ] = None
    top_p: Annotated[float | None, OptionSpec("nucleus sampling", None, "NUMBER", (), "generation_config.top_p")] = None
    max_tokens: Annotated[
        int | None, OptionSpec("stop after N tokens", None, "N", (), "generation_config.max_output_tokens")
    ] = None
    seed: Annotated[int | None, OptionSpec("sampling seed", None, "N", (), "generation_config.seed")] = None
    stop: Annotated[
        list[str] | None,
        OptionSpec("stop before this text; may be repeated", None, "TEXT", (), "generation_config.stop_sequences"),
    ] = None
    tool: Annotated[
        list[str] | None,
        OptionSpec(
            f"a built-in tool ({' '.join(SPELLINGS)}) or a file of declarations; may be repeated",
            "-T",
            "NAME|FILE",
            path="tools",
            is_path=True,
            suggestions=BUILT_IN,
        ),
    ] = None
    tool_header: Annotated[
        list[str] | None,
        OptionSpec("send a header to the mcp_server tools, its value read from FILE", None, "NAME=@FILE", is_path=True),
    ] = None
    tool_choice: Annotated[
        str | None,
        OptionSpec(
            "auto, any, none, validated, or the function that must be called",
            metavar="MODE|NAME",
            path="generation_config.tool_choice",
            suggestions=MODES,
        ),
    ] = None
    schema: Annotated[
        str | None,
        OptionSpec(
            "answer in JSON that fits this JSON Schema; checked here too",
            metavar="FILE|JSON",
            path="response_format",
            is_path=True,
        ),
    ] = None
    format_image: Annotated[
        str | None,
        OptionSpec("answer with an image, for -o; 16:9 or 16:9,2K", None, "RATIO[,SIZE]", (), "response_format"),
    ] = None
    format_audio: Annotated[
        str | None, OptionSpec("answer with sound of this type, for -o; audio/wav", None, "MIME", (), "response_format")
    ] = None
    continue_: Annotated[bool, OptionSpec("continue your last interaction on this machine", "-c")] = False
    previous: Annotated[
        str | None, OptionSpec("continue the interaction ID", None, "ID", (), "previous_interaction_id")
    ] = None
    no_store: Annotated[
        bool | None, OptionSpec("the service keeps nothing; nothing to continue later", path="store")
    ] = None
    background: Annotated[bool | None, OptionSpec("start it, print its id and return", path="background")] = None
    long: Annotated[
        bool, OptionSpec("ask for the rest of an answer that is too long for one request; each request bills its input")
    ] = False
    service_tier: Annotated[
        str | None,
        OptionSpec(
            "flex, standard, priority or deferred",  # api/README.md 2.14
            None,
            "TIER",
            (),
            "service_tier",
            suggestions=("flex", "standard", "priority", "deferred"),
        ),
    ] = None
    label: Annotated[
        list[str] | None, OptionSpec("a label for billing; may be repeated", None, "KEY=VALUE", (), "labels")
    ] = None
    safety: Annotated[
        list[str] | None,
        OptionSpec("a safety threshold; may be repeated", None, "TYPE=THRESHOLD", (), "safety_settings"),
    ] = None


class HistoryOptions(OptionGroup):
    """Where the conversation is kept, if the caller keeps it."""

    history: Annotated[
        str | None,
        OptionSpec(
            "the conversation so far, a JSON list of steps; the new turn is added to FILE", None, "FILE", is_path=True
        ),
    ] = None
