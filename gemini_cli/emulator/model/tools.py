"""The server's tools: their steps, and sentences with citations.

google_search is as recorded (api/README.md 4.7, 4.8, 5.2, 5.3, 7.10), the others follow their types (4.1, 5.1).
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .conversation import Step

SEARCH_SUGGESTIONS = '<div class="container">emulator: no search was made</div>'


class Sentence(NamedTuple):
    """A sentence of the answer, and its annotation without offsets."""

    text: str
    annotation: dict[str, Any] | None = None


class ToolUse(NamedTuple):
    """The contribution of a tool to an answer."""

    steps: list[Step]
    sentences: list[Sentence]


def _pair(kind: str, id: str, arguments: dict[str, Any] | None, result: Any, **more: Any) -> list[Step]:
    call: Step = {"id": id, "signature": SIGNATURE, "type": f"{kind}_call"}
    answer: Step = {"call_id": id, "signature": SIGNATURE, "type": f"{kind}_result"}
    if arguments is not None:
        call["arguments"] = arguments
    if result is not None:
        answer["result"] = result
    return [call, {**answer, **more}]


SIGNATURE = "ZW11bGF0b3Igc2lnbmF0dXJl"


def _citation(url: str, title: str) -> dict[str, Any]:
    return {"url": url, "title": title, "type": "url_citation"}


def _google_search(prompt: str) -> ToolUse:
    # Typographic quotes, because citations count bytes and not characters (api/README.md 5.2).
    query = " ".join(prompt.split())[:40]
    steps = _pair(
        "google_search",
        "srch0001",
        {"queries": [query]},
        [{"search_suggestions": SEARCH_SUGGESTIONS}],
        is_error=False,
    )
    first = f"An invented page says something about “{query}”."
    second = "Another invented page agrees, naïvely."
    return ToolUse(
        steps,
        [
            Sentence(first, _citation("https://example.com/emulator/one", "example.com")),
            Sentence(second, _citation("https://example.org/emulator/two", "example.org")),
        ],
    )


def _url_context(prompt: str) -> ToolUse:
    urls = [url.rstrip(".,;:!?)") for url in re.findall(r"https?://\S+", prompt)] or ["https://example.com/"]
    result = [{"url": url, "status": "success"} for url in urls]
    sentences = [Sentence(f"Nothing was fetched from {url}.", _citation(url, url.split("/")[2])) for url in urls]
    return ToolUse(_pair("url_context", "urls0001", {"urls": urls}, result, is_error=False), sentences)


def _code_execution(prompt: str) -> ToolUse:
    arguments = {"code": "print(6 * 7)", "language": "python"}
    steps = _pair("code_execution", "code0001", arguments, "42\n", is_error=False)
    return ToolUse(steps, [Sentence("The code was not run; it would have printed 42.")])


def _google_maps(prompt: str) -> ToolUse:
    place = {"name": "Null Island", "place_id": "emulator-0-0", "url": "https://maps.google.com/?cid=0"}
    steps = _pair("google_maps", "maps0001", {"queries": [prompt[:40]]}, [{"places": [place]}])
    return ToolUse(steps, [Sentence("The nearest invented place is Null Island.", {**place, "type": "place_citation"})])


def _file_search(prompt: str) -> ToolUse:
    steps = _pair("file_search", "fsrc0001", None, None)
    annotation = {"file_name": "emulator.txt", "page_number": 1, "type": "file_citation"}
    return ToolUse(steps, [Sentence("An invented file says so too.", annotation)])


TOOLS: dict[str, Callable[[str], ToolUse]] = {
    "google_search": _google_search,
    "url_context": _url_context,
    "code_execution": _code_execution,
    "google_maps": _google_maps,
    "file_search": _file_search,
}


def use_tools(names: list[str], prompt: str) -> ToolUse:
    """The contributions of the named tools; a tool without a row has none."""
    used = [TOOLS[name](prompt) for name in dict.fromkeys(names) if name in TOOLS]
    return ToolUse([step for each in used for step in each.steps], [line for each in used for line in each.sentences])
