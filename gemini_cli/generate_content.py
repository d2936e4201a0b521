"""The older API family: the words of Interactions in its own (reference.md 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Part = dict[str, Any]


def contents(asked: str | Sequence[Part]) -> list[dict[str, Any]]:
    """One user turn."""
    parts = [{"text": asked}] if isinstance(asked, str) else [_part(part) for part in asked]
    return [{"role": "user", "parts": parts}]


def _part(part: Part) -> Part:
    if part["type"] == "text":
        return {"text": part["text"]}
    if "uri" in part:
        return {"fileData": {"fileUri": part["uri"], "mimeType": part["mime_type"]}}
    return {"inlineData": {"mimeType": part["mime_type"], "data": part["data"]}}
