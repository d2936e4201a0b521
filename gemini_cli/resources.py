"""List and get models, files and batch jobs.

They stay the server's JSON (api/README.md 10.11, 11.23, 14.5).
"""

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

PAGE_SIZE = 100  # the most for files; models allow more (api/README.md 10.11, 11.23)


def every(service: ApiClient, collection: str, listed: str | None = None) -> Iterator[Resource]:
    """Yield all `models`, `files` or `batches`; Rejected if a page leads to itself.

    `listed` is the name of the list in a page, if another.
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
    """Parse a resource; raise the error if the JSON is one (api/README.md 12.2)."""
    resource = parse_object(text, "the answer")
    if resource.keys() == {"error"}:
        said = refusal.parse(text)
        raise said.failure() if said else Rejected("the answer is an error, and the server gave no reason")
    return resource


def download(service: ApiClient, name: str) -> Iterator[bytes]:
    """Download a generated file; an uploaded one cannot be (api/README.md 10.12)."""
    from gemini_cli.files import downloads  # OpenSSL takes 5 ms

    return downloads.pieces(service, f"{quote(name)}:download?alt=media")


_NAME = {
    "models": re.compile(r"(?:models/|tunedModels/)?[A-Za-z0-9._-]+"),
    "files": re.compile(r"(?:(?:https?://[^?]*/)?files/)?[a-z0-9-]{1,40}"),
    "batches": re.compile(r"(?:batches/)?[A-Za-z0-9_-]+"),
}


def full_name(collection: str, said: str) -> str:
    """Turn `abc`, `files/abc` or a URI into `files/abc`; UsageError for other names."""
    if not _NAME[collection].fullmatch(said) or said.rpartition("/")[2].strip(".") == "":
        raise UsageError(f"{said!r} is not a name in {collection}")
    if said.startswith("tunedModels/"):
        return said
    return f"{collection}/{said.rpartition('/')[2]}"
