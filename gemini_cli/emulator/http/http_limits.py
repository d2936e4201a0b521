"""Checks of a request's head: web pages are not served.

A page in a browser can send requests to 127.0.0.1, and with DNS rebinding it can read the responses. So the Host must
be a loopback name (421), a request with the headers of a page is refused (403), a JSON body must have the JSON type,
for which a page needs a preflight (415), and the size of a body is limited (413). No response has CORS headers.
"""

from collections.abc import Mapping

from ..errors import ErrorResponse
from .routes import find_route

OWN_HOSTS = ("127.0.0.1", "localhost", "[::1]")
BODY_LIMIT = 2 << 30


def check_request_head(method: str, target: str, headers: Mapping[str, str]) -> None:
    """Raise ErrorResponse before the body is read; header names are in lower case."""
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in OWN_HOSTS:
        raise ErrorResponse(421, "This server has only loopback names.")
    if "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ErrorResponse(403, "This server does not serve web pages.")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise ErrorResponse(400, "Content-Length is not a number.")
    if len(length) > 12 or int(length) > BODY_LIMIT:
        raise body_too_large()
    empty = length == "0" and "transfer-encoding" not in headers
    if method in ("POST", "PATCH", "PUT") and not empty and not _is_json(headers) and not _takes_bytes(method, target):
        raise ErrorResponse(415, "The content type of the body must be application/json.")


def body_too_large() -> ErrorResponse:
    return ErrorResponse(413, f"Request payload size exceeds the limit: {BODY_LIMIT} bytes.")


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _takes_bytes(method: str, target: str) -> bool:
    """A chunk of an upload has any type (api/README.md 10.4)."""
    match = find_route(method, target)
    return match is not None and match.route.kind == "upload"
