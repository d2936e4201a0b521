"""Documents that cannot lie: what the README says of the program is printed from the program.

    python -m gemini_cli.reference            write it
    python -m gemini_cli.reference --check    fail if it is not what would be written

Run in a checkout; an installed program has no README to keep current.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gemini_cli.errors import exit_statuses

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- exit status: begin -->", "<!-- exit status: end -->"


def table() -> str:
    """The exit statuses as the README shows them."""
    rows = (f"| {status} | {f'`{kind}`' if kind else ''} | {meaning} |" for status, kind, meaning in exit_statuses())
    return "\n".join(["| Status | Kind | Meaning |", "|---|---|---|", *rows])


def current(text: str) -> str:
    """The README with its generated part as it should be."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{README.name} has lost the marks of its generated part")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    text = README.read_text(encoding="utf-8")
    wanted = current(text)
    if "--check" not in sys.argv[1:]:
        README.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        raise SystemExit(f"{README.name} is not current: run python -m gemini_cli.reference")


if __name__ == "__main__":
    main()
