"""The file of `emulator --requests`: a line of JSON for each request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from gemini_cli.errors import InputError, OutputError
from gemini_cli.formats import strict_json


class ReceivedRequest(Protocol):
    def as_json(self) -> dict[str, Any]:
        """The request without the key."""


OnRequest = Callable[[str, ReceivedRequest], None]

_FIRST_LINE = re.compile(rb'(\{"method":.*)?')


@contextmanager
def request_file(path: str | None) -> Iterator[OnRequest | None]:
    """A function that appends requests with their sandboxes; None without `path`.

    InputError if the file has something else; OutputError if it cannot be written, at the end if that happens later.
    """
    if path is None:
        yield None
        return
    from gemini_cli.storage.shared_log import ForeignFileError, SharedLog

    try:
        file = SharedLog(path, b"", lambda line: _FIRST_LINE.fullmatch(line) is not None)
    except ForeignFileError:
        raise InputError(f"{path} is not a file of requests; it was not changed") from None
    except OSError as error:
        raise _unwritable(path, error) from None
    errors: list[OSError] = []

    def append(sandbox: str, request: ReceivedRequest) -> None:
        named = {"sandbox": sandbox} if sandbox else {}
        try:
            file.append(strict_json.dumps({**request.as_json(), **named}).encode() + b"\n")
        except OSError as error:  # the client still gets its answer
            errors.append(error)

    try:
        yield append
    finally:
        file.close()
    if errors:
        raise _unwritable(path, errors[0])


def _unwritable(path: str, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror}")
