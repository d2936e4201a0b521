"""The forms in which a secret may stand in a text."""

from __future__ import annotations

import base64
from urllib.parse import quote

from gemini_cli.formats import strict_json

SHORTEST_PART = 12  # characters of base64; a shorter part may stand anywhere


def secret_forms(secret: str) -> list[str]:
    """The secret as it is, in JSON, in a URL and in base64, the longest first.

    Inside of a longer base64 text a secret looks different with each of three offsets.
    """
    data = secret.encode("utf-8", "surrogateescape")  # a variable may hold any bytes
    whole = base64.b64encode(data).decode()
    parts = [part for offset in range(3) if len(part := _base64_part(data, offset)) >= SHORTEST_PART]
    plain = [secret, strict_json.dumps(secret)[1:-1], whole, whole.rstrip("="), quote(data, safe="")]
    forms = [*plain, *parts, *(part.translate(_URL_SAFE) for part in parts)]
    return sorted(set(forms), key=len, reverse=True)


_URL_SAFE = str.maketrans("+/", "-_")


def _base64_part(data: bytes, offset: int) -> str:
    """The base64 characters that depend on the data alone.

    `offset` is the number of bytes between a group of three and the data.
    """
    encoded = base64.b64encode(bytes(offset) + data).decode()
    start = -(-offset * 8 // 6)
    return encoded[start : (offset + len(data)) * 8 // 6]
