"""Options for the prompt, the request and the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from typer import Option

from gemini_cli.config.model_names import AGENT_NAMES, DEFAULT_MODEL, MODEL_ALIASES, MODEL_NAMES
from gemini_cli.config.option_groups import ALLOW_EMPTY, FILE_NAME, ONCE, PROFILE_KEY, BodyField, Suggestions

BUILT_IN_TOOLS = ("google_search", "code_execution", "url_context", "google_maps", "computer_use")
TOOL_NAMES = (*BUILT_IN_TOOLS, "file_search=STORE", "mcp_server=URL")
TOOL_CHOICE_MODES = ("auto", "any", "none", "validated")  # values of --tool-choice (api/README.md 9.3)

ApiName = Literal["interactions", "generate-content"]
API_NAMES: tuple[str, ...] = get_args(ApiName)
THINKING_LEVELS = ("minimal", "low", "medium", "high", "xhigh")  # api/README.md 13.5
SERVICE_TIERS = ("flex", "standard", "priority", "deferred")  # api/README.md 2.14


@dataclass(eq=False, repr=False)
class PromptOptions:
    """Prompt."""

    prompt_file: Annotated[
        str | None,
        Option("-f", "--prompt-file", metavar="FILE", help="read the prompt from FILE, or - for stdin"),
        FILE_NAME,
        ONCE,
    ] = None
    no_stdin: Annotated[bool, Option("--no-stdin", envvar="GEMINI_NO_STDIN", help="do not read stdin"), PROFILE_KEY] = (
        False
    )
    require_stdin: Annotated[
        bool, Option("--require-stdin", help="exit with status 2, and send nothing, if stdin brings nothing")
    ] = False
    var: Annotated[
        list[str] | None,
        Option("--var", metavar="NAME=VALUE", help="replace ${NAME} in the prompt of the profile; may be repeated"),
    ] = None
    attach: Annotated[
        list[str] | None,
        Option(
            "-a",
            "--attach",
            metavar="PATH[;type=MIME]",
            help="attach an image, audio, video, document or text: a file, a URL, files/ID, or - for stdin",
        ),
        FILE_NAME,
    ] = None
    inline_limit: Annotated[
        int,
        Option(
            "--inline-limit",
            metavar="BYTES",
            min=0,
            help="upload the largest attachments first if the request would be larger than this",
        ),
        PROFILE_KEY,
    ] = 21 * 1000 * 1000
    inline: Annotated[
        bool, Option("--inline", help="send all attachments in the request; the API has a limit for its size")
    ] = False
    upload: Annotated[bool, Option("--upload", help="upload all attachments except text first, with the Files API")] = (
        False
    )


@dataclass(eq=False, repr=False)
class RequestOptions:
    """Request."""

    # None means that the option was not given, so that a value of the profile applies.

    model: Annotated[
        str | None,
        Option("-m", "--model", metavar="NAME", envvar="GEMINI_MODEL", help=f"the model (default: {DEFAULT_MODEL})"),
        BodyField("model"),
        Suggestions((*MODEL_ALIASES, *MODEL_NAMES)),
    ] = None
    fallback: Annotated[
        list[str] | None,
        Option(
            "--fallback",
            metavar="MODEL",
            help="the model to use if the one before is refused: 429, 500 or 503 after all retries, quota, or 404 for "
            "a model; may be repeated",
        ),
        PROFILE_KEY,
        Suggestions((*MODEL_ALIASES, *MODEL_NAMES)),
    ] = None
    agent: Annotated[
        str | None,
        Option("--agent", metavar="NAME", help="the agent, instead of a model"),
        BodyField("agent"),
        Suggestions(AGENT_NAMES),
    ] = None
    system: Annotated[
        str | None,
        Option("-s", "--system", metavar="TEXT", help="the system instruction"),
        BodyField("system_instruction"),
        ALLOW_EMPTY,
        ONCE,
    ] = None
    system_file: Annotated[
        str | None,
        Option("--system-file", metavar="FILE", help="read the system instruction from FILE"),
        FILE_NAME,
        ONCE,
    ] = None
    thinking: Annotated[
        str | None,
        Option("--thinking", metavar="|".join(THINKING_LEVELS), help="how much the model thinks"),
        BodyField("generation_config.thinking_level"),
        Suggestions(THINKING_LEVELS),  # api/README.md 13.3-13.5
    ] = None
    thoughts: Annotated[
        bool,
        Option("--thoughts", help="print summaries of the model's thoughts on stderr"),
        BodyField("generation_config.thinking_summaries"),
    ] = False
    temperature: Annotated[
        float | None,
        Option("--temperature", metavar="NUMBER", help="the sampling temperature"),
        BodyField("generation_config.temperature"),
    ] = None
    top_p: Annotated[
        float | None,
        Option("--top-p", metavar="NUMBER", help="sample from the most likely tokens with this total probability"),
        BodyField("generation_config.top_p"),
    ] = None
    top_k: Annotated[
        int | None,
        Option("--top-k", metavar="N", help="sample from this number of the most likely tokens"),
        BodyField("generation_config.top_k"),  # api/README.md 2.7
    ] = None
    max_tokens: Annotated[
        int | None,
        Option("--max-tokens", metavar="N", help="the largest number of tokens in the answer"),
        BodyField("generation_config.max_output_tokens"),
    ] = None
    seed: Annotated[
        int | None, Option("--seed", metavar="N", help="the seed for sampling"), BodyField("generation_config.seed")
    ] = None
    stop: Annotated[
        list[str] | None,
        Option("--stop", metavar="TEXT", help="end the answer before this text; may be repeated"),
        BodyField("generation_config.stop_sequences"),
    ] = None
    tool: Annotated[
        list[str] | None,
        Option(
            "-T",
            "--tool",
            metavar="NAME|FILE",
            help=f"a built-in tool ({', '.join(TOOL_NAMES)}) or a file of function declarations; may be repeated",
        ),
        BodyField("tools"),
        FILE_NAME,
        Suggestions(BUILT_IN_TOOLS),
    ] = None
    tool_header: Annotated[
        list[str] | None,
        Option(
            "--tool-header",
            metavar="NAME=@FILE",
            help="send a header to the mcp_server tools, with its value from FILE; may be repeated",
        ),
        FILE_NAME,
    ] = None
    tool_choice: Annotated[
        str | None,
        Option(
            "--tool-choice",
            metavar="|".join((*TOOL_CHOICE_MODES, "NAME")),
            help="which tools the model may or must call; NAME is a function",
        ),
        BodyField("generation_config.tool_choice"),
        Suggestions(TOOL_CHOICE_MODES),
    ] = None
    schema: Annotated[
        str | None,
        Option(
            "--schema",
            metavar="FILE|JSON",
            help="request JSON that matches this JSON Schema, and check the answer: exit status 14 if it does not",
        ),
        BodyField("response_format"),
        FILE_NAME,
        ONCE,
    ] = None
    format_image: Annotated[
        str | None,
        Option("--format-image", metavar="RATIO[,SIZE]", help="request an image: 16:9 or 16:9,2K"),
        BodyField("response_format"),
        ONCE,
    ] = None
    format_audio: Annotated[
        str | None,
        Option("--format-audio", metavar="MIME", help="request audio of this type, for -o: audio/wav"),
        BodyField("response_format"),
        ONCE,
    ] = None
    format_video: Annotated[
        str | None,
        Option("--format-video", metavar="RATIO[,RESOLUTION]", help="request a video, for -o: 16:9 or 9:16,1080p"),
        BodyField("response_format"),
        ONCE,
    ] = None
    voice: Annotated[
        str | None,
        Option("--voice", metavar="NAME", help="the voice of the speech, with --format-audio: Kore"),
        BodyField("generation_config.speech_config"),
    ] = None
    continue_: Annotated[bool, Option("-c", "--continue", help="continue the last interaction")] = False
    previous: Annotated[
        str | None,
        Option("--previous", metavar="ID", help="continue this interaction"),
        BodyField("previous_interaction_id"),
        ONCE,
    ] = None
    no_store: Annotated[
        bool,
        Option("--no-store", help="do not store the interaction on the server; it cannot be continued with --previous"),
        BodyField("store"),
    ] = False
    background: Annotated[
        bool, Option("--background", help="start the interaction, print its id and exit"), BodyField("background")
    ] = False
    long: Annotated[
        bool,
        Option(
            "--long",
            help="request the rest of an answer that is too long for one request; each request bills its input",
        ),
    ] = False
    service_tier: Annotated[
        str | None,
        Option("--service-tier", metavar="|".join(SERVICE_TIERS), help="the service tier"),
        BodyField("service_tier"),
        Suggestions(SERVICE_TIERS),  # api/README.md 2.14
    ] = None
    label: Annotated[
        list[str] | None,
        Option("--label", metavar="KEY=VALUE", help="add a label for billing; may be repeated"),
        BodyField("labels"),
    ] = None
    safety: Annotated[
        list[str] | None,
        Option("--safety", metavar="TYPE=THRESHOLD", help="set a safety threshold; may be repeated"),
        BodyField("safety_settings"),
    ] = None
    request: Annotated[
        str | None,
        Option(
            "--request",
            metavar="FILE",
            help="read the request body from FILE, JSON or YAML; options override its fields",
        ),
        FILE_NAME,
        ONCE,
    ] = None
    set: Annotated[
        list[str] | None,
        Option(
            "--set",
            metavar="PATH=VALUE",
            help="set a field of the request body: a.b=7, a.b[0].c=x; a.b[]=x appends; may be repeated",
        ),
    ] = None
    api: Annotated[
        ApiName,
        Option("--api", metavar="|".join(API_NAMES), help="the API to use"),
        PROFILE_KEY,
    ] = "interactions"


@dataclass(eq=False, repr=False)
class HistoryOptions:
    """Conversation."""

    history: Annotated[
        str | None,
        Option(
            "--history",
            metavar="FILE",
            help="continue the conversation in FILE, a JSON list of steps, or of contents with roles; `generate`, "
            "`stream` and `call-tool` add the new turn to it",
        ),
        FILE_NAME,
        ONCE,
    ] = None
