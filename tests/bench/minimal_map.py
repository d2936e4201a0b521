"""The least program for many prompts on the same packages, which the benchmark of `map` compares with.

    python minimal_map.py THREADS FILE

A pool of threads shares one httpx client; each row of the JSON Lines file is one request, and one line of stdout.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx


def main() -> None:
    threads, path = int(sys.argv[1]), sys.argv[2]
    url = os.environ["GEMINI_BASE_URL"] + "/v1beta/interactions"
    headers = {"x-goog-api-key": os.environ["GEMINI_API_KEY"]}
    with httpx.Client(timeout=60, headers=headers) as client, ThreadPoolExecutor(threads) as pool, open(path) as file:

        def request(line: str) -> str:
            body = {"model": "gemini-flash-latest", "input": f"Summarise: {json.loads(line)['text']}"}
            answer = client.post(url, json=body).raise_for_status().json()
            return "".join(part["text"] for step in answer["steps"] for part in step.get("content", ()))

        for text in pool.map(request, file):
            print(json.dumps({"text": text}))


if __name__ == "__main__":
    main()
