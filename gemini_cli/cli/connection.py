"""The connection of a run: address, key, headers, time limit, transport.

Each is made when it is first needed. httpx is imported for the first request only, so help, usage errors and dry runs
do without it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from gemini_cli.cli import recordings
from gemini_cli.cli.program import Program
from gemini_cli.config import api_key
from gemini_cli.config.api_key import KeySource
from gemini_cli.config.certificates import trusted_certificates
from gemini_cli.config.connection_options import DEFAULT_TIMEOUT, ConnectionOptions
from gemini_cli.config.endpoint import Endpoint, resolve_endpoint
from gemini_cli.config.headers import gateway_headers
from gemini_cli.config.option_groups import NEEDS_NETWORK, option_fields, value_source
from gemini_cli.config.process_memory import close_process_memory
from gemini_cli.config.profiles import Profile, check_trust
from gemini_cli.config.proxy import find_proxy
from gemini_cli.errors import AuthError, CliError, DeadlineExceeded, UsageError
from gemini_cli.storage.state_dir import StateDirectory
from gemini_cli.transport.deadline import Deadline
from gemini_cli.transport.lean_imports import lean_imports

if TYPE_CHECKING:
    from gemini_cli.client.api_client import ApiClient
    from gemini_cli.client.request_sender import ClientSettings, OnRetry
    from gemini_cli.transport.http_client import BaseTransport, HttpClient, Limits


class ApiConnection:
    """The connection of one run, from its options and its profile.

    UsageError for options that exclude each other. Without `no_timeout` the whole run has a time limit by default.
    """

    def __init__(
        self, ctx: typer.Context, options: ConnectionOptions, profile: Profile | None, *, no_timeout: bool
    ) -> None:
        program: Program = ctx.obj
        self._program = program
        self._ctx = ctx
        self._profile = profile
        self._no_timeout = no_timeout
        self.options = options
        self.terminal = program.terminal
        self.environ = program.environ
        recordings.check_recording_options(options, self._is_given)
        self.dependencies = program.dependencies
        if options.replay is not None:
            self.dependencies = recordings.without_waiting(self.dependencies)
        check_trust(profile, options.profile, options.trust_profile)
        for field in option_fields(ConnectionOptions):
            if options.offline and NEEDS_NETWORK in field.markers and self._is_given(field.name):
                raise UsageError(f"{field.long} has no effect with --offline")
        # Of a gateway; their files are read before the first request.
        self.headers = [] if options.offline else gateway_headers(options.header or (), profile)
        if self._is_given("timeout"):
            self.deadline.start()  # the default limit starts with the first request, so that slow input is not cut

    def _is_given(self, name: str) -> bool:
        return value_source(self._ctx, name) == "COMMANDLINE"

    @cached_property
    def endpoint(self) -> Endpoint:
        given = value_source(self._ctx, "api_version") != "DEFAULT"
        return resolve_endpoint(self.options, self.environ, version_given=given)

    @cached_property
    def state(self) -> StateDirectory:
        return StateDirectory(self.environ, self.terminal.print_notice)

    @cached_property
    def deadline(self) -> Deadline:
        seconds = self.options.timeout
        default = None if self._no_timeout else DEFAULT_TIMEOUT
        return Deadline(
            default if seconds is None else seconds or None, self.dependencies.clock, self.dependencies.set_alarm
        )

    @cached_property
    def api_client(self) -> ApiClient:
        """The client of the main thread."""
        client = self.make_api_client(waiting=lambda: self.terminal.waiting("the server"))
        self._program.complete_error = client.complete_error
        return client

    def make_api_client(
        self, on_retry: OnRetry | None = None, waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> ApiClient:
        """A client for one thread; all share the connections, the key and the deadline."""
        from gemini_cli.client.api_client import ApiClient

        return ApiClient(self._client_settings._replace(on_retry=on_retry or self._wait, waiting=waiting))

    @cached_property
    def _client_settings(self) -> ClientSettings:
        from gemini_cli.client.request_sender import ClientSettings
        from gemini_cli.transport.retry import RetryPolicy

        dependencies, options, terminal = self.dependencies, self.options, self.terminal
        key = self._key
        policy = RetryPolicy(
            options.retries, options.retry_unknown, dependencies.sleep, dependencies.random, dependencies.now
        )
        return ClientSettings(
            self._http,
            self.endpoint,
            key,
            self.deadline,
            policy,
            gateway_headers=self._gateway_headers,
            log=terminal.log,
            notice=terminal.print_notice,
            redacted=terminal.redacted,
        )

    def _wait(self, failure: CliError, seconds: float) -> None:
        """Wait before a retry; on a terminal, print the reason."""
        self.terminal.print_status(f"retry in {seconds:.1f} s: {failure.message}")
        self.dependencies.sleep(seconds)

    @cached_property
    def _http(self) -> HttpClient:
        self._program.may_have_sent = True
        with lean_imports():
            from gemini_cli.transport.http_client import HttpClient, Limits

            options = self.options
            idle = options.idle_timeout or None
            if value_source(self._ctx, "idle_timeout") != "DEFAULT":
                first_byte = idle
            else:  # `--timeout` limits the wait; without one, each request has the default limit
                first_byte = DEFAULT_TIMEOUT if self._no_timeout and options.timeout is None else None
            limits = Limits(options.connect_timeout or None, idle, first_byte)
            transport = recordings.make_transport(options, self._program, lambda: self._transport(limits))
            return HttpClient(transport, limits)

    def _transport(self, limits: Limits) -> BaseTransport:
        if self.dependencies.transport:
            return self.dependencies.transport()
        if self.options.offline:
            from gemini_cli.transport.emulator_transport import EmulatorTransport

            return EmulatorTransport.with_state(self.state.database_path("offline.db"))
        from gemini_cli.transport.http_transport import HttpTransport
        from gemini_cli.transport.tls import TrustStore

        trust = TrustStore(*trusted_certificates(self.options.ca_file, self.environ))
        if self.endpoint.secure:
            trust.load()  # a file that cannot be read is reported before anything is sent
        proxy_url = find_proxy(self.endpoint, self.environ)
        return HttpTransport(trust, limits, proxy_url.value if proxy_url else None)

    @cached_property
    def key_source(self) -> KeySource | None:
        option = self.options.api_key_file if self._is_given("api_key_file") else None
        return api_key.find_key_source(option, self.environ, self._profile)

    @cached_property
    def _key(self) -> str | None:
        if self.options.is_local:
            return None
        if not any(self.environ.get(name) for name in api_key.KEY_VARIABLES):
            self.deadline.start()  # before the first request, since a command or a pipe with the key may hang
        try:
            key = api_key.read_api_key(self.key_source, self.environ, self.terminal.print_notice)
        except DeadlineExceeded as error:
            raise AuthError(f"no API key: {error.message}") from None
        self.terminal.add_secret(key)
        close_process_memory()
        return key

    @cached_property
    def _gateway_headers(self) -> dict[str, str]:
        """The values of `headers`, which are redacted from now on."""
        if self.options.is_local:
            return {}  # a replay needs no secrets
        if any(header.path for header in self.headers):
            self.deadline.start()  # a pipe with a value may hang
        values = {header.name: header.read() for header in self.headers}
        for header in self.headers:
            for secret in header.secrets(values[header.name]):
                self.terminal.add_secret(secret)
        return values
