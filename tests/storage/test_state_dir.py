"""The state directory: modes, locks, and files that other users could have changed."""

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
        StateDirectory(environ).read("last.json", 100)


def test_an_unsafe_directory_costs_only_what_would_be_kept_there(state: Path, environ: dict[str, str]) -> None:
    state.mkdir(parents=True)
    state.chmod(0o777)
    status, out, err = gemini("generate", "one", environ=environ, answers=[reply(interaction("hello"))])
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
