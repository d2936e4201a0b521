"""The wire to the embedded emulator: no socket, no key. With `commands/emulator.py`, its only user in the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from gemini_cli import emulator
from gemini_cli.body import whole
from gemini_cli.errors import InputError
from gemini_cli.transport.wire import Call, Cut, Reply


class EmulatorWire:
    def __init__(self, state: Path | None) -> None:
        try:
            self._emulator = emulator.Emulator(state=state)
        except OSError as error:
            raise InputError(f"the emulator's state cannot be used: {error}") from None

    def send(self, call: Call) -> Reply:
        parts = urlsplit(call.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {name.lower(): value for name, value in call.headers.items()}
        try:
            answer = self._emulator.handle(emulator.HttpRequest(call.method, target, headers, whole(call.body)))
        except OSError as error:
            raise InputError(f"the emulator's state cannot be used: {error}") from None
        return Reply(answer.status, "", answer.headers, _chunks(answer), lambda: None)


def _chunks(answer: emulator.HttpResponse) -> Iterator[bytes]:
    try:
        yield from (piece for piece in answer.body if piece)
    except ConnectionResetError as error:
        raise Cut("the emulator broke the connection") from error
