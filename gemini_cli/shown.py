"""The flags that say what comes out, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gemini_cli.flag import Flag


@dataclass(frozen=True)
class Voice:
    """How every command speaks."""

    json: Annotated[bool, Flag("the server's JSON instead of text; errors as JSON too", profile=True)] = False
    quiet: Annotated[bool, Flag("no notices", "-q", profile=True)] = False
    verbose: Annotated[
        int, Flag("a line per request, retry and resume; -vv: headers and bodies, redacted", "-v", counted=True)
    ] = 0


@dataclass(frozen=True)
class AnswerFlags(Voice):
    """What comes out of an answer, and where."""

    output: Annotated[str | None, Flag("write the answer to FILE, whole or not at all", "-o", "FILE", file=True)] = None
    usage: Annotated[bool, Flag("one line of token counts on stderr", "-u", profile=True)] = False
    citations: Annotated[bool, Flag("list the sources after the answer", profile=True)] = False
    require_output: Annotated[bool, Flag("an empty answer is exit status 8", profile=True)] = False


@dataclass(frozen=True)
class PreviewFlags(AnswerFlags):
    """The same for a question that may also be only looked at."""

    dry_run: Annotated[bool, Flag("print the request as JSON and send nothing", "-n")] = False
    curl: Annotated[bool, Flag("print the request as a curl command and send nothing")] = False
