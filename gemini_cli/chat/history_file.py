"""The file of `--history`: the steps of a conversation, kept by a script.

The file is the `input` of a stateless request (api/README.md 8.10), so jq reads it and `--set` could send it. The
`contents` of the older API (api/README.md 11.2) are read as well, and become steps when the file is written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gemini_cli.api.body import REQUEST_LIMIT
from gemini_cli.api.interaction import Step
from gemini_cli.errors import InputError, OutputError, RejectedError, UsageError
from gemini_cli.formats import strict_json, text_files
from gemini_cli.storage.atomic_write import is_special, replace_file


def read_history(path: str) -> list[Step]:
    """Read the steps; none if the file is missing or empty."""
    if path == "-":
        raise UsageError("--history needs a file that can be replaced, not -")
    if is_special(path):
        raise InputError(f"--history needs a file that can be replaced; {path} is a device or a pipe")
    if not os.path.lexists(path):
        return []
    text = text_files.decode_text(text_files.read_bytes(path, limit=REQUEST_LIMIT), path)
    if not text.strip():  # as mktemp makes it
        return []
    try:
        steps = strict_json.loads(text)
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(steps, list) or not all(
        isinstance(step, dict) and {"type", "parts"} & step.keys() for step in steps
    ):
        raise InputError(f"{path} is not a history: a list of steps")
    return steps if all("type" in step for step in steps) else _from_contents(path, steps)


def _from_contents(path: str, contents: list[dict[str, Any]]) -> list[Step]:
    from gemini_cli.api.generate_content import steps_from_contents  # needed by few runs

    try:
        return steps_from_contents(contents)
    except RejectedError as error:
        raise InputError(f"{path} is not a history: {error.message}") from None


def write_history(path: str, steps: Sequence[Step]) -> None:
    """Replace the file as a whole; OutputError if it cannot be written."""
    try:
        replace_file(path, f"{strict_json.dumps(steps)}\n".encode())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
