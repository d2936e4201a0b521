"""How to reach the service, and how a value is found: flag, then environment, then profile, then default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from gemini_cli.config.option_spec import OptionField, OptionGroup, OptionSpec, is_acceptable, option_fields
from gemini_cli.errors import UsageError
from gemini_cli.formats.text_files import decode_argument

if TYPE_CHECKING:
    from gemini_cli.config.profiles import Profile

Resolved = TypeVar("Resolved")

DEFAULT = "default"
TIMEOUT = 900.0  # seconds for a whole run; models think for minutes, and clients are advised to wait 15


class ConnectionOptions(OptionGroup):
    """Client settings. Times are seconds; 0 switches a limit off."""

    profile: Annotated[
        str | None,
        OptionSpec(
            "settings from a profile, by name or by path",
            "-P",
            "NAME|PATH",
            ("GEMINI_PROFILE",),
            is_path=True,
            completes="profile",
        ),
    ] = None
    trust_profile: Annotated[bool, OptionSpec("let a profile named by path set base_url, api_key_* and run")] = False
    offline: Annotated[
        bool, OptionSpec("answer from the embedded emulator: no key, no network", env=("GEMINI_OFFLINE",), profile=True)
    ] = False
    api_key_file: Annotated[
        str | None,
        OptionSpec(
            "read the API key from a file that is ours and closed to others",
            metavar="FILE",
            profile=True,
            requires_network=True,
            is_path=True,
        ),
    ] = None
    base_url: Annotated[
        str,
        OptionSpec(
            "where the API is; a path prefix is kept, http:// is for loopback only",
            metavar="URL",
            env=("GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"),
            profile=True,
            requires_network=True,
        ),
    ] = "https://generativelanguage.googleapis.com"
    api_version: Annotated[
        str,
        OptionSpec("the API's version in the path", metavar="VERSION", env=("GOOGLE_GENAI_API_VERSION",), profile=True),
    ] = "v1beta"  # the default model's name exists only there (api/README.md 1.3)
    ca_file: Annotated[
        str | None,
        OptionSpec(
            "trust the certificates in FILE instead of the system's",
            metavar="FILE",
            env=("SSL_CERT_FILE",),
            profile=True,
            requires_network=True,
            is_path=True,
        ),
    ] = None
    connect_timeout: Annotated[
        float, OptionSpec("give up connecting", metavar="SECONDS", profile=True, requires_network=True)
    ] = 10.0
    idle_timeout: Annotated[
        float, OptionSpec("give up when no byte comes", metavar="SECONDS", profile=True, requires_network=True)
    ] = 120.0
    timeout: Annotated[
        float | None,
        OptionSpec(
            f"end the run, counted from when the input is complete; {TIMEOUT:g} unless the command may take for ever",
            metavar="SECONDS",
            profile=True,
        ),
    ] = None
    retries: Annotated[
        int, OptionSpec("repeat what was never sent, or what the server refused for now", metavar="N", profile=True)
    ] = 3
    retry_unknown: Annotated[
        int, OptionSpec("repeat a request that got no answer; it may be billed twice", metavar="N", profile=True)
    ] = 0


class ConfigSources(NamedTuple):
    """What the user said, before defaults: values of flags by field name, the environment, the profile."""

    options: Mapping[str, Any]
    environ: Mapping[str, str]
    profile: Profile | None = None


class ResolvedValue(NamedTuple):
    """A value, and who said it: a flag, a variable, the name of a profile's file, or DEFAULT."""

    value: Any
    origin: str


def resolve_options(record: type[Resolved], sources: ConfigSources) -> Resolved:
    """An instance of a record of flags; UsageError or InputError for a value of the wrong type."""
    return record(**{field.name: resolve_value(field, sources).value for field in option_fields(record)})


def resolve_value(field: OptionField, sources: ConfigSources) -> ResolvedValue:
    """Flag, then environment, then profile, then default: the first one that says something."""
    value = sources.options.get(field.name)
    if value is not None:
        return ResolvedValue(_checked(field, _text(field, value, field.long), field.long), field.long)
    for name in field.spec.env:
        if text := sources.environ.get(name):
            return ResolvedValue(_checked(field, _from_text(field, _text(field, text, name), name), name), name)
    if sources.profile and field.name in sources.profile.client:
        return ResolvedValue(sources.profile.value(field), sources.profile.document.name)
    return ResolvedValue(field.default, DEFAULT)


def _from_text(field: OptionField, text: str, name: str) -> Any:
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


def _text(field: OptionField, value: Any, name: str) -> Any:
    """Words as UTF-8, whatever the locale made of their bytes; names of files stay bytes."""
    if field.spec.is_path:
        return value
    if isinstance(value, str):
        return decode_argument(value, name)
    return [decode_argument(text, name) for text in value] if isinstance(value, list) else value


def _checked(field: OptionField, value: Any, name: str) -> Any:
    if value == "" and not field.spec.allow_empty:
        raise UsageError(f"{name} is empty")
    if not is_acceptable(field, value):
        choices = " or ".join(field.spec.choices)
        raise UsageError(f"{name} {value}: {f'use {choices}' if choices else 'not a number that makes sense there'}")
    return value
