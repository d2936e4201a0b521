"""Convert chunks of a response (api/README.md 11.6) to Interactions' events (7).

1. The first candidate is the answer. Others are only in `--json`.
2. Neighbouring parts of one kind are one step. A part for which Interactions has no step becomes a step with a field
   `part`.
3. The signature of a call stays with it. Any other signature becomes a thought before its part, for text and images
   have no field for one (api/README.md 11.15, 11.16).
4. A finishReason is dropped when more content comes; the last one counts (api/README.md 11.13).
5. A call without a result in the same response waits for the client (api/README.md 4.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gemini_cli.api.api_error import BLOCKED_CODES
from gemini_cli.api.body import parse_path, set_path
from gemini_cli.api.fields import get_objects, get_typed, without_nulls
from gemini_cli.api.generate_content.contents import GENERATED_ID_PREFIX
from gemini_cli.api.interaction import GENERATE_CONTENT
from gemini_cli.errors import RejectedError, UsageError
from gemini_cli.formats.mime_types import content_kind

ResponsePayload = dict[str, Any]
CandidatePart = dict[str, Any]

KNOWN_KEYS = frozenset(("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"))

CONTENT_KEYS = frozenset(("text", "inlineData", "fileData"))
SOURCE_KEYS = frozenset(("groundingMetadata", "citationMetadata", "urlContextMetadata"))

# By number, from google.ai.generativelanguage.v1beta, Candidate.FinishReason (api/README.md 11.7).
FINISH_REASONS = (
    "FINISH_REASON_UNSPECIFIED STOP MAX_TOKENS SAFETY RECITATION OTHER LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII"
    " MALFORMED_FUNCTION_CALL IMAGE_SAFETY UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS IMAGE_PROHIBITED_CONTENT"
    " IMAGE_OTHER NO_IMAGE IMAGE_RECITATION".split()
)

USAGE_KEYS = {
    "promptTokenCount": "total_input_tokens",
    "candidatesTokenCount": "total_output_tokens",
    "thoughtsTokenCount": "total_thought_tokens",
    "cachedContentTokenCount": "total_cached_tokens",
    "toolUsePromptTokenCount": "total_tool_use_tokens",
    "totalTokenCount": "total_tokens",
}
USAGE_BY_MODALITY_KEYS = {
    "promptTokensDetails": "input_tokens_by_modality",
    "candidatesTokensDetails": "output_tokens_by_modality",
    "cacheTokensDetails": "cached_tokens_by_modality",
    "toolUsePromptTokensDetails": "tool_use_tokens_by_modality",
}


class ResponseMapper:
    """One response while it arrives; without streaming, it is a single chunk.

    `begun`: a chunk of generateContent has arrived.
    """

    def __init__(self) -> None:
        self.begun = False
        self._index = -1  # of the latest step
        self._open: str | None = None  # the type of the latest step, if it may grow
        self._output: int | None = None  # the index of the latest output
        self._waiting: dict[str, str] = {}  # calls without a result: id to name
        self._generated_ids = 0
        self._code = ""  # the id of the latest piece of code
        self._growing: _FunctionCall | None = None
        self._answer_began = False  # anything but thoughts
        self._reason = ""
        self._finish_message = ""
        self._blocked: ResponsePayload | None = None
        self._token: str | None = None
        self._usage: dict[str, Any] = {}
        self._model: str | None = None
        self._model_status: dict[str, Any] | None = None
        self._readers = {
            "functionCall": self._function_call,
            "functionResponse": self._function_result,
            "executableCode": self._executable_code,
            "codeExecutionResult": self._code_execution_result,
        }

    @property
    def finished(self) -> bool:
        """Whether the answer may end here."""
        return bool(self._blocked or (self._reason and self._growing is None))

    def map_chunk(self, chunk: dict[str, Any]) -> Iterator[ResponsePayload]:
        """Convert a chunk to events; none if it is not one of generateContent's."""
        if not KNOWN_KEYS & without_nulls(chunk).keys():
            return
        self._model = get_typed(chunk, "modelVersion", str) or self._model
        self._usage = get_typed(chunk, "usageMetadata", dict) or self._usage
        status = chunk.get("modelStatus")  # no answer is refused for it
        self._model_status = status if isinstance(status, dict) else self._model_status
        if not self.begun:
            self.begun = True
            yield {"event_type": "interaction.created", "interaction": {"status": "in_progress", **self._name()}}
        feedback = get_typed(chunk, "promptFeedback", dict) or {}
        if feedback.get("blockReason"):
            self._blocked = feedback
        for candidate in get_objects(chunk, "candidates"):
            if not candidate.get("index"):
                yield from self._candidate(candidate)
                return

    def final_event(self) -> ResponsePayload:
        """The last event, with the status and the usage."""
        interaction = {**self._name(), **self._status(), "usage": _usage(self._usage)}
        return {"event_type": "interaction.completed", "interaction": interaction}

    def _name(self) -> dict[str, Any]:
        known = {"model": self._model, "model_status": self._model_status}
        return {"object": GENERATE_CONTENT, **{key: value for key, value in known.items() if value}}

    def _candidate(self, candidate: dict[str, Any]) -> Iterator[ResponsePayload]:
        for part in get_objects(get_typed(candidate, "content", dict) or {}, "parts"):
            for payload in self._part(part):
                self._reason = ""
                yield payload
        if SOURCE_KEYS & candidate.keys() and (annotations := list(_annotations(candidate))):
            yield from self._add_annotations(annotations)
        if reason := _reason(candidate.get("finishReason")):
            yield from self._end_call()
            self._reason = reason
            self._finish_message = get_typed(candidate, "finishMessage", str) or ""
            self._token = get_typed(candidate, "continuationToken", str)

    # Parts to steps ---------------------------------------------------------------------------------------------------

    def _part(self, whole: CandidatePart) -> Iterator[ResponsePayload]:
        part = without_nulls(whole)
        signature = get_typed(part, "thoughtSignature", str)
        signed = {"signature": signature} if signature else {}
        if part.get("thought"):
            yield from self._thought(part, signed)
        elif CONTENT_KEYS & part.keys() or not part.keys() - {"thoughtSignature"}:
            yield from self._content(part, signed)
        elif kind := next((key for key in self._readers if key in part), None):
            yield from self._readers[kind](get_typed(part, kind, dict) or {}, signed)
        else:
            name = next(key for key in part if key != "thoughtSignature")
            yield from self._step({"type": re.sub(r"([A-Z])", r"_\1", name).lower(), "part": part})

    def _content(self, part: CandidatePart, signed: dict[str, str]) -> Iterator[ResponsePayload]:
        if signed:
            yield from self._step({"type": "thought", **signed})
        for block in _blocks(part):
            yield from self._grow("model_output", block)

    def _thought(self, part: CandidatePart, signed: dict[str, str]) -> Iterator[ResponsePayload]:
        for block in _blocks(part):
            yield from self._grow("thought", {"type": "thought_summary", "content": block})
        if signed:
            yield from self._grow("thought", {"type": "thought_signature", **signed})

    def _function_call(self, call: dict[str, Any], signed: dict[str, str]) -> Iterator[ResponsePayload]:
        """Convert a call, or a piece of one.

        The last piece of its arguments may be missing (api/README.md 11.17).
        """
        name = get_typed(call, "name", str)
        if name:
            yield from self._end_call()
            self._growing = _FunctionCall(get_typed(call, "id", str) or self._id(), name, signed)
        if self._growing is None:
            raise RejectedError("not the API's answer: a function call without a name")
        self._growing.add(call)
        if not call.get("willContinue"):
            yield from self._end_call()

    def _end_call(self) -> Iterator[ResponsePayload]:
        """End a call whose arguments came in pieces."""
        if self._growing is not None:
            call, self._growing = self._growing, None
            self._waiting[call.id] = call.name
            yield from self._step(call.step)

    def _function_result(self, response: dict[str, Any], signed: dict[str, str]) -> Iterator[ResponsePayload]:
        """Convert the result of a call that the server made itself.

        Most results name only the function, not the call.
        """
        name = get_typed(response, "name", str) or ""
        call_id = get_typed(response, "id", str)
        if call_id is None:
            call_id = next((waiting for waiting, called in self._waiting.items() if called == name), name)
        self._waiting.pop(call_id, None)
        step = {"type": "function_result", "call_id": call_id, "name": name, "result": response.get("response")}
        yield from self._step({**step, **signed})

    def _executable_code(self, code: dict[str, Any], signed: dict[str, str]) -> Iterator[ResponsePayload]:
        self._code = get_typed(code, "id", str) or self._id()
        arguments = {
            "code": get_typed(code, "code", str) or "",
            "language": str(code.get("language") or "python").lower(),
        }
        yield from self._step({"type": "code_execution_call", "id": self._code, "arguments": arguments, **signed})

    def _code_execution_result(self, result: dict[str, Any], signed: dict[str, str]) -> Iterator[ResponsePayload]:
        """Convert one of the results of the latest code (api/README.md 11.18)."""
        step = {"call_id": get_typed(result, "id", str) or self._code, "result": get_typed(result, "output", str) or ""}
        failed = result.get("outcome") not in ("OUTCOME_OK", 1)
        yield from self._step({"type": "code_execution_result", **step, "is_error": failed, **signed})

    def _id(self) -> str:
        self._generated_ids += 1
        return f"{GENERATED_ID_PREFIX}{self._generated_ids}"

    def _add_annotations(self, annotations: list[dict[str, Any]]) -> Iterator[ResponsePayload]:
        if self._output is None:
            yield from self._start({"type": "model_output"})
        yield {
            "event_type": "step.delta",
            "index": self._output,
            "delta": {"type": "text_annotation_delta", "annotations": annotations},
        }

    def _grow(self, kind: str, delta: dict[str, Any]) -> Iterator[ResponsePayload]:
        if self._open != kind:
            yield from self._start({"type": kind})
        yield {"event_type": "step.delta", "index": self._index, "delta": delta}

    def _step(self, step: dict[str, Any]) -> Iterator[ResponsePayload]:
        """Emit a complete step."""
        yield from self._start(step)
        self._open = None

    def _start(self, step: dict[str, Any]) -> Iterator[ResponsePayload]:
        if self._index >= 0:
            yield {"event_type": "step.stop", "index": self._index}
        self._index += 1
        self._open = step["type"]
        self._answer_began = self._answer_began or self._open != "thought"
        if self._open == "model_output":
            self._output = self._index
        yield {"event_type": "step.start", "index": self._index, "step": step}

    # How it ended -----------------------------------------------------------------------------------------------------

    def _status(self) -> dict[str, Any]:
        """The status, with an error wherever the answer is not complete."""
        if self._blocked:
            reason = str(self._blocked["blockReason"])
            why = self._blocked.get("blockReasonMessage")
            code = reason.lower() if reason.lower() in BLOCKED_CODES else "content_blocked"
            return _incomplete(code, f"the prompt was blocked: {reason}", why)
        match self._reason:
            case "STOP":
                return {"status": "requires_action" if self._waiting else "completed"}
            case "CONTINUATION" if self._token:  # api/README.md 11.21
                return {"status": "requires_continuation", "continuation_token": self._token}
            case "MAX_TOKENS":
                spent = "thinking used up the token limit before the answer began; raise --max-tokens"
                return _incomplete("max_tokens", "it reached the token limit" if self._answer_began else spent)
            case "":
                return _incomplete("other", "the server did not say that it is finished (no finishReason)")
        blocked = "the answer was blocked: " if self._reason.lower() in BLOCKED_CODES else ""
        return _incomplete(self._reason.lower(), f"{blocked}{self._reason}", self._finish_message)


class _FunctionCall:
    """A function call, whole or in pieces.

    `partialArgs` name fields of the arguments; a field's text may go on in the next piece.
    """

    def __init__(self, call_id: str, name: str, signed: dict[str, str]) -> None:
        self.id = call_id
        self.name = name
        self._signed = signed
        self._arguments: dict[str, Any] = {}
        self._text = ""  # at the latest place, if it goes on

    @property
    def step(self) -> dict[str, Any]:
        return {
            "type": "function_call",
            "id": self.id,
            "name": self.name,
            "arguments": self._arguments,
            **self._signed,
        }

    def add(self, call: dict[str, Any]) -> None:
        self._arguments |= get_typed(call, "args", dict) or {}
        for piece in get_objects(call, "partialArgs"):
            known = without_nulls(piece)
            value = next((known[key] for key in ("stringValue", "numberValue", "boolValue") if key in known), None)
            value = self._text + value if isinstance(value, str) else value
            self._text = value if isinstance(value, str) and piece.get("willContinue") else ""
            try:
                set_path(self._arguments, parse_path(str(piece.get("jsonPath")).removeprefix("$.")), value)
            except UsageError as error:
                raise RejectedError(f"not the API's answer: a call's partialArgs: {error.message}") from None


def _blocks(part: CandidatePart) -> Iterator[dict[str, Any]]:
    """Convert a part to content parts of Interactions; an empty text to none."""
    if text := get_typed(part, "text", str):
        yield {"type": "text", "text": text}
    for key, source, place in (("inlineData", "data", "data"), ("fileData", "fileUri", "uri")):
        if (media := get_typed(part, key, dict)) is not None:
            mime_type = get_typed(media, "mimeType", str) or ""
            yield {"type": content_kind(mime_type), "mime_type": mime_type, place: get_typed(media, source, str)}


def _incomplete(code: str, message: str, why: Any = None) -> dict[str, Any]:
    text = f"{message}: {why}" if isinstance(why, str) and why else message
    return {"status": "incomplete", "errors": [{"code": code, "message": text}]}


def _reason(value: Any) -> str:
    """The name of a finishReason; empty if there is none."""
    if isinstance(value, int) and 0 <= value < len(FINISH_REASONS):
        value = FINISH_REASONS[value]
    if value is not None and not isinstance(value, str | int):
        raise RejectedError("not the API's answer: its finishReason is neither a string nor a number")
    return "" if value in (None, FINISH_REASONS[0]) else str(value)


def _usage(counted: dict[str, Any]) -> dict[str, Any]:
    """Convert the counts (api/README.md 11.19) to those of Interactions (6.7)."""
    usage: dict[str, Any] = {
        name: counted[key] for key, name in USAGE_KEYS.items() if isinstance(counted.get(key), int)
    }
    for key, name in USAGE_BY_MODALITY_KEYS.items():
        if details := get_objects(counted, key):
            usage[name] = [
                {"modality": str(each.get("modality") or "").lower(), "tokens": each.get("tokenCount") or 0}
                for each in details
            ]
    return usage


# Sources --------------------------------------------------------------------------------------------------------------


def _annotations(candidate: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Convert the sources of an answer (api/README.md 11.20) to annotations (5.1).

    They have offsets if the server gave them.
    """
    grounding = get_typed(candidate, "groundingMetadata", dict) or {}
    sources = [_source(chunk) for chunk in get_objects(grounding, "groundingChunks")]
    supports = get_objects(grounding, "groundingSupports")
    for support in supports:
        segment = get_typed(support, "segment", dict) or {}
        span = {"start_index": segment.get("startIndex") or 0, "end_index": segment.get("endIndex")}
        for place in get_typed(support, "groundingChunkIndices", list) or []:
            if isinstance(place, int) and 0 <= place < len(sources):
                yield {**sources[place], **span}
    yield from () if supports else sources
    cited = get_typed(candidate, "citationMetadata", dict) or {}
    for each in [*get_objects(cited, "citationSources"), *get_objects(cited, "citations")]:
        yield without_nulls({"type": "url_citation", "url": each.get("uri"), "title": each.get("title")})
    for each in get_objects(get_typed(candidate, "urlContextMetadata", dict) or {}, "urlMetadata"):
        if each.get("urlRetrievalStatus") in ("URL_RETRIEVAL_STATUS_SUCCESS", 1):
            yield {"type": "url_citation", "url": each.get("retrievedUrl")}


def _source(chunk: dict[str, Any]) -> dict[str, Any]:
    """Convert a groundingChunk: a web page, a place, a file, or only a file's store."""
    if (place := get_typed(chunk, "maps", dict)) is not None:
        found = {"name": place.get("title"), "place_id": place.get("placeId"), "url": place.get("uri")}
        return without_nulls({"type": "place_citation", **found})
    if (file := get_typed(chunk, "retrievedContext", dict)) is not None:
        uri = file.get("uri") or file.get("fileSearchStore")
        return without_nulls({"type": "file_citation", "document_uri": uri, "file_name": file.get("title")})
    web = get_typed(chunk, "web", dict) or {}
    return without_nulls({"type": "url_citation", "url": web.get("uri"), "title": web.get("title")})
