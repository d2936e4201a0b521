"""`config show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from gemini_cli.api.request import standing
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context, profile_keys
from gemini_cli.config import api_key
from gemini_cli.config import proxy as proxy_module
from gemini_cli.config.endpoint import REVISION_VARIABLE
from gemini_cli.config.option_spec import fields
from gemini_cli.config.output_options import Voice
from gemini_cli.config.request_options import DEFAULT_MODEL
from gemini_cli.config.settings import DEFAULT, TIMEOUT, Found, Settings, find
from gemini_cli.storage import paths

COLUMNS = ("SETTING", "VALUE", "FROM")

Row = tuple[str, Found]


def show_(context: Context) -> None:
    """Show the settings in force, and where each came from: a flag, a variable, a profile's file, or the default.

    Of the key it says only whether there is one, and where; no api_key_command is run. With --json, one object.
    """
    rows = [*_settings(context), *_request(context), *_way(context), *_places(context)]
    if context.voice.json:
        resource_output.one(context, {name: found._asdict() for name, found in rows})
    else:
        resource_output.several(context, COLUMNS, [{"name": name, **found._asdict()} for name, found in rows], _cells)


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.values())


def _settings(context: Context) -> Iterator[Row]:
    """The flags that a person sets for more than one call. A key's file is not named: it may be a key by mistake."""
    _ = context.settings  # what contradicts itself is in force nowhere
    for name, field in {**{field.name: field for field in fields(Settings)}, **profile_keys()}.items():
        found = find(field, context.said)
        if name == "timeout" and found.value is None:
            found = Found(TIMEOUT, DEFAULT)
        if name == "profile" and context.profile:
            yield "profile_file", Found(context.profile.document.name, found.origin)
        if name != "api_key_file":
            yield name, found._replace(value=_without_user(found.value)) if name == "base_url" else found
    source = api_key.source(context.said)
    yield "api_key", Found(source.there, source.origin) if source else Found(False, DEFAULT)


def _request(context: Context) -> Iterator[Row]:
    """What every request asks before anything is said."""
    profile = context.profile
    body, variables = standing(profile.request if profile else {}, context.environ)
    if "agent" not in body:
        body = {"model": DEFAULT_MODEL, **body}
    name = profile.document.name if profile else DEFAULT
    if profile and profile.prompt:
        yield "prompt", Found(profile.prompt, name)
    for key, value in body.items():
        said = key in variables or (profile and key in profile.request)
        yield f"request.{key}", Found(value, variables.get(key, name) if said else DEFAULT)


def _way(context: Context) -> Iterator[Row]:
    environ, endpoint = context.environ, context.endpoint
    proxy = proxy_module.proxy(endpoint, environ)
    directory = proxy_module.trusted(context.settings.ca_file, environ).directory
    yield "api_revision", Found(endpoint.revision, REVISION_VARIABLE if REVISION_VARIABLE in environ else DEFAULT)
    yield "ca_directory", Found(directory, "SSL_CERT_DIR" if directory else DEFAULT)
    yield "proxy", Found(_without_user(proxy.value), proxy.origin) if proxy else Found(None, DEFAULT)


def _places(context: Context) -> Iterator[Row]:
    for name, place in (("config", paths.config(context.environ)), ("state", paths.state(context.environ))):
        yield f"{name}_directory", Found(str(place.path), place.variable) if place else Found(None, DEFAULT)


def _without_user(url: str) -> str:
    """A URL without the name and the password that it may carry."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()


COMMANDS = (Command("config show", show_, (Voice, Settings)),)
