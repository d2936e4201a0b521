"""Profiles: find and check one, and take the defaults of the options from it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_cli.config.headers import header_problem
from gemini_cli.config.option_groups import LARGEST, PROFILE_KEY, OptionField, option_fields, parse_key_value
from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import documents
from gemini_cli.formats.documents import Document
from gemini_cli.storage import paths

if TYPE_CHECKING:
    import typer


# Keys at the top of a profile that are not options.
OWN_KEYS = ("description", "request", "prompt", "api_key_command", "headers")

# With these settings the author of a profile could get the key, a file or the prompt; with `run` and `env` of a tool,
# run a program or read secrets.
NEED_TRUST = ("base_url", "api_key_file", "api_key_command", "ca_file", "headers")
TOOL_KEYS_THAT_NEED_TRUST = ("run", "env")

# The values that an option takes, in messages.
_WANTED = {
    bool: "true or false",
    int: "a whole number, 0 or more",
    float: "a number, 0 or more",
    str: "text",
    list: "a list of text",
}
_VARIABLE = r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)\}"  # in a prompt
_META = "gemini_cli.profile"  # the key in `meta` of the Typer context


class Profile(NamedTuple):
    """A checked profile.

    `description` is its line in `config profiles`. `client` has the settings, `request` fields of the request body,
    `prompt` the text before the prompt, `headers` those for a gateway.
    """

    document: Document
    description: str
    client: Mapping[str, Any]
    request: Mapping[str, Any]
    prompt: str
    api_key_command: list[str] | None
    headers: Mapping[str, str]

    def path_beside(self, path: str) -> str:
        """Resolve a path relative to the profile, not to the working directory."""
        return os.path.join(os.path.dirname(self.document.name), os.path.expanduser(path))

    def value(self, field: OptionField) -> Any:
        """The value of an option, checked against its type; InputError with file and line."""
        value = self.client[field.name]
        if not _fits(value, field):
            wanted = " or ".join(field.choices) or _WANTED[field.kind]
            raise self.document.error_at((field.name,), f"{field.name} must be {wanted}, not {value!r}")
        return float(value) if field.kind is float else value


def use_profile(ctx: typer.Context, named: str | None) -> None:
    """Make the profile's settings the defaults of the command's options."""
    profile = load_profile(named, ctx.obj.environ)
    ctx.meta[_META] = profile
    if profile is not None:
        ctx.default_map = {name: profile.value(profile_keys()[name]) for name in profile.client}


def profile_in_use(ctx: typer.Context) -> Profile | None:
    profile: Profile | None = ctx.meta.get(_META)
    return profile


def fill_template(prompt: str, variables: list[str] | None) -> str:
    """Fill `${NAME}` in a profile's prompt; `$${NAME}` is a literal `${NAME}`."""
    values = dict(parse_key_value("--var", text, "NAME=VALUE") for text in variables or ())
    used = {name for escaped, name in re.findall(_VARIABLE, prompt) if not escaped}
    for name in sorted(used - values.keys()):
        raise UsageError(f"the profile's prompt needs --var {name}=VALUE")
    for name in sorted(values.keys() - used):
        raise UsageError(f"--var {name} has no effect: the profile's prompt has no ${{{name}}}")
    return re.sub(_VARIABLE, lambda match: match[0][1:] if match[1] else values[match[2]], prompt)


@cache
def profile_keys() -> dict[str, OptionField]:
    """The options that may stand at the top of a profile."""
    from gemini_cli.config.connection_options import ConnectionOptions
    from gemini_cli.config.output_options import DryRunOptions
    from gemini_cli.config.request_options import PromptOptions, RequestOptions

    return {
        field.name: field
        for record in (ConnectionOptions, DryRunOptions, PromptOptions, RequestOptions)
        for field in option_fields(record)
        if PROFILE_KEY in field.markers
    }


def load_profile(named: str | None, environ: Mapping[str, str]) -> Profile | None:
    """Load the profile of `--profile` or GEMINI_PROFILE, else `default.yaml`, if any."""
    directory = _profile_directory(environ)
    if named is None:
        default = directory / "default.yaml" if directory else None
        exists = default is not None and os.path.lexists(default)
        return check_profile(documents.load_yaml_document(default)) if default and exists else None
    if is_profile_path(named):
        return check_profile(documents.load_yaml_document(named))
    if not re.fullmatch(paths.FILE_NAME_PATTERN, named):
        raise UsageError(f"{named!r} is not a profile name (a-z, 0-9, . _ -); a path ends in .yaml")
    if directory is None:
        raise InputError(f"no profile {named}: neither XDG_CONFIG_HOME nor HOME is set")
    return check_profile(documents.load_yaml_document(directory / f"{named}.yaml"))


def saved_profiles(environ: Mapping[str, str]) -> dict[str, Path]:
    """The files of the profiles that `--profile NAME` finds, by name."""
    directory = _profile_directory(environ)
    files = sorted(directory.glob("*.yaml")) if directory else []
    return {file.stem: file for file in files if re.fullmatch(paths.FILE_NAME_PATTERN, file.stem)}


def _profile_directory(environ: Mapping[str, str]) -> Path | None:
    place = paths.config_directory(environ)
    return place.path / "profiles" if place else None


def check_trust(profile: Profile | None, named: str | None, trusted: str | None) -> None:
    """Check the settings that need trust in a profile named by path.

    InputError unless `trusted` repeats the path. It must contain a slash, since a file name from an expanded `*` could
    look like the option.
    """
    by_path = named is not None and is_profile_path(named)
    if trusted is not None:
        if not by_path:
            raise UsageError("--trust-profile has no effect without a profile named by path")
        if "/" not in trusted or trusted != named:
            raise UsageError(
                "--trust-profile must repeat the path of the profile, with a slash in it",
                hint="for example: -P ./ci.yaml --trust-profile=./ci.yaml",
            )
    elif by_path and profile is not None:
        _refuse_untrusted(profile)


def is_profile_path(named: str) -> bool:
    """True for a path, which ends in `.yaml` or `.yml`, and False for a name."""
    return named.endswith((".yaml", ".yml"))


def check_profile(document: Document) -> Profile:
    """Check a profile; InputError with file and line for a wrong key or type."""
    known = profile_keys()
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        raise document.error_at((), "a profile is a map of settings")
    for key in value:
        if key not in known and key not in OWN_KEYS:
            raise document.error_at((key,), f"unknown setting {key!r}{_nearest(key, known)}")
    profile = Profile(
        document=document,
        description=_expect(document, "description", "", str, "text"),
        client={key: part for key, part in value.items() if key in known},
        request=_expect(document, "request", {}, dict, "a map with fields of the request"),
        prompt=_expect(document, "prompt", "", str, "text"),
        api_key_command=_expect(document, "api_key_command", None, list, "a list: a program and its arguments"),
        headers=_expect(document, "headers", {}, dict, "a map of names and values"),
    )
    command = profile.api_key_command
    if command is not None and not (command and all(isinstance(word, str) for word in command)):
        raise document.error_at(("api_key_command",), "api_key_command must be a list of text")
    for key in profile.client:
        profile.value(known[key])
    for name, text in profile.headers.items():
        if problem := header_problem(name, text) if isinstance(text, str) else f"the value of {name} must be text":
            raise document.error_at(("headers", name), problem)
    return profile


def _refuse_untrusted(profile: Profile) -> None:
    document, needs = profile.document, "in a profile named by path needs --trust-profile=PATH"
    for key in NEED_TRUST:
        if key in document.value:
            raise document.error_at((key,), f"{key} {needs}")
    tools = profile.request.get("tools")
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        for key in TOOL_KEYS_THAT_NEED_TRUST:
            if isinstance(tool, dict) and key in tool:
                raise document.error_at(("request", "tools", place, key), f"{key} {needs}")


def _expect(document: Document, key: str, default: Any, kind: type, wanted: str) -> Any:
    value = (document.value or {}).get(key, default)
    if value is not default and not isinstance(value, kind):
        raise document.error_at((key,), f"{key} must be {wanted}")
    return value


def _fits(value: Any, field: OptionField) -> bool:
    if isinstance(value, bool) or field.kind is bool:
        return isinstance(value, bool) and field.kind is bool
    if field.choices:
        return value in field.choices
    if field.kind is str:
        return isinstance(value, str)
    if field.kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, int if field.kind is int else int | float) and 0 <= value <= LARGEST


def _nearest(key: str, known: Mapping[str, OptionField]) -> str:
    from difflib import get_close_matches  # 3 ms, needed only after a mistake

    near = get_close_matches(key.replace("-", "_"), [*known, *OWN_KEYS], n=1)
    return f"; did you mean {near[0]!r}?" if near else "; fields of the request belong under 'request'"
