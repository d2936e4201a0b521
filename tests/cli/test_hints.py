"""Hints say what to do. They are commands to paste: an id in one must not run anything."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from gemini_cli.cli.commands.interactions import _again_hint
from tests.harness import gemini

EVIL = "v1_$(touch x);`id` '\""


def hints() -> list[str | None]:
    call = {"type": "function_call", "id": EVIL, "name": "f"}
    waiting = {"id": EVIL, "status": "requires_action", "steps": [call]}
    errors = [
        completion_error(Interaction({"id": EVIL, "status": "in_progress", "steps": []})),
        completion_error(Interaction(waiting)),
    ]
    return [_again_hint(EVIL), *(error.hint for error in errors if error)]


@pytest.mark.parametrize("hint", hints())
def test_an_id_in_a_hint_is_one_word(hint: str | None) -> None:
    assert hint is not None
    command = hint[hint.index("`") + 1 : hint.rindex("`")]
    words = shlex.split(command)
    assert words[0] == "gemini-cli"
    assert EVIL in [word.removesuffix("=@FILE") for word in words]


@pytest.mark.parametrize("family", ["interactions", "generate-content"])
def test_an_unknown_model_names_the_list_of_models(family: str) -> None:
    found = gemini("generate", "--offline", "--api", family, "-m", "flash", "hi")
    assert found.status == 6
    assert "hint: `gemini-cli models list` prints the models\n" in found.err


def test_words_beside_f_are_told_the_option_that_sends_both() -> None:
    Path("my notes.txt").write_text("notes")
    found = gemini("generate", "-f", "my notes.txt", "summarise")
    assert found.status == 2
    assert "hint: -f FILE is the whole prompt; -a 'my notes.txt' sends it with the words\n" in found.err


def test_an_image_as_text_is_told_the_option_that_attaches_it() -> None:
    image = b"\x89PNG\r\n\x1a\n"
    Path("pic.png").write_bytes(image)
    piped = gemini("generate", "what", stdin=image)
    assert (piped.status, piped.err.splitlines()[1]) == (3, "hint: -a - attaches a file that is not text")
    named = gemini("generate", "-f", "pic.png")
    assert (named.status, named.err.splitlines()[1]) == (3, "hint: -a pic.png attaches a file that is not text")
    assert gemini("generate", "-n", "-a", "-", "what", stdin=image).status == 0
