"""Options for output, diagnostics and dry runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from typer import Option

from gemini_cli.config.option_groups import FILE_NAME, ONCE, PROFILE_KEY
from gemini_cli.errors import UsageError


@dataclass(eq=False, repr=False)
class GlobalOptions:
    """General."""

    json: Annotated[
        bool, Option("--json", help="print the JSON of the API instead of text, and errors as JSON"), PROFILE_KEY
    ] = False
    quiet: Annotated[bool, Option("-q", "--quiet", help="print no notices"), PROFILE_KEY] = False
    verbose: Annotated[
        int,
        Option(
            "-v",
            "--verbose",
            count=True,
            help="report each request, retry and resume; -vv adds headers, bodies without secrets, and tracebacks",
        ),
    ] = 0


@dataclass(eq=False, repr=False)
class OutputOptions(GlobalOptions):
    """Output."""

    output: Annotated[
        str | None,
        Option(
            "-o",
            "--output",
            metavar="FILE",
            help="write the answer to FILE, whole or not at all, or with - to stdout when it is complete; further "
            "images, audio or videos go to FILE-2 and so on, 16 at most; if FILE has the name of one of these "
            "(out.mp4) and the answer has none, the exit status is 8",
        ),
        FILE_NAME,
        ONCE,
    ] = None
    extract: Annotated[
        bool,
        Option("-x", "--extract", help="print only what stands inside the first fenced code block of the answer"),
        PROFILE_KEY,
    ] = False
    usage: Annotated[bool, Option("-u", "--usage", help="print the token counts on stderr"), PROFILE_KEY] = False
    citations: Annotated[bool, Option("--citations", help="print the cited sources after the answer"), PROFILE_KEY] = (
        False
    )
    require_output: Annotated[
        bool, Option("--require-output", help="exit with status 8 if the answer is empty"), PROFILE_KEY
    ] = False
    no_images: Annotated[
        bool,
        Option("--no-images", help="show no images of an answer, also on a terminal that can (iTerm2, kitty)"),
        PROFILE_KEY,
    ] = False


@dataclass(eq=False, repr=False)
class PreviewOptions:
    """Dry run."""

    dry_run: Annotated[bool, Option("-n", "--dry-run", help="print the request as JSON, and send nothing")] = False
    curl: Annotated[bool, Option("--curl", help="print the request as a curl command, and send nothing")] = False


@dataclass(eq=False, repr=False)
class DryRunOptions(PreviewOptions, OutputOptions):
    """Output of a command that can show its request."""


def check_extract(options: OutputOptions, *, has_schema: bool, is_given: Callable[[str], bool]) -> None:
    """UsageError for --extract where no code block is printed.

    `is_given` tells if an option is on the command line; --extract of a profile is ignored there.
    """
    others = {"--json": options.json, "--schema": has_schema, "--citations": is_given("citations")}
    for other in (name for name, is_used in others.items() if is_used and options.extract):
        if is_given("extract"):
            raise UsageError(f"--extract and {other} exclude each other")
        options.extract = False
