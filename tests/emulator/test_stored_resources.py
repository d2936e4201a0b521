"""Cached contents, file search stores and embeddings, in memory."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gemini_cli.emulator.service import Emulator

from .in_memory_client import Clock, InMemoryClient

MODEL = "gemini-3.8-flash"
CACHES, STORES = "/v1beta/cachedContents", "/v1beta/fileSearchStores"


def content(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def cache(client: InMemoryClient, **more: Any) -> Any:
    response = client.post(CACHES, {"model": f"models/{MODEL}", "contents": [content("12345678")], **more})
    assert response.status == 200, response.body
    return response.json


# --- caches


def test_a_cache_has_the_fields_of_the_service_but_not_its_content(client: InMemoryClient) -> None:
    made = cache(client, displayName="n", systemInstruction=content("1234"))
    assert made.keys() == {*("name", "model", "displayName", "createTime", "updateTime", "expireTime", "usageMetadata")}
    assert (made["model"], made["displayName"]) == (f"models/{MODEL}", "n")
    assert made["usageMetadata"] == {"totalTokenCount": 3}
    assert client.get(f"/v1beta/{made['name']}").json == made


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [({}, 3600), ({"ttl": "300s"}, 300), ({"ttl": "0.5s"}, 0.5), ({"expire_time": "2027-01-15T08:01:40Z"}, 100)],
)
def test_a_cache_lives_as_long_as_the_request_says(
    client: InMemoryClient, clock: Clock, fields: dict[str, str], seconds: float
) -> None:
    name = cache(client, **fields)["name"]
    clock.now += seconds - 0.1
    assert client.get(f"/v1beta/{name}").status == 200
    clock.now += 0.2
    gone = client.get(f"/v1beta/{name}")
    assert (gone.status, gone.json["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert client.get(CACHES).json == {}
    assert client.send("DELETE", f"/v1beta/{name}").status == 403


def test_the_expiry_of_a_cache_is_changed(client: InMemoryClient, clock: Clock) -> None:
    name = cache(client, ttl="10s")["name"]
    clock.now += 5
    changed = client.send("PATCH", f"/v1beta/{name}", {"ttl": "600s"}).json
    assert changed["updateTime"] > changed["createTime"]
    clock.now += 599
    assert client.get(f"/v1beta/{name}").status == 200
    assert client.send("PATCH", f"/v1beta/{name}", {"displayName": "x"}).status == 400
    assert client.send("PATCH", f"/v1beta/{name}", {}).status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"ttl": "10"}, 400),
        ({"ttl": "0s"}, 400),
        ({"ttl": "-1s"}, 400),
        ({"ttl": "1s", "expireTime": "2030-01-01T00:00:00Z"}, 400),
        ({"expireTime": "yesterday"}, 400),
        ({"expireTime": "2020-01-01T00:00:00Z"}, 400),
        ({"model": None}, 400),
        ({"model": "models/no-such-model"}, 404),
        ({"temperature": 1}, 400),
    ],
    ids=str,
)
def test_a_cache_that_cannot_be_made(client: InMemoryClient, fields: dict[str, Any], status: int) -> None:
    body = {"model": f"models/{MODEL}", "contents": [content("x")], **fields}
    assert client.post(CACHES, body).status == status


def test_caches_are_listed_in_pages_and_deleted(client: InMemoryClient) -> None:
    names = [cache(client)["name"] for _ in range(3)]
    first = client.get(f"{CACHES}?pageSize=2").json
    second = client.get(f"{CACHES}?pageSize=2&pageToken={first['nextPageToken']}").json
    assert [each["name"] for each in first["cachedContents"] + second["cachedContents"]] == names[::-1]
    assert "nextPageToken" not in second
    assert client.send("DELETE", f"/v1beta/{names[0]}").json == {}
    assert client.get(f"/v1beta/{names[0]}").status == 403


def test_a_request_reads_its_cache(client: InMemoryClient) -> None:
    name = cache(client, systemInstruction=content("You are a cat."))["name"]
    plain = client.generate("Hi", MODEL)
    found = client.generate("Hi", MODEL, cachedContent=name)
    text = found["candidates"][0]["content"]["parts"][0]["text"]
    assert '"12345678"' in text
    assert '"You are a cat."' in text
    counts = found["usageMetadata"]
    assert counts["cachedContentTokenCount"] == 6
    assert counts["cacheTokensDetails"] == [{"modality": "TEXT", "tokenCount": 6}]
    assert counts["promptTokenCount"] == plain["usageMetadata"]["promptTokenCount"] + 6
    assert client.generate("Hi", MODEL, cached_content="cachedContents/of-the-service")


@pytest.mark.parametrize("field", ["systemInstruction", "tools", "toolConfig"])
def test_a_request_with_a_cache_has_nothing_that_belongs_into_it(client: InMemoryClient, field: str) -> None:
    value = {"systemInstruction": content("x"), "tools": [{"googleSearch": {}}], "toolConfig": {}}[field]
    body = {"contents": [content("Hi")], "cachedContent": cache(client)["name"], field: value}
    response = client.post(f"/v1beta/models/{MODEL}:generateContent", body)
    assert response.status == 400
    assert "move those values to CachedContent" in response.json["error"]["message"]


def test_a_request_with_a_cache_that_is_gone_is_refused(client: InMemoryClient) -> None:
    name = cache(client)["name"]
    client.send("DELETE", f"/v1beta/{name}")
    body = {"contents": [content("Hi")], "cachedContent": name}
    assert client.post(f"/v1beta/models/{MODEL}:generateContent", body).status == 403


# --- file search stores


def test_a_store_is_made_listed_and_deleted(client: InMemoryClient) -> None:
    made = client.post(STORES, {"displayName": "My Docs, 2026!"}).json
    assert made["name"].startswith("fileSearchStores/my-docs-2026-")
    assert len(made["name"].partition("/")[2]) == len("my-docs-2026-") + 12
    assert made["displayName"] == "My Docs, 2026!"
    other = client.post(STORES, {}).json
    assert [each["name"] for each in client.get(STORES).json["fileSearchStores"]] == [other["name"], made["name"]]
    assert client.get(f"/v1beta/{made['name']}").json == made
    assert client.send("DELETE", f"/v1beta/{made['name']}?force=true").json == {}
    assert client.get(f"/v1beta/{made['name']}").status == 404
    assert client.send("DELETE", f"/v1beta/{made['name']}").status == 404


def test_the_id_of_a_store_has_at_most_40_characters(client: InMemoryClient) -> None:
    for title in ("x" * 512, "a b" * 100, "ü"):
        id = client.post(STORES, {"displayName": title}).json["name"].partition("/")[2]
        assert len(id) <= 40
        assert "--" not in id
    assert client.post(STORES, {"displayName": "x" * 513}).status == 400


def test_what_a_store_cannot_do_is_an_unknown_method() -> None:
    emulator = Emulator()
    client = InMemoryClient(emulator)
    name = client.post(STORES, {}).json["name"]
    assert client.post(f"/v1beta/{name}:importFile", {"fileName": "files/a"}).status == 404
    assert emulator.leftovers() == [f"unknown request: POST /v1beta/{name}:importFile"]
    emulator.close()


# --- embeddings

EMBED = "/v1beta/models/gemini-embedding-001"


def embed(client: InMemoryClient, text: str, **more: Any) -> list[float]:
    response = client.post(f"{EMBED}:embedContent", {"content": content(text), **more})
    assert response.status == 200, response.body
    values: list[float] = response.json["embedding"]["values"]
    return values


@pytest.mark.parametrize("size", [1, 8, 768, 3072])
def test_a_vector_has_the_asked_dimension_and_length_1(client: InMemoryClient, size: int) -> None:
    vector = embed(client, "a", outputDimensionality=size)
    assert len(vector) == size
    assert math.isclose(math.hypot(*vector), 1)


def test_a_vector_depends_on_the_content_alone(client: InMemoryClient) -> None:
    assert len(embed(client, "a")) == 3072
    assert embed(client, "a") == embed(client, "a", task_type="RETRIEVAL_QUERY", title="t")
    assert embed(InMemoryClient(), "a") == embed(client, "a")
    similarity = sum(x * y for x, y in zip(embed(client, "a"), embed(client, "b"), strict=True))
    assert abs(similarity) < 0.2


def test_the_vectors_of_a_batch_are_in_order(client: InMemoryClient) -> None:
    requests = [{"model": "models/gemini-embedding-001", "content": content(text)} for text in "ab"]
    found = client.post(f"{EMBED}:batchEmbedContents", {"requests": requests}).json["embeddings"]
    assert [each["values"] for each in found] == [embed(client, "a"), embed(client, "b")]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{EMBED}:embedContent", {"content": content("a"), "outputDimensionality": 3073}, 400),
        (f"{EMBED}:embedContent", {"content": content("a"), "outputDimensionality": -1}, 400),
        (f"{EMBED}:embedContent", {}, 400),
        (f"{EMBED}:embedContent", {"content": {"parts": []}}, 400),
        (f"{EMBED}:embedContent", {"contents": [content("a")]}, 400),
        (f"{EMBED}:batchEmbedContents", {}, 400),
        (f"{EMBED}:batchEmbedContents", {"requests": [{"model": "models/other", "content": content("a")}]}, 400),
        (f"/v1beta/models/{MODEL}:embedContent", {"content": content("a")}, 404),
        ("/v1beta/models/no-such-embedding:embedContent", {"content": content("a")}, 404),
    ],
)
def test_embeddings_that_cannot_be_made(client: InMemoryClient, path: str, body: Any, status: int) -> None:
    assert client.post(path, body).status == status


def test_the_models_for_embeddings_are_listed(client: InMemoryClient) -> None:
    models = client.get("/v1/models?pageSize=1000").json["models"]
    found = {model["name"] for model in models if "embedContent" in model["supportedGenerationMethods"]}
    assert found == {"models/gemini-embedding-001", "models/gemini-embedding-2"}
    assert client.get("/v1/models/gemini-embedding-2").json["supportedGenerationMethods"] == ["embedContent"]
