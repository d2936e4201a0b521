"""Models, files and batches of the service: lists by pages, one by name. JSON as it comes (reference.md 10, 11.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from gemini_cli import refusal
from gemini_cli.body import encoded
from gemini_cli.client.api_client import ApiClient
from gemini_cli.errors import Rejected, UsageError
from gemini_cli.interaction import objects, parse_object, want

Resource = dict[str, Any]

PAGE_SIZE = 100  # the largest that files take; models take more (reference.md 10.3)


def every(service: ApiClient, collection: str, listed: str | None = None) -> Iterator[Resource]:
    """All of `models`, `files` or `batches`, page after page; Rejected if a page leads to itself.

    `listed` is what a page calls them, if something else.
    """
    token = ""
    while True:
        query = {"pageSize": PAGE_SIZE, **({"pageToken": token} if token else {})}
        page = parse(service.json("GET", f"{collection}?{urlencode(query)}"))
        yield from objects(page, listed or collection)
        following = want(page, "nextPageToken", str) or ""
        if not following:
            return
        if following == token:
            raise Rejected("the list does not end: a page leads to itself")
        token = following


def one(service: ApiClient, name: str) -> Resource:
    return parse(service.json("GET", quote(name)))


def delete(service: ApiClient, name: str) -> None:
    service.delete(quote(name))


def count_tokens(service: ApiClient, model: str, contents: list[Resource]) -> Resource:
    body = encoded({"contents": contents})
    return parse(service.json("POST", f"{quote(model)}:countTokens", body, repeatable=True))


def parse(text: str) -> Resource:
    """What was asked for; the failure for an error that comes as a good answer (traffic.md 55)."""
    resource = parse_object(text, "the answer")
    if resource.keys() == {"error"}:
        said = refusal.parse(text)
        raise said.failure() if said else Rejected("the answer is an error, and the server gave no reason")
    return resource


def download(service: ApiClient, name: str) -> Iterator[bytes]:
    """The bytes of a generated file; what was uploaded cannot be downloaded (reference.md 10.3)."""
    from gemini_cli.files import downloads  # OpenSSL takes 5 ms

    return downloads.pieces(service, f"{quote(name)}:download?alt=media")


_NAME = {
    "models": re.compile(r"(?:models/|tunedModels/)?[A-Za-z0-9._-]+"),
    "files": re.compile(r"(?:(?:https?://[^?]*/)?files/)?[a-z0-9-]{1,40}"),
    "batches": re.compile(r"(?:batches/)?[A-Za-z0-9_-]+"),
}


def full_name(collection: str, said: str) -> str:
    """`abc`, `files/abc` or the file's URI -> `files/abc`; UsageError for what cannot be a name."""
    if not _NAME[collection].fullmatch(said) or said.rpartition("/")[2].strip(".") == "":
        raise UsageError(f"{said!r} is not a name in {collection}")
    if said.startswith("tunedModels/"):
        return said
    return f"{collection}/{said.rpartition('/')[2]}"
