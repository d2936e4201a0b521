"""Usage in the words of both APIs (api/README.md 6.7, 11.19).

The model counts in the words of Interactions; a script may use the words of either API.
"""

from typing import Any

NAMES = {
    "total_input_tokens": "promptTokenCount",
    "total_cached_tokens": "cachedContentTokenCount",
    "total_output_tokens": "candidatesTokenCount",
    "total_tool_use_tokens": "toolUsePromptTokenCount",
    "total_thought_tokens": "thoughtsTokenCount",
    "total_tokens": "totalTokenCount",
    "input_tokens_by_modality": "promptTokensDetails",
    "cached_tokens_by_modality": "cacheTokensDetails",
    "output_tokens_by_modality": "candidatesTokensDetails",
    "tool_use_tokens_by_modality": "toolUsePromptTokensDetails",
}
OLDER_NAMES = {older: name for name, older in NAMES.items()}


def interactions_usage(usage: dict[str, Any]) -> dict[str, Any]:
    return {OLDER_NAMES.get(key, key): _counted(each, "tokens", str.lower) for key, each in usage.items()}


def usage_metadata(usage: dict[str, Any], candidates: int = 1) -> dict[str, Any]:
    """The counts that are not 0; the output of several candidates is counted for each."""
    named = {NAMES.get(key, key): each for key, each in usage.items()}
    ordered = [
        *(name for name in NAMES.values() if name in named),
        *(name for name in named if name not in OLDER_NAMES),
    ]
    counts = {name: _counted(named[name], "tokenCount", str.upper) for name in ordered}
    if candidates > 1 and "candidatesTokenCount" in counts:
        more = counts["candidatesTokenCount"] * (candidates - 1)
        counts["candidatesTokenCount"] += more
        counts["totalTokenCount"] = counts.get("totalTokenCount", 0) + more
    return {key: each for key, each in counts.items() if each and key != "grounding_tool_count"}


def token_details(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind.upper(), "tokenCount": number} for kind, number in counts.items()]


def _counted(value: Any, key: str, spell: Any) -> Any:
    """Counts by modality with the names of one API; other values unchanged."""
    if not isinstance(value, list):
        return value
    return [
        {"modality": spell(str(each["modality"])), key: each.get("tokens", each.get("tokenCount", 0))}
        if isinstance(each, dict) and "modality" in each
        else each
        for each in value
    ]
