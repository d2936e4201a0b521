"""The scripts in `completions/`, one for each shell.

They do not start the program: the shell itself finds the names of profiles and sessions in their directories.
"""

from __future__ import annotations

from gemini_cli.docgen import bash, fish, zsh

# The file name that each shell expects, and the function that makes its script.
COMPLETION_SCRIPTS = {
    "bash": ("gemini-cli.bash", bash.bash_script),
    "zsh": ("_gemini-cli", zsh.zsh_script),
    "fish": ("gemini-cli.fish", fish.fish_script),
}
