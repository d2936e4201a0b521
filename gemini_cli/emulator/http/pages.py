"""Pages of lists (api/README.md 10.11, 11.23, 14.5)."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import ErrorResponse
from .exchange import ApiRequest, HttpResponse, JsonObject, indented_response


class PageRequest(NamedTuple):
    """The size of a page, and the position of its start (None for the first page)."""

    size: int
    position: int | None


def parse_page_request(request: ApiRequest, default: int, maximum: int) -> PageRequest:
    size = request.query.get("pageSize") or request.query.get("page_size") or "0"
    if not re.fullmatch("[0-9]{1,9}", size):
        raise ErrorResponse(400, f"Invalid value at 'page_size' (TYPE_INT32), \"{size}\"")
    return PageRequest(min(int(size) or default, maximum), _position(request.query.get("pageToken", "")))


def list_page(
    page: PageRequest, name: str, rows: list[tuple[int, JsonObject]], view: Callable[[JsonObject], Any]
) -> HttpResponse:
    """A page of the numbered `rows`, which have one more than it if others follow.

    A row whose view is None is left out; an empty list is `{}`.
    """
    items = [each for _, row in rows[: page.size] if (each := view(row)) is not None]
    body: JsonObject = {name: items} if items else {}
    if len(rows) > page.size:
        body["nextPageToken"] = page_token(rows[page.size - 1][0])
    return indented_response(body)


def page_token(position: int) -> str:
    return base64.urlsafe_b64encode(b"%d" % position).decode().rstrip("=")


def _position(token: str) -> int | None:
    if not token:
        return None
    try:
        number = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error) as error:
        raise _invalid_token() from error
    if not re.fullmatch(b"[0-9]{1,18}", number):  # SQLite has 64 bits
        raise _invalid_token()
    return int(number)


def _invalid_token() -> ErrorResponse:
    return ErrorResponse(400, "The page token is invalid.")
