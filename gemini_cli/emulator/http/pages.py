"""Pages of lists (api/README.md 10.11, 11.23, 14.5)."""

import base64
import binascii
from typing import NamedTuple

from ..errors import ErrorResponse
from .exchange import ApiRequest


class PageRequest(NamedTuple):
    """The size of a page, and the position of its start (None for the first page)."""

    size: int
    position: int | None


def parse_page_request(request: ApiRequest, default: int, maximum: int) -> PageRequest:
    size = request.query.get("pageSize") or request.query.get("page_size") or "0"
    if not size.isascii() or not size.isdigit():
        raise ErrorResponse(400, f"Invalid value at 'page_size' (TYPE_INT32), \"{size}\"")
    return PageRequest(min(int(size) or default, maximum), _position(request.query.get("pageToken", "")))


def page_token(position: int) -> str:
    return base64.urlsafe_b64encode(b"%d" % position).decode().rstrip("=")


def _position(token: str) -> int | None:
    if not token:
        return None
    try:
        return int(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error) as error:
        raise ErrorResponse(400, "The page token is invalid.") from error
