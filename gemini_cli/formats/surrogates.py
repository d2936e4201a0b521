"""Text in UTF-16, and the surrogate pairs of its units (RFC 8259, 8.2).

JSON can hold half a pair, which UTF-8 cannot encode.
"""

from __future__ import annotations

import re
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def to_utf16(text: str) -> bytes:
    """Encode as UTF-16, in whose units some servers count and cut text.

    Both halves of a surrogate pair give the same bytes as the whole character.
    """
    return text.encode("utf-16-le", "surrogatepass")


def utf16_length(text: str) -> int:
    """The bytes of the text in UTF-16."""
    return 2 * len(text) if text.isascii() else len(to_utf16(text))


def from_utf16(units: bytes) -> str:
    return units.decode("utf-16-le", "surrogatepass")


def join_surrogates(text: str) -> str:
    """Join the adjacent halves of surrogate pairs to characters."""
    return text if text.isascii() else from_utf16(to_utf16(text))


def has_lone_surrogate(text: str) -> bool:
    """Whether the text holds half a surrogate pair, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.search(join_surrogates(text)) is not None
    return False


def replace_lone_surrogates(value: Any) -> Any:
    """Replace each half of a surrogate pair in a value by U+FFFD."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", join_surrogates(value)) if has_lone_surrogate(value) else value
    if isinstance(value, list):
        return [replace_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {replace_lone_surrogates(key): replace_lone_surrogates(item) for key, item in value.items()}
    return value
