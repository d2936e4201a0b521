"""The Interactions family: create, get, cancel, delete (reference.md 2, 7, 8)."""

import base64
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..errors import Problem, not_found
from ..http.exchange import Body, Reply, Request, compact_reply, stream_reply
from ..model import stream
from ..model.conversation import Step, steps_of, without_answer
from ..model.functions import choice_of
from ..model.model import Answer, Ask, answer
from ..model.script import CHUNK, Line
from ..service_state import World, seconds_stamp
from .names import check_agent, check_model
from .request_schema import check_interaction
from .validation import invalid

KIND = "interaction"
ID = re.compile(r"[A-Za-z0-9_-]+")
RUNNING = ("in_progress", "queued")

Record = dict[str, Any]


def create(world: World, request: Request) -> Reply:
    body = request.json()
    check_interaction(body)
    model = check_model(body["model"]) if body.get("model") is not None else check_agent(body["agent"])
    _check_background(body, model)
    sent = steps_of(body.get("input"))
    if b"files/" in request.call.body:
        from .files import check_used  # most questions name no file

        check_used(world, request, sent)
    steps = _history(world, body.get("previous_interaction_id")) + sent
    if body.get("continuation_token"):
        steps = without_answer(steps)
    ask = _ask(world, body, model, steps)
    request.ordered.extend(ask.line.faults if ask.line else ())
    record = _record(world, body, model, sent, answer(ask))
    line = ask.line or Line()
    record["chunk"] = line.chunk
    _keep(world, body, record)
    if body.get("stream"):
        return stream_reply(_live(world, record, line))
    if line.delay:
        world.sleep(line.delay)
    return compact_reply(_view(world, record))


def get(world: World, request: Request) -> Reply:
    record = _found(world, request)
    if request.flag("stream"):
        return stream_reply(_frames(world, record, request.query.get("last_event_id", "")))
    view = _view(world, record)
    if "steps" in view:
        view["steps"] = record["input"] + view["steps"]
    if request.flag("include_input"):
        view["input"] = record["input"]
    return compact_reply(view)


def cancel(world: World, request: Request) -> Reply:
    """Only what still runs can be cancelled (reference.md 8)."""

    def stop(record: Record) -> None:
        if not _running(world, record):
            raise Problem(400, "The interaction is not running.", code="failed_precondition")
        record["ready_at"] = None
        record["interaction"]["status"] = "cancelled"
        for name in ("steps", "usage", "errors"):
            record["interaction"].pop(name, None)

    record = world.store.change(KIND, _id(request), stop)
    if record is None:
        raise not_found()
    return compact_reply(_view(world, record))


def delete(world: World, request: Request) -> Reply:
    if not world.store.delete(KIND, _id(request)):
        raise not_found()
    return compact_reply({})


def _id(request: Request) -> str:
    id = request.path["id"]
    if not ID.fullmatch(id):
        raise Problem(400, f"Invalid interaction id '{id}'.")
    return id


def _found(world: World, request: Request) -> Record:
    record = world.store.get(KIND, _id(request))
    if record is None:
        raise not_found()
    return record


def _running(world: World, record: Record) -> bool:
    return record["ready_at"] is not None and world.clock() < record["ready_at"]


def _view(world: World, record: Record) -> dict[str, Any]:
    """The interaction as it may be seen now: a running one shows only that it runs (traffic.md 24)."""
    interaction: dict[str, Any] = dict(record["interaction"])
    if not _running(world, record):
        return interaction
    names = ("id", "created", "updated", "object", "model", "agent")
    return {**{name: interaction[name] for name in names if name in interaction}, "status": "in_progress"}


def _history(world: World, id: str | None) -> list[Step]:
    """Everything said before, from the first interaction of the chain on."""
    chain: list[list[Step]] = []
    while id:
        record = world.store.get(KIND, id)
        if record is None:
            raise not_found()
        if not chain and (_running(world, record) or record["interaction"]["status"] in RUNNING):
            raise Problem(400, f"Interaction '{id}' is still in progress.", code="failed_precondition")
        chain.append(record["input"] + record["interaction"].get("steps", []))
        id = record["previous"]
    return [step for steps in reversed(chain) for step in steps]


def _check_background(body: Body, model: str) -> None:
    """reference.md 8.1; which models take it: traffic.md 65."""
    if not body.get("background"):
        if model.startswith("deep-research"):
            raise Problem(400, f"Agent '{model}' requires background=true.")
        return
    if body.get("store") is False:
        raise Problem(400, "background=true requires store=true.")
    if model.startswith("gemini-2.5"):
        raise Problem(400, f"Model '{model}' does not support background interactions.")


def _ask(world: World, body: Body, model: str, steps: list[Step]) -> Ask:
    config = body.get("generation_config") or {}
    tools = body.get("tools") or []
    formats = _formats(body.get("response_format"))
    text = next((each for each in formats if each.get("type") not in ("image", "audio", "video")), {})
    bare_schema = text if text and text.get("type") != "text" else None
    ask = Ask(
        model=model,
        steps=steps,
        system=body.get("system_instruction") or "",
        functions=tuple(tool for tool in tools if tool["type"] == "function"),
        choice=choice_of(config.get("tool_choice")),
        tools=tuple(tool["type"] for tool in tools),
        thinking=config.get("thinking_level") != "minimal",
        summaries=config.get("thinking_summaries") == "auto",
        json="application/json" in (text.get("mime_type"), body.get("response_mime_type")),
        schema=bare_schema or text.get("schema"),
        media=tuple(each["type"] for each in formats if each.get("type") in ("image", "audio")),
        max_tokens=config.get("max_output_tokens"),
        stops=tuple(config.get("stop_sequences") or ()),
        offset=_offset(body.get("continuation_token")),
    )
    _check_functions(ask)
    line = world.script.line(ask.prompt, model, ask.system, ask.turn)
    cap = world.output_cap if line is None or line.hop_tokens is None else line.hop_tokens
    # In the background the server makes the hops itself (reference.md 8.4).
    return ask._replace(line=line, cap=None if body.get("background") else cap)


def _formats(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_functions(ask: Ask) -> None:
    """Forcing a call needs something to call (recorded: quoted__builtin-forcing-400)."""
    if not ask.functions and ask.choice.mode == "any":
        raise Problem(400, "Function calling config is set without function_declarations.")
    declared = [each["name"] for each in ask.functions]
    strangers = [name for name in ask.choice.names or () if name not in declared]
    if strangers:
        raise invalid("generation_config.tool_choice.allowed_tools.tools")


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["offset"])
    except (ValueError, KeyError, TypeError) as error:
        raise invalid("continuation_token") from error


def _record(world: World, body: Body, model: str, sent: list[Step], found: Answer) -> Record:
    now = world.clock()
    who = "agent" if body.get("agent") is not None else "model"
    interaction: dict[str, Any] = {"status": found.status, "usage": found.usage}
    # Stamped once: the two never differ in recorded traffic (traffic.md 9).
    interaction |= {"created": seconds_stamp(now), "updated": seconds_stamp(now)}
    interaction["service_tier"] = body.get("service_tier") or "standard"
    if found.steps:
        interaction["steps"] = found.steps
    if found.errors:
        interaction["errors"] = list(found.errors)
    if found.offset is not None:
        interaction["continuation_token"] = _token(found.offset)
    if body.get("environment") is not None:
        interaction["environment_id"] = "env_emulator"
    interaction |= {"object": "interaction", who: model}
    ready_at = now + world.pace.background if body.get("background") else None
    return {
        "interaction": interaction,
        "input": sent,
        "previous": body.get("previous_interaction_id"),
        "ready_at": ready_at,
        "chunk": CHUNK,
    }


def _keep(world: World, body: Body, record: Record) -> None:
    """Give it an id and remember it; with `store: false` it has neither (traffic.md 19)."""
    if body.get("store") is False:
        return
    number = world.store.number(KIND)
    name = base64.urlsafe_b64encode(f"emulator-{number:06d}".encode()).decode().rstrip("=")
    record["interaction"] = {"id": f"v1_{name}", **record["interaction"]}
    world.store.put(KIND, f"v1_{name}", number, record)


def _live(world: World, record: Record, line: Line) -> Iterator[bytes]:
    """The stream of a create: with the script's pauses, and with the wait of a background run."""
    yield from world.wait(line.delay)
    for frame in _frames(world, record, ""):
        if line.pace and frame.startswith(b"event: step.delta"):
            yield from world.wait(line.pace)
        yield frame


def _frames(world: World, record: Record, last_event_id: str) -> Iterator[bytes]:
    """The events after `last_event_id`; those of a running interaction as soon as there are any."""
    if _running(world, record):
        opening = list(islice(stream.events(record["interaction"], record["chunk"]), 2))
        ids = [event["event_id"] for event in opening]
        yield from map(stream.frame, stream.after(opening, last_event_id))
        last_event_id = last_event_id if last_event_id not in ("", *ids) else ids[-1]
        yield from _until_ready(world, record)
        # Another caller may have cancelled it meanwhile.
        record = world.store.get(KIND, record["interaction"]["id"]) or record
    found = stream.events(record["interaction"], record["chunk"])
    yield from map(stream.frame, stream.after(found, last_event_id) if last_event_id else found)
    yield stream.DONE


def _until_ready(world: World, record: Record) -> Iterator[bytes]:
    remaining = record["ready_at"] - world.clock()
    for item in world.wait(remaining):
        yield item
        current = world.store.get(KIND, record["interaction"]["id"])
        if current is None or not _running(world, current):
            return
