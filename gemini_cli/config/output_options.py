"""The flags that say what comes out, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from gemini_cli.config.option_groups import FILE_NAME, ONCE, PROFILE_KEY


@dataclass(eq=False, repr=False)
class GlobalOptions:
    """How every command speaks."""

    json: Annotated[
        bool, Option("--json", help="the server's JSON instead of text; errors as JSON too"), PROFILE_KEY
    ] = False
    quiet: Annotated[bool, Option("-q", "--quiet", help="no notices"), PROFILE_KEY] = False
    verbose: Annotated[
        int,
        Option(
            "-v",
            "--verbose",
            count=True,
            help="a line per request, retry and resume; -vv: headers and bodies, redacted",
        ),
    ] = 0


@dataclass(eq=False, repr=False)
class OutputOptions(GlobalOptions):
    """What comes out of an answer, and where."""

    output: Annotated[
        str | None,
        Option(
            "-o",
            "--output",
            metavar="FILE",
            help="write the answer to FILE, whole or not at all; more images or sounds go to FILE-2 etc., 16 at most",
        ),
        FILE_NAME,
        ONCE,
    ] = None
    usage: Annotated[bool, Option("-u", "--usage", help="one line of token counts on stderr"), PROFILE_KEY] = False
    citations: Annotated[bool, Option("--citations", help="list the sources after the answer"), PROFILE_KEY] = False
    require_output: Annotated[
        bool, Option("--require-output", help="an empty answer is exit status 8"), PROFILE_KEY
    ] = False


@dataclass(eq=False, repr=False)
class DryRunOptions(OutputOptions):
    """Looking at a request without sending it."""

    dry_run: Annotated[
        bool, Option("-n", "--dry-run", help="print the request as JSON; nothing is sent, looked up or uploaded")
    ] = False
    curl: Annotated[bool, Option("--curl", help="print the request as a curl command and send nothing")] = False
