"""The record of the last interaction: what `-c` continues after a run that could not write it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gemini_cli.errors import InputError
from gemini_cli.storage.last_interaction import LastInteraction
from gemini_cli.storage.state_dir import StateDirectory
from tests.harness import gemini, interaction, reply


def ask(environ: dict[str, str], *argv: str, interaction_id: str = "v1_a") -> tuple[int, str, str]:
    return gemini("generate", *argv, environ=environ, answers=[reply({**interaction("hello"), "id": interaction_id})])


def test_after_a_record_that_could_not_be_written_there_is_nothing_to_continue(
    state: Path, environ: dict[str, str], full_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as roomy:
        roomy.setattr(os, "fsync", lambda descriptor: None)
        assert ask(environ, "one")[0] == 0
    assert (state / "last.json").exists()
    status, out, err = ask(environ, "two", interaction_id="v1_b")
    assert (status, out) == (0, "hello\n")
    assert err.count("\n") == 1
    assert "-c cannot continue this answer" in err
    assert "No space left" in err
    continued = gemini("generate", "-c", "three", environ=environ)
    assert continued.status == 3
    assert "there is no last interaction to continue" in continued.err


def test_a_record_in_a_directory_that_cannot_be_written_is_emptied(
    state: Path, environ: dict[str, str], full_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    state.mkdir(parents=True, mode=0o700)
    (state / "last.json").write_text('{"id":"v1_old"}')
    (state / "last.json").chmod(0o600)
    monkeypatch.setattr(Path, "unlink", closed)
    assert ask(environ, "two")[0] == 0
    continued = gemini("generate", "-c", "three", environ=environ)
    assert (continued.status, "there is no last interaction" in continued.err) == (3, True)


def test_a_run_without_a_home_has_no_notice() -> None:
    assert ask({"HOME": "", "XDG_STATE_HOME": ""}, "one") == (0, "hello\n", "")


def test_ids_of_a_server_on_this_machine_are_kept_apart(environ: dict[str, str]) -> None:
    state = StateDirectory(environ)
    LastInteraction(state, local=True).save_id("v1_local")
    with pytest.raises(InputError, match="no last interaction"):
        LastInteraction(state, local=False).load_id()
    LastInteraction(state, local=False).save_id("v1_remote")
    assert LastInteraction(state, local=True).load_id() == "v1_local"
    assert LastInteraction(state, local=False).load_id() == "v1_remote"


@pytest.mark.parametrize("text", ["[]", "{", '{"id":""}', '{"id":7}'])
def test_a_file_that_is_no_record_is_named(text: str, environ: dict[str, str]) -> None:
    state = StateDirectory(environ)
    state.write("last.json", text.encode())
    with pytest.raises(InputError, match=r"last\.json in .* is no record"):
        LastInteraction(state, local=False).load_id()
