"""How to reach the service, and how a value is found: flag, then environment, then profile, then default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from gemini_cli.documents import spoken
from gemini_cli.errors import UsageError
from gemini_cli.flag import Field, Flag, Record, fields

if TYPE_CHECKING:
    from gemini_cli.profiles import Profile

Resolved = TypeVar("Resolved")

LARGEST = 1e8
DEFAULT = "default"
TIMEOUT = 900.0  # seconds for a whole run; models think for minutes, and clients are advised to wait 15


class Settings(Record):
    """Client settings. Times are seconds; 0 switches a limit off."""

    profile: Annotated[
        str | None,
        Flag(
            "settings from a profile, by name or by path",
            "-P",
            "NAME|PATH",
            ("GEMINI_PROFILE",),
            file=True,
            kept="profile",
        ),
    ] = None
    trust_profile: Annotated[bool, Flag("let a profile named by path set base_url, api_key_* and run")] = False
    offline: Annotated[
        bool, Flag("answer from the embedded emulator: no key, no network", env=("GEMINI_OFFLINE",), profile=True)
    ] = False
    api_key_file: Annotated[
        str | None,
        Flag(
            "read the API key from a file that is ours and closed to others",
            metavar="FILE",
            profile=True,
            online=True,
            file=True,
        ),
    ] = None
    base_url: Annotated[
        str,
        Flag(
            "where the API is; a path prefix is kept, http:// is for loopback only",
            metavar="URL",
            env=("GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"),
            profile=True,
            online=True,
        ),
    ] = "https://generativelanguage.googleapis.com"
    api_version: Annotated[
        str, Flag("the API's version in the path", metavar="VERSION", env=("GOOGLE_GENAI_API_VERSION",), profile=True)
    ] = "v1beta"  # the default model's name exists only there (api/README.md 1.3)
    ca_file: Annotated[
        str | None,
        Flag(
            "trust the certificates in FILE instead of the system's",
            metavar="FILE",
            env=("SSL_CERT_FILE",),
            profile=True,
            online=True,
            file=True,
        ),
    ] = None
    connect_timeout: Annotated[float, Flag("give up connecting", metavar="SECONDS", profile=True, online=True)] = 10.0
    idle_timeout: Annotated[float, Flag("give up when no byte comes", metavar="SECONDS", profile=True, online=True)] = (
        120.0
    )
    timeout: Annotated[
        float | None,
        Flag(
            f"end the run, counted from when the input is complete; {TIMEOUT:g} unless the command may take for ever",
            metavar="SECONDS",
            profile=True,
        ),
    ] = None
    retries: Annotated[
        int, Flag("repeat what was never sent, or what the server refused for now", metavar="N", profile=True)
    ] = 3
    retry_unknown: Annotated[
        int, Flag("repeat a request that got no answer; it may be billed twice", metavar="N", profile=True)
    ] = 0


class Said(NamedTuple):
    """What the user said, before defaults: values of flags by field name, the environment, the profile."""

    flags: Mapping[str, Any]
    environ: Mapping[str, str]
    profile: Profile | None = None


class Found(NamedTuple):
    """A value, and who said it: a flag, a variable, the name of a profile's file, or DEFAULT."""

    value: Any
    origin: str


def resolve(record: type[Resolved], said: Said) -> Resolved:
    """An instance of a record of flags; UsageError or InputError for a value of the wrong type."""
    return record(**{field.name: find(field, said).value for field in fields(record)})


def find(field: Field, said: Said) -> Found:
    """Flag, then environment, then profile, then default: the first one that says something."""
    value = said.flags.get(field.name)
    if value is not None:
        return Found(_checked(field, _text(field, value, field.long), field.long), field.long)
    for name in field.flag.env:
        if text := said.environ.get(name):
            return Found(_checked(field, _from_text(field, _text(field, text, name), name), name), name)
    if said.profile and field.name in said.profile.client:
        return Found(said.profile.value(field), said.profile.document.name)
    return Found(field.default, DEFAULT)


def _from_text(field: Field, text: str, name: str) -> Any:
    if field.kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise UsageError(f"{name}={text}: use 1 or 0")
    try:
        return field.kind(text)
    except ValueError:
        raise UsageError(f"{name}={text}: not a number") from None


def _text(field: Field, value: Any, name: str) -> Any:
    """Words as UTF-8, whatever the locale made of their bytes; names of files stay bytes."""
    if field.flag.file:
        return value
    if isinstance(value, str):
        return spoken(value, name)
    return [spoken(text, name) for text in value] if isinstance(value, list) else value


def _checked(field: Field, value: Any, name: str) -> Any:
    if value == "" and not field.flag.empty:
        raise UsageError(f"{name} is empty")
    if not acceptable(field, value):
        choices = " or ".join(field.flag.choices)
        raise UsageError(f"{name} {value}: {f'use {choices}' if choices else 'not a number that makes sense there'}")
    return value


def acceptable(field: Field, value: Any) -> bool:
    """One of its choices; a finite number, a limit or a count not negative either, and a time that fits a C long."""
    if field.flag.choices:
        return value in field.flag.choices
    if field.kind not in (int, float):
        return True
    return math.isfinite(value) and (field.flag.path is not None or 0 <= value <= LARGEST)
