"""The table of routes: method and path, and the name of the handler.

Any path prefix and three versions are accepted (api/README.md 1.2, 1.7). Faults use the route's `kind`. Handlers are
names, imported at their first use: a create loads neither files nor batches.
"""

import json
import re
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from .exchange import HttpRequest

PATH_PATTERN = re.compile(r"(?P<prefix>.*?)(?P<media>/upload|/download)?/(?P<version>v1|v1beta|v1alpha)/(?P<rest>.+)")


class Route(NamedTuple):
    method: str
    pattern: str
    handler: str
    kind: str
    interactions: bool = False
    keyless: bool = False


MODEL_PATTERN = r"(?P<model>(?:models|tunedModels)/[^/:]+):"
ROUTES = (
    Route("POST", r"interactions", "interactions.create_interaction", "create", interactions=True),
    Route("GET", r"interactions/(?P<id>[^/]+)", "interactions.get_interaction", "get", interactions=True),
    Route("DELETE", r"interactions/(?P<id>[^/]+)", "interactions.delete_interaction", "delete", interactions=True),
    Route("POST", r"interactions/(?P<id>[^/]+)/cancel", "interactions.cancel_interaction", "cancel", interactions=True),
    Route("GET", r"models", "models.list_models", "models"),
    Route("GET", r"(?P<model>(?:models|tunedModels)/[^/:]+)", "models.get_model", "models"),
    Route("POST", MODEL_PATTERN + "generateContent", "generate_content.generate_content", "generate"),
    Route(
        "POST", MODEL_PATTERN + "streamGenerateContent", "generate_content.stream_generate_content", "generate_stream"
    ),
    Route("POST", MODEL_PATTERN + "countTokens", "generate_content.count_tokens", "tokens"),
    Route("POST", MODEL_PATTERN + "embedContent", "embeddings.embed_content", "embed"),
    Route("POST", MODEL_PATTERN + "batchEmbedContents", "embeddings.batch_embed_contents", "embed_batch"),
    Route("POST", MODEL_PATTERN + "batchGenerateContent", "batches.create_batch", "batch_create"),
    Route("POST", r"upload/files", "files.start_upload", "upload_start"),
    # The upload URL works without the key (api/README.md 10.3).
    Route("POST", r"upload/files\?upload_id", "files.upload_chunk", "upload", keyless=True),
    Route("GET", r"files", "files.list_files", "files"),
    Route("GET", r"files/(?P<id>[^/:]+)", "files.get_file", "file"),
    Route("DELETE", r"files/(?P<id>[^/:]+)", "files.delete_file", "file_delete"),
    Route("GET", r"(?:download/)?files/(?P<id>[^/:]+):download", "files.download_file", "download"),
    Route("GET", r"batches", "batches.list_batches", "batches"),
    Route("GET", r"batches/(?P<id>[^/:]+)", "batches.get_batch", "batch"),
    Route("POST", r"batches/(?P<id>[^/:]+):cancel", "batches.cancel_batch", "batch_cancel"),
    Route("DELETE", r"batches/(?P<id>[^/:]+)", "batches.delete_batch", "batch_delete"),
    Route("POST", r"cachedContents", "caches.create_cache", "cache_create"),
    Route("GET", r"cachedContents", "caches.list_caches", "caches"),
    Route("GET", r"cachedContents/(?P<id>[^/:]+)", "caches.get_cache", "cache"),
    Route("PATCH", r"cachedContents/(?P<id>[^/:]+)", "caches.update_cache", "cache_update"),
    Route("DELETE", r"cachedContents/(?P<id>[^/:]+)", "caches.delete_cache", "cache_delete"),
    Route("POST", r"fileSearchStores", "stores.create_store", "store_create"),
    Route("GET", r"fileSearchStores", "stores.list_stores", "stores"),
    Route("GET", r"fileSearchStores/(?P<id>[^/:]+)", "stores.get_store", "store"),
    Route("DELETE", r"fileSearchStores/(?P<id>[^/:]+)", "stores.delete_store", "store_delete"),
)


class RouteMatch(NamedTuple):
    route: Route
    base: str
    version: str
    path: dict[str, str]
    query: dict[str, str]


def find_route(method: str, target: str) -> RouteMatch | None:
    """The route of a request, or None."""
    try:
        split = urlsplit(target)
    except ValueError:  # such as //[
        return None
    url_match = PATH_PATTERN.fullmatch(split.path)
    if url_match is None:
        return None
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    rest = f"{url_match['media'] or ''}/{url_match['rest']}".removeprefix("/").removesuffix("/")
    rest += "?upload_id" if "upload_id" in query else ""
    for route in ROUTES:
        if route.method == method and (route_match := re.fullmatch(route.pattern, rest)):
            path = {name: unquote(value) for name, value in route_match.groupdict().items() if value is not None}
            return RouteMatch(route, url_match["prefix"], url_match["version"], path, query)
    return None


# The format of a response: that of Interactions, or of the older API as JSON, as events, or as an array of chunks.
ResponseForm = Literal["interactions", "json", "events", "array"]


def response_form(match: RouteMatch) -> ResponseForm:
    """The format of the response (api/README.md 11.9, 11.10)."""
    if match.route.interactions:
        return "interactions"
    if match.route.kind != "generate_stream":
        return "json"
    return "events" if match.query.get("alt") == "sse" else "array"


def wants_stream(match: RouteMatch, request: HttpRequest) -> bool:
    """Whether the request wants a stream."""
    if match.route.kind == "get":
        return match.query.get("stream", "").lower() in ("true", "1")
    return match.route.kind == "generate_stream" or (match.route.kind == "create" and _has_stream_field(request.body))


def _has_stream_field(body: bytes) -> bool:
    """Whether the `stream` of the whole object is true, not one inside of it."""
    if re.search(rb'"stream"\s*:\s*true', body) is None:  # cheaper than parsing a body with images in it
        return False
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.get("stream") is True
