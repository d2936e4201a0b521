"""The pytest fixture `gemini_emulator`: the Gemini API on loopback.

    def test_summary(gemini_emulator):
        gemini_emulator.script([{"when": "report", "reply": "All is well."}])
        client = genai.Client(api_key=gemini_emulator.key, http_options={"base_url": gemini_emulator.url})
        assert summary(client, "the report") == "All is well."
        assert gemini_emulator.requests[0]["body"]["contents"]

Each pytest process starts one server, at the first test that uses the fixture. Each test has a sandbox of its own.

pytest imports this module wherever gemini-cli is installed, so it imports nothing of gemini-cli before that.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gemini_cli.emulator.http.server import Server

_numbers = itertools.count(1)


class GeminiEmulator:
    """The emulator of one test: it sees nothing of other tests."""

    def __init__(self, server: Server, sandbox: str) -> None:
        self._server = server
        self._sandbox = server.sandboxes.get(sandbox)
        self.key = server.key
        self.url = server.url + self._sandbox.path

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The received requests, in the format of `gemini-cli emulator --requests`."""
        return [request.as_json() for request in list(self._sandbox.requests)]

    def script(self, source: list[Any] | str | os.PathLike[str]) -> None:
        """Use a script: a list of lines, or a YAML file; ValueError for a mistake."""
        self._sandbox.emulator.replace_script(source)

    def fault(self, *texts: str) -> None:
        """Add faults, such as "refuse(503, times=2)"; ValueError for a mistake."""
        self._sandbox.emulator.add_faults(texts)

    def environ(self) -> dict[str, str]:
        """The variables for clients that take URL and key from the environment."""
        return self._server.environ(self._sandbox)

    def assert_all_used(self) -> None:
        """Fail as `gemini-cli emulator --strict` does.

        AssertionError: a script line or a fault was not used, or a request had no script line or no endpoint.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        if leftovers := self._sandbox.emulator.leftovers(strict=True):
            raise AssertionError("; ".join(leftovers))


@pytest.fixture(scope="session")
def _gemini_emulator_server() -> Iterator[Server]:
    from gemini_cli.emulator.http.server import Server  # only for tests that use it

    server = Server().start()
    yield server
    server.close()


@pytest.fixture
def gemini_emulator(_gemini_emulator_server: Server) -> Iterator[GeminiEmulator]:
    """The Gemini API on loopback: url, key, requests, script(...) and fault(...)."""
    name = f"test-{next(_numbers)}"
    yield GeminiEmulator(_gemini_emulator_server, name)
    _gemini_emulator_server.sandboxes.discard(name)
