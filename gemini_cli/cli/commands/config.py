"""`config show|profiles`: the settings with their origins, and the saved profiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import typer
from typer.main import get_command

from gemini_cli.api.request import build_default_body
from gemini_cli.cli import resource_output
from gemini_cli.cli.command import OptionCommand, command_app
from gemini_cli.cli.context import Context
from gemini_cli.config.certificates import trusted_certificates
from gemini_cli.config.connection_options import DEFAULT_TIMEOUT, ConnectionOptions
from gemini_cli.config.endpoint import REVISION_VARIABLE
from gemini_cli.config.model_names import DEFAULT_MODEL
from gemini_cli.config.option_groups import (
    DEFAULT_ORIGIN,
    BodyField,
    OptionField,
    ResolvedValue,
    option_fields,
    option_groups,
    value_origin,
    value_source,
)
from gemini_cli.config.output_options import GlobalOptions
from gemini_cli.config.profiles import check_profile, profile_keys, saved_profiles
from gemini_cli.config.proxy import find_proxy
from gemini_cli.config.request_options import RequestOptions
from gemini_cli.errors import InputError
from gemini_cli.formats.documents import load_yaml_document
from gemini_cli.storage import paths

PROFILE_COLUMNS = ("PROFILE", "DESCRIPTION", "FILE")
COLUMNS = ("SETTING", "VALUE", "FROM")

SettingRow = tuple[str, ResolvedValue]


app = command_app()


@app.callback()
def config() -> None:
    """Settings: show, profiles."""


@app.command("show", cls=OptionCommand)
@option_groups
def config_show(ctx: typer.Context, *, output: GlobalOptions, connection: ConnectionOptions) -> None:
    """Show the settings and their origins.

    The origin is an option, a variable, the file of a profile, or the default. The API key is not shown, only whether
    there is one and its origin; api_key_command is not run. With --json, one object.
    """
    context = Context(ctx, output, connection)
    others = _other_options(ctx, connection)
    rows = [
        *_settings(context, ctx, others),
        *_request(context, others),
        *_network_settings(context),
        *_directory_settings(context),
    ]
    if context.global_options.json:
        resource_output.print_resource(context, {name: found._asdict() for name, found in rows})
    else:
        resource_output.print_list(context, COLUMNS, [{"name": name, **found._asdict()} for name, found in rows])


@app.command("profiles", cls=OptionCommand)
@option_groups
def config_profiles(ctx: typer.Context, *, output: GlobalOptions) -> None:
    """List the saved profiles with their descriptions.

    A profile is a file NAME.yaml below `gemini-cli/profiles` in XDG_CONFIG_HOME or `~/.config`; its key `description`
    is a line about it. The profile `default` applies without `--profile`. With --json, one object.
    """
    context = Context(ctx, output)
    profiles = {name: _about_profile(context, file) for name, file in saved_profiles(context.environ).items()}
    if context.global_options.json:
        resource_output.print_resource(context, profiles)
    else:
        rows = [{"name": name, **about} for name, about in profiles.items()]
        resource_output.print_list(context, PROFILE_COLUMNS, rows)


def _about_profile(context: Context, file: Path) -> dict[str, str]:
    """The description and file of a profile; a notice if the profile is invalid."""
    description = ""
    try:
        description = check_profile(load_yaml_document(file)).description
    except InputError as error:
        context.terminal.print_notice(error.message)
    return {"description": description, "file": str(file)}


def _other_options(ctx: typer.Context, connection: ConnectionOptions) -> typer.Context:
    """The context of `generate` without options, for the settings of other commands."""
    from gemini_cli.cli.commands.generate import app as generate

    profile = ["-P", connection.profile] if connection.profile else []
    return cast(typer.Context, get_command(generate).make_context("generate", profile, obj=ctx.obj))


def _settings(context: Context, ctx: typer.Context, others: typer.Context) -> Iterator[SettingRow]:
    """Settings of the connection and of the profile.

    The file of the key is not shown, since the option may hold a key by mistake; of headers, only the names.
    """
    own = option_fields(ConnectionOptions)
    more = (field for field in profile_keys().values() if field not in own and field.name not in ctx.params)
    for source_ctx, field in [*((ctx, field) for field in own), *((others, field) for field in more)]:
        value, origin = source_ctx.params[field.name], _origin(context, source_ctx, field)
        if field.name == "timeout" and value is None:
            value = DEFAULT_TIMEOUT
        if field.name == "api_version":
            value, origin = context.connection.endpoint.version, _version_origin(context, ctx, field)
        if field.name == "profile" and context.profile:
            yield "profile_file", ResolvedValue(context.profile.document.name, origin)
        if field.name not in ("api_key_file", "header"):
            yield field.name, ResolvedValue(_without_user(value) if field.name == "base_url" else value, origin)
    yield "headers", _header_names(context)
    source = context.connection.key_source
    yield "api_key", ResolvedValue(source.there, source.origin) if source else ResolvedValue(False, DEFAULT_ORIGIN)


def _header_names(context: Context) -> ResolvedValue:
    """The names of the headers for a gateway."""
    origins = {"--header"} if context.connection_options.header else set()
    origins |= {context.profile.document.name} if context.profile and context.profile.headers else set()
    return ResolvedValue(
        [header.name for header in context.connection.headers], ", ".join(sorted(origins)) or DEFAULT_ORIGIN
    )


def _version_origin(context: Context, ctx: typer.Context, field: OptionField) -> str:
    """The origin of the API version, which may be the last segment of the base URL."""
    if value_source(ctx, field.name) != "DEFAULT" or context.connection.endpoint.version == field.default:
        return _origin(context, ctx, field)
    base_url = next(each for each in option_fields(ConnectionOptions) if each.name == "base_url")
    return _origin(context, ctx, base_url)


def _origin(context: Context, ctx: typer.Context, field: OptionField) -> str:
    if value_source(ctx, field.name) == "DEFAULT_MAP" and context.profile:
        return context.profile.document.name
    return value_origin(ctx, field) or DEFAULT_ORIGIN


def _request(context: Context, others: typer.Context) -> Iterator[SettingRow]:
    """The fields of a request without options."""
    profile = context.profile
    name = profile.document.name if profile else DEFAULT_ORIGIN
    fields = {
        body_field.path: field
        for field in option_fields(RequestOptions)
        if (body_field := field.marker(BodyField))
        and value_source(others, field.name) in ("ENVIRONMENT", "DEFAULT_MAP")
    }
    body = build_default_body(
        profile.request if profile else {},
        RequestOptions(**{field.name: others.params[field.name] for field in fields.values()}),
    )
    if "agent" not in body:
        body = {"model": DEFAULT_MODEL, **body}
    if profile and profile.prompt:
        yield "prompt", ResolvedValue(profile.prompt, name)
    for key, value in body.items():
        from_profile = profile is not None and key in profile.request and profile.request[key] == value
        variable = value_origin(others, fields[key]) if key in fields and not from_profile else ""
        yield f"request.{key}", ResolvedValue(value, variable or (name if from_profile else DEFAULT_ORIGIN))


def _network_settings(context: Context) -> Iterator[SettingRow]:
    environ, endpoint = context.environ, context.connection.endpoint
    proxy_url = find_proxy(endpoint, environ)
    directory = trusted_certificates(context.connection_options.ca_file, environ).directory
    yield (
        "api_revision",
        ResolvedValue(endpoint.revision, REVISION_VARIABLE if REVISION_VARIABLE in environ else DEFAULT_ORIGIN),
    )
    yield "ca_directory", ResolvedValue(directory, "SSL_CERT_DIR" if directory else DEFAULT_ORIGIN)
    yield (
        "proxy",
        ResolvedValue(_without_user(proxy_url.value), proxy_url.origin)
        if proxy_url
        else ResolvedValue(None, DEFAULT_ORIGIN),
    )


def _directory_settings(context: Context) -> Iterator[SettingRow]:
    for name, directory in (
        ("config", paths.config_directory(context.environ)),
        ("state", paths.state_directory(context.environ)),
    ):
        yield (
            f"{name}_directory",
            ResolvedValue(str(directory.path), directory.variable)
            if directory
            else ResolvedValue(None, DEFAULT_ORIGIN),
        )


def _without_user(url: str) -> str:
    """A URL without user name and password, marked if it is invalid."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.rpartition('@')[2]} (invalid)"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
