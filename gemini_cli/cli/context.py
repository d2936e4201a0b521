"""What a command may ask for, made when it first asks: the one visible place of expensive imports.

`--help`, `--version`, usage errors and dry runs get through without sockets and yaml; see `service`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_cli.api.adapter import INTERACTIONS_ADAPTER, ApiAdapter
from gemini_cli.api.body import Body
from gemini_cli.api.conversation import input_to_steps
from gemini_cli.api.request import RequestInputs, build_request_body, check_options, fill_template, require_prompt
from gemini_cli.chat import history_file
from gemini_cli.cli.prompt_input import PromptInput
from gemini_cli.config import api_key, profiles, proxy
from gemini_cli.config.endpoint import Endpoint, resolve_endpoint
from gemini_cli.config.option_spec import OptionField, option_fields
from gemini_cli.config.output_options import DryRunOptions, GlobalOptions
from gemini_cli.config.profiles import Profile
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.config.settings import (
    DEFAULT,
    TIMEOUT,
    ConfigSources,
    ConnectionOptions,
    resolve_options,
    resolve_value,
)
from gemini_cli.console.output_file import OutputTarget, open_output
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import AuthError, CliError, DeadlineExceeded, RejectedError, UsageError
from gemini_cli.files.attachments import Attachments, InlinePolicy
from gemini_cli.files.content_parts import Part
from gemini_cli.formats import documents
from gemini_cli.storage.state_dir import StateDirectory
from gemini_cli.tools import declarations
from gemini_cli.tools.declarations import ToolDeclarations
from gemini_cli.transport.deadline import Clock, Deadline, SetAlarm
from gemini_cli.transport.lean_imports import lean_imports

if TYPE_CHECKING:
    from gemini_cli.api.interaction import Step
    from gemini_cli.client.api_client import ApiClient, OnRetry
    from gemini_cli.client.interactions import InteractionsClient
    from gemini_cli.console.presenter import Presenter
    from gemini_cli.formats.documents import Document
    from gemini_cli.transport.http_client import BaseTransport, HttpClient, Limits


def uniform_random(low: float, high: float) -> float:
    import random  # 5 ms, and most runs never wait

    return random.uniform(low, high)


class Dependencies(NamedTuple):
    """What tests replace: time, chance and the transport."""

    sleep: Callable[[float], None] = time.sleep
    random: Callable[[float, float], float] = uniform_random
    now: Callable[[], float] = time.time
    clock: Clock = time.monotonic
    set_alarm: SetAlarm | None = None
    transport: Callable[[], BaseTransport] | None = None


class Context:
    """One run of one command: what was said, and everything that follows from it."""

    def __init__(self, terminal: Terminal, environ: Mapping[str, str], dependencies: Dependencies) -> None:
        self.terminal = terminal
        self.environ = environ
        self.dependencies = dependencies
        self.parsed = False
        self.options: Mapping[str, Any] = {}
        self.arguments: list[str] = []
        self.no_timeout = False

    def set_arguments(self, options: Mapping[str, Any], arguments: list[str], *, no_timeout: bool = False) -> None:
        """Take in what the command line said. An `no_timeout` command has no time limit unless one is said."""
        self.parsed, self.options, self.arguments, self.no_timeout = True, options, arguments, no_timeout

    # What was said --------------------------------------------------------------------------------------------------

    @cached_property
    def profile(self) -> Profile | None:
        without_profile = resolve_options(ConnectionOptions, ConfigSources(self.options, self.environ))
        return profiles.load_profile(
            without_profile.profile, self.environ, profile_keys(), trusted=without_profile.trust_profile
        )

    @cached_property
    def config_sources(self) -> ConfigSources:
        return ConfigSources(self.options, self.environ, self.profile)

    @cached_property
    def connection_options(self) -> ConnectionOptions:
        options = resolve_options(ConnectionOptions, self.config_sources)
        for field in option_fields(ConnectionOptions):
            if options.offline and field.spec.requires_network and self.options.get(field.name) is not None:
                raise UsageError(f"{field.long} has no effect with --offline")
        if options.trust_profile and not profiles.is_profile_path(options.profile or ""):
            raise UsageError("--trust-profile has no effect without a profile named by path")
        return options

    @cached_property
    def global_options(self) -> GlobalOptions:
        """How to speak."""
        return resolve_options(GlobalOptions, self.config_sources)

    def apply_verbosity(self) -> None:
        """Before anything is said, so that -q and -v hold from the start."""
        self.terminal.quiet, self.terminal.verbose = self.global_options.quiet, self.global_options.verbose

    @cached_property
    def output_options(self) -> DryRunOptions:
        output_options = resolve_options(DryRunOptions, self.config_sources)
        if output_options.json and self.options.get("citations"):
            raise UsageError("--citations has no effect with --json, which has them all")
        return output_options

    @cached_property
    def request_options(self) -> RequestOptions:
        """Flags only: a variable or a profile speaks through the layers of the body, but for what is no field of it."""
        asked = resolve_options(RequestOptions, ConfigSources(self.options, {}, self.profile))
        check_options(asked)
        return asked

    # What is asked --------------------------------------------------------------------------------------------------

    def build_request(self, *, stream: bool, results: list[Step] | None = None) -> Body:
        """The body of the create that the command line, stdin and the profile ask for.

        `results` of calls take the place of a prompt.
        """
        turn_input = self.prompt_input.build_input() if results is None else results
        if self.history_path is None:
            return require_prompt(self.build_body(stream=stream, input=turn_input))
        if self.request_options.continue_ or self.request_options.previous:
            raise UsageError("--history has the whole conversation; it excludes --previous and --continue")
        body = require_prompt({"store": False, **self.build_body(stream=stream, input=turn_input)})
        return {
            **body,
            "input": [*history_file.read_history(self.history_path), *input_to_steps(body.get("input", []))],
        }

    def build_body(
        self, *, stream: bool, input: str | list[Part] | None = None, session_settings: Body | None = None
    ) -> Body:
        """A create, its input perhaps still to come.

        What a session `session_settings` stands for profile and environment.
        """
        options = self.request_options
        if options.continue_ and not self.adapter.stores_interactions:
            raise UsageError(f"-c, --continue: with --api {options.api} the service keeps nothing to continue")
        inputs = RequestInputs(
            input=input,
            system=options.system if options.system_file is None else self.prompt_input.read_text(options.system_file),
            request=self.prompt_input.read_document(options.request) if options.request is not None else None,
            schema=self.schema,
            tools=self.tool_declarations.tools if options.tool else None,
            tool_headers=self._tool_headers(),
            last_id=self.state.last_interaction(offline=self.connection_options.offline) if options.continue_ else None,
        )
        layer, environ = (session_settings, {}) if session_settings else (self._profile_request(), self.environ)
        body = build_request_body(options, inputs, profile=layer, environ=environ, stream=stream)
        self.adapter.build_request(body)  # what cannot be asked is said before a key is missed
        return body

    def _profile_request(self) -> Body:
        """What the profile asks the API for; without what its tools say to us alone."""
        request = {**self.profile.request} if self.profile else {}
        if "tools" in request and not self.request_options.tool:
            request["tools"] = self.tool_declarations.tools
        return request

    @cached_property
    def history_path(self) -> str | None:
        return resolve_options(HistoryOptions, self.config_sources).history

    @cached_property
    def tool_declarations(self) -> ToolDeclarations:
        """The tools that -T names, or else the profile's."""
        if self.request_options.tool:
            return declarations.parse_tool_options(self.request_options.tool)
        if self.profile and "tools" in self.profile.request:
            return declarations.parse_declarations(
                self.profile.document, self.profile.request["tools"], ("request", "tools")
            )
        return ToolDeclarations([], [])

    def _tool_headers(self) -> dict[str, str]:
        headers = dict(declarations.parse_tool_header(text) for text in self.request_options.tool_header or ())
        for value in headers.values():
            self.terminal.add_secret(value)
        return headers

    @cached_property
    def prompt_options(self) -> PromptOptions:
        prompt_options = resolve_options(PromptOptions, self.config_sources)
        if prompt_options.inline and prompt_options.upload:
            raise UsageError("--inline and --upload exclude each other")
        return prompt_options

    @cached_property
    def attachments(self) -> Attachments:
        return self._attachments(lambda: self.api_client)

    def _attachments(self, api_client: Callable[[], ApiClient]) -> Attachments:
        prompt_options = self.prompt_options
        rule = InlinePolicy(prompt_options.inline_limit, always=prompt_options.inline, never=prompt_options.upload)
        return Attachments(rule, api_client, self.terminal)

    @cached_property
    def prompt_input(self) -> PromptInput:
        options, prompt_options = self.request_options, self.prompt_options
        prompt = fill_template(self.profile.prompt if self.profile else "", prompt_options.var)
        files = {"--request": options.request, "--system-file": options.system_file}
        files |= {f"--result {text}": "-" for text in self.options.get("result", ()) if text.endswith("=-")}
        return PromptInput(self.terminal, self.arguments, prompt_options, prompt, files, self.endpoint)

    @cached_property
    def schema(self) -> Document | None:
        """`--schema`: JSON on the spot, or a file; checked to be a schema before anything is sent."""
        text = self.request_options.schema
        if text is None:
            return None
        spot = text.lstrip().startswith("{")
        document = (
            documents.parse_document(os.fsencode(text), "--schema.json") if spot else documents.load_document(text)
        )
        from gemini_cli.formats import json_schema

        json_schema.check_schema(document)
        return document

    # Where it goes, and what comes back -------------------------------------------------------------------------------

    @cached_property
    def endpoint(self) -> Endpoint:
        return resolve_endpoint(self.connection_options, self.environ)

    @cached_property
    def adapter(self) -> ApiAdapter:
        if self.request_options.api == "generate-content":
            from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER

            return GENERATE_CONTENT_ADAPTER
        return INTERACTIONS_ADAPTER

    @cached_property
    def state(self) -> StateDirectory:
        return StateDirectory(self.environ)

    @cached_property
    def deadline(self) -> Deadline:
        said = self.connection_options.timeout
        default = None if self.no_timeout else TIMEOUT
        return Deadline(default if said is None else said or None, self.dependencies.clock, self.dependencies.set_alarm)

    @cached_property
    def api_client(self) -> ApiClient:
        return self.make_api_client()

    def make_api_client(self, on_retry: OnRetry | None = None) -> ApiClient:
        """One for each thread: they share the connections, the key and the deadline."""
        from gemini_cli.client.api_client import ApiClient
        from gemini_cli.transport.retry import RetryPolicy

        dependencies, options, key = self.dependencies, self.connection_options, self._key
        return ApiClient(
            self._http,
            self.endpoint,
            key,
            self.deadline,
            RetryPolicy(
                options.retries, options.retry_unknown, dependencies.sleep, dependencies.random, dependencies.now
            ),
            log=self.terminal.log,
            notice=self.terminal.print_notice,
            on_retry=on_retry or self._wait,
            redacted=self.terminal.redacted,
        )

    def _wait(self, failure: CliError, seconds: float) -> None:
        """Wait before a retry; on a terminal, say why."""
        self.terminal.print_status(f"another try in {seconds:.1f} s: {failure.message}")
        self.dependencies.sleep(seconds)

    @cached_property
    def _http(self) -> HttpClient:
        """The one place where httpx is imported, before the first request."""
        with lean_imports():
            from gemini_cli.transport.http_client import HttpClient, Limits

            options = self.connection_options
            idle = options.idle_timeout or None
            said = resolve_value(
                next(field for field in option_fields(ConnectionOptions) if field.name == "idle_timeout"),
                self.config_sources,
            )
            first_byte = None if said.origin == DEFAULT else idle
            limits = Limits(options.connect_timeout or None, idle, first_byte)
            return HttpClient(self._transport(limits), limits)

    def _transport(self, limits: Limits) -> BaseTransport:
        if self.dependencies.transport:
            return self.dependencies.transport()
        if self.connection_options.offline:
            from gemini_cli.transport.emulator_transport import EmulatorTransport

            return EmulatorTransport.with_state(self.state.database_path("offline.db"))
        from gemini_cli.transport.http_transport import HttpTransport
        from gemini_cli.transport.tls import TrustStore

        trust = TrustStore(*proxy.trusted_certificates(self.connection_options.ca_file, self.environ))
        if self.endpoint.secure:
            trust.load()  # a file that cannot be read is reported before anything is sent
        found = proxy.find_proxy(self.endpoint, self.environ)
        return HttpTransport(trust, limits, found.value if found else None)

    @cached_property
    def _key(self) -> str | None:
        if self.connection_options.offline:
            return None
        if not any(self.environ.get(name) for name in api_key.KEY_VARIABLES):
            self.deadline.start()  # before the first request, for what has the key may hang
        try:
            key = api_key.find_api_key(self.config_sources, self.terminal.print_notice)
        except DeadlineExceeded as error:
            raise AuthError(f"no API key: {error.message}") from None
        self.terminal.add_secret(key)
        return key

    @cached_property
    def interactions_client(self) -> InteractionsClient:
        return self.make_interactions_client(self.api_client)

    def make_interactions_client(self, api_client: ApiClient) -> InteractionsClient:
        from gemini_cli.client.interactions import InteractionsClient

        return InteractionsClient(
            api_client,
            self.adapter,
            long=self.request_options.long,
            resolve_attachments=self._attachments(lambda: api_client).resolve,
        )

    def open_output(self) -> AbstractContextManager[OutputTarget]:
        return open_output(self.output_options.output, self.terminal)

    def make_presenter(self, output: OutputTarget) -> Presenter:
        from gemini_cli.console.presenter import Presenter

        return Presenter(self.output_options, self.terminal, output, self._linked)

    def _linked(self, uri: str) -> Iterator[bytes]:
        """Download media given by address: only files of this API (api/README.md 3.8), for the key goes along."""
        from gemini_cli.client import resources

        name = self.endpoint.file_name_in(uri)
        if name is None:
            raise RejectedError(f"the answer is at {uri}, which is no file of this service; it is not fetched")
        return resources.download_file(self.api_client, name)


def profile_keys() -> dict[str, OptionField]:
    """The flags that may stand at the top of a profile."""
    return {
        field.name: field
        for record in (ConnectionOptions, DryRunOptions, PromptOptions, RequestOptions)
        for field in option_fields(record)
        if field.spec.profile
    }
