"""`completions/`: a script for each shell.

They are static text, but for the names of profiles and sessions, which the shell finds in the directories that keep
them. None of them starts the program.
"""

from __future__ import annotations

from collections.abc import Sequence

from gemini_cli.docgen import bash, fish, zsh
from gemini_cli.docgen.command_info import CommandInfo


def completion_scripts(commands: Sequence[CommandInfo]) -> dict[str, str]:
    """Each shell's script by its file name, which is where the shell looks for it."""
    return {
        "gemini-cli.bash": bash.bash_script(commands),
        "_gemini-cli": zsh.zsh_script(commands),
        "gemini-cli.fish": fish.fish_script(commands),
    }
