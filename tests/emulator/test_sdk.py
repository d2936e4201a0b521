"""The official SDK as a client: it must parse every response without warnings."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_cli.emulator.http.server import Server
from gemini_cli.emulator.service import Emulator
from gemini_cli.emulator.service_state import Pace
from tests.waiting import until

genai: Any = pytest.importorskip("google.genai", reason="the official SDK, google-genai, is not installed")
if not genai.__version__.startswith("3."):
    pytest.skip(f"these tests need google-genai 3.x, not {genai.__version__}", allow_module_level=True)

MODEL = "gemini-3.8-flash"
MIB = 1 << 20
QUICK = Pace(background=0.2, processing=0.2, batch_pending=0.1, batch_running=0.2)
TOOL = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Emulator(pace=QUICK)) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url)) as found:
        yield found


# --- interactions


def test_create_get_delete(client: Any) -> None:
    made = client.interactions.create(model=MODEL, input="Hi")
    assert made.output_text.startswith(f"Emulator: turn 1, model {MODEL}.")
    found = client.interactions.get(made.id, include_input=True)
    assert found.output_text == made.output_text
    assert found.input[0].content[0].text == "Hi"
    client.interactions.delete(made.id)
    with pytest.raises(Exception, match="Requested entity was not found"):
        client.interactions.get(made.id)


def test_stream_and_resume(client: Any) -> None:
    whole = list(client.interactions.create(model=MODEL, input="Hi", stream=True, tools=[{"type": "google_search"}]))
    assert whole[0].event_type == "interaction.created"
    assert whole[-1].interaction.status == "completed"
    text = "".join(event.delta.text for event in whole if getattr(getattr(event, "delta", None), "type", "") == "text")
    id = whole[0].interaction.id
    assert text == client.interactions.get(id).output_text
    rest = list(client.interactions.get(id, stream=True, last_event_id=whole[4].event_id))
    assert [event.event_id for event in rest] == [event.event_id for event in whole[5:]]


def test_every_event_is_of_a_known_type(client: Any) -> None:
    tools = [
        {"type": name} for name in ("google_search", "url_context", "code_execution", "google_maps", "file_search")
    ]
    config = {"thinking_summaries": "auto"}
    found = client.interactions.create(model=MODEL, input="Hi", stream=True, tools=tools, generation_config=config)
    kinds = {type(event).__name__ for event in found}
    assert kinds == {
        *("InteractionCreatedEvent", "InteractionStatusUpdate", "StepStart", "StepDelta", "StepStop"),
        "InteractionCompletedEvent",
    }


def test_background_cancel() -> None:
    with Server(Emulator(pace=Pace(background=60))) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        made = client.interactions.create(model=MODEL, input="Hi", background=True)
        assert made.status == "in_progress"
        assert client.interactions.cancel(made.id).status == "cancelled"


def test_background_until_done(client: Any) -> None:
    made = client.interactions.create(model=MODEL, input="Hi", background=True)
    until(lambda: client.interactions.get(made.id).status != "in_progress")
    made = client.interactions.get(made.id)
    assert made.output_text.startswith("Emulator: ")


def test_a_background_run_is_streamed_while_it_goes_on() -> None:
    with Server(Emulator(pace=Pace(background=600))) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        made = client.interactions.create(model=MODEL, input="Hi", background=True)
        found = iter(client.interactions.get(made.id, stream=True))
        assert next(found).event_type == "interaction.created"
        client.interactions.cancel(made.id)
        assert list(found)[-1].interaction.status == "cancelled"


def test_function_round_trip_stateful(client: Any) -> None:
    first = client.interactions.create(model=MODEL, input='weather {"city": "Oslo"}', tools=[TOOL])
    assert first.status == "requires_action"
    call = first.steps[-1]
    assert (call.name, call.arguments) == ("weather", {"city": "Oslo"})
    result = {
        "type": "function_result",
        "name": call.name,
        "call_id": call.id,
        "result": [{"type": "text", "text": "7"}],
    }
    second = client.interactions.create(model=MODEL, input=[result], previous_interaction_id=first.id, tools=[TOOL])
    assert "Result of weather: 7." in second.output_text


def test_function_round_trip_stateless(client: Any) -> None:
    history: list[Any] = [{"type": "user_input", "content": [{"type": "text", "text": "Call weather"}]}]
    first = client.interactions.create(model=MODEL, input=history, tools=[TOOL], store=False)
    history += [step.model_dump(exclude_none=True) for step in first.steps]
    history.append({"type": "function_result", "call_id": first.steps[-1].id, "result": "7 degrees"})
    second = client.interactions.create(model=MODEL, input=history, tools=[TOOL], store=False)
    assert "7 degrees" in second.output_text
    assert second.output_text.startswith("Emulator: turn 2,")


def test_an_error_response_is_an_exception_of_the_sdk(client: Any) -> None:
    with pytest.raises(Exception, match="no-such-model") as caught:
        client.interactions.create(model="no-such-model", input="Hi")
    assert getattr(caught.value, "status_code", None) == 404


def test_the_sdk_follows_continuations() -> None:
    with Server(Emulator(output_cap=10)) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        found = client.interactions.create(model=MODEL, input="Hi")
        assert found.output_text.endswith("made up on this machine.")
        assert len(server.requests) > 2
        client.close()


def test_the_sdk_obeys_retry_after() -> None:
    with Server(Emulator(faults=["refuse(429, retry_after=1)"])) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        assert client.interactions.create(model=MODEL, input="Hi").status == "completed"
        first, second = server.requests
        assert second.at - first.at >= 0.7
        client.close()


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_every_version(server: Server, version: str) -> None:
    options = genai.types.HttpOptions(base_url=f"{server.url}/proxy/", api_version=version)
    with genai.Client(api_key=server.key, http_options=options) as client:
        assert client.interactions.create(model=MODEL, input="Hi").status == "completed"
        assert client.models.generate_content(model=MODEL, contents="Hi").text.startswith("Emulator: ")
    assert [seen.target.split("/")[1:3] for seen in server.requests] == [["proxy", version]] * 2


# --- files


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 20 * MIB])
def test_upload(server: Server, size: int, tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(b"x" * size)
    with genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url)) as client:
        file = client.files.upload(file=str(path), config={"display_name": "My file"})
        # Some servers leave out an int64 of zero; the emulator does not.
        assert (file.size_bytes or 0, file.display_name, file.state.name) == (size, "My file", "ACTIVE")
        assert client.files.get(name=file.name).sha256_hash == file.sha256_hash


def test_file_uris_with_the_host_of_the_service() -> None:
    with Server(Emulator(file_host="https://generativelanguage.googleapis.com")) as server:
        options = genai.types.HttpOptions(base_url=server.url)
        with genai.Client(api_key=server.key, http_options=options) as client:
            file = client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"})
            assert file.uri == f"https://generativelanguage.googleapis.com/v1beta/{file.name}"
            answer = client.models.generate_content(model=MODEL, contents=[file, "What is this?"])
            assert f"at {file.uri}" in answer.text


def test_files_list_in_pages_and_delete(client: Any) -> None:
    names = [client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"}).name for _ in range(3)]
    assert [file.name for file in client.files.list(config={"page_size": 2})] == names[::-1]
    client.files.delete(name=names[0])
    assert [file.name for file in client.files.list()] == names[:0:-1]


def test_a_video_is_processed(client: Any) -> None:
    file = client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "video/mp4"})
    assert file.state.name == "PROCESSING"
    until(lambda: client.files.get(name=file.name).state.name == "ACTIVE")


def test_the_sdk_sends_a_refused_chunk_again() -> None:
    with Server(Emulator(faults=["chunk_503"])) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        assert client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"}).size_bytes == 1
        client.close()


# --- the older API


def test_models_and_tokens(client: Any) -> None:
    assert client.models.get(model=MODEL).name == f"models/{MODEL}"
    assert len(list(client.models.list(config={"page_size": 7}))) > 30
    assert client.models.count_tokens(model=MODEL, contents="12345678").total_tokens == 2


def test_generate_and_stream(client: Any) -> None:
    whole = client.models.generate_content(model=MODEL, contents="Hi").text
    assert whole.startswith("Emulator: turn 1,")
    pieces = [chunk.text or "" for chunk in client.models.generate_content_stream(model=MODEL, contents="Hi")]
    assert ("".join(pieces), len(pieces) > 3) == (whole, True)


def test_a_picture_in_and_a_schema_out(client: Any) -> None:
    part = genai.types.Part.from_bytes(data=b"\xff\xfe\xfd", mime_type="image/png")
    assert "image, image/png, 3 bytes" in client.models.generate_content(model=MODEL, contents=["Look", part]).text
    config = {
        "response_mime_type": "application/json",
        "response_schema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
    }
    assert client.models.generate_content(model=MODEL, contents="x", config=config).parsed == {"n": 1}


def test_chats_and_functions(client: Any) -> None:
    chat = client.chats.create(model=MODEL)
    chat.send_message("One")
    assert chat.send_message("Two").text.startswith("Emulator: turn 2,")

    def weather(city: str) -> str:
        """The weather of a city."""
        return f"sunny in {city}"

    answer = client.models.generate_content(model=MODEL, contents="Call weather", config={"tools": [weather]})
    assert "sunny in emulator" in answer.text


def test_a_call_in_a_stream_and_its_result(client: Any) -> None:
    """The content of the model, sent back with the call's id and the signature."""
    types = genai.types
    config = {
        "tools": [{"function_declarations": [{"name": "weather"}]}],
        "automatic_function_calling": {"disable": True},
    }
    asked = types.UserContent('weather {"city": "Oslo"}')
    chunks = list(client.models.generate_content_stream(model=MODEL, contents=asked, config=config))
    content = next(chunk.candidates[0].content for chunk in chunks if chunk.function_calls)
    [part] = content.parts
    assert (part.function_call.name, part.function_call.args) == ("weather", {"city": "Oslo"})
    assert part.thought_signature
    answer = types.FunctionResponse(id=part.function_call.id, name="weather", response={"output": "7 degrees"})
    contents = [asked, content, types.UserContent(types.Part(function_response=answer))]
    assert "7 degrees" in client.models.generate_content(model=MODEL, contents=contents, config=config).text


def test_every_source_is_of_a_known_type(client: Any) -> None:
    tools: list[Any] = [{name: {}} for name in ("google_search", "url_context", "code_execution", "google_maps")]
    tools.append({"file_search": {"file_search_store_names": ["fileSearchStores/a"]}})
    [candidate] = client.models.generate_content(model=MODEL, contents="Hi", config={"tools": tools}).candidates
    cited = [
        chunk.maps or chunk.retrieved_context or chunk.web for chunk in candidate.grounding_metadata.grounding_chunks
    ]
    assert [each.title for each in cited] == [
        "example.com",
        "example.org",
        "example.com",
        "Null Island",
        "emulator.txt",
    ]
    assert candidate.url_context_metadata.url_metadata[0].retrieved_url == "https://example.com/"


def test_the_sdk_follows_continuations_of_generate_content() -> None:
    with Server(Emulator(output_cap=10)) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        assert client.models.generate_content(model=MODEL, contents="Hi").text.endswith("made up on this machine.")
        client.close()


# --- batches


def _finished(client: Any, job: Any) -> Any:
    until(lambda: client.batches.get(name=job.name).done)
    return client.batches.get(name=job.name)


def test_an_inline_batch(client: Any) -> None:
    job = client.batches.create(
        model=MODEL, src=[{"contents": "One"}, {"contents": "Two"}], config={"display_name": "job"}
    )
    assert job.state.name == "JOB_STATE_PENDING"
    job = _finished(client, job)
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    texts = [each.response.text for each in job.dest.inlined_responses]
    assert ['"One"' in texts[0], '"Two"' in texts[1]] == [True, True]
    assert job.name in [each.name for each in client.batches.list()]
    client.batches.delete(name=job.name)


def test_a_batch_from_a_file(client: Any) -> None:
    rows = b'{"key": "a", "request": {"contents": [{"parts": [{"text": "One"}]}]}}\n'
    source = client.files.upload(file=io.BytesIO(rows), config={"mime_type": "application/jsonl"})
    job = _finished(client, client.batches.create(model=MODEL, src=source.name))
    content = client.files.download(file=job.dest.file_name)
    assert b'"key":"a"' in content
    assert b"Emulator: turn 1," in content


def test_a_cancelled_batch() -> None:
    with Server(Emulator(pace=Pace(batch_pending=600))) as server:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url))
        job = client.batches.create(model=MODEL, src=[{"contents": "One"}])
        client.batches.cancel(name=job.name)
        assert client.batches.get(name=job.name).state.name == "JOB_STATE_CANCELLED"
        client.close()


# --- caches, file search stores, embeddings


def test_a_cache_is_made_changed_used_and_deleted(client: Any) -> None:
    config = {"contents": ["12345678"], "system_instruction": "You are a cat.", "ttl": "300s", "display_name": "n"}
    made = client.caches.create(model=MODEL, config=config)
    assert (made.model, made.display_name, made.usage_metadata.total_token_count) == (f"models/{MODEL}", "n", 6)
    assert (made.expire_time - made.create_time).total_seconds() == 300
    changed = client.caches.update(name=made.name, config={"ttl": "600s"})
    assert changed.expire_time > made.expire_time
    assert client.caches.get(name=made.name) == changed
    answer = client.models.generate_content(model=MODEL, contents="Hi", config={"cached_content": made.name})
    assert answer.usage_metadata.cached_content_token_count == 6
    client.caches.create(model=MODEL, config=config)
    assert made.name in [each.name for each in client.caches.list(config={"page_size": 1})]
    client.caches.delete(name=made.name)
    with pytest.raises(genai.errors.ClientError, match="CachedContent not found") as caught:
        client.caches.get(name=made.name)
    assert caught.value.code == 403


def test_a_file_search_store_is_made_listed_and_deleted(client: Any) -> None:
    made = client.file_search_stores.create(config={"display_name": "My docs"})
    assert (made.display_name, made.name.startswith("fileSearchStores/my-docs-")) == ("My docs", True)
    assert client.file_search_stores.get(name=made.name).create_time == made.create_time
    client.file_search_stores.create()
    assert made.name in [each.name for each in client.file_search_stores.list(config={"page_size": 1})]
    client.file_search_stores.delete(name=made.name, config={"force": True})
    with pytest.raises(genai.errors.ClientError, match="not found"):
        client.file_search_stores.get(name=made.name)


def test_embeddings_of_one_and_of_several(client: Any) -> None:
    config = {"task_type": "RETRIEVAL_QUERY", "output_dimensionality": 8}
    several = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"], config=config).embeddings
    [one] = client.models.embed_content(model="gemini-embedding-001", contents="b", config=config).embeddings
    assert [len(each.values) for each in several] == [8, 8]
    assert one.values == several[1].values != several[0].values
    [whole] = client.models.embed_content(model="gemini-embedding-2", contents="a").embeddings
    assert len(whole.values) == 3072


# --- asynchronous


def test_the_asynchronous_client() -> None:
    async def use(server: Server) -> None:
        client = genai.Client(api_key=server.key, http_options=genai.types.HttpOptions(base_url=server.url)).aio
        made = await client.interactions.create(model=MODEL, input="Hi")
        events = [event async for event in await client.interactions.create(model=MODEL, input="Hi", stream=True)]
        assert events[-1].interaction.status == "completed"
        assert (await client.interactions.get(made.id)).output_text == made.output_text
        rest = await client.interactions.get(events[0].interaction.id, stream=True, last_event_id=events[2].event_id)
        assert len([event async for event in rest]) == len(events) - 3
        await client.interactions.delete(made.id)
        run = await client.interactions.create(model=MODEL, input="Hi", background=True)
        assert (await client.interactions.cancel(run.id)).status == "cancelled"
        assert (await client.models.generate_content(model=MODEL, contents="Hi")).text.startswith("Emulator: ")
        stream = await client.models.generate_content_stream(model=MODEL, contents="Hi")
        assert "".join([chunk.text or "" async for chunk in stream]).startswith("Emulator: ")
        assert (await client.models.count_tokens(model=MODEL, contents="12345678")).total_tokens == 2
        file = await client.files.upload(file=io.BytesIO(b"x" * 9 * MIB), config={"mime_type": "text/plain"})
        assert file.size_bytes == 9 * MIB
        assert [each.name async for each in await client.files.list()] == [file.name]
        await client.files.delete(name=file.name)
        job = await client.batches.create(model=MODEL, src=[{"contents": "One"}])
        await client.batches.cancel(name=job.name)
        assert [each.name async for each in await client.batches.list()] == [job.name]
        await use_stored_resources(client)
        await client.aclose()

    slow = Pace(background=600, batch_pending=600)  # what is cancelled is not done before
    with Server(Emulator(pace=slow)) as server:
        asyncio.run(use(server))


async def use_stored_resources(client: Any) -> None:
    """Caches, stores and embeddings with the asynchronous client."""
    cache = await client.caches.create(model=MODEL, config={"contents": ["x"], "ttl": "60s"})
    assert await client.caches.get(name=cache.name) == cache
    assert (await client.caches.update(name=cache.name, config={"ttl": "90s"})).expire_time > cache.expire_time
    assert [each.name async for each in await client.caches.list()] == [cache.name]
    await client.caches.delete(name=cache.name)
    store = await client.file_search_stores.create(config={"display_name": "d"})
    assert (await client.file_search_stores.get(name=store.name)).display_name == "d"
    assert [each.name async for each in await client.file_search_stores.list()] == [store.name]
    await client.file_search_stores.delete(name=store.name)
    embedded = await client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    assert [len(each.values) for each in embedded.embeddings] == [3072, 3072]
