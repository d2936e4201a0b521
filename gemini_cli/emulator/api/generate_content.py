"""generateContent, streamGenerateContent, countTokens (api/README.md 11)."""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from ..http.exchange import ApiRequest, HttpResponse, JsonObject, event_stream_response, indented_response
from ..model import tokens
from ..model.conversation import Step, json_objects
from ..model.model import ModelAnswer, ModelRequest, generate_answer
from ..model.script import ScriptLine
from ..service_state import ServiceState
from .contents import (
    check_generate_model,
    content_steps,
    parse_generate_request,
    tool_tokens,
)
from .continuation_token import encode_continuation_token
from .generate_checks import has_signed_calls
from .generate_schema import REQUEST
from .json_parser import parse_message
from .usage import token_details, usage_metadata

# The signature of a scripted answer that has no thought.
DEFAULT_SIGNATURE = "ZW11bGF0b3I="
COUNT_REQUEST = {**REQUEST, "generateContentRequest": REQUEST}
FINISH_REASONS = {
    "completed": "STOP",
    "requires_action": "STOP",
    "idle": "STOP",
    "incomplete": "MAX_TOKENS",
    "requires_continuation": "CONTINUATION",
}

Chunk = dict[str, Any]


def generate_content(state: ServiceState, request: ApiRequest) -> HttpResponse:
    model_request, answer = _answered(state, request, "generateContent")
    if model_request.line and model_request.line.delay:
        state.sleep(model_request.line.delay)
    return indented_response(full_response(model_request, answer))


def stream_generate_content(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Server-sent events; the service makes an array of them (api/README.md 11.9)."""
    model_request, answer = _answered(state, request, "streamGenerateContent")
    line = model_request.line or ScriptLine()
    frames = _paced(state, _chunks(model_request, answer, line.chunk), line)
    return event_stream_response(b"data: " + frame + b"\r\n\r\n" if frame else b"" for frame in frames)


def count_tokens(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """The tokens of contents, or of a whole request (api/README.md 11.22)."""
    check_generate_model(request.path["model"], request.version, "countTokens")
    body = parse_message(request.json(), COUNT_REQUEST)
    known = body.get("generateContentRequest") or body
    counts = tokens.step_tokens(content_steps(known.get("contents", [])))
    for part in known.get("systemInstruction", {}).get("parts", []):
        counts["text"] = counts.get("text", 0) + tokens.text_tokens(part.get("text", ""))
    counts["text"] = counts.get("text", 0) + tool_tokens(known)
    return indented_response({"totalTokens": sum(counts.values()), "promptTokensDetails": token_details(counts)})


def answer_body(state: ServiceState, body: JsonObject, model: str) -> tuple[ModelRequest, ModelAnswer]:
    """The parsed request and its answer, also for a row of a batch."""
    cached: dict[str, int] = {}
    if "cachedContent" in body or "cached_content" in body:
        from .caches import add_cached_content

        body = parse_message(body, REQUEST)
        body, cached = add_cached_content(state, body, body.get("cachedContent", ""))
    model_request = parse_generate_request(body, model)
    line = state.script.next_line(model_request.subject)
    cap = state.output_cap if line is None or line.hop_tokens is None else line.hop_tokens
    model_request = model_request._replace(line=line, cap=cap, number=state.next_number())
    answer = generate_answer(model_request)
    usage = {"total_cached_tokens": sum(cached.values()), "cached_tokens_by_modality": tokens.list_modalities(cached)}
    return model_request, answer._replace(usage={**answer.usage, **usage}) if cached else answer


def _answered(state: ServiceState, request: ApiRequest, method: str) -> tuple[ModelRequest, ModelAnswer]:
    model = check_generate_model(request.path["model"], request.version, method)
    model_request, answer = answer_body(state, request.json(), model)
    if b"files/" in request.http.body:
        from .files import check_files_usable  # most requests name no file

        check_files_usable(state, request, model_request.steps)
    request.script_faults.extend(model_request.line.faults if model_request.line else ())
    return model_request, answer


def full_response(model_request: ModelRequest, answer: ModelAnswer) -> Chunk:
    """The response without streaming."""
    chunks = [
        _chunk(model_request, answer, _parts(model_request, answer), last=True, index=index)
        for index in range(model_request.candidates)
    ]
    candidates = [candidate for chunk in chunks for candidate in chunk["candidates"]]
    return {**chunks[0], "candidates": candidates}


def _chunks(model_request: ModelRequest, answer: ModelAnswer, size: int) -> Iterator[Chunk]:
    """Pieces of text, other parts whole, an empty last text (api/README.md 11.15)."""
    for index in range(model_request.candidates):
        end: JsonObject = {"text": ""}
        for part in _parts(model_request, answer):
            if set(part) <= {"text", "thoughtSignature"}:
                for start in range(0, len(part["text"]), size):
                    piece = {"text": part["text"][start : start + size]}
                    yield _chunk(model_request, answer, [piece], last=False, index=index)
                end |= {key: each for key, each in part.items() if key == "thoughtSignature"}
            else:
                yield _chunk(model_request, answer, [part], last=False, index=index)
        yield _chunk(model_request, answer, [end], last=True, index=index)


def _chunk(
    model_request: ModelRequest, answer: ModelAnswer, parts: list[JsonObject], *, last: bool, index: int
) -> Chunk:
    content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: dict[str, Any] = {"content": content, "index": index}
    if last:
        candidate |= _ending(answer)
    return {
        "candidates": [candidate],
        "usageMetadata": usage_metadata(answer.usage, model_request.candidates),
        "modelVersion": model_request.model,
        "responseId": _response_id(model_request),
    }


def _response_id(model_request: ModelRequest) -> str:
    seed = f"{model_request.number} {model_request.steps}".encode("utf-8", "replace")
    return f"emulator-{zlib.crc32(seed):08x}"


def _ending(answer: ModelAnswer) -> dict[str, Any]:
    reason = (
        str(answer.errors[0].get("code", "OTHER")).upper()
        if answer.errors
        else FINISH_REASONS.get(answer.status, "OTHER")
    )
    ending: dict[str, Any] = {"finishReason": reason}
    if answer.errors and answer.errors[0].get("message"):
        ending["finishMessage"] = answer.errors[0]["message"]
    elif answer.status == "requires_action":
        ending["finishMessage"] = "Model generated function call(s)."
    if answer.offset is not None:
        ending["continuationToken"] = encode_continuation_token(answer.offset)
    return ending | _grounding(answer.steps) | _fetched(answer.steps)


def _parts(model_request: ModelRequest, answer: ModelAnswer) -> list[JsonObject]:
    """Steps as parts, with the signature on one of them (api/README.md 11.15, 11.16)."""
    parts = list(_unsigned_parts(model_request, answer.steps))
    signature = _signature(model_request, answer.steps)
    calls = [part for part in parts if "functionCall" in part]
    if signature and calls:
        calls[0]["thoughtSignature"] = signature
    elif signature and parts and has_signed_calls(model_request.model):
        parts[-1]["thoughtSignature"] = signature
    return parts


def _signature(model_request: ModelRequest, steps: list[Step]) -> str:
    """The signature of the answer: scripted, of its thought, or a default."""
    if model_request.line and model_request.line.signature:
        return model_request.line.signature
    thoughts = (str(step["signature"]) for step in steps if step["type"] == "thought" and step.get("signature"))
    return next(thoughts, DEFAULT_SIGNATURE if has_signed_calls(model_request.model) else "")


def _unsigned_parts(model_request: ModelRequest, steps: list[Step]) -> Iterator[JsonObject]:
    # Calls of models before Gemini 3 have no id (api/README.md 11.16).
    with_id = has_signed_calls(model_request.model)
    for step in steps:
        match step["type"]:
            case "thought":
                summary = json_objects(step.get("summary"))
                yield from ({"text": str(each.get("text", "")), "thought": True} for each in summary)
            case "model_output":
                yield from map(_output_part, json_objects(step.get("content")))
            case "function_call":
                call = {"name": step.get("name", ""), "args": step.get("arguments")}
                yield {"functionCall": {"id": step["id"], **call} if with_id and "id" in step else call}
            case "code_execution_call":
                yield {
                    "executableCode": {"language": "PYTHON", "code": _mapping(step.get("arguments")).get("code", "")}
                }
            case "code_execution_result":
                yield {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": step.get("result", "")}}


def _mapping(value: Any) -> JsonObject:
    """The value if it is an object: a scripted step may have anything in its place."""
    return value if isinstance(value, dict) else {}


def _output_part(block: dict[str, Any]) -> JsonObject:
    if block.get("type") == "text":
        return {"text": str(block.get("text", ""))}
    if "uri" in block:
        return {"fileData": {"mimeType": block.get("mime_type", ""), "fileUri": block["uri"]}}
    return {"inlineData": {"mimeType": block.get("mime_type", ""), "data": block.get("data", "")}}


def _grounding(steps: list[Step]) -> dict[str, Any]:
    """Annotations as groundingMetadata: a chunk and a support for each."""
    blocks = [block for step in steps for block in json_objects(step.get("content"))]
    annotations = [
        each
        for block in blocks
        for each in json_objects(block.get("annotations"))
        if str(each.get("type")) in GROUNDING_CHUNKS
    ]
    if not annotations:
        return {}
    segments = [
        {"startIndex": each.get("start_index", 0), "endIndex": each.get("end_index", 0)} for each in annotations
    ]
    metadata: dict[str, Any] = {
        "groundingChunks": [GROUNDING_CHUNKS[each["type"]](each) for each in annotations],
        "groundingSupports": [
            {"segment": segment, "groundingChunkIndices": [index]} for index, segment in enumerate(segments)
        ],
    }
    searches = [_mapping(step.get("arguments")) for step in steps if step["type"] == "google_search_call"]
    if searches:
        queries = [arguments.get("queries") for arguments in searches]
        metadata["webSearchQueries"] = [each for listed in queries if isinstance(listed, list) for each in listed]
    return {"groundingMetadata": metadata}


GROUNDING_CHUNKS: dict[str, Callable[[dict[str, Any]], Chunk]] = {
    "url_citation": lambda cited: {"web": {"uri": cited.get("url"), "title": cited.get("title")}},
    "place_citation": lambda cited: {
        "maps": {"uri": cited.get("url"), "title": cited.get("name"), "placeId": cited.get("place_id")}
    },
    "file_citation": lambda cited: {
        "retrievedContext": {"title": cited.get("file_name"), "pageNumber": cited.get("page_number")}
    },
}


def _fetched(steps: list[Step]) -> dict[str, Any]:
    results = [
        step["result"]
        for step in steps
        if step["type"] == "url_context_result" and isinstance(step.get("result"), list)
    ]
    urls = [each["url"] for result in results for each in result if isinstance(each, dict) and "url" in each]
    status = "URL_RETRIEVAL_STATUS_SUCCESS"
    listed = [{"retrievedUrl": url, "urlRetrievalStatus": status} for url in urls]
    return {"urlContextMetadata": {"urlMetadata": listed}} if listed else {}


def _paced(state: ServiceState, chunks: Iterator[Chunk], line: ScriptLine) -> Iterator[bytes]:
    """The JSON of the chunks, with empty items during the pauses of a script."""
    yield from state.wait(line.delay)
    for chunk in chunks:
        yield from state.wait(line.pace)
        yield json.dumps(chunk, ensure_ascii=False, separators=(",", ": ")).encode("utf-8", "backslashreplace")
