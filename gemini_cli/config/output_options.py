"""The flags that say what comes out, and where."""

from __future__ import annotations

from typing import Annotated

from gemini_cli.config.option_spec import OptionGroup, OptionSpec


class GlobalOptions(OptionGroup):
    """How every command speaks."""

    json: Annotated[bool, OptionSpec("the server's JSON instead of text; errors as JSON too", profile=True)] = False
    quiet: Annotated[bool, OptionSpec("no notices", "-q", profile=True)] = False
    verbose: Annotated[
        int,
        OptionSpec("a line per request, retry and resume; -vv: headers and bodies, redacted", "-v", repeatable=True),
    ] = 0


class OutputOptions(GlobalOptions):
    """What comes out of an answer, and where."""

    output: Annotated[
        str | None,
        OptionSpec(
            "write the answer to FILE, whole or not at all; of several images or sounds the second one to FILE-2",
            "-o",
            "FILE",
            is_path=True,
        ),
    ] = None
    usage: Annotated[bool, OptionSpec("one line of token counts on stderr", "-u", profile=True)] = False
    citations: Annotated[bool, OptionSpec("list the sources after the answer", profile=True)] = False
    require_output: Annotated[bool, OptionSpec("an empty answer is exit status 8", profile=True)] = False


class DryRunOptions(OutputOptions):
    """Looking at a request without sending it."""

    dry_run: Annotated[bool, OptionSpec("print the request as JSON; nothing is sent, looked up or uploaded", "-n")] = (
        False
    )
    curl: Annotated[bool, OptionSpec("print the request as a curl command and send nothing")] = False
