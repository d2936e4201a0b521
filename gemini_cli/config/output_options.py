"""The flags that say what comes out, and where."""

from __future__ import annotations

from typing import Annotated

from gemini_cli.config.option_spec import Flag, Record


class Voice(Record):
    """How every command speaks."""

    json: Annotated[bool, Flag("the server's JSON instead of text; errors as JSON too", profile=True)] = False
    quiet: Annotated[bool, Flag("no notices", "-q", profile=True)] = False
    verbose: Annotated[
        int, Flag("a line per request, retry and resume; -vv: headers and bodies, redacted", "-v", counted=True)
    ] = 0


class AnswerFlags(Voice):
    """What comes out of an answer, and where."""

    output: Annotated[
        str | None,
        Flag(
            "write the answer to FILE, whole or not at all; of several images or sounds the second one to FILE-2",
            "-o",
            "FILE",
            file=True,
        ),
    ] = None
    usage: Annotated[bool, Flag("one line of token counts on stderr", "-u", profile=True)] = False
    citations: Annotated[bool, Flag("list the sources after the answer", profile=True)] = False
    require_output: Annotated[bool, Flag("an empty answer is exit status 8", profile=True)] = False


class PreviewFlags(AnswerFlags):
    """Looking at a request without sending it."""

    dry_run: Annotated[bool, Flag("print the request as JSON; nothing is sent, looked up or uploaded", "-n")] = False
    curl: Annotated[bool, Flag("print the request as a curl command and send nothing")] = False
