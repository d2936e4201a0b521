"""Interactions: create, get, cancel, delete (api/README.md 2, 7, 8)."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from ..errors import ErrorResponse, not_found
from ..http.exchange import ApiRequest, HttpResponse, JsonObject, compact_response, event_stream_response
from ..model import stream
from ..model.conversation import Step, drop_last_answer, input_steps
from ..model.functions import parse_tool_choice
from ..model.media import OUTPUT_KINDS, is_generated
from ..model.model import ModelAnswer, ModelRequest, generate_answer
from ..model.script import DELTA_LENGTH, ScriptLine
from ..model.tokens import text_tokens
from ..service_state import ServiceState, timestamp_seconds
from .continuation_token import encode_continuation_token, parse_continuation_token
from .names import check_agent, check_interaction_model
from .request_schema import check_interaction
from .usage import interactions_usage
from .validation import invalid_input

INTERACTION = "interaction"
INTERACTION_ID = re.compile(r"[A-Za-z0-9_-]+")
RUNNING_STATUSES = ("in_progress", "queued")
OPENING_EVENTS = (b"event: interaction.created", b"event: interaction.status_update")

InteractionRecord = dict[str, Any]


def create_interaction(state: ServiceState, request: ApiRequest) -> HttpResponse:
    body = request.json()
    check_interaction(body)
    name, version = body.get("model"), request.version
    model = check_agent(body["agent"]) if name is None else check_interaction_model(name, version)
    _check_background(body, model)
    sent = input_steps(body.get("input"))
    if b"files/" in request.http.body:
        from .files import check_files_usable  # most requests name no file

        check_files_usable(state, request, sent)
    steps = _history(state, body.get("previous_interaction_id")) + sent
    if body.get("continuation_token"):
        steps = drop_last_answer(steps)
    model_request = _to_model_request(state, body, model, steps)
    request.script_faults.extend(model_request.line.faults if model_request.line else ())
    record = _record(state, body, model, sent, generate_answer(model_request))
    line = model_request.line or ScriptLine()
    record["chunk"] = line.chunk
    _store_record(state, body, record)
    if body.get("stream"):
        return event_stream_response(_created_frames(state, record, line))
    if line.delay:
        state.sleep(line.delay)
    return compact_response(_to_interaction(state, record))


def get_interaction(state: ServiceState, request: ApiRequest) -> HttpResponse:
    record = _get_record(state, request)
    if request.query_flag("stream"):
        return event_stream_response(_frames(state, record, request.query.get("last_event_id", "")))
    view = _to_interaction(state, record)
    if "steps" in view:
        view["steps"] = record["input"] + view["steps"]
    if request.query_flag("include_input"):
        view["input"] = record["input"]
    return compact_response(view)


def cancel_interaction(state: ServiceState, request: ApiRequest) -> HttpResponse:
    """Cancel a run that is in progress (api/README.md 8.3)."""

    def stop(record: InteractionRecord) -> None:
        if not _running(state, record):
            raise ErrorResponse(400, "The interaction is not running.", code="failed_precondition")
        record["ready_at"] = None
        record["interaction"]["status"] = "cancelled"
        for name in ("steps", "usage", "errors"):
            record["interaction"].pop(name, None)

    record = state.store.change(INTERACTION, _id(request), stop)
    if record is None:
        raise not_found()
    return compact_response(_to_interaction(state, record))


def delete_interaction(state: ServiceState, request: ApiRequest) -> HttpResponse:
    if not state.store.delete(INTERACTION, _id(request)):
        raise not_found()
    return compact_response({})


def _id(request: ApiRequest) -> str:
    id = request.path["id"]
    _check_id(id)
    return id


def _check_id(id: str) -> None:
    if not INTERACTION_ID.fullmatch(id):
        raise ErrorResponse(400, f"Invalid interaction id '{id}'.")


def _get_record(state: ServiceState, request: ApiRequest) -> InteractionRecord:
    record = state.store.get(INTERACTION, _id(request))
    if record is None:
        raise not_found()
    return record


def _running(state: ServiceState, record: InteractionRecord) -> bool:
    return record["ready_at"] is not None and state.clock() < record["ready_at"]


def _to_interaction(state: ServiceState, record: InteractionRecord) -> dict[str, Any]:
    """The interaction without an unfinished result (api/README.md 6.3, 8.4)."""
    interaction: dict[str, Any] = dict(record["interaction"])
    if not _running(state, record):
        return interaction
    names = ("id", "created", "updated", "object", "model", "agent")
    return {**{name: interaction[name] for name in names if name in interaction}, "status": "in_progress"}


def _history(state: ServiceState, id: str | None) -> list[Step]:
    """The steps of an interaction and of all before it, oldest first."""
    chain: list[list[Step]] = []
    while id:
        _check_id(id)
        record = state.store.get(INTERACTION, id)
        if record is None:
            raise not_found()
        if not chain and (_running(state, record) or record["interaction"]["status"] in RUNNING_STATUSES):
            raise ErrorResponse(400, f"Interaction '{id}' is still in progress.", code="failed_precondition")
        if not chain and record["interaction"]["status"] == "failed":  # api/README.md 8.9
            raise ErrorResponse(400, f"Interaction '{id}' failed.", code="failed_precondition")
        chain.append(record["input"] + record["interaction"].get("steps", []))
        id = record["previous"]
    return [step for steps in reversed(chain) for step in steps]


def _check_background(body: JsonObject, model: str) -> None:
    """Check the conditions of background runs (api/README.md 8.4-8.6)."""
    if not body.get("background"):
        if model.startswith("deep-research"):
            raise ErrorResponse(400, f"Agent '{model}' requires background=true.")
        return
    if body.get("store") is False:
        raise ErrorResponse(400, "background=true requires store=true.")
    if model.startswith("gemini-2.5"):
        raise ErrorResponse(400, f"Model '{model}' does not support background interactions.")


def _to_model_request(state: ServiceState, body: JsonObject, model: str, steps: list[Step]) -> ModelRequest:
    config = body.get("generation_config") or {}
    agent_config = body.get("agent_config") or {}
    tools = body.get("tools") or []
    formats = _formats(body.get("response_format"))
    text = next((each for each in formats if each.get("type") not in OUTPUT_KINDS), {})
    limit = config.get("max_output_tokens")
    bare_schema = text if text and text.get("type") != "text" else None
    model_request = ModelRequest(
        model=model,
        steps=steps,
        system=body.get("system_instruction") or "",
        functions=tuple(tool for tool in tools if tool["type"] == "function"),
        choice=parse_tool_choice(config.get("tool_choice")),
        tools=tuple(tool["type"] for tool in tools),
        thinking=config.get("thinking_level") != "minimal",
        summaries="auto" in (config.get("thinking_summaries"), agent_config.get("thinking_summaries")),
        json="application/json" in (text.get("mime_type"), body.get("response_mime_type")),
        schema=bare_schema or text.get("schema"),
        media=tuple(filter(is_generated, (str(each.get("type")) for each in formats))),
        max_tokens=None if limit is None else int(limit),  # 20.0 is a whole number too
        stops=tuple(config.get("stop_sequences") or ()),
        offset=_offset(body.get("continuation_token")),
        tool_tokens=text_tokens(json.dumps(tools)) if tools else 0,
        number=state.next_number(),
    )
    _check_functions(model_request)
    line = state.script.next_line(model_request.subject)
    cap = state.output_cap if line is None or line.hop_tokens is None else line.hop_tokens
    # A background run is not split (api/README.md 8.11).
    return model_request._replace(line=line, cap=None if body.get("background") else cap)


def _formats(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_functions(model_request: ModelRequest) -> None:
    """Check that a forced call has a declared function."""
    if not model_request.functions and model_request.choice.mode == "any":
        raise ErrorResponse(400, "Function calling config is set without function_declarations.")
    declared = [each["name"] for each in model_request.functions]
    undeclared = [name for name in model_request.choice.names or () if name not in declared]
    if undeclared:
        raise invalid_input("generation_config.tool_choice.allowed_tools.tools")


def _offset(token: str | None) -> int:
    try:
        return parse_continuation_token(token)
    except ValueError as error:
        raise invalid_input("continuation_token") from error


def _record(
    state: ServiceState, body: JsonObject, model: str, sent: list[Step], answer: ModelAnswer
) -> InteractionRecord:
    now = state.clock()
    source = "agent" if body.get("agent") is not None else "model"
    interaction: dict[str, Any] = {"status": answer.status, "usage": interactions_usage(answer.usage)}
    # api/README.md 6.4
    interaction |= {"created": timestamp_seconds(now), "updated": timestamp_seconds(now)}
    interaction["service_tier"] = body.get("service_tier") or "standard"
    if answer.steps:
        interaction["steps"] = answer.steps
    if answer.errors:
        interaction["errors"] = list(answer.errors)
    if answer.offset is not None:
        interaction["continuation_token"] = encode_continuation_token(answer.offset)
    if body.get("environment") is not None:
        interaction["environment_id"] = "env_emulator"
    interaction |= {"object": "interaction", source: model}
    ready_at = now + state.pace.background if body.get("background") else None
    return {
        "interaction": interaction,
        "input": sent,
        "previous": body.get("previous_interaction_id"),
        "ready_at": ready_at,
        "chunk": DELTA_LENGTH,
    }


def _store_record(state: ServiceState, body: JsonObject, record: InteractionRecord) -> None:
    """Store the interaction under a new id, unless store is false (api/README.md 6.2)."""
    if body.get("store") is False:
        return
    number = state.store.number(INTERACTION)
    name = base64.urlsafe_b64encode(f"emulator-{number:06d}".encode()).decode().rstrip("=")
    record["interaction"] = {"id": f"v1_{name}", **record["interaction"]}
    state.store.put(INTERACTION, f"v1_{name}", number, record)


def _created_frames(state: ServiceState, record: InteractionRecord, line: ScriptLine) -> Iterator[bytes]:
    """The stream of a create, with the pauses of a script and of a background run."""
    yield from state.wait(line.delay)
    for frame in _frames(state, record, ""):
        if line.pace and frame.startswith(b"event: step.delta"):
            yield from state.wait(line.pace)
        yield frame


def _frames(state: ServiceState, record: InteractionRecord, last_event_id: str) -> Iterator[bytes]:
    """The events after `last_event_id`; those of a run in progress as it makes them."""
    events = stream.interaction_events(record["interaction"], record["chunk"])
    after = stream.events_after(events, last_event_id) if last_event_id else events
    frames = map(stream.encode_event, after)
    yield from _spread(state, record, list(frames)) if _running(state, record) else frames
    yield stream.DONE_FRAME


def _spread(state: ServiceState, record: InteractionRecord, frames: list[bytes]) -> Iterator[bytes]:
    """The frames, spread over the time until the run is ready.

    If another request cancels the run, the last frame follows at once.
    """
    left = record["ready_at"] - state.clock()
    later = [frame for frame in frames if not frame.startswith(OPENING_EVENTS)]
    yield from (frame for frame in frames if frame.startswith(OPENING_EVENTS))
    for frame in later:
        for pause in state.wait(left / len(later)):
            yield pause
            current = state.store.get(INTERACTION, record["interaction"]["id"])
            if current and current["interaction"]["status"] == "cancelled":
                *_, end = stream.interaction_events(current["interaction"], current["chunk"])
                yield stream.encode_event(end)
                return
        yield frame
