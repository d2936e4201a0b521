"""The iron rule, and what an answer may cost to load."""

import ast
import subprocess
import sys
from pathlib import Path

import gemini_cli.emulator
from gemini_cli.emulator.routes import ROUTES
from tests.waiting import PATIENCE

FOLDER = Path(gemini_cli.emulator.__file__).parent


def imports(path: Path) -> set[str]:
    """What a file imports, relative names made absolute."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ["gemini_cli", "emulator"][: 3 - node.level] if node.level else []
            found.add(".".join([*package, *([node.module] if node.module else [])]))
    return found


def test_nothing_of_the_client_is_imported() -> None:
    seen = {name for path in FOLDER.rglob("*.py") for name in imports(path)}
    ours = {name for name in seen if name.split(".")[0] == "gemini_cli"}
    assert ours
    assert all(name.startswith("gemini_cli.emulator") for name in ours)
    others = {name.split(".")[0] for name in seen} - set(sys.stdlib_module_names) - {"gemini_cli"}
    assert others == {"yaml"}


def test_every_route_has_its_handler() -> None:
    for route in ROUTES:
        module, _, function = route.handler.partition(".")
        tree = ast.parse((FOLDER / f"{module}.py").read_text())
        handlers = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
        assert [[argument.arg for argument in each.args.args] for each in handlers] == [["world", "request"]]


PROGRAM = """
import json, sys
from gemini_cli.emulator import Call, Emulator
body = json.dumps({"model": "gemini-flash-latest", "input": "Hi", "store": %s}).encode()
reply = Emulator().handle(Call("POST", "/v1/interactions", {}, body))
assert reply.status == 200, b"".join(reply.body)
print(*sorted(sys.modules))
"""


def loaded(store: str) -> set[str]:
    root = str(FOLDER.parents[1])
    command = [sys.executable, "-c", PROGRAM % store]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return set(done.stdout.split())


def test_one_answer_loads_little() -> None:
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
