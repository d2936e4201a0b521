"""Who may talk to a server on loopback: programs, not web pages.

A page in a browser can send requests to 127.0.0.1, and by DNS rebinding even read the answers. So the Host must be
one of our own names (421), nothing that says it comes from a page is served (403; there are no CORS headers
either), JSON must be called JSON, which a page cannot do without a preflight (415), and bodies end somewhere (413).
"""

from collections.abc import Mapping

from ..errors import Problem
from .routes import find

OWN_HOSTS = ("127.0.0.1", "localhost", "[::1]")
BODY_LIMIT = 2 << 30


def check(method: str, target: str, headers: Mapping[str, str]) -> None:
    """Raise what is wrong with a request before its body is read; header names are lower-case."""
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in OWN_HOSTS:
        raise Problem(421, "This server answers only to its own loopback names.")
    if "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Problem(403, "This server answers programs, not web pages.")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise Problem(400, "Content-Length is not a number.")
    if len(length) > 12 or int(length) > BODY_LIMIT:
        raise too_large()
    empty = length == "0" and "transfer-encoding" not in headers
    if method in ("POST", "PATCH", "PUT") and not empty and not _is_json(headers) and not _takes_bytes(method, target):
        raise Problem(415, "The content type of the body must be application/json.")


def too_large() -> Problem:
    return Problem(413, f"Request payload size exceeds the limit: {BODY_LIMIT} bytes.")


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _takes_bytes(method: str, target: str) -> bool:
    """A chunk of an upload is whatever its file is (reference.md 10.1)."""
    match = find(method, target)
    return match is not None and match.route.kind == "upload"
