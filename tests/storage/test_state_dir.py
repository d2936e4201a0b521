"""The state directory: the record of the last interaction, and files that other users could have changed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gemini_cli.errors import InputError, OutputError
from gemini_cli.storage.state_dir import StateDirectory
from tests.harness import gemini, interaction, reply


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gemini-cli"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


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


def test_missing_parents_are_closed_to_others(state: Path, environ: dict[str, str], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        StateDirectory(environ).write("sessions/s.json", b"{}")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state", state, state / "sessions")}
    assert modes == {0o700}


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
@pytest.mark.parametrize("folder", ["", "sessions"])
def test_a_directory_that_others_can_write_is_refused(
    mode: int, folder: str, state: Path, environ: dict[str, str]
) -> None:
    kept = StateDirectory(environ)
    kept.write("sessions/s.json", b"{}")
    (state / folder).chmod(mode)
    uses: list[Callable[[], object]] = [
        lambda: kept.write("sessions/s.json", b"x"),
        lambda: kept.read("sessions/s.json", 10),
        lambda: kept.names("sessions", ".json"),
    ]
    for use in uses:
        with pytest.raises(InputError, match="writable by you alone"):
            use()
    assert (state / "sessions" / "s.json").read_bytes() == b"{}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(state: Path, environ: dict[str, str]) -> None:
    StateDirectory(environ).write("last.json", b'{"id":"v1_x"}')
    os.chown(state, 12345, -1)
    with pytest.raises(InputError, match="must be yours"):
        StateDirectory(environ).last_interaction(offline=False)


def test_an_unsafe_directory_costs_only_what_would_be_kept_there(state: Path, environ: dict[str, str]) -> None:
    state.mkdir(parents=True)
    state.chmod(0o777)
    status, out, err = ask(environ, "one")
    assert (status, out) == (0, "hello\n")
    assert "writable by you alone" in err
    assert list(state.iterdir()) == []
    assert gemini("generate", "-c", "two", environ=environ).status == 3
    assert gemini("chat", "--session", "s", "two", environ=environ).status == 3
    assert gemini("generate", "--offline", "two", environ=environ).status == 3


def test_the_database_of_the_emulator_is_no_link(state: Path, environ: dict[str, str], tmp_path: Path) -> None:
    state.mkdir(parents=True, mode=0o700)
    (tmp_path / "other").write_bytes(b"")
    (state / "offline.db").symlink_to(tmp_path / "other")
    with pytest.raises(InputError, match="is a link"):
        StateDirectory(environ).database_path("offline.db")
    (state / "offline.db").unlink()
    assert StateDirectory(environ).database_path("offline.db") == state / "offline.db"
    assert stat.S_IMODE((state / "offline.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_the_work_goes_on_with_one_notice(
    number: int, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def unlockable(descriptor: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", unlockable)
    done = gemini(
        "chat", "--session", "s", "--json", "hi", environ=environ, answers=[reply(interaction("hello"))], stdin=b""
    )
    assert done.status == 0
    assert done.err.count("\n") == 1
    assert "session s is not locked" in done.err
    shown = gemini("chat", "--show", "s", environ=environ)
    assert "hello" in shown.out


def test_a_file_system_without_modes_keeps_the_file(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fixed(descriptor: int, mode: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", fixed)
    StateDirectory(environ).write("sessions/s.json", b"{}")
    assert StateDirectory(environ).read("sessions/s.json", 10) == b"{}"


def test_another_failure_to_write_is_an_output_error(environ: dict[str, str], full_disk: None) -> None:
    with pytest.raises(OutputError, match="No space left"):
        StateDirectory(environ).write("x", b"x")
