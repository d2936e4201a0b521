"""The built-in emulator as an httpx transport, without a socket or a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx

from gemini_cli.emulator import service
from gemini_cli.emulator.http import exchange
from gemini_cli.errors import InputError

BROKEN = "the emulator broke the connection"


class EmulatorTransport(httpx.BaseTransport):
    """Answers from `emulator`; InputError if its state cannot be used."""

    def __init__(self, emulator: service.Emulator) -> None:
        self.emulator = emulator

    @classmethod
    def with_state(cls, state: Path | None) -> EmulatorTransport:
        """An emulator that keeps its state in the file `state`, or in memory."""
        try:
            return cls(service.Emulator(state=state))
        except OSError as error:
            raise _unusable(error) from None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {
            name: value for name, value in request.headers.items() if name != "host"
        }  # the emulator adds its own
        call = exchange.HttpRequest(request.method, request.url.raw_path.decode(), headers, request.read())
        try:
            reply = self.emulator.handle(call)
        except ConnectionResetError as error:
            raise httpx.ReadError(BROKEN) from error
        except OSError as error:
            raise _unusable(error) from None
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(reply))


class _Body(httpx.SyncByteStream):
    def __init__(self, reply: exchange.HttpResponse) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from (piece for piece in self._reply.body if piece)
        except ConnectionResetError as error:
            raise httpx.ReadError(BROKEN) from error


def _unusable(error: OSError) -> InputError:
    return InputError(f"the emulator's state cannot be used: {error}")
