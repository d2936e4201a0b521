"""Lists in pages: `pageSize` and `pageToken`, for files, batches and models (reference.md 10.3, traffic.md 93)."""

import base64
import binascii
from typing import NamedTuple

from ..errors import Problem
from .exchange import Request


class Page(NamedTuple):
    """How many entries, and the position the last page ended at (None for the first page)."""

    size: int
    position: int | None


def page(request: Request, default: int, most: int) -> Page:
    asked = request.query.get("pageSize") or request.query.get("page_size") or "0"
    if not asked.isascii() or not asked.isdigit():
        raise Problem(400, f"Invalid value at 'page_size' (TYPE_INT32), \"{asked}\"")
    return Page(min(int(asked) or default, most), _position(request.query.get("pageToken", "")))


def token(position: int) -> str:
    return base64.urlsafe_b64encode(b"%d" % position).decode().rstrip("=")


def _position(given: str) -> int | None:
    if not given:
        return None
    try:
        return int(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Problem(400, "The page token is invalid.") from error
