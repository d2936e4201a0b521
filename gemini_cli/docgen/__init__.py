"""Man pages, completions and README tables, printed from the Typer commands.

`command_info.py` describes the commands; each other module writes one kind of document. The output depends on the
program only, not on the time or the machine.
"""
