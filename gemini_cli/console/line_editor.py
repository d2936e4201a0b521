"""Set up readline for the lines of a chat: pasted lines, and completion."""

from __future__ import annotations

import glob
import os
import readline
from collections.abc import Collection

FILE_COMMANDS = ("/attach", "/save")


def set_up(commands: Collection[str], *, dumb: bool) -> None:
    """Complete `commands` and the files after FILE_COMMANDS; take pasted lines as one.

    A `dumb` terminal cannot mark pasted text.
    """
    if "libedit" in (readline.__doc__ or ""):
        readline.parse_and_bind("bind ^I rl_complete")
    else:
        readline.parse_and_bind("tab: complete")
        if not dumb:
            readline.parse_and_bind("set enable-bracketed-paste on")  # Python has switched it off
    readline.set_completer_delims(" ")

    def complete(word: str, number: int) -> str | None:
        line = readline.get_line_buffer()[: readline.get_endidx()]
        found = [text[len(line) - len(word) :] for text in completions(line, commands)]
        return found[number] if number < len(found) else None

    readline.set_completer(complete)


def completions(line: str, commands: Collection[str]) -> list[str]:
    """All lines that complete `line`."""
    command, separator, path = line.partition(" ")
    if not separator:
        return [f"{name} " for name in sorted(commands) if name.startswith(line)] if line.startswith("/") else []
    if command not in FILE_COMMANDS:
        return []
    found = sorted(glob.glob(f"{glob.escape(path)}*"))
    return [f"{command} {name}/" if os.path.isdir(name) else f"{command} {name}" for name in found]
