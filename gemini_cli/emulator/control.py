"""The control of a running emulator: paths below /emulator/.

    PUT  /emulator/script     replace the script by the JSON list in the body
    POST /emulator/faults     add the faults of a JSON list, written as for `--fault`
    GET  /emulator/requests   the received requests, a JSON list
    POST /emulator/reset      begin again; the response lists what was not used

Each needs the token in X-Emulator-Token, as faults on single requests do.
"""

import json
from collections.abc import Callable
from typing import Any

from .errors import ErrorResponse
from .http.error_format import error_to_response
from .http.exchange import HttpRequest, HttpResponse, indented_response
from .http.request_log import RequestLog
from .service import TOKEN_HEADER, Emulator

CONTROL_PREFIX = "/emulator/"


def is_control(request: HttpRequest) -> bool:
    return request.target.startswith(CONTROL_PREFIX)


def refuse_control(emulator: Emulator, head: HttpRequest) -> HttpResponse | None:
    """The error for a wrong token or an unknown path, before the body is read."""
    if not emulator.token or head.headers.get(TOKEN_HEADER) != emulator.token:
        return _refused(403, f"The control of the emulator needs the right {TOKEN_HEADER}.")
    if (head.method, _path(head)) not in OPERATIONS:
        known = ", ".join(f"{method} {CONTROL_PREFIX}{path}" for method, path in OPERATIONS)
        return _refused(404, f"The control of the emulator has {known}.")
    return None


def handle_control(emulator: Emulator, requests: RequestLog, request: HttpRequest) -> HttpResponse:
    """Carry out a request that was not refused."""
    try:
        result = OPERATIONS[request.method, _path(request)](emulator, requests, request)
    except ValueError as error:
        return _refused(400, str(error))
    return indented_response(result)


def _path(request: HttpRequest) -> str:
    return request.target.partition("?")[0].removeprefix(CONTROL_PREFIX)


def _refused(status: int, message: str) -> HttpResponse:
    return error_to_response(ErrorResponse(status, message, front_end=True), "json")


def _list(request: HttpRequest) -> list[Any]:
    try:
        value = json.loads(request.body or b"null")
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    if not isinstance(value, list):
        raise ValueError("The body must be a JSON list.")
    return value


def _replace_script(emulator: Emulator, requests: RequestLog, request: HttpRequest) -> Any:
    emulator.replace_script(_list(request))
    return {}


def _add_faults(emulator: Emulator, requests: RequestLog, request: HttpRequest) -> Any:
    emulator.add_faults(map(str, _list(request)))
    return {}


def _list_requests(emulator: Emulator, requests: RequestLog, request: HttpRequest) -> Any:
    return [each.as_json() for each in list(requests)]


def _reset(emulator: Emulator, requests: RequestLog, request: HttpRequest) -> Any:
    requests.clear()
    return {"unused": emulator.reset()}


Operation = Callable[[Emulator, RequestLog, HttpRequest], Any]
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("PUT", "script"): _replace_script,
    ("POST", "faults"): _add_faults,
    ("GET", "requests"): _list_requests,
    ("POST", "reset"): _reset,
}
