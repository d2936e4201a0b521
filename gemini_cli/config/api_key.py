"""Find the API key, and keep it secret."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gemini_cli.config.executables import find_executable
from gemini_cli.errors import AuthError
from gemini_cli.formats.text_files import is_private, open_nonblocking

if TYPE_CHECKING:
    import subprocess

    from gemini_cli.config.profiles import Profile

KEY_VARIABLES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
COMMAND_TIMEOUT = 30.0  # seconds
SHORTEST_KEY, LONGEST_KEY = 20, 200  # characters: of both kinds of keys (api/README.md 1.5), with room for others
NEVER_IN_A_KEY = "\"'`$\\{}"  # quotes and variables that a shell did not take away
# Words of which example keys consist, and those of them that no other text has.
_PLACEHOLDER = frozenset("your insert paste enter replace put placeholder here changeme".split())
_EXAMPLE_WORDS = _PLACEHOLDER | set("my the a me with this google gemini api key apikey secret token".split())
KEY_READ_LIMIT = 10_000  # bytes; a longer text is no key
STDERR_LIMIT = 4096  # bytes of the end of a command's stderr
POLL_INTERVAL = 0.01  # seconds


def scrub_environment() -> None:
    """Remove the key from the environment of child processes."""
    for name in KEY_VARIABLES:
        os.environ.pop(name, None)


def keys_in_environment(environ: Mapping[str, str]) -> list[str]:
    """Keys to redact from the start, for they may also be on the command line."""
    values = (environ.get(name, "").removesuffix("\n") for name in KEY_VARIABLES)
    return [key for key in values if len(key) >= SHORTEST_KEY]


class KeySource(NamedTuple):
    """The place of the key. `origin`: an option, a variable, or a profile's setting."""

    origin: str
    named: str  # in messages; never a path, which may be a key given in its place
    there: bool  # as far as one can tell without reading
    read: Callable[[], str]


def read_api_key(source: KeySource | None, environ: Mapping[str, str], notice: Callable[[str], None]) -> str:
    """Read the key; AuthError, without the key in it, if there is none or it is bad."""
    if source is None:
        raise AuthError(
            "no API key: set GEMINI_API_KEY, or use --api-key-file",
            hint="https://aistudio.google.com/apikey makes keys; --offline answers from the built-in emulator",
        )
    if source.origin in KEY_VARIABLES and len({environ[name] for name in KEY_VARIABLES if environ.get(name)}) > 1:
        notice("both GOOGLE_API_KEY and GEMINI_API_KEY are set; using GOOGLE_API_KEY")
    return _checked(source.read(), source.named)


def find_key_source(option: str | None, environ: Mapping[str, str], profile: Profile | None) -> KeySource | None:
    """The first of: --api-key-file, environment, api_key_command, api_key_file."""
    if option is not None:
        return _file("--api-key-file", option)
    if variable := next((name for name in KEY_VARIABLES if environ.get(name)), None):
        return KeySource(variable, variable, True, lambda: environ[variable])
    if profile is None:
        return None
    where = profile.document.name
    if command := profile.api_key_command:
        printed = "the output of api_key_command"
        directory = os.path.dirname(where)
        return KeySource(f"{where}: api_key_command", printed, True, lambda: _from_command(command, directory, environ))
    if (path := profile.client.get("api_key_file")) is not None:
        return _file(f"{where}: api_key_file", profile.path_beside(path))
    return None


def _file(origin: str, path: str) -> KeySource:
    return KeySource(origin, "the key file", os.path.exists(path), lambda: _from_file(path))


def _checked(text: str, source: str) -> str:
    key = text.removesuffix("\n")
    problem = _problem(key)
    if problem:
        raise AuthError(f"the API key in {source} is malformed: {problem}")
    return key


def _problem(key: str) -> str | None:
    """The reason why this cannot be a key; it repeats one character of it at most."""
    if assignment := re.match(r"\s*(?:export\s+)?(?:[a-z]\w*_)?key\s*[=:]", key, re.IGNORECASE):
        return f"it begins as an assignment, with {assignment[0][-1]!r}; give the value alone"
    for char in key:
        if not "!" <= char <= "~" or char in NEVER_IN_A_KEY:
            reason = " (a variable that was not expanded)" if char in "${}" else ""
            return f"it holds {_name(char)}{reason}"
    if key[-1:] in (",", ";"):
        return f"it ends in {_name(key[-1])}"
    words = set(re.split(r"[^a-z0-9]+", key.lower()))
    if (key[:1], key[-1:]) == ("<", ">") or (words <= _EXAMPLE_WORDS and words & _PLACEHOLDER):
        return "it is the placeholder of an example"
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        return f"a key has {SHORTEST_KEY} to {LONGEST_KEY} characters, this one has {len(key)}"
    return None


def _name(char: str) -> str:
    names = {" ": "a space", "\t": "a tab", "\n": "a newline", "\r": "a carriage return", '"': "a double quote"}
    names |= {"'": "a single quote", "`": "a backquote", "\\": "a backslash"}
    if "\udc80" <= char <= "\udcff":
        return "a byte that is not UTF-8"
    return names.get(char) or (f"the character {char}" if "!" <= char <= "~" else f"the character U+{ord(char):04X}")


def _from_file(path: str) -> str:
    """Read a key file, which must be closed to others, or a pipe (`<(pass …)`).

    No message names the path: it may be a key that was given in its place.
    """
    try:
        with open(path, "rb", opener=open_nonblocking) as file:
            _check_mode(file.fileno())
            return file.read(KEY_READ_LIMIT).decode("latin-1")
    except (OSError, ValueError) as error:
        raise AuthError(f"cannot read the key file: {getattr(error, 'strerror', None) or 'bad name'}") from None


def _check_mode(descriptor: int) -> None:
    if is_private(descriptor):
        return
    if os.fstat(descriptor).st_uid == os.geteuid() and not os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
        raise AuthError("the key file must be yours and closed to others: chmod 600")
    raise AuthError(
        "the key file must be yours and closed to others",
        hint="where its mode cannot be changed: --api-key-file <(cat FILE), or GEMINI_API_KEY=$(cat FILE)",
    )


def _from_command(argv: list[str], directory: str, environ: Mapping[str, str]) -> str:
    """The first line that the command prints; `pass show` prints more."""
    import subprocess

    file = find_executable(argv[0], directory, environ)
    if file is None:
        if _problem(argv[0]) is None and "/" not in argv[0]:  # a key that was given in place of a command
            raise AuthError("api_key_command cannot run: its first word, which may be a key, is no program")
        raise AuthError(f"api_key_command cannot run: no program {argv[0]!r} that may be executed")
    try:
        command = subprocess.Popen(
            argv,
            executable=file,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise AuthError(f"api_key_command cannot run: {getattr(error, 'strerror', None) or error}") from None
    try:
        printed, errors = _communicate(command)
    finally:
        with contextlib.suppress(OSError):  # it has ended, as it should
            os.killpg(command.pid, signal.SIGKILL)
        for pipe in (command.stdout, command.stderr):
            if pipe is not None:
                pipe.close()
        status = command.wait()
    if status != 0:
        reason = _last_line(errors, printed)
        raise AuthError(f"api_key_command {_ending(status)}{f': {reason}' if reason else ''}")
    return printed.partition(b"\n")[0].decode("latin-1")


def _last_line(errors: bytes, printed: bytes) -> str:
    """The last line of stderr, without words that were printed and may be the key."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    line = lines[-1].strip() if lines else ""
    for word in re.split(r"[\s\"']+", printed.decode("utf-8", "replace")):
        if len(word) >= SHORTEST_KEY:
            line = line.replace(word, "[redacted]")
    return line[:300]


def _ending(status: int) -> str:
    if status > 0:
        return f"failed with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-status}"


def _communicate(command: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """The output and the end of stderr; AuthError after COMMAND_TIMEOUT.

    `Popen.communicate` has no limit of size, and waits for each process that has the pipes, such as an agent that the
    command left running.
    """
    assert command.stdout is not None
    assert command.stderr is not None
    ends = time.monotonic() + COMMAND_TIMEOUT
    printed, errors = b"", b""
    unread = [command.stdout, command.stderr]
    while True:
        ended = command.poll() is not None
        ready, _, _ = select.select(unread, [], [], 0 if ended else POLL_INTERVAL)
        for pipe in ready:
            piece = os.read(pipe.fileno(), KEY_READ_LIMIT)
            if not piece:
                unread.remove(pipe)
            elif pipe is command.stdout:
                printed += piece
            else:
                errors = (errors + piece)[-STDERR_LIMIT:]
        if ended and (command.stdout not in unread) and not (ready and command.stderr in unread):
            return printed, errors
        if len(printed) > KEY_READ_LIMIT or time.monotonic() > ends:
            raise AuthError(f"api_key_command did not end within {COMMAND_TIMEOUT:g} s, or prints too much")
        if ended and not ready:
            time.sleep(POLL_INTERVAL)  # another process still has its stdout
