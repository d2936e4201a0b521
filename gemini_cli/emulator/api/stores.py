"""File search stores (api/README.md 15.5); they hold no documents."""

import re
from typing import Any

from ..errors import ErrorResponse, not_found
from ..http.exchange import ApiRequest, HttpResponse, indented_response
from ..http.pages import list_page, parse_page_request
from ..service_state import ServiceState, timestamp_nanos
from ..store import Document
from .json_parser import parse_message

STORE = "file search store"
STORE_BODY = {"name": str, "displayName": str, "embeddingModel": str}
NAME_LENGTH = 512


def create_store(state: ServiceState, request: ApiRequest) -> HttpResponse:
    body = parse_message(request.json(), STORE_BODY)
    title = body.get("displayName", "")
    if len(title) > NAME_LENGTH:
        raise ErrorResponse(400, f"The display name must have at most {NAME_LENGTH} characters.")
    number, now = state.store.number(STORE), state.clock()
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:27].strip("-")
    id = f"{words or 'store'}-{number:012d}"
    document = {"id": id, "displayName": title, "created": now, "embeddingModel": body.get("embeddingModel", "")}
    state.store.put(STORE, id, number, document)
    return indented_response(_view(document))


def get_store(state: ServiceState, request: ApiRequest) -> HttpResponse:
    document = state.store.get(STORE, request.path["id"])
    if document is None:
        raise not_found()
    return indented_response(_view(document))


def list_stores(state: ServiceState, request: ApiRequest) -> HttpResponse:
    page = parse_page_request(request, 10, 20)
    return list_page(page, "fileSearchStores", state.store.newest(STORE, page.size + 1, page.position), _view)


def delete_store(state: ServiceState, request: ApiRequest) -> HttpResponse:
    if not state.store.delete(STORE, request.path["id"]):
        raise not_found()
    return indented_response({})


def _view(document: Document) -> dict[str, Any]:
    """The fields that are not empty: counts of 0 are missing."""
    fields = {name: document[name] for name in ("displayName", "embeddingModel") if document[name]}
    created = timestamp_nanos(document["created"])
    return {"name": f"fileSearchStores/{document['id']}", **fields, "createTime": created, "updateTime": created}
