"""The API key: where it comes from, and that nobody sees it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gemini_cli.documents import open_at_once
from gemini_cli.errors import AuthError

if TYPE_CHECKING:
    from gemini_cli.profiles import Profile
    from gemini_cli.settings import Said

VARIABLES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
COMMAND_TIMEOUT = 30.0  # seconds
SHORTEST, LONGEST = 20, 200  # characters: of both kinds of keys (api/README.md 1.5), with room for others
READ = 10_000  # bytes; what is longer is no key, whatever it is


def leave_no_trace() -> None:
    """Nothing that we start inherits the key, and no core file of ours holds it."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no core files
        import resource

        # 0 would do for a file, but not for a program that is given cores; 1 is too small for both (core(5)).
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (1 if most else 0, most))


def of_environment(environ: Mapping[str, str]) -> list[str]:
    """What is not shown from the start on: it may have been put in a wrong place, and stand in the first message."""
    said = (environ.get(name, "").removesuffix("\n") for name in VARIABLES)
    return [key for key in said if len(key) >= SHORTEST]


class Source(NamedTuple):
    """Where the key is, and how to read it. `origin` is a flag, a variable, or a profile's file and its word."""

    origin: str
    named: str  # in a message; never a path, which may be a key that was given in its place
    there: bool  # as far as one can tell without reading
    read: Callable[[], str]


def find(said: Said, notice: Callable[[str], None]) -> str:
    """The key. AuthError, never with the key in it, when there is none or it cannot be one."""
    found = source(said)
    if found is None:
        raise AuthError(
            "no API key: set GEMINI_API_KEY, or use --api-key-file",
            hint="--offline answers from the embedded emulator, without a key",
        )
    if found.origin in VARIABLES and len({said.environ[name] for name in VARIABLES if said.environ.get(name)}) > 1:
        notice("both GOOGLE_API_KEY and GEMINI_API_KEY are set; using GOOGLE_API_KEY")
    return _checked(found.read(), found.named)


def source(said: Said) -> Source | None:
    """A flag's key file, the environment, the profile's command, the profile's key file: the first that is said."""
    environ, profile = said.environ, said.profile
    if (path := said.flags.get("api_key_file")) is not None:
        return _file("--api-key-file", path)
    if variable := next((name for name in VARIABLES if environ.get(name)), None):
        return Source(variable, variable, True, lambda: environ[variable])
    if profile is None:
        return None
    where = profile.document.name
    if command := profile.api_key_command:
        printed = "what api_key_command printed"
        return Source(f"{where}: api_key_command", printed, True, lambda: _from_command(command, environ))
    if (path := profile.client.get("api_key_file")) is not None:
        return _file(f"{where}: api_key_file", _beside(profile, path))
    return None


def _file(origin: str, path: str) -> Source:
    return Source(origin, "the key file", os.path.exists(path), lambda: _from_file(path))


def _beside(profile: Profile, path: str) -> str:
    """A relative name in a profile is beside the profile, never in the working directory."""
    return os.path.join(os.path.dirname(profile.document.name), os.path.expanduser(path))


def _checked(text: str, source: str) -> str:
    key = text.removesuffix("\n")
    if not (SHORTEST <= len(key) <= LONGEST and all("!" <= char <= "~" for char in key)):
        allowed = f"{SHORTEST} to {LONGEST} printable ASCII characters"
        raise AuthError(f"the API key in {source} is malformed: a key is {allowed}")
    return key


def _from_file(path: str) -> str:
    """As ssh wants it: the file is ours, and neither group nor others may touch it. A pipe (`<(pass …)`) will do.

    No message names the path: it may be a key that was given in its place.
    """
    try:
        with open(path, "rb", opener=open_at_once) as file:
            about = os.fstat(file.fileno())
            if stat.S_ISREG(about.st_mode) and (about.st_uid != os.geteuid() or about.st_mode & 0o077):
                raise AuthError("the key file must be yours and closed to others: chmod 600")
            return file.read(READ).decode("latin-1")
    except (OSError, ValueError) as error:
        raise AuthError(f"cannot read the key file: {getattr(error, 'strerror', None) or 'bad name'}") from None


def _from_command(argv: list[str], environ: Mapping[str, str]) -> str:
    """What the command prints, no more of it than a key could be; its whole process group ends with its time."""
    import subprocess

    try:
        command = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise AuthError(f"api_key_command cannot run: {error}") from None
    assert command.stdout is not None
    ends = time.monotonic() + COMMAND_TIMEOUT
    printed = b""
    try:
        while len(printed) < READ and select.select([command.stdout], [], [], max(0.0, ends - time.monotonic()))[0]:
            if not (piece := os.read(command.stdout.fileno(), READ)):
                break
            printed += piece
        status = command.wait(max(0.0, ends - time.monotonic()) if len(printed) < READ else 0)
    except subprocess.TimeoutExpired:
        raise AuthError(f"api_key_command did not end within {COMMAND_TIMEOUT:g} s, or prints too much") from None
    finally:
        with contextlib.suppress(OSError):  # it has ended, as it should
            os.killpg(command.pid, signal.SIGKILL)
        command.stdout.close()
        command.wait()
    if status != 0:
        raise AuthError(f"api_key_command failed with exit status {status}")
    return printed.decode("latin-1")
