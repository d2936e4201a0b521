"""The older family: generateContent, its two streams, and countTokens (reference.md 11, traffic.md 2, 70-84)."""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from ..http.exchange import JSON_UTF8, Body, Reply, Request, pretty_reply, stream_reply
from ..model import tokens
from ..model.conversation import Step
from ..model.model import Answer, Ask, answer
from ..model.script import Line
from ..service_state import World
from .contents import REQUEST, ask_of, check_model, steps_of, token
from .json_parser import normal

FINISH = {
    "completed": "STOP",
    "requires_action": "STOP",
    "incomplete": "MAX_TOKENS",
    "requires_continuation": "CONTINUATION",
}

Chunk = dict[str, Any]
Part = dict[str, Any]


def generate(world: World, request: Request) -> Reply:
    ask, found = _answered(world, request, "generateContent")
    if ask.line and ask.line.delay:
        world.sleep(ask.line.delay)
    return pretty_reply(whole(ask, found))


def generate_stream(world: World, request: Request) -> Reply:
    """SSE with `alt=sse`, else one JSON array that arrives in pieces (reference.md 11.4)."""
    ask, found = _answered(world, request, "streamGenerateContent")
    line = ask.line or Line()
    frames = _paced(world, _chunks(ask, found, line.chunk), line)
    if request.query.get("alt") == "sse":
        return stream_reply(b"data: " + frame + b"\r\n\r\n" if frame else b"" for frame in frames)
    return Reply(200, {"content-type": JSON_UTF8}, _array(frames))


def count(world: World, request: Request) -> Reply:
    """countTokens, of contents or of a whole request (reference.md 11.5)."""
    check_model(request.path["model"], request.version, "countTokens")
    body = request.json()
    inner = body.get("generateContentRequest") or body.get("generate_content_request") or body
    known = normal({key: each for key, each in inner.items() if key != "model"}, REQUEST)
    counts = tokens.of_steps(steps_of(known.get("contents", [])))
    for part in known.get("systemInstruction", {}).get("parts", []):
        counts["text"] = counts.get("text", 0) + tokens.of_text(part.get("text", ""))
    if "tools" in known:
        counts["text"] = counts.get("text", 0) + tokens.of_text(json.dumps(known["tools"]))
    return pretty_reply({"totalTokens": sum(counts.values()), "promptTokensDetails": _details(counts)})


def answered(world: World, body: Body, model: str) -> tuple[Ask, Answer]:
    """The question of a body and its answer; batches ask here too."""
    ask = ask_of(body, model)
    line = world.script.line(ask.prompt, model, ask.system, ask.turn)
    cap = world.output_cap if line is None or line.hop_tokens is None else line.hop_tokens
    ask = ask._replace(line=line, cap=cap)
    return ask, answer(ask)


def _answered(world: World, request: Request, method: str) -> tuple[Ask, Answer]:
    model = check_model(request.path["model"], request.version, method)
    ask, found = answered(world, request.json(), model)
    if b"files/" in request.call.body:
        from .files import check_used  # most questions name no file

        check_used(world, request, ask.steps)
    request.ordered.extend(ask.line.faults if ask.line else ())
    return ask, found


def whole(ask: Ask, found: Answer) -> Chunk:
    """The plain answer."""
    return _chunk(ask, found, _parts(found.steps), last=True)


def _chunks(ask: Ask, found: Answer, size: int) -> Iterator[Chunk]:
    """Texts in pieces, everything else whole, and a last chunk with an empty text and the reason (traffic.md 71)."""
    for part in _parts(found.steps):
        if set(part) == {"text"}:
            for start in range(0, len(part["text"]), size):
                yield _chunk(ask, found, [{"text": part["text"][start : start + size]}], last=False)
        else:
            yield _chunk(ask, found, [part], last=False)
    yield _chunk(ask, found, [{"text": ""}], last=True)


def _chunk(ask: Ask, found: Answer, parts: list[Part], last: bool) -> Chunk:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate |= _ending(found)
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(found),
        "modelVersion": ask.model,
        "responseId": f"emulator-{zlib.crc32(repr(ask.steps).encode('utf-8', 'replace')):08x}",
    }


def _ending(found: Answer) -> dict[str, Any]:
    reason = str(found.errors[0].get("code", "OTHER")).upper() if found.errors else FINISH.get(found.status, "OTHER")
    ending: dict[str, Any] = {"finishReason": reason}
    if found.status == "requires_action":
        ending["finishMessage"] = "Model generated function call(s)."
    if found.offset is not None:
        ending["continuationToken"] = token(found.offset)
    return ending | _grounding(found.steps) | _fetched(found.steps)


def _usage(found: Answer) -> dict[str, Any]:
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


def _parts(steps: list[Step]) -> list[Part]:
    """Steps as parts; the thought's signature goes on the first call, or else nowhere (traffic.md 77)."""
    parts: list[Part] = []
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


def _output_part(block: dict[str, Any]) -> Part:
    if block["type"] == "text":
        return {"text": block["text"]}
    return {"inlineData": {"mimeType": block["mime_type"], "data": block["data"]}}


def _grounding(steps: list[Step]) -> dict[str, Any]:
    """groundingMetadata: the citations of Interactions, each as a chunk of its kind and the place where it is used."""
    blocks = [block for step in steps for block in step.get("content") or []]
    annotations = [each for block in blocks for each in block.get("annotations") or [] if each["type"] in CHUNKS]
    if not annotations:
        return {}
    places = [{"startIndex": each["start_index"], "endIndex": each["end_index"]} for each in annotations]
    metadata: dict[str, Any] = {
        "groundingChunks": [CHUNKS[each["type"]](each) for each in annotations],
        "groundingSupports": [
            {"segment": place, "groundingChunkIndices": [index]} for index, place in enumerate(places)
        ],
    }
    searches = [step["arguments"]["queries"] for step in steps if step["type"] == "google_search_call"]
    if searches:
        metadata["webSearchQueries"] = [query for queries in searches for query in queries]
    return {"groundingMetadata": metadata}


CHUNKS: dict[str, Callable[[dict[str, Any]], Chunk]] = {
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


def _paced(world: World, chunks: Iterator[Chunk], line: Line) -> Iterator[bytes]:
    """JSON as the real service spaces it; empty items while a script lets the reader wait."""
    yield from world.wait(line.delay)
    for chunk in chunks:
        yield from world.wait(line.pace)
        yield json.dumps(chunk, ensure_ascii=False, separators=(",", ": ")).encode("utf-8", "backslashreplace")


def _array(frames: Iterator[bytes]) -> Iterator[bytes]:
    before = b"["
    for frame in frames:
        yield before + frame if frame else b""
        before = b",\r\n" if frame else before
    yield b"]\n"
