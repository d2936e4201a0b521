"""List and get models, files and batch jobs.

They stay the server's JSON (api/README.md 10.11, 11.23, 14.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlencode

from gemini_cli.api.api_error import parse_api_error
from gemini_cli.api.fields import get_objects, get_typed, parse_object, without_nulls
from gemini_cli.client.api_client import ApiClient
from gemini_cli.client.request_body import encode_body
from gemini_cli.errors import IncompleteError, RejectedError, UsageError
from gemini_cli.formats import strict_json

Resource = dict[str, Any]

PAGE_SIZE = 100  # the most for files; models allow more (api/README.md 10.11, 11.23)
MAX_PAGES = 10_000  # of a list
MAX_EMPTY_PAGES = 100  # in a row


def list_all(api_client: ApiClient, collection: str, listed: str | None = None) -> Iterator[Resource]:
    """Yield all `models`, `files` or `batches`; RejectedError if the pages do not end.

    `listed` is the name of the list in a page, if another.
    """
    empty = 0
    pages = list_pages(api_client, collection, [("pageSize", str(PAGE_SIZE))])
    for number, page in enumerate(pages, 1):
        found = get_objects(page, listed or collection)
        yield from found
        empty = 0 if found else empty + 1
        if empty == MAX_EMPTY_PAGES and page.get("nextPageToken"):
            raise RejectedError(f"the list does not end after {number} pages")


def list_pages(api_client: ApiClient, path: str, query: Sequence[tuple[str, str]]) -> Iterator[Resource]:
    """Yield the pages of a list, from that of `query`; RejectedError without an end."""
    token = dict(query).get("pageToken", "")
    others = [(name, value) for name, value in query if name != "pageToken"]
    seen = {token}
    while True:
        wanted = urlencode([*others, ("pageToken", token)] if token else others)
        page = parse_answer(api_client.json("GET", f"{path}?{wanted}" if wanted else path))
        yield page
        token = get_typed(page, "nextPageToken", str) or ""
        if not token:
            return
        if token in seen:
            raise RejectedError("the list does not end: a page leads to an earlier one")
        if len(seen) == MAX_PAGES:
            raise RejectedError(f"the list does not end after {len(seen)} pages")
        seen.add(token)


def check_document(text: str) -> None:
    """Raise the error in a JSON text, or at the end of a list (api/README.md 12.2).

    IncompleteError for other text: the end of JSON cannot be missed.
    """
    try:
        value = strict_json.loads(text)
    except ValueError as error:
        raise IncompleteError(f"the answer is cut off, or not JSON: {error}") from None
    last = value[-1] if isinstance(value, list) and value else value
    if isinstance(last, dict):
        _check_error(last)


def get_resource(api_client: ApiClient, name: str) -> Resource:
    return parse_answer(api_client.json("GET", quote(name)))


def delete_resource(api_client: ApiClient, name: str) -> None:
    api_client.delete(quote(name))


def count_tokens(api_client: ApiClient, path: str, request: Resource) -> Resource:
    """Count the tokens of a request to the model at `path`.

    `request` has the format of generateContent (api/README.md 11.22).
    """
    whole = {"generateContentRequest": {"model": unquote(path), **request}}
    body = encode_body(request if request.keys() == {"contents"} else whole)
    return parse_answer(api_client.json("POST", f"{path}:countTokens", body, repeatable=True))


def parse_answer(text: str) -> Resource:
    """Parse a resource; raise the error if the JSON is one (api/README.md 12.2)."""
    resource = parse_object(text, "the answer")
    _check_error(resource)
    return resource


def _check_error(resource: Resource) -> None:
    if without_nulls(resource).keys() == {"error"}:
        error = parse_api_error(strict_json.dumps(resource))
        raise error.to_cli_error() if error else RejectedError("the answer is an error, and the server gave no reason")


def download_file(api_client: ApiClient, name: str) -> Iterator[bytes]:
    """Download a generated file; an uploaded one cannot be (api/README.md 10.12)."""
    from gemini_cli.client import download  # OpenSSL takes 5 ms

    return download.download_chunks(api_client, f"{quote(name)}:download?alt=media")


_NAME = {
    "models": re.compile(r"(?:models/|tunedModels/)?[A-Za-z0-9._-]+"),
    "files": re.compile(r"(?:(?:https?://[^?]*/)?files/)?[a-z0-9-]{1,40}"),
    "batches": re.compile(r"(?:batches/)?[A-Za-z0-9_-]+"),
}


def resource_name(collection: str, text: str) -> str:
    """Turn `abc`, `files/abc` or a URI into `files/abc`; UsageError for other names."""
    if not _NAME[collection].fullmatch(text) or text.rpartition("/")[2].strip(".") == "":
        raise UsageError(f"{text!r} is not a name in {collection}")
    if text.startswith("tunedModels/"):
        return text
    return f"{collection}/{text.rpartition('/')[2]}"
