"""Options that say what to ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from typer import Option

from gemini_cli.config.option_groups import ALLOW_EMPTY, FILE_NAME, ONCE, PROFILE_KEY, BodyField, Suggestions

BUILT_IN = ("google_search", "code_execution", "url_context", "google_maps", "computer_use")
SPELLINGS = (*BUILT_IN, "file_search=STORE", "mcp_server=URL")
MODES = ("auto", "any", "none", "validated")  # of the choice among tools (api/README.md 9.3)


DEFAULT_MODEL = "gemini-flash-latest"
MODEL_ALIASES = (DEFAULT_MODEL, "gemini-flash-lite-latest", "gemini-pro-latest")  # api/README.md 1.3

API_NAMES = ("interactions", "generate-content")


@dataclass(eq=False, repr=False)
class PromptOptions:
    """Where the prompt comes from, beside the words."""

    prompt_file: Annotated[
        str | None,
        Option("-f", "--prompt-file", metavar="FILE", help="read the prompt from FILE, or - for stdin"),
        FILE_NAME,
        ONCE,
    ] = None
    no_stdin: Annotated[bool, Option("--no-stdin", envvar="GEMINI_NO_STDIN", help="do not read stdin"), PROFILE_KEY] = (
        False
    )
    var: Annotated[
        list[str] | None, Option("--var", metavar="NAME=VALUE", help="fill ${NAME} in the profile's prompt")
    ] = None
    attach: Annotated[
        list[str] | None,
        Option(
            "-a",
            "--attach",
            metavar="PATH[;type=MIME]",
            help="add an image, audio, video, document or text: a file, a URL, files/ID or -",
        ),
        FILE_NAME,
    ] = None
    inline_limit: Annotated[
        int,
        Option(
            "--inline-limit",
            metavar="BYTES",
            min=0,
            help="how large a request may be with its attachments; the largest of them are uploaded first",
        ),
        PROFILE_KEY,
    ] = 21 * 1000 * 1000
    inline: Annotated[
        bool, Option("--inline", help="send every attachment in the request, up to the API's own limits")
    ] = False
    upload: Annotated[
        bool, Option("--upload", help="send every attachment that is no text ahead, through the Files API")
    ] = False


@dataclass(eq=False, repr=False)
class RequestOptions:
    """What is asked of the model."""

    # None means that the option was not given: only then does a profile's value count.

    request: Annotated[
        str | None,
        Option("--request", metavar="FILE", help="a whole request body, JSON or YAML; flags lie over it"),
        FILE_NAME,
    ] = None
    set: Annotated[
        list[str] | None,
        Option("--set", metavar="PATH=VALUE", help="set any field of the body: a.b=7, a.b[0].c=x, a.b[]=x appends"),
    ] = None
    api: Annotated[
        Literal["interactions", "generate-content"],
        Option("--api", metavar="FAMILY", help=f"the family of the API: {' or '.join(API_NAMES)}"),
        PROFILE_KEY,
    ] = "interactions"
    model: Annotated[
        str | None,
        Option(
            "-m", "--model", metavar="NAME", envvar="GEMINI_MODEL", help=f"the model; {DEFAULT_MODEL} if none is named"
        ),
        BodyField("model"),
        Suggestions(MODEL_ALIASES),
    ] = None
    agent: Annotated[
        str | None, Option("--agent", metavar="NAME", help="an agent instead of a model"), BodyField("agent")
    ] = None
    system: Annotated[
        str | None,
        Option("-s", "--system", metavar="TEXT", help="system instruction"),
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
        Option("--thinking", metavar="LEVEL", help="how much the model thinks"),
        BodyField("generation_config.thinking_level"),
        Suggestions(("minimal", "low", "medium", "high", "xhigh")),  # api/README.md 13.3-13.5
    ] = None
    thoughts: Annotated[
        bool,
        Option("--thoughts", help="show summaries of the thoughts, on stderr"),
        BodyField("generation_config.thinking_summaries"),
    ] = False
    temperature: Annotated[
        float | None,
        Option("--temperature", metavar="NUMBER", help="sampling temperature"),
        BodyField("generation_config.temperature"),
    ] = None
    top_p: Annotated[
        float | None, Option("--top-p", metavar="NUMBER", help="nucleus sampling"), BodyField("generation_config.top_p")
    ] = None
    max_tokens: Annotated[
        int | None,
        Option("--max-tokens", metavar="N", help="stop after N tokens"),
        BodyField("generation_config.max_output_tokens"),
    ] = None
    seed: Annotated[
        int | None, Option("--seed", metavar="N", help="sampling seed"), BodyField("generation_config.seed")
    ] = None
    stop: Annotated[
        list[str] | None,
        Option("--stop", metavar="TEXT", help="stop before this text; may be repeated"),
        BodyField("generation_config.stop_sequences"),
    ] = None
    tool: Annotated[
        list[str] | None,
        Option(
            "-T",
            "--tool",
            metavar="NAME|FILE",
            help=f"a built-in tool ({' '.join(SPELLINGS)}) or a file of declarations; may be repeated",
        ),
        BodyField("tools"),
        FILE_NAME,
        Suggestions(BUILT_IN),
    ] = None
    tool_header: Annotated[
        list[str] | None,
        Option(
            "--tool-header",
            metavar="NAME=@FILE",
            help="send a header to the mcp_server tools, its value read from FILE",
        ),
        FILE_NAME,
    ] = None
    tool_choice: Annotated[
        str | None,
        Option(
            "--tool-choice", metavar="MODE|NAME", help="auto, any, none, validated, or the function that must be called"
        ),
        BodyField("generation_config.tool_choice"),
        Suggestions(MODES),
    ] = None
    schema: Annotated[
        str | None,
        Option("--schema", metavar="FILE|JSON", help="answer in JSON that fits this JSON Schema; checked here too"),
        BodyField("response_format"),
        FILE_NAME,
        ONCE,
    ] = None
    format_image: Annotated[
        str | None,
        Option("--format-image", metavar="RATIO[,SIZE]", help="answer with an image, for -o; 16:9 or 16:9,2K"),
        BodyField("response_format"),
    ] = None
    format_audio: Annotated[
        str | None,
        Option("--format-audio", metavar="MIME", help="answer with sound of this type, for -o; audio/wav"),
        BodyField("response_format"),
    ] = None
    continue_: Annotated[bool, Option("-c", "--continue", help="continue your last interaction on this machine")] = (
        False
    )
    previous: Annotated[
        str | None,
        Option("--previous", metavar="ID", help="continue the interaction ID"),
        BodyField("previous_interaction_id"),
    ] = None
    no_store: Annotated[
        bool, Option("--no-store", help="the service keeps nothing; nothing to continue later"), BodyField("store")
    ] = False
    background: Annotated[
        bool, Option("--background", help="start it, print its id and return"), BodyField("background")
    ] = False
    long: Annotated[
        bool,
        Option(
            "--long",
            help="ask for the rest of an answer that is too long for one request; each request bills its input",
        ),
    ] = False
    service_tier: Annotated[
        str | None,
        Option("--service-tier", metavar="TIER", help="flex, standard, priority or deferred"),
        BodyField("service_tier"),
        Suggestions(("flex", "standard", "priority", "deferred")),  # api/README.md 2.14
    ] = None
    label: Annotated[
        list[str] | None,
        Option("--label", metavar="KEY=VALUE", help="a label for billing; may be repeated"),
        BodyField("labels"),
    ] = None
    safety: Annotated[
        list[str] | None,
        Option("--safety", metavar="TYPE=THRESHOLD", help="a safety threshold; may be repeated"),
        BodyField("safety_settings"),
    ] = None


@dataclass(eq=False, repr=False)
class HistoryOptions:
    """Where the conversation is kept, if the caller keeps it."""

    history: Annotated[
        str | None,
        Option(
            "--history",
            metavar="FILE",
            help="the conversation so far, a JSON list of steps; the new turn is added to FILE",
        ),
        FILE_NAME,
        ONCE,
    ] = None
