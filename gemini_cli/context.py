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

from gemini_cli import documents, keys, profiles
from gemini_cli.attachments import Attachments, Rule
from gemini_cli.body import Body
from gemini_cli.content import Part
from gemini_cli.conversations import history
from gemini_cli.conversations.conversation import as_steps
from gemini_cli.conversations.history import InHistory
from gemini_cli.deadline import Arm, Clock, Deadline
from gemini_cli.endpoint import Endpoint, endpoint
from gemini_cli.errors import AuthError, DeadlinePassed, Failure, Rejected, UsageError
from gemini_cli.family import INTERACTIONS, Family
from gemini_cli.flag import Field, fields
from gemini_cli.gathering import Gathering
from gemini_cli.output import Output, output
from gemini_cli.profiles import Profile
from gemini_cli.request import Asked, Inputs, Prompted, build, check, fill, with_prompt
from gemini_cli.settings import DEFAULT, TIMEOUT, Said, Settings, find, resolve
from gemini_cli.shown import PreviewFlags, Voice
from gemini_cli.state import State
from gemini_cli.terminal import Terminal
from gemini_cli.tools import functions
from gemini_cli.tools.functions import Declared
from gemini_cli.transport import route
from gemini_cli.transport.lean_imports import lean_imports

if TYPE_CHECKING:
    from gemini_cli.answer import Answer
    from gemini_cli.client.api_client import ApiClient, OnRetry
    from gemini_cli.dialogue import Dialogue
    from gemini_cli.documents import Document
    from gemini_cli.interaction import Step
    from gemini_cli.transport.http_client import BaseTransport, HttpClient, Limits


def uniform(low: float, high: float) -> float:
    import random  # 5 ms, and most runs never wait

    return random.uniform(low, high)


class Means(NamedTuple):
    """What tests replace: time, chance and the transport."""

    sleep: Callable[[float], None] = time.sleep
    random: Callable[[float, float], float] = uniform
    now: Callable[[], float] = time.time
    clock: Clock = time.monotonic
    arm: Arm | None = None
    transport: Callable[[], BaseTransport] | None = None


class Context:
    """One run of one command: what was said, and everything that follows from it."""

    def __init__(self, terminal: Terminal, environ: Mapping[str, str], means: Means) -> None:
        self.terminal = terminal
        self.environ = environ
        self.means = means
        self.heard = False
        self.flags: Mapping[str, Any] = {}
        self.words: list[str] = []
        self.endless = False

    def hear(self, flags: Mapping[str, Any], words: list[str], *, endless: bool = False) -> None:
        """Take in what the command line said. An `endless` command has no time limit unless one is said."""
        self.heard, self.flags, self.words, self.endless = True, flags, words, endless

    # What was said --------------------------------------------------------------------------------------------------

    @cached_property
    def profile(self) -> Profile | None:
        unprofiled = resolve(Settings, Said(self.flags, self.environ))
        return profiles.load(unprofiled.profile, self.environ, profile_keys(), trusted=unprofiled.trust_profile)

    @cached_property
    def said(self) -> Said:
        return Said(self.flags, self.environ, self.profile)

    @cached_property
    def settings(self) -> Settings:
        settings = resolve(Settings, self.said)
        for field in fields(Settings):
            if settings.offline and field.flag.online and self.flags.get(field.name) is not None:
                raise UsageError(f"{field.long} has no effect with --offline")
        if settings.trust_profile and not profiles.is_path(settings.profile or ""):
            raise UsageError("--trust-profile has no effect without a profile named by path")
        return settings

    @cached_property
    def voice(self) -> Voice:
        """How to speak."""
        return resolve(Voice, self.said)

    def adopt_manner(self) -> None:
        """Before anything is said, so that -q and -v hold from the start."""
        self.terminal.quiet, self.terminal.verbose = self.voice.quiet, self.voice.verbose

    @cached_property
    def shown(self) -> PreviewFlags:
        shown = resolve(PreviewFlags, self.said)
        if shown.json and self.flags.get("citations"):
            raise UsageError("--citations has no effect with --json, which has them all")
        return shown

    @cached_property
    def asked(self) -> Asked:
        """Flags only: a variable or a profile speaks through the layers of the body, but for what is no field of it."""
        asked = resolve(Asked, Said(self.flags, {}, self.profile))
        check(asked)
        return asked

    # What is asked --------------------------------------------------------------------------------------------------

    def question(self, *, stream: bool, results: list[Step] | None = None) -> Body:
        """The body of the create that the command line, stdin and the profile ask for.

        `results` of calls take the place of a prompt.
        """
        asks = self.gathering.input() if results is None else results
        if self.history is None:
            return with_prompt(self.create(stream=stream, asks=asks))
        if self.asked.continue_ or self.asked.previous:
            raise UsageError("--history has the whole conversation; it excludes --previous and --continue")
        body = with_prompt({"store": False, **self.create(stream=stream, asks=asks)})
        return {**body, "input": [*history.read(self.history), *as_steps(body.get("input", []))]}

    def create(self, *, stream: bool, asks: str | list[Part] | None = None, kept: Body | None = None) -> Body:
        """A create, its input perhaps still to come. What a session `kept` stands for profile and environment."""
        asked = self.asked
        if asked.continue_ and not self.family.keeps:
            raise UsageError(f"-c, --continue: with --api {asked.api} the service keeps nothing to continue")
        inputs = Inputs(
            input=asks,
            system=asked.system if asked.system_file is None else self.gathering.text(asked.system_file),
            request=self.gathering.document(asked.request) if asked.request is not None else None,
            schema=self.schema,
            tools=self.declared.tools if asked.tool else None,
            tool_headers=self._tool_headers(),
            last_id=self.state.last_interaction(offline=self.settings.offline) if asked.continue_ else None,
        )
        layer, environ = (kept, {}) if kept else (self._profile_request(), self.environ)
        body = build(asked, inputs, profile=layer, environ=environ, stream=stream)
        self.family.request(body)  # what cannot be asked is said before a key is missed
        return body

    def _profile_request(self) -> Body:
        """What the profile asks the API for; without what its tools say to us alone."""
        request = {**self.profile.request} if self.profile else {}
        if "tools" in request and not self.asked.tool:
            request["tools"] = self.declared.tools
        return request

    @cached_property
    def history(self) -> str | None:
        return resolve(InHistory, self.said).history

    @cached_property
    def declared(self) -> Declared:
        """The tools that -T names, or else the profile's."""
        if self.asked.tool:
            return functions.spelled(self.asked.tool)
        if self.profile and "tools" in self.profile.request:
            return functions.declared(self.profile.document, self.profile.request["tools"], ("request", "tools"))
        return Declared([], [])

    def _tool_headers(self) -> dict[str, str]:
        headers = dict(functions.header(text) for text in self.asked.tool_header or ())
        for value in headers.values():
            self.terminal.hide(value)
        return headers

    @cached_property
    def prompted(self) -> Prompted:
        prompted = resolve(Prompted, self.said)
        if prompted.inline and prompted.upload:
            raise UsageError("--inline and --upload exclude each other")
        return prompted

    @cached_property
    def attachments(self) -> Attachments:
        return self._attachments(lambda: self.service)

    def _attachments(self, service: Callable[[], ApiClient]) -> Attachments:
        prompted = self.prompted
        rule = Rule(prompted.inline_limit, always=prompted.inline, never=prompted.upload)
        return Attachments(rule, service, self.terminal)

    @cached_property
    def gathering(self) -> Gathering:
        asked, prompted = self.asked, self.prompted
        prompt = fill(self.profile.prompt if self.profile else "", prompted.var)
        files = {"--request": asked.request, "--system-file": asked.system_file}
        files |= {f"--result {text}": "-" for text in self.flags.get("result", ()) if text.endswith("=-")}
        return Gathering(self.terminal, self.words, prompted, prompt, files, self.endpoint)

    @cached_property
    def schema(self) -> Document | None:
        """`--schema`: JSON on the spot, or a file; checked to be a schema before anything is sent."""
        text = self.asked.schema
        if text is None:
            return None
        spot = text.lstrip().startswith("{")
        document = documents.parse(os.fsencode(text), "--schema.json") if spot else documents.load(text)
        from gemini_cli import schema

        schema.check(document)
        return document

    # Where it goes, and what comes back -------------------------------------------------------------------------------

    @cached_property
    def endpoint(self) -> Endpoint:
        return endpoint(self.settings, self.environ)

    @cached_property
    def family(self) -> Family:
        if self.asked.api == "generate-content":
            from gemini_cli.generate_content import GENERATE_CONTENT

            return GENERATE_CONTENT
        return INTERACTIONS

    @cached_property
    def state(self) -> State:
        return State(self.environ)

    @cached_property
    def deadline(self) -> Deadline:
        said = self.settings.timeout
        default = None if self.endless else TIMEOUT
        return Deadline(default if said is None else said or None, self.means.clock, self.means.arm)

    @cached_property
    def service(self) -> ApiClient:
        return self.api_client()

    def api_client(self, on_retry: OnRetry | None = None) -> ApiClient:
        """One for each thread: they share the connections, the key and the deadline."""
        from gemini_cli.client.api_client import ApiClient
        from gemini_cli.transport.retry import RetryPolicy

        means, settings, key = self.means, self.settings, self._key
        return ApiClient(
            self._http,
            self.endpoint,
            key,
            self.deadline,
            RetryPolicy(settings.retries, settings.retry_unknown, means.sleep, means.random, means.now),
            log=self.terminal.log,
            notice=self.terminal.notice,
            on_retry=on_retry or self._wait,
            redacted=self.terminal.redacted,
        )

    def _wait(self, failure: Failure, seconds: float) -> None:
        """Wait before a retry; on a terminal, say why."""
        self.terminal.aside(f"another try in {seconds:.1f} s: {failure.message}")
        self.means.sleep(seconds)

    @cached_property
    def _http(self) -> HttpClient:
        """The one place where httpx is imported, before the first request."""
        with lean_imports():
            from gemini_cli.transport.http_client import HttpClient, Limits

            settings = self.settings
            idle = settings.idle_timeout or None
            said = find(next(field for field in fields(Settings) if field.name == "idle_timeout"), self.said)
            first_byte = None if said.origin == DEFAULT else idle
            limits = Limits(settings.connect_timeout or None, idle, first_byte)
            return HttpClient(self._transport(limits), limits)

    def _transport(self, limits: Limits) -> BaseTransport:
        if self.means.transport:
            return self.means.transport()
        if self.settings.offline:
            from gemini_cli.transport.emulator_transport import EmulatorTransport

            return EmulatorTransport.with_state(self.state.database("offline.db"))
        from gemini_cli.transport.http_transport import HttpTransport
        from gemini_cli.transport.tls import TrustStore

        trust = TrustStore(*route.trusted(self.settings.ca_file, self.environ))
        if self.endpoint.secure:
            trust.load()  # a file that cannot be read is reported before anything is sent
        proxy = route.proxy(self.endpoint, self.environ)
        return HttpTransport(trust, limits, proxy.value if proxy else None)

    @cached_property
    def _key(self) -> str | None:
        if self.settings.offline:
            return None
        if not any(self.environ.get(name) for name in keys.VARIABLES):
            self.deadline.start()  # before the first request, for what has the key may hang
        try:
            key = keys.find(self.said, self.terminal.notice)
        except DeadlinePassed as error:
            raise AuthError(f"no API key: {error.message}") from None
        self.terminal.hide(key)
        return key

    @cached_property
    def dialogue(self) -> Dialogue:
        return self.dialogue_with(self.service)

    def dialogue_with(self, service: ApiClient) -> Dialogue:
        from gemini_cli.dialogue import Dialogue

        return Dialogue(service, self.family, long=self.asked.long, settle=self._attachments(lambda: service).settle)

    def output(self) -> AbstractContextManager[Output]:
        return output(self.shown.output, self.terminal)

    def answer(self, output: Output) -> Answer:
        from gemini_cli.answer import Answer

        return Answer(self.shown, self.terminal, output, self._linked)

    def _linked(self, uri: str) -> Iterator[bytes]:
        """Download media given by address: only files of this API (api/README.md 3.8), for the key goes along."""
        from gemini_cli import resources

        name = self.endpoint.file(uri)
        if name is None:
            raise Rejected(f"the answer is at {uri}, which is no file of this service; it is not fetched")
        return resources.download(self.service, name)


def profile_keys() -> dict[str, Field]:
    """The flags that may stand at the top of a profile."""
    return {
        field.name: field
        for record in (Settings, PreviewFlags, Prompted, Asked)
        for field in fields(record)
        if field.flag.profile
    }
