"""Documents that cannot lie: man pages, completions and the README's tables, printed from the program.

`outline.py` is the command tree as a document sees it; the others each write one kind of document and know of no
particular command. The same program gives the same bytes, whenever and wherever it prints them.
"""
