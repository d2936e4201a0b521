"""Find the API key, and keep it out of messages, child processes and core files."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gemini_cli.errors import AuthError
from gemini_cli.formats.text_files import open_nonblocking

if TYPE_CHECKING:
    from gemini_cli.config.profiles import Profile

KEY_VARIABLES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
COMMAND_TIMEOUT = 30.0  # seconds
SHORTEST_KEY, LONGEST_KEY = 20, 200  # characters: both kinds of keys fit (api/README.md 1.5), and others
KEY_READ_LIMIT = 10_000  # bytes; a longer text is not a key


def scrub_environment() -> None:
    """Keep the key from child processes and core files."""
    for name in KEY_VARIABLES:
        os.environ.pop(name, None)
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no core files
        import resource

        # 0 prevents a file, but not a program that receives cores (core(5)); 1 is too small for both.
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (1 if most else 0, most))


def keys_in_environment(environ: Mapping[str, str]) -> list[str]:
    """Keys to remove from all output, since an option may hold one by mistake."""
    values = (environ.get(name, "").removesuffix("\n") for name in KEY_VARIABLES)
    return [key for key in values if len(key) >= SHORTEST_KEY]


class KeySource(NamedTuple):
    """The place of the key, and a function that reads it.

    `origin` is an option, a variable, or the file of a profile with the name of the setting.
    """

    origin: str
    named: str  # in messages; never a path, since a user may have given the key in its place
    there: bool  # as far as is known without reading it
    read: Callable[[], str]


def find_api_key(source: KeySource | None, environ: Mapping[str, str], notice: Callable[[str], None]) -> str:
    """The key; AuthError, without the key in it, if there is none or it is malformed."""
    if source is None:
        raise AuthError(
            "no API key: set GEMINI_API_KEY, or use --api-key-file",
            hint="--offline answers from the built-in emulator, without a key",
        )
    if source.origin in KEY_VARIABLES and len({environ[name] for name in KEY_VARIABLES if environ.get(name)}) > 1:
        notice("both GOOGLE_API_KEY and GEMINI_API_KEY are set; using GOOGLE_API_KEY")
    return _checked(source.read(), source.named)


def find_key_source(option: str | None, environ: Mapping[str, str], profile: Profile | None) -> KeySource | None:
    """The first source that is set.

    The order: --api-key-file, the environment, the command in the profile, the key file in the profile.
    """
    if option is not None:
        return _file("--api-key-file", option)
    if variable := next((name for name in KEY_VARIABLES if environ.get(name)), None):
        return KeySource(variable, variable, True, lambda: environ[variable])
    if profile is None:
        return None
    where = profile.document.name
    if command := profile.api_key_command:
        printed = "the output of api_key_command"
        return KeySource(f"{where}: api_key_command", printed, True, lambda: _from_command(command, environ))
    if (path := profile.client.get("api_key_file")) is not None:
        return _file(f"{where}: api_key_file", _beside(profile, path))
    return None


def _file(origin: str, path: str) -> KeySource:
    return KeySource(origin, "the key file", os.path.exists(path), lambda: _from_file(path))


def _beside(profile: Profile, path: str) -> str:
    """Resolve a path in a profile against the directory of the profile."""
    return os.path.join(os.path.dirname(profile.document.name), os.path.expanduser(path))


def _checked(text: str, source: str) -> str:
    key = text.removesuffix("\n")
    if not (SHORTEST_KEY <= len(key) <= LONGEST_KEY and all("!" <= char <= "~" for char in key)):
        allowed = f"{SHORTEST_KEY} to {LONGEST_KEY} printable ASCII characters"
        raise AuthError(f"the API key in {source} is malformed: a key is {allowed}")
    return key


def _from_file(path: str) -> str:
    """Read a file that belongs to the user and is closed to others, as with ssh.

    A pipe, `<(pass …)`, is allowed too. No message names the path, since a user may have given the key in its place.
    """
    try:
        with open(path, "rb", opener=open_nonblocking) as file:
            about = os.fstat(file.fileno())
            if stat.S_ISREG(about.st_mode) and (about.st_uid != os.geteuid() or about.st_mode & 0o077):
                raise AuthError("the key file must belong to the user and be closed to others: chmod 600")
            return file.read(KEY_READ_LIMIT).decode("latin-1")
    except (OSError, ValueError) as error:
        raise AuthError(f"cannot read the key file: {getattr(error, 'strerror', None) or 'bad name'}") from None


def _from_command(argv: list[str], environ: Mapping[str, str]) -> str:
    """The output of the command, up to KEY_READ_LIMIT.

    The process group of the command is killed when the command ends or its time is over.
    """
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
        while (
            len(printed) < KEY_READ_LIMIT
            and select.select([command.stdout], [], [], max(0.0, ends - time.monotonic()))[0]
        ):
            if not (piece := os.read(command.stdout.fileno(), KEY_READ_LIMIT)):
                break
            printed += piece
        status = command.wait(max(0.0, ends - time.monotonic()) if len(printed) < KEY_READ_LIMIT else 0)
    except subprocess.TimeoutExpired:
        raise AuthError(f"api_key_command did not end within {COMMAND_TIMEOUT:g} s, or prints too much") from None
    finally:
        with contextlib.suppress(OSError):  # the group has ended already
            os.killpg(command.pid, signal.SIGKILL)
        command.stdout.close()
        command.wait()
    if status != 0:
        raise AuthError(f"api_key_command failed with exit status {status}")
    return printed.decode("latin-1")
