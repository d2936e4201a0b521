"""Who may know whom, and what a cheap path may load: held by looking, not by promising."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gemini_cli
from gemini_cli.commands.tree import WORDS, commands
from gemini_cli.reference import outline
from tests.harness import KEY

PACKAGE = Path(gemini_cli.__file__).parent


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """Absolute names of everything that a module imports, at its top or inside a function."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    package = ["gemini_cli", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def users(name: str) -> set[str]:
    """The modules that import `name` or something in it."""
    return {
        str(path.relative_to(PACKAGE))
        for path in modules()
        if any(module == name or module.startswith(f"{name}.") for module in imported(path))
    }


def outside(names: set[str], *rooms: str) -> set[str]:
    return {name for name in names if not name.startswith(rooms)}


def test_each_heavy_library_has_one_user() -> None:
    assert users("httpcore") == {"transport/http_transport.py", "transport/network.py"}
    assert {name for name in users("httpx") if not name.startswith("transport/")} == set()
    assert users("httpx_sse") == {"transport/sse.py"}
    assert outside(users("yaml"), "emulator/") == {"documents.py"}
    assert users("jsonschema") | users("referencing") == {"schema.py"}
    assert users("typer") == {"main.py", "commands/flags.py", "commands/tree.py"}


def test_the_emulator_knows_nothing_of_the_client() -> None:
    for path in modules():
        if path.is_relative_to(PACKAGE / "emulator"):
            client = {name for name in imported(path) if name.startswith("gemini_cli")}
            assert not {name for name in client if not name.startswith("gemini_cli.emulator")}, path


def test_only_its_transport_and_its_command_use_the_emulator() -> None:
    assert outside(users("gemini_cli.emulator"), "emulator/", "commands/emulator.py") == {
        "transport/emulator_transport.py"
    }


def test_the_core_does_not_know_that_commands_exist() -> None:
    assert outside(users("gemini_cli.commands"), "commands/", "main.py", "reference/") == set()
    assert outside(users("gemini_cli.reference"), "reference/") == set()
    assert users("gemini_cli.main") == {"__main__.py"}


PURE = ["interaction", "fold", "replay", "request", "body", "refusal", "render", "json_text"]
PURE += ["conversations/conversation", "files/resumable", "many/form"]
PURE += [f"generate_content/{name}" for name in ("__init__", "contents", "wording", "meaning")]


@pytest.mark.parametrize("name", PURE)
def test_pure_rooms_do_no_io(name: str) -> None:
    io = {"os", "sys", "io", "time", "socket", "subprocess", "pathlib", "threading", "select", "httpx"}
    assert not io & {module.partition(".")[0] for module in imported(PACKAGE / f"{name}.py")}


def test_only_the_terminal_touches_the_standard_streams() -> None:
    """It opens them by number; Typer's `echo` for help goes into a buffer that `main` hands to the terminal."""
    pattern = re.compile(r"\bsys\.(stdin|stdout|stderr)\b|(?<![.\w])(?<!def )(print|input)\(|os\.write\([012]\b")
    client = [path for path in modules() if not path.is_relative_to(PACKAGE / "emulator")]
    users = [path for path in client if pattern.search(path.read_text())]
    assert {str(path.relative_to(PACKAGE)) for path in users} == {"main.py", "signals.py", "terminal.py"}
    assert {name for name in users_of("FileIO") if not name.startswith("emulator")} == {"terminal.py"}
    assert len(pattern.findall((PACKAGE / "main.py").read_text())) == 1  # the comment that says so
    assert len(pattern.findall((PACKAGE / "signals.py").read_text())) == 2  # switched off before we die


def users_of(word: str) -> set[str]:
    return {str(path.relative_to(PACKAGE)) for path in modules() if re.search(rf"\b{word}\b", path.read_text())}


# What a path may not load.
NEVER = {"anyio", "trio", "httpx._main", "yaml", "rich", "pydantic", "click", "jsonschema", "sqlite3", "asyncio"}
NEVER |= {"gemini_cli.emulator"}
SENDING = {"gemini_cli.client.api_client", "httpx", "httpcore", "h11", "ssl", "socket", "http"}
NO_WIRE = {*NEVER, *SENDING}
OFFLINE = {*NEVER, "gemini_cli.emulator.http.server", "httpcore", "h11"} - {"sqlite3", "gemini_cli.emulator"}
NO_COMMAND = {*NO_WIRE, "gemini_cli.context", "gemini_cli.settings", "gemini_cli.request"}
NOWHERE = ["--base-url", "http://127.0.0.1:9", "--retries", "0"]

LOADS = [
    (["--help"], 0, NO_COMMAND),
    (["--version"], 0, NO_COMMAND),
    (["no-such-command"], 2, NO_COMMAND),
    (["generate", "--help"], 0, NO_WIRE),
    (["generate", "--no-such-flag"], 2, NO_WIRE),
    (["generate", "--dry-run", "hi"], 0, NO_WIRE),
    (["stream", "--curl", "hi"], 0, NO_WIRE),
    (["map", "--help"], 0, NO_WIRE),
    (["generate"], 2, NO_WIRE),
    (["generate", "hi"], 4, NO_WIRE - {"gemini_cli.client.api_client"}),
    (
        ["generate", *NOWHERE, "hi"],
        5,
        {*NEVER, "httpx_sse", "encodings.idna"},
    ),
    (["generate", "--offline", "hi"], 0, OFFLINE),
]


def loaded(argv: list[str], status: int) -> set[str]:
    """The modules that a run with this exit status has loaded."""
    code = (
        "import sys\nfrom gemini_cli.__main__ import start\nsys.argv = ['gemini-cli', *sys.argv[1:]]\n"
        "try:\n    start()\nfinally:\n    open('modules', 'w').write(' '.join(sys.modules))"
    )
    environ = {**os.environ, "GEMINI_API_KEY": KEY} if status == 5 else None
    command = [sys.executable, "-c", code, *argv]
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    assert done.returncode == status
    assert bool(done.stdout) is (status == 0)
    return set(Path("modules").read_text().split())


@pytest.mark.parametrize(
    ("argv", "status", "spared"), LOADS, ids=lambda cell: " ".join(cell) if isinstance(cell, list) else ""
)
def test_a_path_loads_only_what_it_needs(argv: list[str], status: int, spared: set[str]) -> None:
    found = loaded(argv, status)
    assert not found & spared
    commands = {f"gemini_cli.commands.{word.replace('-', '_')}" for word in WORDS}
    assert found & commands <= {f"gemini_cli.commands.{argv[0]}"}


def test_the_list_of_help_says_what_the_commands_say() -> None:
    for word, meaning in WORDS.items():
        found = commands(word)
        assert {command.name.split()[0] for command in found} == {word}
        if found[0].name == word:
            assert meaning == f"{outline.summary(found[0])}."
        elif not meaning.startswith("Many"):
            verbs = ", ".join(command.name.split()[1] for command in found)
            assert meaning == f"{word.capitalize()}: {verbs}."


WITHOUT_POSIX = """
import sys
sys.modules.update(dict.fromkeys("fcntl grp pty pwd readline resource termios tty".split()))
from gemini_cli.commands.tree import commands
from gemini_cli.__main__ import start
commands()
sys.argv[0] = "gemini-cli"
start()
"""


def test_what_only_posix_has_can_be_missing() -> None:
    command = [sys.executable, "-c", WITHOUT_POSIX, "chat", "--session", "one", "--offline", "hi"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout
