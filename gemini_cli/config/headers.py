"""Headers of the user: `--header` for a gateway, `--tool-header` for MCP servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from gemini_cli.errors import InputError, UsageError
from gemini_cli.formats import text_files

if TYPE_CHECKING:
    from gemini_cli.config.profiles import Profile

HEADER_LIMIT = 8 * 1024  # bytes of a file with a value
SECRET_LENGTH = 8  # characters; a shorter word would also be redacted where it is part of other words

_NAME = r"[A-Za-z0-9._-]+"  # of RFC 9110, 5.1, without characters that a shell expands: --curl prints names
# Headers that this program or its HTTP library sets, and those of one connection (RFC 9110, 7.6.1).
_RESERVED = re.compile(
    "x-goog-api-key|x-goog-upload-.*|api-revision|host|content-.*|accept|accept-encoding|user-agent|range|if-range|"
    "expect|connection|proxy-.*|keep-alive|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)


class Header(NamedTuple):
    """A header for the gateway.

    `text` is the value, or `path` a file with it. `named` names the header in messages, which contain neither.
    """

    name: str
    text: str
    path: str | None
    named: str

    @property
    def variable(self) -> str:
        """A name for a variable of a shell with the value."""
        return re.sub(r"\W", "_", f"HEADER_{self.name}".upper())

    def read(self) -> str:
        """The value; InputError if its file cannot be read, is not private or has none."""
        if self.path is None:
            return self.text
        text_files.refuse_process_file(self.path)
        try:
            with open(self.path, "rb", opener=text_files.open_nonblocking) as file:
                if not text_files.is_private(file.fileno()):
                    raise InputError(f"the file of {self.named} must be yours and closed to others: chmod 600")
                value = file.read(HEADER_LIMIT).decode("latin-1").removesuffix("\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "bad name"
            raise InputError(f"cannot read the file of {self.named}: {reason}") from None
        if not _is_value(value):
            raise InputError(f"the file of {self.named} does not hold one line of printable ASCII")
        return value

    def secrets(self, value: str) -> Iterator[str]:
        """The texts to redact: the value, and its long words, such as a bearer token."""
        if self.path or len(value) >= SECRET_LENGTH:
            yield value
        yield from (word for word in value.split() if len(word) >= SECRET_LENGTH and word != value)


def gateway_headers(given: Iterable[str], profile: Profile | None) -> list[Header]:
    """The headers of the profile, and those of `--header`, which replace them by name.

    UsageError, without the value, for one that is not valid, is reserved or is given twice.
    """
    headers: dict[str, Header] = {}
    for text in given:
        name, value = _split(text, "=", "--header: write NAME=@FILE or NAME=VALUE")
        if problem := header_problem(name, value):
            raise UsageError(f"--header: {problem}")
        if name.lower() in headers:
            raise UsageError(f"--header {name} is given twice")
        headers[name.lower()] = _header(name, value, f"--header {name}")
    if profile is not None:
        for name, value in profile.headers.items():
            named = f"{profile.document.name}: {name}"
            headers.setdefault(name.lower(), _header(name, value, named, profile.path_beside))
    return list(headers.values())


def _header(name: str, value: str, named: str, locate: Callable[[str], str] = str) -> Header:
    """Make a header of a name and a value, which may be @FILE; `locate` finds FILE."""
    is_file = value.startswith("@")
    return Header(name, "" if is_file else value, locate(value[1:]) if is_file else None, named)


def header_problem(name: str, value: str) -> str | None:
    """The reason why a header cannot be sent; it does not repeat the value."""
    if not re.fullmatch(_NAME, name):
        return "not the name of a header"
    if _RESERVED.fullmatch(name):
        return f"{name} is set by gemini-cli and cannot be given"
    if value == "@" or not _is_value(value):
        return f"the value of {name} must be one line of printable ASCII"
    return None


def parse_tool_header(text: str) -> tuple[str, str]:
    """Read `--tool-header NAME=@FILE`.

    The value is in a file, so that it is not in the list of processes.
    """
    usage = "--tool-header: write NAME=@FILE; the value does not belong on the command line"
    name, path = _split(text, "=@", usage)
    value = text_files.decode_text(text_files.read_bytes(path, limit=HEADER_LIMIT), path).removesuffix("\n")
    if not _is_value(value):
        raise InputError(f"{path} does not hold one line of printable ASCII, as a header must be")
    return name, value


def _split(text: str, separator: str, usage: str) -> tuple[str, str]:
    name, _, value = text.partition(separator)
    if not re.fullmatch(_NAME, name) or not value:
        raise UsageError(usage)
    return name, value


def _is_value(text: str) -> bool:
    return bool(text) and text.isprintable() and text.isascii() and text == text.strip()
