"""generateContent, streamGenerateContent, countTokens (api/README.md 11)."""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from ..http.exchange import ApiRequest, HttpResponse, JsonObject, event_stream_response, indented_response
from ..model import tokens
from ..model.conversation import Step
from ..model.model import ModelAnswer, ModelRequest, generate_answer
from ..model.script import ScriptLine
from ..service_state import ServiceState
from .contents import check_generate_model, content_steps, encode_continuation_token, parse_generate_request
from .generate_schema import REQUEST
from .json_parser import parse_message

FINISH_REASONS = {
    "completed": "STOP",
    "requires_action": "STOP",
    "incomplete": "MAX_TOKENS",
    "requires_continuation": "CONTINUATION",
}

Chunk = dict[str, Any]


def generate_content(state: ServiceState, request: ApiRequest) -> HttpResponse:
    model_request, found = _answered(state, request, "generateContent")
    if model_request.line and model_request.line.delay:
        state.sleep(model_request.line.delay)
    return indented_response(full_response(model_request, found))


def stream_generate_content(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Server-sent events; the service makes an array of them (api/README.md 11.9)."""
    model_request, found = _answered(state, request, "streamGenerateContent")
    line = model_request.line or ScriptLine()
    frames = _paced(state, _chunks(model_request, found, line.chunk), line)
    return event_stream_response(b"data: " + frame + b"\r\n\r\n" if frame else b"" for frame in frames)


def count_tokens(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """The tokens of contents, or of a whole request (api/README.md 11.22)."""
    check_generate_model(request.path["model"], request.version, "countTokens")
    body = request.json()
    inner = body.get("generateContentRequest") or body.get("generate_content_request") or body
    known = parse_message({key: each for key, each in inner.items() if key != "model"}, REQUEST)
    counts = tokens.step_tokens(content_steps(known.get("contents", [])))
    for part in known.get("systemInstruction", {}).get("parts", []):
        counts["text"] = counts.get("text", 0) + tokens.text_tokens(part.get("text", ""))
    if "tools" in known:
        counts["text"] = counts.get("text", 0) + tokens.text_tokens(json.dumps(known["tools"]))
    return indented_response({"totalTokens": sum(counts.values()), "promptTokensDetails": _details(counts)})


def answer_body(state: ServiceState, body: JsonObject, model: str) -> tuple[ModelRequest, ModelAnswer]:
    """The parsed request and its answer, also for a row of a batch."""
    model_request = parse_generate_request(body, model)
    line = state.script.next_line(model_request.prompt, model, model_request.system, model_request.turn)
    cap = state.output_cap if line is None or line.hop_tokens is None else line.hop_tokens
    model_request = model_request._replace(line=line, cap=cap)
    return model_request, generate_answer(model_request)


def _answered(state: ServiceState, request: ApiRequest, method: str) -> tuple[ModelRequest, ModelAnswer]:
    model = check_generate_model(request.path["model"], request.version, method)
    model_request, found = answer_body(state, request.json(), model)
    if b"files/" in request.http.body:
        from .files import check_files_usable  # most requests name no file

        check_files_usable(state, request, model_request.steps)
    request.script_faults.extend(model_request.line.faults if model_request.line else ())
    return model_request, found


def full_response(model_request: ModelRequest, found: ModelAnswer) -> Chunk:
    """The response without streaming."""
    return _chunk(model_request, found, _parts(found.steps), last=True)


def _chunks(model_request: ModelRequest, found: ModelAnswer, size: int) -> Iterator[Chunk]:
    """Pieces of text, other parts whole, an empty last text (api/README.md 11.15)."""
    for part in _parts(found.steps):
        if set(part) == {"text"}:
            for start in range(0, len(part["text"]), size):
                yield _chunk(model_request, found, [{"text": part["text"][start : start + size]}], last=False)
        else:
            yield _chunk(model_request, found, [part], last=False)
    yield _chunk(model_request, found, [{"text": ""}], last=True)


def _chunk(model_request: ModelRequest, found: ModelAnswer, parts: list[JsonObject], last: bool) -> Chunk:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate |= _ending(found)
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(found),
        "modelVersion": model_request.model,
        "responseId": f"emulator-{zlib.crc32(repr(model_request.steps).encode('utf-8', 'replace')):08x}",
    }


def _ending(found: ModelAnswer) -> dict[str, Any]:
    reason = (
        str(found.errors[0].get("code", "OTHER")).upper() if found.errors else FINISH_REASONS.get(found.status, "OTHER")
    )
    ending: dict[str, Any] = {"finishReason": reason}
    if found.status == "requires_action":
        ending["finishMessage"] = "Model generated function call(s)."
    if found.offset is not None:
        ending["continuationToken"] = encode_continuation_token(found.offset)
    return ending | _grounding(found.steps) | _fetched(found.steps)


def _usage(found: ModelAnswer) -> dict[str, Any]:
    usage = found.usage
    counts = {each["modality"]: each["tokens"] for each in usage["input_tokens_by_modality"]}
    metadata = {
        "promptTokenCount": usage["total_input_tokens"],
        "candidatesTokenCount": usage["total_output_tokens"],
        "totalTokenCount": usage["total_tokens"],
        "promptTokensDetails": _details(counts),
        "thoughtsTokenCount": usage["total_thought_tokens"],
    }
    return {key: each for key, each in metadata.items() if each}


def _details(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind.upper(), "tokenCount": number} for kind, number in counts.items()]


def _parts(steps: list[Step]) -> list[JsonObject]:
    """Steps as parts; only the first call has a signature (api/README.md 11.16)."""
    parts: list[JsonObject] = []
    signature = next((step.get("signature") for step in steps if step["type"] == "thought"), None)
    for step in steps:
        match step["type"]:
            case "thought":
                parts += [{"text": each["text"], "thought": True} for each in step.get("summary", [])]
            case "model_output":
                parts += [_output_part(block) for block in step.get("content", [])]
            case "function_call":
                call = {"id": step["id"], "name": step["name"], "args": step["arguments"]}
                parts.append({"functionCall": call, **({"thoughtSignature": signature} if signature else {})})
                signature = None
            case "code_execution_call":
                parts.append({"executableCode": {"language": "PYTHON", "code": step["arguments"]["code"]}})
            case "code_execution_result":
                parts.append({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": step["result"]}})
    return parts


def _output_part(block: dict[str, Any]) -> JsonObject:
    if block["type"] == "text":
        return {"text": block["text"]}
    return {"inlineData": {"mimeType": block["mime_type"], "data": block["data"]}}


def _grounding(steps: list[Step]) -> dict[str, Any]:
    """Annotations as groundingMetadata: a chunk and a support for each."""
    blocks = [block for step in steps for block in step.get("content") or []]
    annotations = [
        each for block in blocks for each in block.get("annotations") or [] if each["type"] in GROUNDING_CHUNKS
    ]
    if not annotations:
        return {}
    places = [{"startIndex": each["start_index"], "endIndex": each["end_index"]} for each in annotations]
    metadata: dict[str, Any] = {
        "groundingChunks": [GROUNDING_CHUNKS[each["type"]](each) for each in annotations],
        "groundingSupports": [
            {"segment": place, "groundingChunkIndices": [index]} for index, place in enumerate(places)
        ],
    }
    searches = [step["arguments"]["queries"] for step in steps if step["type"] == "google_search_call"]
    if searches:
        metadata["webSearchQueries"] = [query for queries in searches for query in queries]
    return {"groundingMetadata": metadata}


GROUNDING_CHUNKS: dict[str, Callable[[dict[str, Any]], Chunk]] = {
    "url_citation": lambda cited: {"web": {"uri": cited["url"], "title": cited["title"]}},
    "place_citation": lambda cited: {
        "maps": {"uri": cited["url"], "title": cited["name"], "placeId": cited["place_id"]}
    },
    "file_citation": lambda cited: {
        "retrievedContext": {"title": cited["file_name"], "pageNumber": cited["page_number"]}
    },
}


def _fetched(steps: list[Step]) -> dict[str, Any]:
    urls = [each["url"] for step in steps if step["type"] == "url_context_result" for each in step["result"]]
    status = "URL_RETRIEVAL_STATUS_SUCCESS"
    listed = [{"retrievedUrl": url, "urlRetrievalStatus": status} for url in urls]
    return {"urlContextMetadata": {"urlMetadata": listed}} if listed else {}


def _paced(state: ServiceState, chunks: Iterator[Chunk], line: ScriptLine) -> Iterator[bytes]:
    """The JSON of the chunks, with empty items during the pauses of a script."""
    yield from state.wait(line.delay)
    for chunk in chunks:
        yield from state.wait(line.pace)
        yield json.dumps(chunk, ensure_ascii=False, separators=(",", ": ")).encode("utf-8", "backslashreplace")
