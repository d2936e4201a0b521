"""Sandboxes: separate emulators on one server, for tests in parallel.

A request belongs to the sandbox that the header X-Emulator-Sandbox names, or the start of its path, /sandbox/NAME. The
first request to a name with the key or the token makes the sandbox, without script, faults and objects. Other requests
belong to the emulator that the server was made with.
"""

import re
import threading
from collections.abc import Callable
from typing import NamedTuple

from .control import handle_control, is_control, refuse_control
from .errors import ErrorResponse
from .http.exchange import HttpRequest, HttpResponse
from .http.request_log import RecordedRequest, RequestLog, record_request
from .service import Emulator

SANDBOX_HEADER, SANDBOX_PREFIX = "x-emulator-sandbox", "/sandbox/"
# A name that is a version would make another route of the path.
_NAME = re.compile(r"(?!v1(?:alpha|beta)?$)[A-Za-z0-9._~-]{1,100}")


def without_sandbox(target: str) -> str:
    """The target of a request without the path of a sandbox."""
    return re.sub(f"^{SANDBOX_PREFIX}[^/]*(?=/)", "", target)


class Sandbox(NamedTuple):
    """An emulator and the requests that it received."""

    name: str
    emulator: Emulator
    requests: RequestLog

    @property
    def path(self) -> str:
        """The start of the paths of its requests."""
        return SANDBOX_PREFIX + self.name if self.name else ""

    def refuse_early(self, head: HttpRequest) -> HttpResponse | None:
        """The error for a request that is refused before its body is read."""
        inner = self.inner(head)
        return refuse_control(self.emulator, inner) if is_control(inner) else self.emulator.refuse_early(head)

    def handle(self, request: HttpRequest) -> HttpResponse:
        inner = self.inner(request)
        if is_control(inner):
            return handle_control(self.emulator, self.requests, inner)
        return self.emulator.handle(request)

    def inner(self, request: HttpRequest) -> HttpRequest:
        """The request without the path of the sandbox."""
        return request._replace(target=request.target.removeprefix(self.path))


class Sandboxes:
    """All sandboxes of a server.

    `remember` is the number of bytes of each body that stay in memory; None keeps no requests. `on_request` gets the
    name of the sandbox and the whole request.
    """

    def __init__(
        self, emulator: Emulator, remember: int | None, on_request: Callable[[str, RecordedRequest], None] | None
    ) -> None:
        self.default = Sandbox("", emulator, RequestLog())
        self._remember = remember
        self._on_request = on_request
        self._named: dict[str, Sandbox] = {}
        self._lock = threading.Lock()

    def get(self, name: str, *, keep: bool = True) -> Sandbox:
        """Find or make a sandbox; ErrorResponse for an invalid name.

        Without `keep`, a new one is for one request, and is forgotten.
        """
        if not _NAME.fullmatch(name):
            raise ErrorResponse(400, f"{name!r} is not a name of a sandbox: letters, digits and . _ ~ - only.")
        with self._lock:
            sandbox = self._named.get(name) or Sandbox(name, self.default.emulator.empty_copy(), RequestLog())
            if keep:
                self._named[name] = sandbox
            return sandbox

    def discard(self, name: str) -> None:
        """Forget a sandbox. Its emulator is not closed: a request may still use it."""
        with self._lock:
            del self._named[name]

    def route(self, head: HttpRequest) -> tuple[Sandbox, HttpRequest]:
        """The sandbox of a request, and the request with the path of the sandbox.

        With the path, the URLs in a response lead to the same sandbox.
        """
        keep = self.default.emulator.admits(head)
        if head.target.startswith(SANDBOX_PREFIX):
            name, slash, _ = head.target.removeprefix(SANDBOX_PREFIX).partition("/")
            return (self.get(name, keep=keep) if slash else self.default), head
        if name := head.headers.get(SANDBOX_HEADER, ""):
            sandbox = self.get(name, keep=keep)
            return sandbox, head._replace(target=sandbox.path + head.target)
        return self.default, head

    def record(self, sandbox: Sandbox, request: HttpRequest) -> None:
        """Keep a request, unless it is a request to the control."""
        inner = sandbox.inner(request)
        if is_control(inner):
            return
        if self._remember is not None:
            sandbox.requests.add(record_request(inner, self._remember))
        if self._on_request is not None:
            self._on_request(sandbox.name, record_request(inner))

    def leftovers(self, *, strict: bool = False) -> list[str]:
        """The leftovers of all emulators, with the names of the sandboxes."""
        with self._lock:
            named = list(self._named.values())
        others = [f"sandbox {each.name}: {text}" for each in named for text in each.emulator.leftovers(strict=strict)]
        return self.default.emulator.leftovers(strict=strict) + others

    def close(self) -> None:
        for each in (self.default, *self._named.values()):
            each.emulator.close()
