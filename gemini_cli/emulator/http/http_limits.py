"""Checks of a request's head: web pages are not served, and HTTP is read strictly.

A page in a browser can send requests to 127.0.0.1, and with DNS rebinding it can read the responses. So the Host must
be a loopback name with the server's port (421), a request with the headers of a page is refused (403), a JSON body must
have the JSON type, for which a page needs a preflight (415), and the size of a body is limited (413). No response has
CORS headers.
"""

import re
from collections.abc import Iterable, Mapping

from ..errors import ErrorResponse
from .routes import find_route

OWN_HOSTS = ("127.0.0.1", "localhost", "[::1]")
BODY_LIMIT = 2 << 30
CHUNK_HEAD = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(;[^\r\n]*)?\r\n")


def check_request_head(method: str, target: str, fields: Iterable[tuple[str, str]], port: int) -> dict[str, str]:
    """The headers with names in lower case; ErrorResponse if the request is refused."""
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name.lower(), []).append(value)
    headers = {name: each[-1] for name, each in values.items()}
    if not target.startswith("/"):
        raise ErrorResponse(400, "The request target must be a path.")
    _check_host(values.get("host", []), port)
    if "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ErrorResponse(403, "This server does not serve web pages.")
    _check_framing(values)
    empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    if method in ("POST", "PATCH", "PUT") and not empty and not _is_json(headers) and not _takes_bytes(method, target):
        raise ErrorResponse(415, "The content type of the body must be application/json.")
    return headers


def _check_host(hosts: list[str], port: int) -> None:
    """Accept one Host (RFC 9112, 3.2), a loopback name with no port or the server's."""
    if len(hosts) != 1:
        raise ErrorResponse(400, "A request must have one Host.")
    name, colon, number = hosts[0].rpartition(":")
    if not colon or hosts[0].endswith("]"):
        name, number = hosts[0], str(port)
    if name.lower() not in OWN_HOSTS or number != str(port):
        raise ErrorResponse(421, "This server has only loopback names.")


def _check_framing(values: Mapping[str, list[str]]) -> None:
    """The length of the body must be clear (RFC 9112, 6)."""
    lengths, codings = values.get("content-length", []), values.get("transfer-encoding", [])
    if codings and lengths:
        raise ErrorResponse(400, "A request must not have both Transfer-Encoding and Content-Length.")
    if codings and [coding.lower() for coding in codings] != ["chunked"]:
        raise ErrorResponse(501, "The only transfer coding is chunked.")
    if len(set(lengths)) > 1 or any(not length.isascii() or not length.isdigit() for length in lengths):
        raise ErrorResponse(400, "Content-Length is not a number.")
    if any(len(length) > 12 or int(length) > BODY_LIMIT for length in lengths):
        raise body_too_large()


def parse_chunk_size(line: bytes) -> int:
    """The size in the first line of a chunk, hexadecimal digits only (RFC 9112, 7.1)."""
    match = CHUNK_HEAD.fullmatch(line)
    if match is None:
        raise malformed_chunk()
    return int(match[1], 16)


def malformed_chunk() -> ErrorResponse:
    return ErrorResponse(400, "The chunked body is malformed.")


def body_too_large() -> ErrorResponse:
    return ErrorResponse(413, f"Request payload size exceeds the limit: {BODY_LIMIT} bytes.")


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _takes_bytes(method: str, target: str) -> bool:
    """A chunk of an upload has any type (api/README.md 10.4)."""
    match = find_route(method, target)
    return match is not None and match.route.kind == "upload"
