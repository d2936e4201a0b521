"""The scripts in `completions/`, one for each shell.

They do not start the program: the shell itself finds the names of profiles and sessions in their directories.
"""

from __future__ import annotations

from collections.abc import Sequence

from gemini_cli.docgen import bash, fish, zsh
from gemini_cli.docgen.command_info import CommandInfo


def completion_scripts(commands: Sequence[CommandInfo]) -> dict[str, str]:
    """The script of each shell by its file name, which the shell expects."""
    return {
        "gemini-cli.bash": bash.bash_script(commands),
        "_gemini-cli": zsh.zsh_script(commands),
        "gemini-cli.fish": fish.fish_script(commands),
    }
