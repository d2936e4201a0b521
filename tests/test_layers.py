"""The packages: their order, who may import which library, and what the cheap commands may load."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import gemini_cli
from gemini_cli.cli.app import COMMANDS, command_module
from gemini_cli.docgen import command_info
from gemini_cli.emulator.http.routes import ROUTES
from tests.harness import KEY

PACKAGE = Path(gemini_cli.__file__).parent
CHECKOUT = Path(__file__).parents[1]

# A package imports only packages that come after it.
ORDER = (
    "docgen",
    "cli",
    "bulk",
    "chat",
    "tools",
    "files",
    "console",
    "client",
    "transport",
    "api",
    "config",
    "storage",
    "formats",
    "concurrency",
    "errors",
)

# The modules that may import a library of others, or one of the standard library that costs or means much.
LIBRARIES = {
    "httpx": {
        "transport/recording/record_transport.py",
        "transport/recording/replay_transport.py",
        "transport/http_client.py",
        "transport/http_transport.py",
        "transport/emulator_transport.py",
        "transport/sse.py",
    },
    "httpcore": {"transport/http_transport.py", "transport/network.py"},
    "httpx_sse": {"transport/sse.py"},
    "certifi": {"transport/tls.py"},
    "yaml": {"formats/documents.py", "emulator/model/script.py"},
    "jsonschema": {"formats/json_schema.py"},
    "referencing": {"formats/json_schema.py"},
    "PIL": {"console/pictures.py"},
    "rich": {"console/progress.py"},
    "readline": {"console/line_editor.py"},
    "subprocess": {
        "cli/commands/emulator.py",
        "config/api_key.py",
        "formats/schema_process.py",
        "tools/process_runner.py",
    },
    "socket": {"emulator/http/server.py"},
    "pytest": {"pytest_plugin.py"},
}

# Modules that do no input or output.
PURE = (
    "api/accumulator",
    "api/body",
    "api/conversation",
    "api/api_error",
    "api/interaction",
    "api/request",
    "api/resume_filter",
    "api/generate_content/__init__",
    "api/generate_content/contents",
    "api/generate_content/request_mapping",
    "api/generate_content/response_mapping",
    "bulk/request_template",
    "console/formatting",
    "files/resumable_upload",
    "formats/strict_json",
    "formats/surrogates",
)

# Names that several modules define on purpose: the Typer of a command, the header of its list.
SHARED_NAMES = {"app", "COLUMNS"}


def modules() -> dict[str, Path]:
    """The files of the package, by the dotted names of the modules."""
    return {_dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _dotted(path: Path) -> str:
    parts = ("gemini_cli", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """Dotted names of all that a module imports, at its top or inside a function."""
    return frozenset(name for node in ast.walk(_parsed(path)) for name in _imports(path, node))


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _imports(path: Path, node: ast.AST) -> Iterator[str]:
    package = ["gemini_cli", *path.relative_to(PACKAGE).parent.parts]
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
        relative(path)
        for path in modules().values()
        if any(module == name or module.startswith(f"{name}.") for module in imported(path))
    }


def outside(names: set[str], *folders: str) -> set[str]:
    return {name for name in names if not name.startswith(folders)}


def layer(name: str) -> str:
    """The package of a module's dotted name."""
    return name.split(".")[1] if "." in name else ""


def exported(path: Path) -> Iterator[str]:
    """Names that a module defines for others: all that do not begin with an underscore."""
    for node in _parsed(path).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


# The packages -----------------------------------------------------------------------------------------------------


def test_a_package_imports_only_those_below_it() -> None:
    backward = {
        (name, used)
        for name, path in modules().items()
        for used in imported(path)
        if layer(name) in ORDER and used.startswith("gemini_cli.") and layer(used) in ORDER
        if ORDER.index(layer(used)) < ORDER.index(layer(name))
    }
    # `gemini-cli completion` prints a document that is made from the command tree.
    assert {name for name, _ in backward} == {"gemini_cli.cli.commands.completion"}


def test_every_package_is_in_the_order() -> None:
    top = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert top == {*ORDER, "__init__", "__main__", "emulator", "pytest_plugin"}


def test_contributing_lists_the_packages_in_their_order() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    table = text.partition("<!-- packages: begin -->")[2].partition("<!-- packages: end -->")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(ORDER)


def test_contributing_names_files_that_exist() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    named = [name for name in re.findall(r"`([\w./]+/[\w./]*)`", text) if "NAME" not in name]
    assert len(named) > 30
    folders = (CHECKOUT, PACKAGE, PACKAGE / "config", PACKAGE / "emulator/faults")
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_no_module_imports_itself_through_others() -> None:
    """At the top: an import inside a function is late on purpose."""
    known = modules()
    uses = {
        name: {used for node in _parsed(path).body for used in _imports(path, node) if used in known and used != name}
        for name, path in known.items()
        if path.stem != "__init__"
    }
    TopologicalSorter(uses).prepare()


def test_every_module_is_imported() -> None:
    known = modules()
    used = {name for path in known.values() for name in imported(path)}
    used |= set(map(command_module, COMMANDS))
    used |= {f"gemini_cli.emulator.api.{route.handler.partition('.')[0]}" for route in ROUTES}
    packages = {name for name, path in known.items() if path.stem == "__init__"}
    programs = {name for name in known if name.endswith(".__main__")} | {"gemini_cli.pytest_plugin"}
    assert known.keys() - used - packages - programs == set()


def test_an_exported_name_is_unique() -> None:
    client = [path for name, path in modules().items() if layer(name) != "emulator" and path.stem != "__main__"]
    names = [name for path in client for name in exported(path)]
    assert {name for name in names if names.count(name) > 1} - SHARED_NAMES == set()


# Who may import what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_imported_by_its_modules_only(library: str) -> None:
    assert users(library) == LIBRARIES[library]


def test_only_the_command_line_imports_typer() -> None:
    assert outside(users("typer"), "cli/", "config/", "docgen/") == set()
    assert users("click") == set()


def test_the_emulator_imports_nothing_of_the_client() -> None:
    for name, path in modules().items():
        if layer(name) == "emulator":
            client = {used for used in imported(path) if used.startswith("gemini_cli")}
            assert not {used for used in client if not used.startswith("gemini_cli.emulator")}, path


def test_the_transport_knows_no_api() -> None:
    used = {each for name, path in modules().items() if layer(name) == "transport" for each in imported(path)}
    packages = {".".join(name.split(".")[:2]) for name in used if name.startswith("gemini_cli.")}
    assert packages == {"gemini_cli.emulator", "gemini_cli.errors", "gemini_cli.transport"}


def test_only_its_transport_command_man_page_and_pytest_plugin_import_the_emulator() -> None:
    assert outside(users("gemini_cli.emulator"), "emulator/") == {
        "cli/commands/emulator.py",
        "cli/emulator_replay.py",
        "docgen/emulator_manual.py",
        "pytest_plugin.py",
        "transport/emulator_transport.py",
    }
    plugin = {name for name in imported(PACKAGE / "pytest_plugin.py") if name.startswith("gemini_cli")}
    assert {name for name in plugin if not name.startswith("gemini_cli.emulator")} == set()


def test_only_the_application_imports_commands() -> None:
    assert outside(users("gemini_cli.cli.commands"), "cli/") == set()
    assert outside(users("gemini_cli.cli.app"), "docgen/") == {"__main__.py"}


def test_only_the_builder_of_requests_knows_the_options() -> None:
    assert {name for name in users("gemini_cli.config") if name.startswith("api/")} == {
        "api/request.py",
        "api/tool_types.py",
    }


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_does_no_io(name: str) -> None:
    modules = set(imported(PACKAGE / f"{name}.py"))
    if "io.StringIO" in modules and not any(module.startswith("io.") for module in modules - {"io.StringIO"}):
        modules -= {"io", "io.StringIO"}  # is in memory
    io = {"os", "sys", "io", "time", "socket", "subprocess", "pathlib", "threading", "select", "httpx"}
    assert not io & {module.partition(".")[0] for module in modules}


def test_only_the_terminal_touches_the_standard_streams() -> None:
    """It opens them by number; Typer's `echo` for help goes into a buffer that `main` hands to the terminal."""
    pattern = re.compile(r"\bsys\.(stdin|stdout|stderr)\b|(?<![.\w])(?<!def )(print|input)\(|os\.write\([012]\b")
    texts = {relative(path): path.read_text() for name, path in modules().items() if layer(name) != "emulator"}
    uses = {name: len(pattern.findall(text)) for name, text in texts.items() if pattern.search(text)}
    assert uses.pop("console/terminal.py") > 0
    assert uses == {"cli/app.py": 1, "console/signals.py": 2}  # a comment; switched off before the process ends
    assert {name for name, text in texts.items() if re.search(r"\bFileIO\b", text)} == {"console/terminal.py"}


# What a command loads -------------------------------------------------------------------------------------------------

# Modules that a command may not load.
NEVER = {"anyio", "trio", "httpx._main", "yaml", "rich", "pydantic", "click", "jsonschema", "sqlite3", "asyncio"}
NEVER |= {"gemini_cli.emulator"}
SENDING = {"gemini_cli.client.api_client", "httpx", "httpcore", "h11", "ssl", "socket", "http"}
NO_WIRE = {*NEVER, *SENDING}
OFFLINE = {*NEVER, "gemini_cli.emulator.http.server", "httpcore", "h11"} - {"sqlite3", "gemini_cli.emulator"}
NO_COMMAND = {*NO_WIRE, "gemini_cli.cli.context", "gemini_cli.config.connection_options", "gemini_cli.api.request"}
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
    (["api", "GET", "models", "-n"], 0, NO_WIRE),
    (["api", "GET", "../models"], 2, NO_WIRE),
    (["api", "GET", "interactions/a?stream=true"], 2, NO_WIRE),
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
    commands = set(map(command_module, COMMANDS))
    assert found & commands <= {f"gemini_cli.cli.commands.{argv[0]}"}


def test_the_list_of_help_says_what_the_commands_say() -> None:
    commands = command_info.load_commands()
    for word, summary in COMMANDS.items():
        found = [command for command in commands if command.name.split()[0] == word]
        if found[0].name == word:
            assert summary == f"{command_info.command_summary(found[0])}."
        elif ":" in summary:
            verbs = ", ".join(command.name.split()[1] for command in found)
            assert summary.partition(": ")[2] == f"{verbs}."


WITHOUT_READLINE = """
import sys
sys.modules["readline"] = None
from gemini_cli.docgen.command_info import load_commands
from gemini_cli.__main__ import start
load_commands()
sys.argv[0] = "gemini-cli"
start()
"""


def test_readline_can_be_missing() -> None:
    command = [sys.executable, "-c", WITHOUT_READLINE, "chat", "--session", "one", "--offline", "hi"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout
