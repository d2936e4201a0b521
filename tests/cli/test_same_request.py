"""One request by options, by the official SDK and by the API's pages: the same body, and the emulator takes it.

Bodies are compared in the normal form of the emulator, which knows both spellings of every name (api/README.md 11.5).
The requests of the SDK and of the pages are kept beside the project, and read from there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gemini_cli.emulator.api.generate_schema import REQUEST
from gemini_cli.emulator.api.json_parser import parse_message
from tests.harness import gemini

API = Path(__file__).parents[3] / "shared" / "api"

pytestmark = pytest.mark.skipif(not API.is_dir(), reason=f"no recordings at {API.name}/ beside the project")

FULL = """-s s --temperature 0.1 --set generation_config.top_k=3 --max-tokens 9 --thinking low --thoughts
--schema {"type":"object"} -T google_search -T f.yaml --tool-choice f --safety harassment=block_none
--label a=b --service-tier flex --no-store --set cached_content=cachedContents/c1
-a a.png -a https://x/files/a;type=image/png Hi"""
HELLO = """{"input": [
    {"type": "user_input", "content": [{"type": "text", "text": "Hello"}]},
    {"type": "model_output", "content": [{"type": "text", "text": "Great to meet you. What would you like to know?"}]},
    {"type": "user_input", "content": "I have two dogs in my house. How many paws are in my house?"}]}"""

SDK = [
    ("models.generate_content", "generate", ["Hi"]),
    ("models.generate_content full", "generate", FULL.split()),
    ("models.generate_content_stream", "stream", ["Hi"]),
]
PAGES = [
    ("gc text", "generate", ["How does AI work?"]),
    ("gc system instruction", "generate", ["-s", "You are a cat. Your name is Neko.", "Hello there"]),
    (
        "gc generation config",
        "generate",
        "--stop Title --temperature 1 --max-tokens 800 --top-p 0.8 --set generation_config.top_k=10 -f ai.txt".split(),
    ),
    ("gc inline image", "generate", ["-a", "b.jpg", "Tell me about this instrument"]),
    ("gc stream", "stream", ["Explain how AI works"]),
    ("gc multi-turn", "generate", ["--request", "hello.json"]),
    ("gc multi-turn streamed", "stream", ["--request", "hello.json"]),
]


def lines(name: str) -> list[dict[str, Any]]:
    """A picture's base64, which the page calls BASE64, is that of `123`."""
    return [json.loads(line.replace('"BASE64"', '"MTIz"')) for line in (API / name).read_text().splitlines()]


def meaning(body: dict[str, Any]) -> dict[str, Any]:
    """Without the roles that go without saying, and with one alphabet for base64."""
    found: dict[str, Any] = parse_message(body, REQUEST)
    found.get("systemInstruction", {}).pop("role", None)
    for content in found["contents"]:
        content.setdefault("role", "user")
        for part in content["parts"]:
            if "inlineData" in part:
                part["inlineData"]["data"] = part["inlineData"]["data"].replace("_", "/").replace("-", "+")
    return found


@pytest.mark.parametrize(
    ("file", "name", "command", "argv"),
    [("sdk-requests.jsonl", *row) for row in SDK] + [("documented.jsonl", *row) for row in PAGES],
    ids=[row[0] for row in (*SDK, *PAGES)],
)
def test_the_question_is_the_same(file: str, name: str, command: str, argv: list[str]) -> None:
    Path("a.png").write_bytes(b"\xff\xfe\xfd")
    Path("b.jpg").write_bytes(b"123")
    Path("ai.txt").write_text("Explain how AI works")
    Path("f.yaml").write_text("- {name: f, parameters: {type: object}}\n")
    Path("hello.json").write_text(HELLO)
    (theirs,) = [each for each in lines(file) if each.get("call", each.get("name")) == name]
    target = urlsplit(theirs["path"])
    model = target.path.partition("models/")[2].partition(":")[0]
    flags = ["--api", "generate-content", "-m", model, "--api-version", target.path.split("/")[1], *argv]
    ours = gemini(command, "-n", *flags)
    assert urlsplit(ours.json["url"]).path == target.path
    assert meaning(ours.body) == meaning(theirs.get("body") or theirs["body_json"])
    assert gemini(command, "--offline", "-q", *flags).status in (0, 8, 10)
