"""The emulator's imports: nothing of the client, one order, no circles."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gemini_cli.emulator
from gemini_cli.emulator.http.routes import ROUTES
from tests.waiting import PATIENCE

FOLDER = Path(gemini_cli.emulator.__file__).parent
ROOT = "gemini_cli.emulator"
# A package imports only those in front of it; http.server is the outermost layer.
ORDER = (
    *(
        "errors",
        "http",
        "model",
        "store",
        "service_state",
        "api",
        "faults",
        "service",
        "replay",
        "control",
        "sandboxes",
    ),
    "http.server",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join([ROOT, *(part for part in parts if part != "__init__")])


MODULES = {module_name(path): path for path in sorted(FOLDER.rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """The absolute names of all imports of a file, at its top and inside functions."""
    return set(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    within = [*ROOT.split("."), *path.relative_to(FOLDER).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = within[: len(within) - node.level + 1] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            submodules = [f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in MODULES]
            yield from submodules or [base]


def layer(name: str) -> int:
    inner = name.removeprefix(f"{ROOT}.")
    return ORDER.index(inner if inner in ORDER else inner.partition(".")[0])


def test_nothing_of_the_client_is_imported() -> None:
    names = {name for path in MODULES.values() for name in imports(path)}
    assert all(name.startswith(ROOT) for name in names if name.split(".")[0] == "gemini_cli")
    others = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"gemini_cli"}
    assert others == {"yaml"}


def test_imports_follow_the_order_of_packages() -> None:
    for name, path in MODULES.items():
        if name != ROOT:
            inner = {each for each in imports(path) if each.startswith(f"{ROOT}.")}
            assert all(layer(each) <= layer(name) for each in inner), name


def test_imports_have_no_circle() -> None:
    graph = {name: imports(path) & set(MODULES) for name, path in MODULES.items()}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


def exported(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def test_exported_names_are_unique() -> None:
    names = Counter(name for path in MODULES.values() for name in set(exported(path)) if not name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_route_has_its_handler() -> None:
    for route in ROUTES:
        module, _, function = route.handler.partition(".")
        tree = ast.parse((FOLDER / "api" / f"{module}.py").read_text())
        handlers = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
        assert [[argument.arg for argument in each.args.args] for each in handlers] == [["state", "request"]]


PROGRAM = """
import json, sys
from gemini_cli.emulator.service import Emulator; from gemini_cli.emulator.http.exchange import HttpRequest
body = json.dumps({"model": "gemini-flash-latest", "input": "Hi", "store": %s}).encode()
response = Emulator().handle(HttpRequest("POST", "/v1beta/interactions", {}, body))
assert response.status == 200, b"".join(response.body)
print(*sorted(sys.modules))
"""


def loaded(store: str) -> set[str]:
    root = str(FOLDER.parents[1])
    command = [sys.executable, "-c", PROGRAM % store]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return set(done.stdout.split())


def test_one_response_loads_little() -> None:
    heavy = {
        "sqlite3",
        "http.server",
        "http.client",
        "socketserver",
        "yaml",
        "hashlib",
        "ast",
        "inspect",
        "difflib",
        "email",
    }
    assert loaded("False") & heavy == set()
    assert loaded("True") & (heavy - {"sqlite3"}) == set()
