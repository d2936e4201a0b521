"""One command in-process: argv and stdin in; status, stdout and stderr out. The transport has a list of answers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import httpx
from typer.testing import CliRunner

from gemini_cli.cli.app import app
from gemini_cli.cli.program import Dependencies, Program
from gemini_cli.console.terminal import Terminal
from gemini_cli.errors import Interrupted

Answer = httpx.Response | httpx.TransportError

KEY = "canary-key-0123456789-abcdefghij"


class Pipe(io.BytesIO):
    """A stream of a process: a pipe, unless it says it is a terminal."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(data)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def fileno(self) -> int:
        raise OSError("not a real file")


class Outcome(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def body(self) -> Any:
        """The body of a dry run."""
        return self.json["body"]


class ScriptedTransport(httpx.MockTransport):
    """Answers each request with the next item: a Response, or a TransportError to raise. Keeps the requests."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        super().__init__(self._answer)
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self._answers, f"one request too many: {request.method} {request.url}"
        answer = self._answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    @property
    def spent(self) -> bool:
        return not self._answers

    def body(self, index: int = -1) -> Any:
        """The JSON body of a request, by default of the latest."""
        return json.loads(self.requests[index].content)


def reply(
    body: Any = b"", status: int = 200, content_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, headers={"content-type": content_type, **(headers or {})}, content=iter([data]))


def sse(*events: Mapping[str, Any] | bytes | httpx.TransportError, done: bool = False) -> httpx.Response:
    """A streamed answer, an item a chunk; a TransportError breaks it at that point."""

    def chunks() -> Iterator[bytes]:
        for event in events:
            if isinstance(event, httpx.TransportError):
                raise event
            yield event if isinstance(event, bytes) else frame(event)
        if done:
            yield b"event: done\ndata: [DONE]\n\n"

    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=chunks())


def frame(event: Mapping[str, Any]) -> bytes:
    return f"event: {event.get('event_type')}\ndata: {json.dumps(event)}\n\n".encode()


def created(interaction_id: str = "v1_a") -> dict[str, Any]:
    return {"event_type": "interaction.created", "interaction": {"id": interaction_id, "status": "in_progress"}}


def start(index: int = 0, **step: Any) -> dict[str, Any]:
    return {"event_type": "step.start", "index": index, "step": {"type": "model_output", **step}}


def text(piece: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": {"type": "text", "text": piece}, **more}


def completed(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"event_type": "interaction.completed", "interaction": {"id": "v1_a", "status": status, **more}}


def interaction(said: str = "Hello!", status: str = "completed", **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": said}]
    return {"id": "v1_a", "status": status, "steps": [{"type": "model_output", "content": content}], **more}


def gemini(
    *argv: str,
    stdin: bytes | None = b"",
    answers: Sequence[Answer] | httpx.BaseTransport = (),
    environ: Mapping[str, str] | None = None,
    terminal: bool = False,
    stdin_terminal: bool = False,
    stdout_closed: bool = False,
    sleeps: list[float] | None = None,
) -> Outcome:
    """Run one command line against scripted answers. `sleeps` collects the waits, none of which is slept."""
    transport = answers if isinstance(answers, httpx.BaseTransport) else ScriptedTransport(answers)
    everything = {"GEMINI_API_KEY": KEY, **(environ or {})}
    slept = sleeps if sleeps is not None else []
    scripted = None if "--offline" in argv else lambda: transport
    dependencies = Dependencies(sleep=slept.append, random=lambda low, high: low, transport=scripted)
    out, err = Pipe(terminal=terminal), Pipe(terminal=terminal)
    source = None if stdin is None else Pipe(stdin, terminal=stdin_terminal)
    streams = Terminal(source, None if stdout_closed else out, err, everything)
    program = Program(streams, everything, dependencies)
    try:
        status = CliRunner().invoke(app, list(argv), env=everything, obj=program, catch_exceptions=False).exit_code
    except Interrupted as ended:
        status = -ended.signum
    outcome = Outcome(status, out.getvalue().decode(), err.getvalue().decode())
    assert not isinstance(transport, ScriptedTransport) or transport.spent, "an answer was not asked for"
    assert KEY not in outcome.out + outcome.err
    return outcome
