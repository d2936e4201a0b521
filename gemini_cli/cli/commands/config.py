"""`config show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from gemini_cli.api.request import default_body
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import Command
from gemini_cli.cli.context import Context, profile_keys
from gemini_cli.config import api_key, proxy
from gemini_cli.config.endpoint import REVISION_VARIABLE
from gemini_cli.config.option_spec import option_fields
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.request_options import DEFAULT_MODEL
from gemini_cli.config.settings import DEFAULT, TIMEOUT, ConnectionOptions, ResolvedValue, resolve_value
from gemini_cli.storage import paths

COLUMNS = ("SETTING", "VALUE", "FROM")

SettingRow = tuple[str, ResolvedValue]


def config_show(context: Context) -> None:
    """Show the settings in force, and where each came from: a flag, a variable, a profile's file, or the default.

    Of the key it says only whether there is one, and where; no api_key_command is run. With --json, one object.
    """
    rows = [*_settings(context), *_request(context), *_network_settings(context), *_directory_settings(context)]
    if context.global_options.json:
        resource_output.print_resource(context, {name: found._asdict() for name, found in rows})
    else:
        resource_output.print_list(
            context, COLUMNS, [{"name": name, **found._asdict()} for name, found in rows], _table_row
        )


def _table_row(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.values())


def _settings(context: Context) -> Iterator[SettingRow]:
    """The flags that a person sets for more than one call. A key's file is not named: it may be a key by mistake."""
    _ = context.connection_options  # what contradicts itself is in force nowhere
    for name, field in {**{field.name: field for field in option_fields(ConnectionOptions)}, **profile_keys()}.items():
        found = resolve_value(field, context.config_sources)
        if name == "timeout" and found.value is None:
            found = ResolvedValue(TIMEOUT, DEFAULT)
        if name == "profile" and context.profile:
            yield "profile_file", ResolvedValue(context.profile.document.name, found.origin)
        if name != "api_key_file":
            yield name, found._replace(value=_without_user(found.value)) if name == "base_url" else found
    source = api_key.find_key_source(context.config_sources)
    yield "api_key", ResolvedValue(source.there, source.origin) if source else ResolvedValue(False, DEFAULT)


def _request(context: Context) -> Iterator[SettingRow]:
    """What every request asks before anything is said."""
    profile = context.profile
    body, variables = default_body(profile.request if profile else {}, context.environ)
    if "agent" not in body:
        body = {"model": DEFAULT_MODEL, **body}
    name = profile.document.name if profile else DEFAULT
    if profile and profile.prompt:
        yield "prompt", ResolvedValue(profile.prompt, name)
    for key, value in body.items():
        said = key in variables or (profile and key in profile.request)
        yield f"request.{key}", ResolvedValue(value, variables.get(key, name) if said else DEFAULT)


def _network_settings(context: Context) -> Iterator[SettingRow]:
    environ, endpoint = context.environ, context.endpoint
    found = proxy.find_proxy(endpoint, environ)
    directory = proxy.trusted_certificates(context.connection_options.ca_file, environ).directory
    yield (
        "api_revision",
        ResolvedValue(endpoint.revision, REVISION_VARIABLE if REVISION_VARIABLE in environ else DEFAULT),
    )
    yield "ca_directory", ResolvedValue(directory, "SSL_CERT_DIR" if directory else DEFAULT)
    yield "proxy", ResolvedValue(_without_user(found.value), found.origin) if found else ResolvedValue(None, DEFAULT)


def _directory_settings(context: Context) -> Iterator[SettingRow]:
    for name, place in (
        ("config", paths.config_directory(context.environ)),
        ("state", paths.state_directory(context.environ)),
    ):
        yield (
            f"{name}_directory",
            ResolvedValue(str(place.path), place.variable) if place else ResolvedValue(None, DEFAULT),
        )


def _without_user(url: str) -> str:
    """A URL without the name and the password that it may carry."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()


COMMANDS = (Command("config show", config_show, (GlobalOptions, ConnectionOptions)),)
