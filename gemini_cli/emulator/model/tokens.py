"""Token counts: a token is four bytes of text (api/README.md 6.7-6.9)."""

from collections.abc import Iterable
from typing import Any

from .conversation import Part, Step, json_objects
from .media import MEDIA_KINDS

BYTES_PER_TOKEN = 4


def text_tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def truncate_to_tokens(text: str, tokens: int) -> str:
    """The longest start of `text` with at most `tokens` tokens, in whole characters."""
    data, end = text.encode("utf-8", "surrogatepass"), tokens * BYTES_PER_TOKEN
    if len(data) <= end:
        return text
    while end and data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end].decode("utf-8", "surrogatepass")


def part_tokens(part: Part) -> tuple[str, int]:
    kind = str(part.get("type", "text"))
    if kind in MEDIA_KINDS:
        return kind, MEDIA_KINDS[kind].tokens
    return "text", text_tokens(str(part.get("text", "")))


def step_tokens(steps: Iterable[Step]) -> dict[str, int]:
    """Tokens of the steps by modality."""
    total: dict[str, int] = {}
    for step in steps:
        if step.get("type") in ("user_input", "model_output"):
            counted = [part_tokens(part) for part in json_objects(step.get("content"))]
        elif step.get("type") == "thought":
            counted = []
        else:
            counted = [("text", text_tokens(str(step.get("arguments") or step.get("result") or "")))]
        for kind, count in counted:
            total[kind] = total.get(kind, 0) + count
    return total


def list_modalities(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind, "tokens": count} for kind, count in counts.items()]


def build_usage(read: dict[str, int], output: int, thought: int, searches: int, tool_use: int) -> dict[str, Any]:
    """The `usage` object; `read` includes the history (api/README.md 6.9)."""
    total_input = sum(read.values())
    usage: dict[str, Any] = {
        "total_tokens": total_input + output + thought + tool_use,
        "total_input_tokens": total_input,
        "input_tokens_by_modality": list_modalities(read),
        "total_cached_tokens": 0,
        "total_output_tokens": output,
        "total_tool_use_tokens": tool_use,
        "total_thought_tokens": thought,
    }
    if searches:
        usage["grounding_tool_count"] = [{"type": "google_search", "count": searches}]
    return usage
