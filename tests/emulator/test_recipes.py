"""The recipes of the man page that are marked as tried by the tests, and those that have no Python code."""

import importlib.metadata
import json
import os
import subprocess
import sys

import pytest

from gemini_cli.docgen.emulator_manual import RECIPES, ClientRecipe
from gemini_cli.emulator.http.server import Server
from tests.waiting import PATIENCE

# Code that makes a client from the environment alone, and code that sends a prompt with `client`.
CLIENTS = {
    "google-genai, Python": (
        "from google import genai",
        "genai.Client()",
        "client.models.generate_content(model='gemini-2.5-flash', contents='Hi').text",
    ),
    "langchain-google-genai": (
        "from langchain_google_genai import ChatGoogleGenerativeAI",
        "ChatGoogleGenerativeAI(model='gemini-2.5-flash')",
        "client.invoke('Hi').content",
    ),
}
TRIED = [recipe for recipe in RECIPES if recipe.tried == "tried in the tests"]


def test_the_tried_recipes_are_these() -> None:
    assert {recipe.name for recipe in TRIED} == CLIENTS.keys()
    assert all(recipe.tried.startswith(("tried in the tests", "tried by hand, ", "not tried, ")) for recipe in RECIPES)


@pytest.mark.parametrize("by", ["environment", "code"])
@pytest.mark.parametrize("recipe", TRIED, ids=lambda recipe: recipe.name)
def test_a_recipe_leads_the_client_to_the_emulator(recipe: ClientRecipe, by: str) -> None:
    """To a sandbox, whose path must stay in front of the client's; by code, the environment has only the key."""
    package = recipe.name.partition(",")[0]
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    setup, from_environment, ask = CLIENTS[recipe.name]
    with Server() as server:
        sandbox = server.sandboxes.get("a")
        environ = server.environ(sandbox)
        if by == "code":
            environ = {"GEMINI_API_KEY": server.key}
        made = from_environment if by == "environment" else recipe.code
        program = f"{setup}\nURL = {server.url + sandbox.path!r}\nclient = {made}\nprint({ask})"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert done.stdout.startswith("Emulator: turn 1, model gemini-2.5-flash.")
        assert "GOOGLE_API_KEY" not in done.stderr  # no warning of two keys
        [request] = sandbox.requests
        assert request.target in (f"/{version}/models/gemini-2.5-flash:generateContent" for version in ("v1", "v1beta"))
        assert json.loads(request.body)["contents"]
        assert server.requests == []
