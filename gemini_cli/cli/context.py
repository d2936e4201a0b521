"""The objects that a command needs, each made when it is first used.

Expensive modules are imported at the same time, so `--help`, `--version`, usage errors and dry runs do without them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import typer

from gemini_cli.api.adapter import INTERACTIONS_ADAPTER, ApiAdapter, UnsupportedFieldError
from gemini_cli.api.body import REQUEST_LIMIT, Body
from gemini_cli.api.conversation import input_to_steps
from gemini_cli.api.request import (
    RequestInputs,
    build_default_body,
    build_request_body,
    check_options,
    require_prompt,
)
from gemini_cli.chat import history_file
from gemini_cli.cli.connection import ApiConnection
from gemini_cli.cli.program import Program
from gemini_cli.cli.prompt_input import PromptInput
from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.headers import parse_tool_header
from gemini_cli.config.option_groups import BodyField, option_fields, value_source
from gemini_cli.config.output_options import GlobalOptions, OutputOptions, PreviewOptions, check_extract
from gemini_cli.config.profiles import fill_template, profile_in_use
from gemini_cli.config.request_options import HistoryOptions, PromptOptions, RequestOptions
from gemini_cli.console.output_file import OutputTarget, open_output
from gemini_cli.errors import RejectedError, UsageError
from gemini_cli.files.attachments import Attachments, InlinePolicy
from gemini_cli.files.content_parts import Part
from gemini_cli.formats import documents
from gemini_cli.storage.last_interaction import LastInteraction
from gemini_cli.storage.state_dir import StateDirectory
from gemini_cli.tools import declarations
from gemini_cli.tools.declarations import ToolDeclarations

if TYPE_CHECKING:
    from gemini_cli.api.interaction import Step
    from gemini_cli.client.api_client import ApiClient
    from gemini_cli.client.interactions import InteractionsClient
    from gemini_cli.console.presenter import Presenter
    from gemini_cli.formats.documents import Document

Record = TypeVar("Record")


class Context:
    """The options of one run of a command, and the objects made from them.

    `records` are the option records of the command, `words` its arguments, and `results` its `--result`, which may read
    stdin. Without `no_timeout` the whole run has a time limit by default. With `needs_stdout`, OutputError if stdout is
    closed, before anything is sent.
    """

    def __init__(
        self,
        ctx: typer.Context,
        *records: object,
        words: Sequence[str] | None = None,
        no_timeout: bool = False,
        needs_stdout: bool = False,
        results: Sequence[str] | None = None,
    ) -> None:
        program: Program = ctx.obj
        self.program = program
        self.terminal = program.terminal
        self.environ = program.environ
        self.words = list(words or ())
        self.results = list(results or ())
        self.profile = profile_in_use(ctx)
        self._ctx = ctx
        self._records = records
        program.json_errors = self.global_options.json
        self.terminal.quiet, self.terminal.verbose = self.global_options.quiet, self.global_options.verbose
        self.terminal.json_lines = self.global_options.json
        self.connection = ApiConnection(ctx, self.connection_options, self.profile, no_timeout=no_timeout)
        if needs_stdout:
            self.terminal.require_stdout()

    # Options ----------------------------------------------------------------------------------------------------------

    def _record(self, kind: type[Record]) -> Record:
        """The record of this type; one with defaults if the command does not take it."""
        return next((record for record in self._records if isinstance(record, kind)), None) or kind()

    def is_given(self, name: str) -> bool:
        """True if the option was given on the command line."""
        return value_source(self._ctx, name) == "COMMANDLINE"

    @cached_property
    def connection_options(self) -> ConnectionOptions:
        return self._record(ConnectionOptions)

    @cached_property
    def global_options(self) -> GlobalOptions:
        return self._record(GlobalOptions)

    @cached_property
    def output_options(self) -> OutputOptions:
        options = self._record(OutputOptions)
        if options.json and self.is_given("citations"):
            raise UsageError("--citations has no effect with --json, which prints all citations")
        has_schema = self.request_options.schema is not None
        check_extract(options, has_schema=has_schema, is_given=self.is_given)
        return options

    @cached_property
    def preview_options(self) -> PreviewOptions:
        return self._record(PreviewOptions)

    @cached_property
    def request_options(self) -> RequestOptions:
        check_options({field.name for field in option_fields(RequestOptions) if self.is_given(field.name)})
        return self._record(RequestOptions)

    def _request_options_from(self, *sources: str) -> RequestOptions:
        """The options of the request with values from these sources, see `value_source`."""
        options = self.request_options
        names = (field.name for field in option_fields(RequestOptions))
        return RequestOptions(
            **{name: getattr(options, name) for name in names if value_source(self._ctx, name) in sources}
        )

    @cached_property
    def prompt_options(self) -> PromptOptions:
        options = self._record(PromptOptions)
        if options.inline and options.upload:
            raise UsageError("--inline and --upload exclude each other")
        return options

    @cached_property
    def history_path(self) -> str | None:
        return self._record(HistoryOptions).history

    # The request ------------------------------------------------------------------------------------------------------

    def build_request(self, *, stream: bool, results: list[Step] | None = None) -> Body:
        """The request body from command line, stdin and profile.

        `results` of function calls take the place of a prompt.
        """
        turn_input = self.prompt_input.build_input() if results is None else results
        if self.history_path is None:
            return require_prompt(self.build_body(stream=stream, input=turn_input))
        if self.request_options.continue_ or self.request_options.previous:
            raise UsageError("--history holds the whole conversation; it excludes --previous and --continue")
        body = require_prompt(self.build_body(stream=stream, input=turn_input))
        if other := {"previous_interaction_id", "continuation_token"} & body.keys():
            raise UsageError(f"--history holds the whole conversation; it excludes {min(other)}")
        if self.adapter.stores_interactions:  # the history is kept in the file only
            body = {"store": False, **body}
        return {
            **body,
            "input": [*history_file.read_history(self.history_path), *input_to_steps(body.get("input", []))],
        }

    def build_body(
        self,
        *,
        stream: bool,
        input: str | list[Part] | None = None,
        input_follows: bool = False,
        session_settings: Body | None = None,
    ) -> Body:
        """The request body; with `input_follows` the caller adds the input.

        `session_settings` take the place of profile and environment.
        """
        options = self._request_options_from("COMMANDLINE")
        if options.continue_ and not self.adapter.stores_interactions:
            raise UsageError(f"-c, --continue: with --api {self.request_options.api} the server stores no interactions")
        inputs = RequestInputs(
            input=input,
            input_follows=input_follows,
            system=options.system if options.system_file is None else self.prompt_input.read_text(options.system_file),
            request=self.prompt_input.read_document(options.request) if options.request is not None else None,
            schema=self.schema if options.schema is not None else None,
            tools=self.tool_declarations.tools if options.tool else None,
            tool_headers=self._tool_headers(),
            last_id=LastInteraction(self.state, local=self.connection_options.is_local).load_id()
            if options.continue_
            else None,
        )
        layer = session_settings or self.default_body()
        body = build_request_body(options, inputs, defaults=layer, stream=stream)
        if self.is_given("fallback") and ("agent" in body or "" in (options.fallback or ())):
            raise UsageError("--fallback has no effect on an agent" if "agent" in body else "--fallback is empty")
        check_request(self.adapter, body)  # an unsupported field is reported before a missing key
        return body

    def default_body(self) -> Body:
        """The body without the command line: the profile and the environment."""
        return build_default_body(self._profile_request(), self._request_options_from("ENVIRONMENT", "DEFAULT_MAP"))

    def _profile_request(self) -> Body:
        """The `request:` of the profile, without the local settings of its tools."""
        request = {**self.profile.request} if self.profile else {}
        if "tools" in request and not self.request_options.tool:
            request["tools"] = self.tool_declarations.tools
        return request

    @cached_property
    def tool_declarations(self) -> ToolDeclarations:
        """The tools of -T, or else of the profile."""
        if self.request_options.tool:
            found = declarations.parse_tool_options(self.request_options.tool)
        elif self.profile and "tools" in self.profile.request:
            found = declarations.parse_declarations(
                self.profile.document, self.profile.request["tools"], ("request", "tools")
            )
        else:
            return ToolDeclarations([], [])
        for parameters in (function.parameters for function in found.functions if function.parameters):
            from gemini_cli.formats import json_schema  # loaded by the check of the parameters

            json_schema.notice_unchecked_patterns(parameters, self.terminal.print_notice)
        return found

    def _tool_headers(self) -> dict[str, str]:
        headers = dict(parse_tool_header(text) for text in self.request_options.tool_header or ())
        for value in headers.values():
            self.terminal.add_secret(value)
        return headers

    @cached_property
    def attachments(self) -> Attachments:
        return self._attachments(lambda: self.api_client)

    def _attachments(self, api_client: Callable[[], ApiClient]) -> Attachments:
        prompt_options = self.prompt_options
        policy = InlinePolicy(prompt_options.inline_limit, always=prompt_options.inline, never=prompt_options.upload)
        return Attachments(policy, api_client, self.terminal)

    @cached_property
    def prompt_input(self) -> PromptInput:
        options, prompt_options = self.request_options, self.prompt_options
        prompt = fill_template(self.profile.prompt if self.profile else "", prompt_options.var)
        files = {"--request": options.request, "--system-file": options.system_file}
        files |= {f"--result {text}": "-" for text in self.results if text.endswith("=-")}
        return PromptInput(self.terminal, self.words, prompt_options, prompt, files, self.connection.endpoint)

    @cached_property
    def schema(self) -> Document | None:
        return load_schema(self.request_options.schema, self.terminal.print_notice)

    # Clients and the output -----------------------------------------------------------------------------------------

    @cached_property
    def adapter(self) -> ApiAdapter:
        if self.request_options.api == "generate-content":
            from gemini_cli.api.generate_content import GENERATE_CONTENT_ADAPTER

            return GENERATE_CONTENT_ADAPTER
        return INTERACTIONS_ADAPTER

    @property
    def state(self) -> StateDirectory:
        return self.connection.state

    @property
    def api_client(self) -> ApiClient:
        return self.connection.api_client

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
            notice=self.terminal.print_notice,
            fallback=self.request_options.fallback or (),
        )

    def open_output(self, path: str | None) -> AbstractContextManager[OutputTarget]:
        return open_output(path, self.terminal)

    def make_presenter(self, output: OutputTarget) -> Presenter:
        from gemini_cli.console.presenter import Presenter

        offline = " --offline" if self.is_given("offline") else ""
        return Presenter(
            self.output_options, self.terminal, output, self._linked, f"gemini-cli interactions get{offline}"
        )

    def _linked(self, uri: str) -> Iterator[bytes]:
        """Download media of an answer that has only their address.

        Only files of this API (api/README.md 3.8), since the key is sent too.
        """
        from gemini_cli.client import resources

        name = self.connection.endpoint.file_name_in(uri)
        if name is None:
            raise RejectedError(f"the answer is at {uri}, which is not a file of this API; it is not downloaded")
        return resources.download_file(self.api_client, name)


def check_request(adapter: ApiAdapter, body: Body) -> None:
    """Raise UsageError for a field that the API lacks, with the name of its option."""
    try:
        adapter.build_request(body)
    except UnsupportedFieldError as error:
        options = {field.marker(BodyField): field.long for field in option_fields(RequestOptions)}
        raise UnsupportedFieldError(options.get(BodyField(error.field), error.field)) from None


def load_schema(text: str | None, notice: Callable[[str], None]) -> Document | None:
    """Read a JSON Schema, given as JSON or as a file name; InputError if it is none."""
    if text is None:
        return None
    is_json = text.lstrip().startswith("{")
    document = (
        documents.parse_json_document(os.fsencode(text), "--schema")
        if is_json
        else documents.load_document(text, limit=REQUEST_LIMIT)
    )
    from gemini_cli.formats import json_schema

    return json_schema.read_schema(document, notice)
