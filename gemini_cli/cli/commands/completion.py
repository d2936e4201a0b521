"""`completion`: print the completion script of a shell."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from gemini_cli.cli.command import OptionCommand, command_app
from gemini_cli.cli.program import Program
from gemini_cli.config.option_groups import option_groups

Shell = Annotated[
    Literal["bash", "zsh", "fish"], typer.Argument(metavar="bash|zsh|fish", show_default=False, help="the shell")
]

app = command_app()


@app.command("completion", cls=OptionCommand)
@option_groups
def print_completion(ctx: typer.Context, shell: Shell) -> None:
    """Print the completion script of a shell.

    bash reads it from `~/.local/share/bash-completion/completions/gemini-cli`, zsh from a file `_gemini-cli` in a
    directory of `$fpath`, fish from `~/.config/fish/completions/gemini-cli.fish`. Or the file
    that a shell reads at its start has a line: `eval "$(gemini-cli completion bash)"`, for zsh after compinit
    `source <(gemini-cli completion zsh)`, for fish `gemini-cli completion fish | source`.
    """
    from gemini_cli.docgen import command_info, completion  # the one command that prints a document

    program: Program = ctx.obj
    _, make_script = completion.COMPLETION_SCRIPTS[shell]
    program.terminal.write(make_script(command_info.load_commands()))
