"""Tokens that continue a long answer (api/README.md 8.11, 11.21)."""

import base64
import json


def encode_continuation_token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def parse_continuation_token(token: str | None) -> int:
    """The offset in characters, 0 without a token; ValueError for a wrong one."""
    if not token:
        return 0
    try:
        offset = json.loads(base64.urlsafe_b64decode(token))["offset"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a continuation token") from error
    if not isinstance(offset, int) or offset < 0:
        raise ValueError("not an offset")
    return offset
