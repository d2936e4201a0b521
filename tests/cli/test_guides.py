"""The examples of the API's guides as command lines: text generation, quickstart, and the older text generation guide.

Each one shows the documented request with `-n`, and runs offline. A guide has an example in several languages, which
differ in their parameters.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.harness import Outcome, gemini

from .test_same_request import API, lines, meaning

URI = "https://generativelanguage.googleapis.com/v1beta/files/abc"
TOOL = {
    "type": "function",
    "name": "get_current_temperature",
    "description": "Gets the current temperature for a given location.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city name, e.g. San Francisco"}},
        "required": ["location"],
    },
}
RESULT = [{"type": "text", "text": '{"temperature": "15C", "condition": "Cloudy"}'}]
DOGS = "I have 2 dogs in my house."
PAWS = "How many paws are in my house?"


def user(text: str) -> dict[str, Any]:
    return {"type": "user_input", "content": [{"type": "text", "text": text}]}


def content(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


HELLO = [content("Hello"), content("Great to meet you. What would you like to know?", "model")]
TWO_DOGS = content("I have two dogs in my house. How many paws are in my house?")
SWALLOW = "What is the average size of a swallow?"
FLASH = "gemini-3-flash-preview"


class Guide(NamedTuple):
    """A command line, its stdin, and the documented body.

    `page` is the name of the request in the collection of documented requests, if it is in there. ID and CALL_ID in the
    command line stand for those of an answer to the prompt `before`.
    """

    name: str
    argv: str
    body: dict[str, Any]
    stdin: str = ""
    page: str = ""
    before: str = ""


INTERACTIONS = [
    Guide("text", 'generate "How does AI work?"', {"input": "How does AI work?"}, page="text"),
    Guide(
        "quickstart",
        'generate -m gemini-3.5-flash "Explain how AI works in a few words"',
        {"model": "gemini-3.5-flash", "input": "Explain how AI works in a few words"},
        page="quickstart text",
    ),
    Guide(
        "thinking",
        'generate --thinking low "How does AI work?"',
        {"input": "How does AI work?", "generation_config": {"thinking_level": "low"}},
        page="thinking level",
    ),
    Guide(
        "system instruction",
        'generate -s "You are a cat. Your name is Neko." "Hello there"',
        {"system_instruction": "You are a cat. Your name is Neko.", "input": "Hello there"},
        page="system instruction",
    ),
    Guide(
        "temperature",
        'generate --temperature 1.0 "Explain how AI works"',
        {"input": "Explain how AI works", "generation_config": {"temperature": 1.0}},
        page="temperature",
    ),
    Guide(
        "sampling",
        'generate --temperature 0.9 --top-p 0.5 --top-k 20 "Explain how AI works"',
        {"input": "Explain how AI works", "generation_config": {"temperature": 0.9, "top_p": 0.5, "top_k": 20}},
    ),
    Guide(
        "text, then image",
        'generate -a "files/abc;type=image/jpeg" "Tell me about this instrument"',
        {
            "input": [
                {"type": "text", "text": "Tell me about this instrument"},
                {"type": "image", "uri": URI, "mime_type": "image/jpeg"},
            ]
        },
        page="image by uri",
    ),
    Guide(
        "image, then text",
        'generate -a "files/abc;type=image/jpeg"',
        {
            "input": [
                {"type": "image", "uri": URI, "mime_type": "image/jpeg"},
                {"type": "text", "text": "Tell me about this instrument"},
            ]
        },
        stdin="Tell me about this instrument",
    ),
    Guide("stream", 'stream "Explain how AI works"', {"input": "Explain how AI works", "stream": True}, page="stream"),
    Guide("first turn", f'generate "{DOGS}"', {"input": DOGS}, page="multi-turn 1"),
    Guide(
        "second turn",
        f'generate --previous ID "{PAWS}"',
        {"input": PAWS, "previous_interaction_id": "ID"},
        page="multi-turn 2",
        before=DOGS,
    ),
    Guide(
        "second turn, streamed",
        f'stream --previous ID "{PAWS}"',
        {"input": PAWS, "previous_interaction_id": "ID", "stream": True},
        page="multi-turn 2 streamed",
        before=DOGS,
    ),
    Guide(
        "first turn, not stored",
        f'generate --history new.json "{DOGS}"',
        {"store": False, "input": [user(DOGS)]},
        page="stateless 1",
    ),
    Guide(
        "second turn, not stored",
        f'generate --history dogs.json "{PAWS}"',
        {"store": False, "input": [user(DOGS), {"type": "thought", "signature": "c2ln"}, user(PAWS)]},
    ),
    Guide(
        "search",
        'generate -T google_search "Who won the euro 2024?"',
        {"input": "Who won the euro 2024?", "tools": [{"type": "google_search"}]},
        page="google_search",
    ),
    Guide(
        "function",
        """generate -T tools.json "What's the temperature in London?" """,
        {"input": "What's the temperature in London?", "tools": [TOOL]},
        page="function declaration",
    ),
    Guide(
        "result of a function",
        "call-tool -T tools.json --previous ID --result CALL_ID=@result.json",
        {
            "input": [
                {
                    "type": "function_result",
                    "name": "get_current_temperature",
                    "call_id": "CALL_ID",
                    "result": RESULT,
                }
            ],
            "tools": [TOOL],
            "previous_interaction_id": "ID",
        },
        page="function result",
        before='get_current_temperature {"location": "London"}',
    ),
]

OLDER = [
    Guide("text", 'generate "How does AI work?"', {"contents": [content("How does AI work?")]}, page="gc text"),
    Guide(
        "thinking budget",
        'generate --set generation_config.thinking_budget=0 "How does AI work?"',
        {
            "contents": [content("How does AI work?")],
            "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}},
        },
    ),
    Guide(
        "system instruction",
        'generate -s "You are a cat. Your name is Neko." "Hello there"',
        {
            "systemInstruction": {"parts": [{"text": "You are a cat. Your name is Neko."}]},
            "contents": [content("Hello there")],
        },
        page="gc system instruction",
    ),
    Guide(
        "generation config in REST",
        'generate --stop Title --temperature 1 --max-tokens 800 --top-p 0.8 --top-k 10 "Explain how AI works"',
        {
            "contents": [content("Explain how AI works")],
            "generationConfig": {
                "stopSequences": ["Title"],
                "temperature": 1.0,
                "maxOutputTokens": 800,
                "topP": 0.8,
                "topK": 10,
            },
        },
        page="gc generation config",
    ),
    Guide(
        "generation config in Python",
        'generate --temperature 0.1 "Explain how AI works"',
        {"contents": [content("Explain how AI works")], "generationConfig": {"temperature": 0.1}},
    ),
    Guide(
        "generation config in Go",
        f'generate --temperature 0.9 --top-p 0.5 --top-k 20 --set response_mime_type=application/json "{SWALLOW}"',
        {
            "contents": [content(SWALLOW)],
            "generationConfig": {
                "temperature": 0.9,
                "topP": 0.5,
                "topK": 20,
                "responseMimeType": "application/json",
            },
        },
    ),
    Guide(
        "text, then image",
        'generate -a organ.jpg "Tell me about this instrument"',
        {
            "contents": [
                {
                    "parts": [
                        {"text": "Tell me about this instrument"},
                        {"inlineData": {"mimeType": "image/jpeg", "data": "MTIz"}},
                    ]
                }
            ]
        },
        page="gc inline image",
    ),
    Guide(
        "image, then text",
        "generate -a organ.jpg",
        {
            "contents": [
                {
                    "parts": [
                        {"inlineData": {"mimeType": "image/jpeg", "data": "MTIz"}},
                        {"text": "Tell me about this instrument"},
                    ]
                }
            ]
        },
        stdin="Tell me about this instrument",
    ),
    Guide("stream", 'stream "Explain how AI works"', {"contents": [content("Explain how AI works")]}, page="gc stream"),
    Guide(
        "turns with roles",
        "generate --request contents.json",
        {"contents": [*HELLO, TWO_DOGS]},
        page="gc multi-turn",
    ),
    Guide(
        "turns with roles, streamed",
        "stream --request contents.json",
        {"contents": [*HELLO, TWO_DOGS]},
        page="gc multi-turn streamed",
    ),
    Guide(
        "turns of a history",
        'generate --history hello.json "I have two dogs in my house. How many paws are in my house?"',
        {"contents": [*HELLO, TWO_DOGS]},
    ),
    Guide("preset history", f'chat --history hello.json "{DOGS}"', {"contents": [*HELLO, content(DOGS)]}),
]


@pytest.fixture(autouse=True)
def files() -> None:
    """The files that the command lines name."""
    Path("organ.jpg").write_bytes(b"123")
    Path("tools.json").write_text(json.dumps([TOOL]))
    Path("result.json").write_text(json.dumps(RESULT))
    Path("contents.json").write_text(json.dumps({"contents": [*HELLO, TWO_DOGS]}))
    Path("dogs.json").write_text(json.dumps([user(DOGS), {"type": "thought", "signature": "c2ln"}]))
    answer = {"type": "model_output", "content": [{"type": "text", "text": HELLO[1]["parts"][0]["text"]}]}
    Path("hello.json").write_text(json.dumps([user("Hello"), answer]))


def run(guide: Guide, *options: str, home: Path, found: dict[str, str] | None = None) -> Outcome:
    command, *rest = shlex.split(guide.argv)
    for name, value in (found or {}).items():
        rest = [word.replace(name, value) for word in rest]
    model = [] if "-m" in rest else ["-m", FLASH]
    return gemini(command, *options, *model, *rest, stdin=guide.stdin.encode(), environ={"HOME": str(home)})


@pytest.mark.parametrize("guide", INTERACTIONS, ids=lambda guide: guide.name)
def test_the_request_is_the_documented_one(guide: Guide, home: Path) -> None:
    shown = run(guide, "-n", home=home).json
    assert urlsplit(shown["url"]).path == "/v1beta/interactions"
    assert shown["headers"]["Api-Revision"] == "2026-05-20"
    assert shown["body"] == {"model": FLASH, **guide.body}


@pytest.mark.parametrize("guide", INTERACTIONS, ids=lambda guide: guide.name)
def test_the_command_line_runs_offline(guide: Guide, home: Path) -> None:
    found: dict[str, str] = {}
    if guide.before:
        tools = ["-T", "tools.json"] if "tools" in guide.body else []
        earlier = gemini(
            "generate", "--offline", "--json", "-m", FLASH, *tools, guide.before, environ={"HOME": str(home)}
        )
        step = earlier.json["steps"][-1]
        found = {"CALL_ID": step.get("id", ""), "ID": earlier.json["id"]}
    outcome = run(guide, "--offline", home=home, found=found)
    calls = guide.name == "function"
    assert outcome.status == (10 if calls else 0), outcome.err
    assert outcome.out


@pytest.mark.parametrize("guide", OLDER, ids=lambda guide: guide.name)
def test_the_request_of_the_older_guide_is_the_documented_one(guide: Guide, home: Path) -> None:
    shown = run(guide, "-n", "--api", "generate-content", home=home).json
    method = "streamGenerateContent" if guide.argv.startswith(("stream ", "chat ")) else "generateContent"
    assert urlsplit(shown["url"]).path == f"/v1beta/models/{FLASH}:{method}"
    assert meaning(shown["body"]) == meaning(guide.body)


@pytest.mark.parametrize("guide", OLDER, ids=lambda guide: guide.name)
def test_the_command_line_of_the_older_guide_runs_offline(guide: Guide, home: Path) -> None:
    outcome = run(guide, "--offline", "--api", "generate-content", home=home)
    assert (outcome.status, outcome.out != "") == (0, True), outcome.err


@pytest.mark.parametrize("api", ["interactions", "generate-content"])
def test_a_chat_with_a_preset_history_goes_on(api: str, home: Path) -> None:
    argv = ["chat", "--offline", "--api", api, "-m", FLASH, "--history", "hello.json"]
    outcome = gemini(*argv, stdin=f"{DOGS}\n{PAWS}\n".encode(), environ={"HOME": str(home)})
    assert outcome.status == 0, outcome.err
    assert [line.split(",")[0] for line in outcome.out.splitlines() if line.startswith("Emulator: ")] == [
        "Emulator: turn 2",
        "Emulator: turn 3",
    ]


@pytest.mark.parametrize("api", ["interactions", "generate-content"])
def test_a_chat_lists_its_roles_as_the_guide_does(api: str, home: Path) -> None:
    environ = {"HOME": str(home)}
    for prompt in (DOGS, PAWS):
        argv = ["chat", "--offline", "--api", api, "-m", FLASH, "--session", "dogs", prompt]
        assert gemini(*argv, environ=environ).status == 0
    shown = gemini("chat", "--offline", "--show", "dogs", "--roles", environ=environ)
    roles = [line.partition(": ")[::2] for line in shown.out.splitlines() if line.startswith("role - ")]
    assert [name for name, _ in roles] == ["role - user", "role - model"] * 2
    assert [text for name, text in roles if name == "role - user"] == [DOGS, PAWS]


@pytest.mark.skipif(not API.is_dir(), reason=f"no recordings at {API.name}/ beside the project")
@pytest.mark.parametrize("guide", [each for each in [*INTERACTIONS, *OLDER] if each.page], ids=lambda guide: guide.page)
def test_the_body_is_that_of_the_page(guide: Guide) -> None:
    (page,) = [each["body"] for each in lines("documented.jsonl") if each["name"] == guide.page]
    if guide in OLDER:
        assert meaning(guide.body) == meaning(page)
    else:
        text = json.dumps({"model": FLASH, **guide.body}).replace(URI, "YOUR_FILE_URI")
        assert json.loads(text) == page


@pytest.mark.skipif(not API.is_dir(), reason=f"no recordings at {API.name}/ beside the project")
def test_every_page_is_tried() -> None:
    """The second turn without storage has the steps of a real answer, so it is not compared."""
    pages = {each["name"] for each in lines("documented.jsonl")}
    assert pages - {each.page for each in [*INTERACTIONS, *OLDER]} == {"stateless 2"}
