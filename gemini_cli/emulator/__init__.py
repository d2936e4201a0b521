"""The Gemini API, pretended: one object with two doors, in memory and on a loopback port.

`Emulator().handle(call)` is the first door; `gemini_cli.emulator.http.server.Server` the second. Nothing here imports
anything from the rest of `gemini_cli`, not even a constant: two programs that share one are wrong together.

Packages, from the outside in; a package imports only what stands below it, except for http/server:

    http/server    the loopback port
    service        finds the route and the handler; lets faults happen
    faults/        what goes wrong, by name
    api/           one module for each resource
    store, service_state
    model/         what is answered
    http/          requests, responses, routes
    errors
"""

from .http.exchange import HttpRequest, HttpResponse
from .service import Emulator

__all__ = ["Emulator", "HttpRequest", "HttpResponse"]
