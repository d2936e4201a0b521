"""Find a profile and check it: what it may say, and what it may say only when it is trusted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gemini_cli.config.option_spec import OptionField, is_acceptable
from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import documents
from gemini_cli.formats.documents import Document
from gemini_cli.storage import paths

PROFILE_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"

# What else may stand at the top of a profile, beside the long flags that say `profile=True`.
OWN_KEYS = ("request", "prompt", "api_key_command")

# Settings by which a file that came from elsewhere could send the key, or anything else, where its author wants it;
# beside them stands a tool's `run`, by which it could run what its author wants.
NEED_TRUST = ("base_url", "api_key_file", "api_key_command", "ca_file")


class Profile(NamedTuple):
    """Checked: `client` holds the settings, `request` lies under the body, `prompt` comes before the words."""

    document: Document
    client: Mapping[str, Any]
    request: Mapping[str, Any]
    prompt: str
    api_key_command: list[str] | None

    def value(self, field: OptionField) -> Any:
        """A setting, checked against the type of its flag."""
        value = self.client[field.name]
        if not _fits(value, field):
            wanted = " or ".join(field.spec.choices) or _WANTED[field.kind]
            raise self.document.error_at((field.name,), f"{field.name} must be {wanted}, not {value!r}")
        return float(value) if field.kind is float else value


def load_profile(
    named: str | None, environ: Mapping[str, str], known: Mapping[str, OptionField], *, trusted: bool
) -> Profile | None:
    """The profile NAMED by a flag or GEMINI_PROFILE, else `default.yaml` where there is one."""
    place = paths.config_directory(environ)
    directory = place.path / "profiles" if place else None
    if named is None:
        default = directory / "default.yaml" if directory else None
        return (
            check_profile(documents.load_yaml_document(default), known)
            if default and os.path.lexists(default)
            else None
        )
    if is_profile_path(named):
        profile = check_profile(documents.load_yaml_document(named), known)
        return profile if trusted else _untrusted(profile)
    if not re.fullmatch(PROFILE_NAME, named):
        raise UsageError(f"{named!r} is not a profile name (a-z, 0-9, . _ -); a path ends in .yaml")
    if directory is None:
        raise InputError(f"no profile {named}: neither XDG_CONFIG_HOME nor HOME is set")
    return check_profile(documents.load_yaml_document(directory / f"{named}.yaml"), known)


def is_profile_path(named: str) -> bool:
    """A profile's name has no ending; a path has."""
    return named.endswith((".yaml", ".yml"))


def check_profile(document: Document, known: Mapping[str, OptionField]) -> Profile:
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        raise document.error_at((), "a profile is a map of settings")
    for key in value:
        if key not in known and key not in OWN_KEYS:
            raise document.error_at((key,), f"unknown setting {key!r}{_nearest(key, known)}")
    profile = Profile(
        document=document,
        client={key: part for key, part in value.items() if key in known},
        request=_expect(document, "request", {}, dict, "a map, in the API's own words"),
        prompt=_expect(document, "prompt", "", str, "text"),
        api_key_command=_expect(document, "api_key_command", None, list, "a list: a program and its arguments"),
    )
    command = profile.api_key_command
    if command is not None and not (command and all(isinstance(word, str) for word in command)):
        raise document.error_at(("api_key_command",), "api_key_command must be a list of text")
    for key in profile.client:
        profile.value(known[key])
    return profile


def _untrusted(profile: Profile) -> Profile:
    for key in NEED_TRUST:
        if key in profile.document.value:
            raise profile.document.error_at((key,), f"{key} in a profile named by path needs --trust-profile")
    tools = profile.request.get("tools")
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and "run" in tool:
            where = ("request", "tools", place, "run")
            raise profile.document.error_at(where, "run in a profile named by path needs --trust-profile")
    return profile


def _expect(document: Document, key: str, default: Any, kind: type, wanted: str) -> Any:
    value = (document.value or {}).get(key, default)
    if value is not default and not isinstance(value, kind):
        raise document.error_at((key,), f"{key} must be {wanted}")
    return value


_WANTED = {bool: "true or false", int: "a whole number, 0 or more", float: "a number, 0 or more", str: "text"}


def _fits(value: Any, field: OptionField) -> bool:
    if isinstance(value, bool) or field.kind is bool:
        return isinstance(value, bool) and field.kind is bool
    kinds = (int, float) if field.kind is float else (field.kind,)
    return isinstance(value, kinds) and is_acceptable(field, value)


def _nearest(key: str, known: Mapping[str, OptionField]) -> str:
    from difflib import get_close_matches  # 3 ms, and only for someone who has just mistyped

    near = get_close_matches(key.replace("-", "_"), [*known, *OWN_KEYS], n=1)
    return f"; did you mean {near[0]!r}?" if near else "; what the API is asked belongs under 'request'"
