"""The official SDK makes the calls of the API's guides: synchronous and asynchronous, streamed and not."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import pytest

from gemini_cli.emulator.http.server import Server
from tests.cli.test_guides import DOGS, INTERACTIONS, OLDER, PAWS, URI, Guide

genai: Any = pytest.importorskip("google.genai", reason="the official SDK, google-genai, is not installed")
if not genai.__version__.startswith("3."):
    pytest.skip(f"these tests need google-genai 3.x, not {genai.__version__}", allow_module_level=True)

MODEL = "gemini-3-flash-preview"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url)) as found:
        yield found


def interaction_body(client: Any, guide: Guide) -> dict[str, Any]:
    """The documented body, with a real interaction and a real file in it."""
    body: dict[str, Any] = {"model": MODEL, **guide.body}
    if guide.before:
        tools = {"tools": body["tools"]} if "tools" in body else {}
        earlier = client.interactions.create(model=MODEL, input=guide.before, **tools)
        body["previous_interaction_id"] = earlier.id
        if "tools" in body:
            body["input"] = [{**body["input"][0], "call_id": earlier.steps[-1].id}]
    if URI in str(body["input"]):
        file = client.files.upload(file=io.BytesIO(b"\xff\xd8\xff"), config={"mime_type": "image/jpeg"})
        body["input"] = [{**part, "uri": file.uri} if "uri" in part else part for part in body["input"]]
    return body


def is_complete(status: str, guide: Guide) -> bool:
    return status == ("requires_action" if guide.name == "function" else "completed")


@pytest.mark.parametrize("guide", INTERACTIONS, ids=lambda guide: guide.name)
def test_an_interaction_of_the_guides(client: Any, guide: Guide) -> None:
    found = client.interactions.create(**interaction_body(client, guide))
    if "stream" in guide.body:
        events = list(found)
        assert [events[0].event_type, events[-1].event_type] == ["interaction.created", "interaction.completed"]
        assert any(getattr(getattr(event, "delta", None), "text", "") for event in events)
    else:
        assert is_complete(found.status, guide)
        assert found.output_text or guide.name == "function"


@pytest.mark.parametrize("guide", INTERACTIONS, ids=lambda guide: guide.name)
def test_an_interaction_of_the_guides_asynchronously(server: Server, client: Any, guide: Guide) -> None:
    body = interaction_body(client, guide)

    async def use() -> None:
        options = genai.types.HttpOptions(base_url=server.url)
        asynchronous = genai.Client(api_key=server.key, http_options=options).aio
        found = await asynchronous.interactions.create(**body)
        if "stream" in guide.body:
            events = [event async for event in found]
            assert events[-1].interaction.status == "completed"
        else:
            assert is_complete(found.status, guide)
        await asynchronous.aclose()

    asyncio.run(use())


def older_arguments(guide: Guide) -> dict[str, Any]:
    body = guide.body
    system = {"systemInstruction": body["systemInstruction"]} if "systemInstruction" in body else {}
    return {"model": MODEL, "contents": body["contents"], "config": {**body.get("generationConfig", {}), **system}}


@pytest.mark.parametrize("guide", OLDER, ids=lambda guide: guide.name)
def test_a_call_of_the_older_guide(client: Any, guide: Guide) -> None:
    whole = client.models.generate_content(**older_arguments(guide))
    assert whole.text
    chunks = list(client.models.generate_content_stream(**older_arguments(guide)))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].candidates[0].finish_reason.name == "STOP"


@pytest.mark.parametrize("guide", OLDER, ids=lambda guide: guide.name)
def test_a_call_of_the_older_guide_asynchronously(server: Server, guide: Guide) -> None:
    async def use() -> None:
        options = genai.types.HttpOptions(base_url=server.url)
        client = genai.Client(api_key=server.key, http_options=options).aio
        whole = await client.models.generate_content(**older_arguments(guide))
        chunks = [chunk async for chunk in await client.models.generate_content_stream(**older_arguments(guide))]
        assert "".join(chunk.text or "" for chunk in chunks) == whole.text != ""
        await client.aclose()

    asyncio.run(use())


def test_a_chat_of_the_older_guide_lists_its_roles(client: Any) -> None:
    chat = client.chats.create(model=MODEL)
    assert "turn 1" in chat.send_message(DOGS).text
    assert "turn 2" in "".join(chunk.text or "" for chunk in chat.send_message_stream(PAWS))
    turns: dict[str, list[str]] = {}
    for message in chat.get_history():
        turns.setdefault(message.role, []).append(message.parts[0].text)
    assert turns["user"] == [DOGS, PAWS]
    assert turns["model"][0].startswith("Emulator: turn 1,")


def test_a_chat_of_the_older_guide_with_a_preset_history(client: Any) -> None:
    history = [
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"role": "model", "parts": [{"text": "Great to meet you. What would you like to know?"}]},
    ]
    chat = client.chats.create(model=MODEL, history=history)
    assert "turn 2" in chat.send_message(DOGS).text
    assert "turn 3" in chat.send_message(PAWS).text
    assert len(chat.get_history()) == 6


def test_a_chat_asynchronously(server: Server) -> None:
    async def use() -> None:
        options = genai.types.HttpOptions(base_url=server.url)
        client = genai.Client(api_key=server.key, http_options=options).aio
        chat = client.chats.create(model=MODEL)
        assert "turn 1" in (await chat.send_message(DOGS)).text
        pieces = [chunk.text or "" async for chunk in await chat.send_message_stream(PAWS)]
        assert "turn 2" in "".join(pieces)
        await client.aclose()

    asyncio.run(use())
