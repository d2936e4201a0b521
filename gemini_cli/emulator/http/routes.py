"""Which request is which: method and path to the name of the function that answers it.

Any path prefix, any of the three versions (reference.md 15, emulator 1). A route's `kind` is what faults call it.
Handlers are named, not imported: a plain create loads nothing of files or batches.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from .exchange import Call

PATH = re.compile(r"(?P<prefix>.*?)(?P<door>/upload|/download)?/(?P<version>v1|v1beta|v1alpha)/(?P<rest>.+)")


class Route(NamedTuple):
    method: str
    pattern: str
    handler: str
    kind: str
    interactions: bool = False
    keyless: bool = False


MODEL = r"(?P<model>(?:models|tunedModels)/[^/:]+):"
ROUTES = (
    Route("POST", r"interactions", "interactions.create", "create", interactions=True),
    Route("GET", r"interactions/(?P<id>[^/]+)", "interactions.get", "get", interactions=True),
    Route("DELETE", r"interactions/(?P<id>[^/]+)", "interactions.delete", "delete", interactions=True),
    Route("POST", r"interactions/(?P<id>[^/]+)/cancel", "interactions.cancel", "cancel", interactions=True),
    Route("GET", r"models", "models.list_models", "models"),
    Route("GET", r"(?P<model>(?:models|tunedModels)/[^/:]+)", "models.get", "models"),
    Route("POST", MODEL + "generateContent", "generate_content.generate", "generate"),
    Route("POST", MODEL + "streamGenerateContent", "generate_content.generate_stream", "generate_stream"),
    Route("POST", MODEL + "countTokens", "generate_content.count", "tokens"),
    Route("POST", MODEL + "batchGenerateContent", "batches.create", "batch_create"),
    Route("POST", r"upload/files", "files.start", "upload_start"),
    # The upload's id is a bearer capability: no key is sent, none is asked for (reference.md 10.1).
    Route("POST", r"upload/files\?upload_id", "files.chunk", "upload", keyless=True),
    Route("GET", r"files", "files.list_files", "files"),
    Route("GET", r"files/(?P<id>[^/:]+)", "files.get", "file"),
    Route("DELETE", r"files/(?P<id>[^/:]+)", "files.delete", "file_delete"),
    Route("GET", r"(?:download/)?files/(?P<id>[^/:]+):download", "files.download", "download"),
    Route("GET", r"batches", "batches.list_batches", "batches"),
    Route("GET", r"batches/(?P<id>[^/:]+)", "batches.get", "batch"),
    Route("POST", r"batches/(?P<id>[^/:]+):cancel", "batches.cancel", "batch_cancel"),
    Route("DELETE", r"batches/(?P<id>[^/:]+)", "batches.delete", "batch_delete"),
)


class Match(NamedTuple):
    route: Route
    base: str
    version: str
    path: dict[str, str]
    query: dict[str, str]


def find(method: str, target: str) -> Match | None:
    """The route of a request, or None for a request that no part of the API knows."""
    split = urlsplit(target)
    found = PATH.fullmatch(split.path)
    if found is None:
        return None
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    rest = f"{found['door'] or ''}/{found['rest']}".removeprefix("/").removesuffix("/")
    rest += "?upload_id" if "upload_id" in query else ""
    for route in ROUTES:
        if route.method == method and (match := re.fullmatch(route.pattern, rest)):
            path = {name: unquote(value) for name, value in match.groupdict().items() if value is not None}
            return Match(route, found["prefix"], found["version"], path, query)
    return None


def streams(match: Match, call: Call) -> bool:
    """Whether this call asks for its answer as a stream."""
    if match.route.kind == "get":
        return match.query.get("stream", "").lower() in ("true", "1")
    # Cheaper than reading the whole body, which may carry pictures; a prompt that quotes this is no create.
    asked = match.route.kind == "create" and re.search(rb'"stream"\s*:\s*true', call.body) is not None
    return asked or match.route.kind == "generate_stream"
