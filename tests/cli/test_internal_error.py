"""Exit status 1: a mistake in the program itself."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.harness import KEY, gemini


class BrokenTransport(httpx.BaseTransport):
    """Raises an error that the program does not expect, inside code that is not its own."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.loads(f"no JSON, but {KEY}"))


def test_the_message_names_the_frame_of_the_program_and_no_value() -> None:
    outcome = gemini("generate", "hi", answers=BrokenTransport())
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("gemini-cli: bug: JSONDecodeError at http_client.py:")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("options", [("-vv",), ("-vv", "--json")])
def test_vv_shows_the_traceback_on_stderr(options: tuple[str, ...]) -> None:
    outcome = gemini("generate", *options, "hi", answers=BrokenTransport())
    assert (outcome.status, outcome.out) == (1, "")
    lines = outcome.err.splitlines()
    assert "Traceback (most recent call last):" in lines
    assert [line for line in lines if line.endswith("in handle_request")]
    assert lines[-1].startswith('{"error":' if "--json" in options else "gemini-cli: bug: JSONDecodeError at ")


@pytest.mark.parametrize("options", [(), ("-v",), ("--json",)])
def test_without_vv_there_is_no_traceback(options: tuple[str, ...]) -> None:
    outcome = gemini("generate", *options, "hi", answers=BrokenTransport())
    assert outcome.status == 1
    assert "Traceback" not in outcome.err
