"""Where a connection leads: a URL taken apart, and a proxy's."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

SAFE = "%/:?#[]@!$&'()*+,;=~|"  # what stands in a URL as it is
PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Who is at the other end; `host` without the brackets of IPv6."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        return f"{self._bracketed}:{self.port}"

    @property
    def host_field(self) -> str:
        """What the `Host` header says (RFC 9112, 3.2)."""
        return self._bracketed if self.port == PORTS[self.scheme] else self.authority

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


@lru_cache(maxsize=8)
def taken_apart(url: str) -> tuple[Origin, str]:
    """The origin, and what a request names there; done once where many go to one place. ValueError if it is no URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host.isascii():
        host = host.encode("idna").decode()
    if not all(0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise ValueError("it names no host")
    if parts.scheme not in PORTS:
        raise ValueError(f"{parts.scheme}:// is not HTTP")
    target = quote(parts.path or "/", SAFE) + (f"?{quote(parts.query, SAFE)}" if parts.query else "")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return Origin(parts.scheme, host, port), target


class Proxy(NamedTuple):
    """One that makes tunnels when it is asked in clear text; `credentials` as its header has them, or empty."""

    origin: Origin
    credentials: str

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """ValueError for what is none, in words that do not repeat it: there may be a password anywhere in it."""
        if not url.lower().startswith("http://"):
            raise ValueError("it is not asked over http://")
        try:
            parts = urlsplit(url)
            origin, _ = taken_apart(url)
            user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
        except ValueError:
            raise ValueError("it is no URL") from None
        return cls(origin, f"Basic {base64.b64encode(user).decode()}" if user != b":" else "")
