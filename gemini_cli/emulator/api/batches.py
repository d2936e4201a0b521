"""Batch jobs of generateContent requests (reference.md 11.7, traffic.md 91, 92).

The answers are made when the job is created, since they never change; only the states take time.
"""

import json
from collections.abc import Iterator
from typing import Any

from ..errors import Problem, not_found
from ..http.exchange import Reply, Request, dump, pretty_reply
from ..http.pages import page, token
from ..service_state import World, nano_stamp
from ..store import Document
from . import files
from .contents import REQUEST, check_model
from .generate_content import answered, whole
from .json_parser import ANY, normal

KIND = "batch"
TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
INLINE = {"requests": [{"request": ANY, "metadata": ANY}]}
BODY = {
    "batch": {
        "displayName": str,
        "model": str,
        "inputConfig": {"fileName": str, "requests": INLINE},
        "webhookConfig": ANY,
        "priority": ANY,
    }
}
# A row's mark is its metadata when inline, its key in a file.
Row = tuple[dict[str, Any], Any]


def create(world: World, request: Request) -> Reply:
    model = check_model(request.path["model"], request.version, "batchGenerateContent")
    batch = normal(request.json(), BODY).get("batch", {})
    config = batch.get("inputConfig", {})
    rows = list(_file_rows(world, config["fileName"]) if "fileName" in config else _inline_rows(config))
    if not rows:
        raise Problem(400, "The batch has no requests.")
    number, now = world.store.number(KIND), world.clock()
    id = f"emulatorbatch{number:06d}"
    done_at = now + world.pace.batch_pending + world.pace.batch_running
    results = [_result(world, row, mark, model) for row, mark in rows]
    document = {
        "id": id,
        "model": f"models/{model}",
        "displayName": batch.get("displayName", ""),
        "created": now,
        "running": now + world.pace.batch_pending,
        "done": done_at,
        "cancelled": None,
        "count": len(rows),
        "failed": sum("error" in result for result in results),
        "fileName": config.get("fileName", ""),
    }
    document |= _output(world, request, id, results, done_at) if document["fileName"] else {"inline": results}
    world.store.put(KIND, id, number, document)
    return pretty_reply(_view(world, document))


def _inline_rows(config: Document) -> Iterator[Row]:
    for row in config.get("requests", {}).get("requests", []):
        yield row.get("request", {}), {"metadata": row["metadata"]} if "metadata" in row else {}


def _file_rows(world: World, name: str) -> Iterator[Row]:
    """Rows of a JSON Lines file; one that is no JSON is a request that cannot be understood."""
    id = name.removeprefix("files/")
    if world.store.get(files.FILE, id) is None:
        raise not_found()
    text = b"".join(files.content(world, id)).decode("utf-8-sig", "replace")
    for line in text.split("\n"):
        if line.strip():
            try:
                row = json.loads(line)
                yield row["request"], {"key": row.get("key", "")}
            except (ValueError, KeyError, TypeError):
                yield {"not JSON": line}, {"key": ""}


def _result(world: World, row: Any, mark: Any, model: str) -> dict[str, Any]:
    try:
        body = normal(row, REQUEST)
        return {"response": whole(*answered(world, body, model)), **mark}
    except Problem as problem:
        return {"error": problem.rpc_body()["error"], **mark}


def _output(world: World, request: Request, id: str, results: list[dict[str, Any]], at: float) -> Document:
    """The results as a generated file, one line each; order is not promised, so it is not kept."""
    output = f"batch{id}"
    world.store.blobs.write(output, 0, b"".join(dump(result) + b"\n" for result in reversed(results)))
    files.keep(world, output, "application/jsonl", f"{id} results", request.base, generated_at=at)
    return {"output": output}


def _state(world: World, document: Document) -> str:
    now = world.clock()
    if document["cancelled"] is not None:
        return "CANCELLED"
    if now >= document["done"]:
        return "SUCCEEDED"
    return "RUNNING" if now >= document["running"] else "PENDING"


def _view(world: World, document: Document, results: bool = True) -> dict[str, Any]:
    """The operation; results stand in it twice, under metadata and as the response (traffic.md 91)."""
    state = _state(world, document)
    name = f"batches/{document['id']}"
    ended = {"SUCCEEDED": document["done"], "CANCELLED": document["cancelled"]}.get(state)
    metadata: dict[str, Any] = {
        "@type": TYPE,
        "model": document["model"],
        "displayName": document["displayName"],
        "createTime": nano_stamp(document["created"]),
        "updateTime": nano_stamp(ended or document["created"]),
        "batchStats": _stats(document, state),
        "state": f"BATCH_STATE_{state}",
        "name": name,
    }
    if document["fileName"]:
        metadata["inputConfig"] = {"fileName": document["fileName"]}
    operation: dict[str, Any] = {"name": name, "metadata": metadata}
    if ended is not None:
        metadata["endTime"] = nano_stamp(ended)
        operation["done"] = True
    if state == "CANCELLED":
        operation["error"] = {"code": 1, "message": "The batch was cancelled."}
    if state == "SUCCEEDED" and (results or "output" in document):
        output = _results(document)
        metadata["output"] = output
        operation["response"] = {"@type": TYPE + "Output", **output}
    return operation


def _results(document: Document) -> dict[str, Any]:
    if "output" in document:
        return {"responsesFile": f"files/{document['output']}"}
    return {"inlinedResponses": {"inlinedResponses": document["inline"]}}


def _stats(document: Document, state: str) -> dict[str, str]:
    """Counts are strings, and zero is left out."""
    count, failed = document["count"], document["failed"]
    stats = {"requestCount": count}
    if state == "SUCCEEDED":
        stats |= {"successfulRequestCount": count - failed, "failedRequestCount": failed}
    else:
        stats["pendingRequestCount"] = count
    return {name: str(number) for name, number in stats.items() if number}


def get(world: World, request: Request) -> Reply:
    document = world.store.get(KIND, request.path["id"])
    if document is None:
        raise not_found()
    return pretty_reply(_view(world, document))


def list_batches(world: World, request: Request) -> Reply:
    wanted = page(request, 10, 100)
    found = world.store.newest(KIND, wanted.size + 1, wanted.position)
    shown = found[: wanted.size]
    answer: dict[str, Any] = {}
    if shown:
        answer["operations"] = [_view(world, document, results=False) for _, document in shown]
    if len(found) > wanted.size:
        answer["nextPageToken"] = token(shown[-1][0])
    return pretty_reply(answer)


def cancel(world: World, request: Request) -> Reply:
    def stop(document: Document) -> None:
        if _state(world, document) not in ("PENDING", "RUNNING"):
            raise Problem(400, "The batch is not running.", rpc="FAILED_PRECONDITION")
        document["cancelled"] = world.clock()

    document = world.store.change(KIND, request.path["id"], stop)
    if document is None:
        raise not_found()
    if "output" in document:
        files.remove(world, document["output"])
    return pretty_reply({})


def delete(world: World, request: Request) -> Reply:
    """The job goes, its files stay."""
    if not world.store.delete(KIND, request.path["id"]):
        raise not_found()
    return pretty_reply({})
