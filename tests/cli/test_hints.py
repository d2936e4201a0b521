"""Hints are commands to paste: an id in one must not run anything."""

from __future__ import annotations

import shlex

import pytest

from gemini_cli.api.interaction import Interaction
from gemini_cli.api.outcome import completion_error
from gemini_cli.cli.commands.interactions import _again_hint

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
