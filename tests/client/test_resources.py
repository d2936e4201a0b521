"""Lists in pages: where they end, and that they do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gemini_cli.client import resources
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.request_sender import ClientSettings
from gemini_cli.client.resources import MAX_EMPTY_PAGES
from gemini_cli.errors import RejectedError
from gemini_cli.transport.deadline import Deadline
from gemini_cli.transport.http_client import HttpClient, Limits
from gemini_cli.transport.retry import RetryPolicy
from tests.client.test_api_client import ENDPOINT
from tests.harness import reply


def listed(pages: Iterator[Any]) -> list[Any]:
    transport = httpx.MockTransport(lambda request: reply(next(pages)))
    policy = RetryPolicy(0, 0, lambda seconds: None, lambda low, high: low, lambda: 0.0)
    client = ApiClient(
        ClientSettings(HttpClient(transport, Limits(None, None)), ENDPOINT, None, Deadline(None), policy)
    )
    return list(resources.list_all(client, "files"))


def page(number: int, token: str) -> Any:
    return {"files": [{"name": f"files/{number}"}], "nextPageToken": token}


def test_all_pages_are_read() -> None:
    pages = [page(1, "a"), {"nextPageToken": "b"}, page(2, "")]
    assert [file["name"] for file in listed(iter(pages))] == ["files/1", "files/2"]


@pytest.mark.parametrize("tokens", ["a", "ab"])
def test_pages_that_lead_back_are_an_error(tokens: str) -> None:
    with pytest.raises(RejectedError, match="does not end"):
        listed(page(1, token) for token in itertools.cycle(tokens))


def test_empty_pages_without_end_are_an_error() -> None:
    with pytest.raises(RejectedError, match=f"after {MAX_EMPTY_PAGES} pages"):
        listed({"nextPageToken": str(number)} for number in itertools.count())


def test_pages_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MAX_PAGES", 50)
    with pytest.raises(RejectedError, match="after 50 pages"):
        listed(page(number, str(number)) for number in itertools.count())
