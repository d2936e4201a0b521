"""The least program on the same packages, which the benchmarks compare with.

    python minimal.py [--stream] [--model NAME] PROMPT

One file as one would write it in an hour: Typer with two options, one httpx client, httpx-sse, json. It handles no
error, no profile, no stdin. The address of the API comes from GEMINI_BASE_URL, the key from GEMINI_API_KEY.
"""

import json
import os
from typing import Annotated

import httpx
import typer
from httpx_sse import connect_sse


def main(
    prompt: str,
    model: Annotated[str, typer.Option("-m", "--model")] = "gemini-flash-latest",
    stream: Annotated[bool, typer.Option("--stream")] = False,
) -> None:
    url = os.environ["GEMINI_BASE_URL"] + "/v1beta/interactions"
    headers = {"x-goog-api-key": os.environ["GEMINI_API_KEY"]}
    body = {"model": model, "input": prompt, "stream": stream}
    with httpx.Client(timeout=60, headers=headers) as client:
        if not stream:
            answer = client.post(url, json=body).raise_for_status().json()
            print("".join(part["text"] for step in answer["steps"] for part in step.get("content", ())))
            return
        with connect_sse(client, "POST", url, json=body) as source:
            for sse in source.iter_sse():
                event = json.loads(sse.data)
                if event["event_type"] == "step.delta":
                    print(event["delta"]["text"], end="", flush=True)


if __name__ == "__main__":
    typer.run(main)
