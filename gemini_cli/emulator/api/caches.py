"""Cached contents (api/README.md 15.1-15.3).

A cache of any size is accepted: the minimum (15.4) differs by model.
"""

import re
from datetime import datetime, timezone
from typing import Any

from ..errors import ErrorResponse
from ..http.exchange import ApiRequest, HttpResponse, JsonObject, indented_response
from ..http.pages import list_page, parse_page_request
from ..model import tokens
from ..service_state import ServiceState, timestamp_nanos
from ..store import Document
from .contents import check_generate_model, content_steps, tool_tokens
from .generate_schema import CONTENT, TOOL, TOOL_CONFIG
from .json_parser import parse_message

CACHE = "cache"
DEFAULT_LIFETIME = 3600.0
EXPIRY = {"ttl": str, "expireTime": str}
# What a later request takes from the cache.
CACHED_FIELDS = {"contents": [CONTENT], "systemInstruction": CONTENT, "tools": [TOOL], "toolConfig": TOOL_CONFIG}
CACHE_BODY = {"name": str, "model": str, "displayName": str, **CACHED_FIELDS, **EXPIRY}
DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s")


def create_cache(state: ServiceState, request: ApiRequest) -> HttpResponse:
    body = parse_message(request.json(), CACHE_BODY)
    if "model" not in body:
        raise ErrorResponse(400, "* CreateCachedContentRequest.cached_content.model: model is not specified\n")
    model = check_generate_model(body["model"], request.version, "createCachedContent")
    number, now = state.store.number(CACHE), state.clock()
    id = f"emu{number:037d}"
    document = {
        "id": id,
        "model": f"models/{model}",
        "displayName": body.get("displayName", ""),
        "created": now,
        "updated": now,
        "expires": _expiry(body, now) or now + DEFAULT_LIFETIME,
        "cached": {name: body[name] for name in CACHED_FIELDS if name in body},
        "tokens": _count(body),
    }
    state.store.put(CACHE, id, number, document)
    return indented_response(_view(document))


def get_cache(state: ServiceState, request: ApiRequest) -> HttpResponse:
    return indented_response(_view(_get_cache(state, request.path["id"])))


def list_caches(state: ServiceState, request: ApiRequest) -> HttpResponse:
    page = parse_page_request(request, 50, 1000)
    rows = state.store.newest(CACHE, page.size + 1, page.position)
    return list_page(page, "cachedContents", rows, lambda row: _view(row) if state.clock() < row["expires"] else None)


def update_cache(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Change the time of expiry, the only field that can be changed."""
    id, now = request.path["id"], state.clock()
    _get_cache(state, id)
    expires = _expiry(parse_message(request.json(), EXPIRY), now)
    if expires is None:
        raise ErrorResponse(400, "Only ttl or expire_time can be updated.")
    document = state.store.change(CACHE, id, lambda cache: cache.update(expires=expires, updated=now))
    return indented_response(_view(document or _get_cache(state, id)))


def delete_cache(state: ServiceState, request: ApiRequest) -> HttpResponse:
    _get_cache(state, request.path["id"])
    state.store.delete(CACHE, request.path["id"])
    return indented_response({})


def add_cached_content(state: ServiceState, body: JsonObject, name: str) -> tuple[JsonObject, dict[str, int]]:
    """The request with the content of its cache, and the cached tokens by modality.

    A cache of the real service is ignored, so that published examples work.
    """
    id = name.removeprefix("cachedContents/")
    if not re.fullmatch(r"emu\d{37}", id):
        return body, {}
    document = _get_cache(state, id)
    cached = document["cached"]
    if {"systemInstruction", "tools", "toolConfig"} & body.keys():
        raise ErrorResponse(
            400,
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request.",
        )
    contents = [*cached.get("contents", []), *body.get("contents", [])]
    return {**body, **cached, "contents": contents}, document["tokens"]


def _get_cache(state: ServiceState, id: str) -> Document:
    """The document of a cache that lives; 403 for another one (api/README.md 10.15)."""
    document = state.store.get(CACHE, id)
    if document is None or state.clock() >= document["expires"]:
        raise ErrorResponse(403, "CachedContent not found (or permission denied)")
    return document


def _expiry(body: JsonObject, now: float) -> float | None:
    """The time of expiry in a request; None without one."""
    if "ttl" in body and "expireTime" in body:
        raise ErrorResponse(400, "Only one of ttl and expire_time can be set.")
    if "ttl" in body:
        match = DURATION.fullmatch(body["ttl"])
        if match is None or not float(match[1]):
            raise ErrorResponse(
                400, f"Invalid value at 'ttl' (type.googleapis.com/google.protobuf.Duration), {body['ttl']}"
            )
        return now + float(match[1])
    if "expireTime" not in body:
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(?i)z$", "+00:00", body["expireTime"]))
    except ValueError as error:
        raise ErrorResponse(400, f"Invalid value at 'expire_time', {body['expireTime']}") from error
    expires = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if expires <= now:
        raise ErrorResponse(400, "expire_time must be in the future.")
    return expires


def _count(body: JsonObject) -> dict[str, int]:
    counts = tokens.step_tokens(content_steps(body.get("contents", [])))
    text = "".join(part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", []))
    counts["text"] = counts.get("text", 0) + tokens.text_tokens(text) + tool_tokens(body)
    return counts


def _view(document: Document) -> dict[str, Any]:
    return {
        "name": f"cachedContents/{document['id']}",
        "model": document["model"],
        "createTime": timestamp_nanos(document["created"]),
        "updateTime": timestamp_nanos(document["updated"]),
        "expireTime": timestamp_nanos(document["expires"]),
        "displayName": document["displayName"],
        "usageMetadata": {"totalTokenCount": sum(document["tokens"].values())},
    }
