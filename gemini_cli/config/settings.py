"""Options for reaching the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import typer
from typer import Option

from gemini_cli.config.option_groups import FILE_NAME, NEEDS_NETWORK, PROFILE_KEY, Saved

DEFAULT = "default"
TIMEOUT = 900.0  # seconds for a whole run; models think for minutes, and clients are advised to wait 15


def _use_profile(ctx: typer.Context, named: str | None) -> str | None:
    """Let the profile fill the defaults of the other options; eager, so that it comes before them."""
    from gemini_cli.config.profiles import use_profile

    use_profile(ctx, named)
    return named


@dataclass(eq=False, repr=False)
class ConnectionOptions:
    """Client settings. Times are seconds; 0 switches a limit off."""

    profile: Annotated[
        str | None,
        Option(
            "-P",
            "--profile",
            metavar="NAME|PATH",
            envvar="GEMINI_PROFILE",
            is_eager=True,
            callback=_use_profile,
            help="settings from a profile, by name or by path",
        ),
        FILE_NAME,
        Saved("profile"),
    ] = None
    trust_profile: Annotated[
        str | None,
        Option(
            "--trust-profile",
            metavar="PATH",
            help="repeat the path of a profile, with a slash in it, to let it set base_url, api_key_*, headers and run",
        ),
        FILE_NAME,
    ] = None
    offline: Annotated[
        bool,
        Option("--offline", envvar="GEMINI_OFFLINE", help="answer from the embedded emulator: no key, no network"),
        PROFILE_KEY,
    ] = False
    api_key_file: Annotated[
        str | None,
        Option("--api-key-file", metavar="FILE", help="read the API key from a file that is ours and closed to others"),
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
            help="where the API is; a path prefix is kept, http:// is for loopback only",
        ),
        PROFILE_KEY,
        NEEDS_NETWORK,
    ] = "https://generativelanguage.googleapis.com"
    api_version: Annotated[
        str,
        Option(
            "--api-version", metavar="VERSION", envvar="GOOGLE_GENAI_API_VERSION", help="the API's version in the path"
        ),
        PROFILE_KEY,
    ] = "v1beta"
    ca_file: Annotated[
        str | None,
        Option(
            "--ca-file",
            metavar="FILE",
            envvar="SSL_CERT_FILE",
            help="trust the certificates in FILE instead of the system's",
        ),
        PROFILE_KEY,
        FILE_NAME,
        NEEDS_NETWORK,
    ] = None
    connect_timeout: Annotated[
        float,
        Option("--connect-timeout", metavar="SECONDS", min=0, help="give up connecting"),
        PROFILE_KEY,
        NEEDS_NETWORK,
    ] = 10.0
    idle_timeout: Annotated[
        float,
        Option("--idle-timeout", metavar="SECONDS", min=0, help="give up when no byte comes"),
        PROFILE_KEY,
        NEEDS_NETWORK,
    ] = 120.0
    timeout: Annotated[
        float | None,
        Option(
            "--timeout",
            metavar="SECONDS",
            min=0,
            help=f"end the run; {TIMEOUT:g} from when the input is complete, except for chat, map, upload and batch",
        ),
        PROFILE_KEY,
    ] = None
    retries: Annotated[
        int,
        Option(
            "--retries",
            metavar="N",
            min=0,
            help="repeat what was never sent, or what the server refused for now",
        ),
        PROFILE_KEY,
    ] = 3
    retry_unknown: Annotated[
        int,
        Option(
            "--retry-unknown",
            metavar="N",
            min=0,
            help="repeat a request that got no answer; it may be billed twice",
        ),
        PROFILE_KEY,
    ] = 0


class ResolvedValue(NamedTuple):
    """A value and its origin: an option, an environment variable, a profile's file, or DEFAULT."""

    value: Any
    origin: str
