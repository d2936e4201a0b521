"""An emulator of the Gemini API.

In memory: `Emulator().handle(request)`. On a loopback port: `http.server.Server`.

The emulator imports nothing of the rest of `gemini_cli`: with a shared constant, client and emulator could be wrong
together, and no test would notice.

Packages, from the outside in; a package imports only what stands below it, except for http/server:

    http/server    the loopback port
    sandboxes      emulators for tests in parallel
    control        scripts, faults and requests of a running emulator, over HTTP
    replay         recorded answers in place of the emulated API
    service        authentication, routing, faults
    faults/        faults, by name
    api/           one module for each resource
    store, service_state
    model/         the answers
    http/          requests, responses, routes
    errors
"""

from .http.exchange import HttpRequest, HttpResponse
from .service import Emulator

__all__ = ["Emulator", "HttpRequest", "HttpResponse"]
