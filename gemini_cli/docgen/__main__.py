"""Write the generated documents of a checkout:

python -m gemini_cli.docgen            write them
python -m gemini_cli.docgen --check    fail if one of them is not current
"""

from __future__ import annotations

import sys
from pathlib import Path

from gemini_cli.docgen import command_info, completion, man, readme

CHECKOUT = Path(__file__).parents[2]


def generated_files() -> dict[Path, str]:
    """The text of each document by its path."""
    commands = command_info.load_commands()
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    return {
        CHECKOUT / "README.md": readme.updated_readme(text, commands),
        **{CHECKOUT / "man" / name: page for name, page in man.man_pages(commands).items()},
        **{CHECKOUT / "completions" / name: make(commands) for name, make in completion.COMPLETION_SCRIPTS.values()},
    }


def stale_files() -> list[Path]:
    """The documents that are not current, and those that are not generated any more."""
    documents = generated_files()
    left = {path for folder in ("man", "completions") for path in (CHECKOUT / folder).glob("*")} - documents.keys()
    changed = {path for path, text in documents.items() if not path.exists() or path.read_bytes() != text.encode()}
    return sorted(left | changed)


def main() -> None:
    if "--check" in sys.argv[1:]:
        if names := [str(path.relative_to(CHECKOUT)) for path in stale_files()]:
            raise SystemExit(f"not current: {', '.join(names)}; run python -m gemini_cli.docgen")
        return
    documents = generated_files()
    for path in stale_files():
        path.parent.mkdir(exist_ok=True)
        if path in documents:
            path.write_bytes(documents[path].encode())
        else:
            path.unlink()


if __name__ == "__main__":
    main()
