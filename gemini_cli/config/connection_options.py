"""Options for the connection to the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Option

from gemini_cli.config.option_groups import FILE_NAME, NEEDS_NETWORK, PROFILE_KEY, Saved

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
DEFAULT_TIMEOUT = 900.0  # seconds for a run; a model may think for minutes, and the API advises to wait 15


def _use_profile(ctx: typer.Context, named: str | None) -> str | None:
    """Take the defaults of the other options from the profile.

    Typer calls this first, since the option is eager.
    """
    from gemini_cli.config.profiles import use_profile

    use_profile(ctx, named)
    return named


@dataclass(eq=False, repr=False)
class ConnectionOptions:
    """Connection. Times are in seconds; 0 means no limit.

    A file of --record has a line of JSON for each request and its response. --replay compares method, path and body.
    The first line may name fields that are not compared:
    {"recording":"gemini-cli","version":1,"matching":{"body.input[1].text":"ignore"}}. Equal requests of a run are
    answered in the order of the file, and the last answer is repeated. emulator --replay FILE -- COMMAND keeps the
    order over all runs of COMMAND.
    """

    profile: Annotated[
        str | None,
        Option(
            "-P",
            "--profile",
            metavar="NAME|PATH",
            envvar="GEMINI_PROFILE",
            is_eager=True,
            callback=_use_profile,
            help="read settings from a profile, by name or by path",
        ),
        FILE_NAME,
        Saved("profile"),
    ] = None
    trust_profile: Annotated[
        str | None,
        Option(
            "--trust-profile",
            metavar="PATH",
            help="let the profile at PATH, with a slash in it, set base_url, ca_file, api_key_*, headers, run and env",
        ),
        FILE_NAME,
    ] = None
    offline: Annotated[
        bool,
        Option(
            "--offline",
            envvar="GEMINI_OFFLINE",
            help="get the answer from the built-in emulator, without a key or a network",
        ),
        PROFILE_KEY,
    ] = False
    record: Annotated[
        str | None,
        Option(
            "--record",
            metavar="FILE",
            envvar="GEMINI_RECORD",
            help="append each request and its response to FILE, without the key",
        ),
        FILE_NAME,
    ] = None
    replay: Annotated[
        str | None,
        Option(
            "--replay",
            metavar="FILE",
            envvar="GEMINI_REPLAY",
            help="get the responses from a file of --record, without a key or a network; a request that is not in it "
            "is exit status 6",
        ),
        FILE_NAME,
    ] = None
    api_key_file: Annotated[
        str | None,
        Option(
            "--api-key-file",
            metavar="FILE",
            help="read the API key from FILE, which must belong to the user and be closed to others",
        ),
        PROFILE_KEY,
        FILE_NAME,
        NEEDS_NETWORK,
    ] = None
    base_url: Annotated[
        str,
        Option(
            "--base-url",
            metavar="URL",
            envvar=["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
            help="the address of the API, with an optional path prefix; http:// is allowed for loopback only",
        ),
        PROFILE_KEY,
        NEEDS_NETWORK,
    ] = DEFAULT_BASE_URL
    api_version: Annotated[
        str,
        Option(
            "--api-version",
            metavar="VERSION",
            envvar="GOOGLE_GENAI_API_VERSION",
            help="the version in the path of the API",
        ),
        PROFILE_KEY,
    ] = "v1beta"
    header: Annotated[
        list[str] | None,
        Option(
            "--header",
            metavar="NAME=@FILE|NAME=VALUE",
            help="send a header to a gateway, at the host of the base URL only; with @, its value is the content of "
            "FILE, which must belong to the user and be closed to others; may be repeated",
        ),
        FILE_NAME,
        NEEDS_NETWORK,
    ] = None
    ca_file: Annotated[
        str | None,
        Option(
            "--ca-file",
            metavar="FILE",
            envvar="SSL_CERT_FILE",
            help="trust the certificates in FILE instead of those of the system",
        ),
        PROFILE_KEY,
        FILE_NAME,
        NEEDS_NETWORK,
    ] = None
    connect_timeout: Annotated[
        float,
        Option("--connect-timeout", metavar="SECONDS", min=0, help="time limit for a connection"),
        PROFILE_KEY,
        NEEDS_NETWORK,
    ] = 10.0
    idle_timeout: Annotated[
        float,
        Option(
            "--idle-timeout",
            metavar="SECONDS",
            min=0,
            help="time limit for the next byte of a response; for the first byte of an answer without streaming, only "
            "if given",
        ),
        PROFILE_KEY,
        NEEDS_NETWORK,
    ] = 120.0
    timeout: Annotated[
        float | None,
        Option(
            "--timeout",
            metavar="SECONDS",
            min=0,
            help=f"time limit of the run, from its start; by default {DEFAULT_TIMEOUT:g} from the end of its input, "
            "and none for chat, map, upload and batch",
        ),
        PROFILE_KEY,
    ] = None
    retries: Annotated[
        int,
        Option(
            "--retries",
            metavar="N",
            min=0,
            help="how often to repeat a request that was not sent, or that the server refused for now",
        ),
        PROFILE_KEY,
    ] = 3
    retry_unknown: Annotated[
        int,
        Option(
            "--retry-unknown",
            metavar="N",
            min=0,
            help="how often to repeat a request that was sent and got no response; it may be billed twice",
        ),
        PROFILE_KEY,
    ] = 0

    @property
    def is_local(self) -> bool:
        """True if the server is on this machine, so that ids of it are kept apart."""
        return self.offline or self.replay is not None
