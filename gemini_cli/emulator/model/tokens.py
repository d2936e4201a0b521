"""Counting: four bytes are a token, a medium has its price, and usage adds up (reference.md 6.2, traffic.md 50-52)."""

from collections.abc import Iterable
from typing import Any

from .conversation import Part, Step

BYTES_PER_TOKEN = 4
# Near the real prices: an image 258, a second of audio 32, of video 263, a page 258.
MEDIA_TOKENS = {"image": 258, "audio": 320, "video": 2630, "document": 258}


def of_text(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def cut(text: str, tokens: int) -> str:
    """The longest beginning of `text` that costs no more than `tokens`, never half a character."""
    data, end = text.encode("utf-8", "surrogatepass"), tokens * BYTES_PER_TOKEN
    if len(data) <= end:
        return text
    while end and data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end].decode("utf-8", "surrogatepass")


def of_part(part: Part) -> tuple[str, int]:
    kind = str(part.get("type", "text"))
    if kind in MEDIA_TOKENS:
        return kind, MEDIA_TOKENS[kind]
    return "text", of_text(str(part.get("text", "")))


def of_steps(steps: Iterable[Step]) -> dict[str, int]:
    """Tokens by modality of everything the model is given to read."""
    total: dict[str, int] = {}
    for step in steps:
        if step.get("type") in ("user_input", "model_output"):
            counted = [of_part(part) for part in step.get("content") or []]
        elif step.get("type") == "thought":
            counted = []
        else:
            counted = [("text", of_text(str(step.get("arguments") or step.get("result") or "")))]
        for kind, count in counted:
            total[kind] = total.get(kind, 0) + count
    return total


def by_modality(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind, "tokens": count} for kind, count in counts.items()]


def usage(read: dict[str, int], output: int, thought: int, searches: int) -> dict[str, Any]:
    """The `usage` object; the history of a conversation counts as input again (traffic.md 52)."""
    total_input = sum(read.values())
    found: dict[str, Any] = {
        "total_tokens": total_input + output + thought,
        "total_input_tokens": total_input,
        "input_tokens_by_modality": by_modality(read),
        "total_cached_tokens": 0,
        "total_output_tokens": output,
        "total_tool_use_tokens": 0,
        "total_thought_tokens": thought,
    }
    if searches:
        found["grounding_tool_count"] = [{"type": "google_search", "count": searches}]
    return found
