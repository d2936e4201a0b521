"""How much memory does an attachment cost that goes inline? Peak of the whole program, beside one without it.

    python tests/bench/attach.py [MEGABYTES]

The program asks a server on loopback that reads the request and answers at once. The target (issue 6): less than three
times the file and 40 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

MB = 1000 * 1000
PIECE = 1 << 20
MEASURE = str(Path(__file__).parents[1] / "faults" / "measure.py")


class Reader(BaseHTTPRequestHandler):
    """Reads a request without keeping it, and says how long it was."""

    def do_POST(self) -> None:
        size = left = int(self.headers["content-length"])
        while left:
            left -= len(self.rfile.read(min(left, PIECE)))
        content = [{"type": "text", "text": str(size)}]
        interaction = {"id": "v1_a", "status": "completed", "steps": [{"type": "model_output", "content": content}]}
        answer = json.dumps(interaction).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Reader) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def peak(url: str, place: str, *argv: str) -> float:
    """Megabytes that one run had at most."""
    kib = Path(place, "peak")
    environ = {**os.environ, "GEMINI_API_KEY": "0123456789-abcdefghij", "GEMINI_BASE_URL": url}
    program = [sys.executable, "-m", "gemini_cli", "generate", "--no-stdin", *argv]
    subprocess.run([sys.executable, MEASURE, str(kib), *program], env=environ, check=True, stdout=subprocess.DEVNULL)
    return int(kib.read_text()) * 1024 / MB


def main() -> None:
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 15
    with server() as url, tempfile.TemporaryDirectory() as place:
        picture = Path(place, "a.png")
        picture.write_bytes(os.urandom(int(size * MB)))
        without = peak(url, place, "hi")
        attached = peak(url, place, "--inline", "-a", str(picture), "hi")
    print(f"without an attachment  {without:6.1f} MB")
    print(f"with one of {size:g} MB     {attached:6.1f} MB, {(attached - without) / size:.2f} of the file above it")
    print(f"the target is below    {3 * size + 40:6.1f} MB")


if __name__ == "__main__":
    main()
