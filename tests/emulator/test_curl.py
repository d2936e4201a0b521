"""curl as in the published shell examples (api/README.md 1.4, 10.1, 10.7)."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemini_cli.emulator.http.server import Server
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs curl and bash")

TEXT = """
curl -s -X POST "$BASE/v1beta/interactions" -H "x-goog-api-key: $GEMINI_API_KEY" \\
  -H "Content-Type: application/json" -H "Api-Revision: 2026-05-20" \\
  -d '{"model": "gemini-3-flash-preview", "input": "How does AI work?"}'
"""

STREAM = """
curl -s -N -X POST "$BASE/v1beta/interactions?alt=sse" -H "x-goog-api-key: $GEMINI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "gemini-3-flash-preview", "input": "Explain how AI works", "stream": true}'
"""

OLDER = """
curl -s "$BASE/v1beta/models/gemini-2.0-flash:generateContent?key=$GEMINI_API_KEY" \\
  -H 'Content-Type: application/json' -X POST -d '{"contents": [{"parts": [{"text": "How does AI work?"}]}]}'
"""

JSON_START = r"{\"file\": {\"display_name\": \"${DISPLAY_NAME}\"}}"
UPLOAD = """
DISPLAY_NAME=IMAGE
curl -s "$BASE/upload/v1beta/files" -D headers.tmp -H "x-goog-api-key: $GEMINI_API_KEY" \\
  -H "X-Goog-Upload-Protocol: resumable" -H "X-Goog-Upload-Command: start" \\
  -H "X-Goog-Upload-Header-Content-Length: $(wc -c < picture.png | tr -d ' ')" \\
  -H "X-Goog-Upload-Header-Content-Type: image/png" -H "Content-Type: application/json" \\
  -d "@start"
url=$(grep -i "x-goog-upload-url: " headers.tmp | cut -d" " -f2 | tr -d "\\r")
curl -s "$url" -H "Content-Length: $(wc -c < picture.png | tr -d ' ')" -H "X-Goog-Upload-Offset: 0" \\
  -H "X-Goog-Upload-Command: upload, finalize" --data-binary "@picture.png"
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def shell(server: Server, script: str, cwd: Path) -> str:
    environment = {**os.environ, "BASE": server.url, "GEMINI_API_KEY": server.key}
    done = subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return done.stdout


def test_text(server: Server, tmp_path: Path) -> None:
    found = json.loads(shell(server, TEXT, tmp_path))
    assert found["steps"][-1]["content"][0]["text"].startswith("Emulator: turn 1,")


def test_stream(server: Server, tmp_path: Path) -> None:
    assert shell(server, STREAM, tmp_path).endswith("event: done\ndata: [DONE]\n\n")


def test_generate_content_with_the_key_in_the_query(server: Server, tmp_path: Path) -> None:
    found = json.loads(shell(server, OLDER, tmp_path))
    assert found["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("body", ["{'file': {'display_name': '${DISPLAY_NAME}'}}", JSON_START])
def test_upload(server: Server, tmp_path: Path, body: str) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG" * 400_000)
    found = json.loads(shell(server, UPLOAD.replace("@start", body), tmp_path))
    assert (found["file"]["displayName"], found["file"]["sizeBytes"]) == ("IMAGE", "1600000")


def test_a_form_post_of_a_web_page_is_an_error(server: Server, tmp_path: Path) -> None:
    found = json.loads(shell(server, """curl -s "$BASE/v1/interactions" -d '{}'""", tmp_path))
    assert found["error"]["code"] == 415
