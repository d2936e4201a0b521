"""Batch jobs of generateContent requests (api/README.md 14).

The answers are made when the job is created; only the states take time.
"""

import json
from collections.abc import Iterator
from typing import Any

from ..errors import ErrorResponse, not_found
from ..http.exchange import ApiRequest, HttpResponse, compact_json, indented_response
from ..http.pages import list_page, parse_page_request
from ..service_state import ServiceState, timestamp_nanos
from ..store import Document
from . import files
from .contents import check_generate_model
from .generate_content import answer_body, full_response
from .generate_schema import REQUEST
from .json_parser import ANY_JSON, parse_message

BATCH = "batch"
BATCH_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
INLINE = {"requests": [{"request": ANY_JSON, "metadata": ANY_JSON}]}
BATCH_BODY = {
    "batch": {
        "displayName": str,
        "model": str,
        "inputConfig": {"fileName": str, "requests": INLINE},
        "webhookConfig": ANY_JSON,
        "priority": ANY_JSON,
    }
}
# The body of a request, and its mark: the metadata of an inline row, the key of a row in a file.
BatchRow = tuple[dict[str, Any], Any]


def create_batch(state: ServiceState, request: ApiRequest) -> HttpResponse:
    model = check_generate_model(request.path["model"], request.version, "batchGenerateContent")
    batch = parse_message(request.json(), BATCH_BODY).get("batch", {})
    config = batch.get("inputConfig", {})
    rows = list(_file_rows(state, config["fileName"]) if "fileName" in config else _inline_rows(config))
    if not rows:
        raise ErrorResponse(400, "The batch has no requests.")
    number, now = state.store.number(BATCH), state.clock()
    id = f"emulatorbatch{number:06d}"
    done_at = now + state.pace.batch_pending + state.pace.batch_running
    results = [_result(state, row, mark, model) for row, mark in rows]
    document = {
        "id": id,
        "model": f"models/{model}",
        "displayName": batch.get("displayName", ""),
        "created": now,
        "running": now + state.pace.batch_pending,
        "done": done_at,
        "cancelled": None,
        "count": len(rows),
        "failed": sum("error" in result for result in results),
        "fileName": config.get("fileName", ""),
    }
    document |= _output(state, request, id, results, done_at) if document["fileName"] else {"inline": results}
    state.store.put(BATCH, id, number, document)
    return indented_response(_view(state, document))


def _inline_rows(config: Document) -> Iterator[BatchRow]:
    for row in config.get("requests", {}).get("requests", []):
        yield row.get("request", {}), {"metadata": row["metadata"]} if "metadata" in row else {}


def _file_rows(state: ServiceState, name: str) -> Iterator[BatchRow]:
    """The rows of a JSON Lines file; an invalid line becomes an invalid request."""
    id = name.removeprefix("files/")
    if not files.FILE_ID.fullmatch(id) or state.store.get(files.FILE, id) is None:
        raise not_found()
    text = b"".join(files.file_content(state, id)).decode("utf-8-sig", "replace")
    for line in text.split("\n"):
        if line.strip():
            try:
                row = json.loads(line)
                yield row["request"], {"key": row.get("key", "")}
            except (ValueError, KeyError, TypeError, RecursionError):
                yield {"not JSON": line}, {"key": ""}


def _result(state: ServiceState, row: Any, mark: Any, model: str) -> dict[str, Any]:
    try:
        body = parse_message(row, REQUEST)
        return {"response": full_response(*answer_body(state, body, model)), **mark}
    except ErrorResponse as problem:
        return {"error": problem.rpc_body()["error"], **mark}


def _output(state: ServiceState, request: ApiRequest, id: str, results: list[dict[str, Any]], at: float) -> Document:
    """A generated file with a line for each result, in any order (api/README.md 14.2)."""
    output = f"batch{id}"
    state.store.blobs.write(output, 0, b"".join(compact_json(result) + b"\n" for result in reversed(results)))
    files.store_file(state, output, "application/jsonl", f"{id} results", request.base, generated_at=at)
    return {"output": output}


def _state(state: ServiceState, document: Document) -> str:
    now = state.clock()
    if document["cancelled"] is not None:
        return "CANCELLED"
    if now >= document["done"]:
        return "SUCCEEDED"
    return "RUNNING" if now >= document["running"] else "PENDING"


def _view(state: ServiceState, document: Document, results: bool = True) -> dict[str, Any]:
    """The operation, with the results in two places (api/README.md 14.3)."""
    status = _state(state, document)
    name = f"batches/{document['id']}"
    ended = {"SUCCEEDED": document["done"], "CANCELLED": document["cancelled"]}.get(status)
    metadata: dict[str, Any] = {
        "@type": BATCH_TYPE,
        "model": document["model"],
        "displayName": document["displayName"],
        "createTime": timestamp_nanos(document["created"]),
        "updateTime": timestamp_nanos(ended or document["created"]),
        "batchStats": _stats(document, status),
        "state": f"BATCH_STATE_{status}",
        "name": name,
    }
    if document["fileName"]:
        metadata["inputConfig"] = {"fileName": document["fileName"]}
    operation: dict[str, Any] = {"name": name, "metadata": metadata}
    if ended is not None:
        metadata["endTime"] = timestamp_nanos(ended)
        operation["done"] = True
    if status == "CANCELLED":
        operation["error"] = {"code": 1, "message": "The batch was cancelled."}
    if status == "SUCCEEDED" and (results or "output" in document):
        output = _results(document)
        metadata["output"] = output
        operation["response"] = {"@type": BATCH_TYPE + "Output", **output}
    return operation


def _results(document: Document) -> dict[str, Any]:
    if "output" in document:
        return {"responsesFile": f"files/{document['output']}"}
    return {"inlinedResponses": {"inlinedResponses": document["inline"]}}


def _stats(document: Document, status: str) -> dict[str, str]:
    """Counts as strings, without zeros (api/README.md 14.3)."""
    count, failed = document["count"], document["failed"]
    stats = {"requestCount": count}
    if status == "SUCCEEDED":
        stats |= {"successfulRequestCount": count - failed, "failedRequestCount": failed}
    else:
        stats["pendingRequestCount"] = count
    return {name: str(number) for name, number in stats.items() if number}


def get_batch(state: ServiceState, request: ApiRequest) -> HttpResponse:
    document = state.store.get(BATCH, request.path["id"])
    if document is None:
        raise not_found()
    return indented_response(_view(state, document))


def list_batches(state: ServiceState, request: ApiRequest) -> HttpResponse:
    page = parse_page_request(request, 10, 100)
    rows = state.store.newest(BATCH, page.size + 1, page.position)
    return list_page(page, "operations", rows, lambda document: _view(state, document, results=False))


def cancel_batch(state: ServiceState, request: ApiRequest) -> HttpResponse:
    def stop(document: Document) -> None:
        if _state(state, document) not in ("PENDING", "RUNNING"):
            raise ErrorResponse(400, "The batch is not running.", rpc="FAILED_PRECONDITION")
        document["cancelled"] = state.clock()

    document = state.store.change(BATCH, request.path["id"], stop)
    if document is None:
        raise not_found()
    if "output" in document:
        files.remove_file(state, document["output"])
    return indented_response({})


def delete_batch(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Delete the job; its files stay."""
    if not state.store.delete(BATCH, request.path["id"]):
        raise not_found()
    return indented_response({})
