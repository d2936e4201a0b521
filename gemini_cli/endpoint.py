"""Where requests go, and whether a key may go there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from gemini_cli import __version__
from gemini_cli.errors import Rejected, UsageError
from gemini_cli.settings import Settings

REVISION = "2026-05-20"  # pins the steps schema; optional since it became the default (api/README.md 1.6)
REVISION_VARIABLE = "GEMINI_API_REVISION"  # empty: no pin


USER_AGENT = f"gemini-cli-unix/{__version__}"


class Endpoint(NamedTuple):
    """A checked base URL (no trailing slash) with what belongs to it."""

    base: str
    version: str
    revision: str
    host: str
    loopback: bool
    secure: bool

    def url(self, path: str) -> str:
        """`path` as the API's pages write it, without the version: `interactions`, `files/abc`."""
        return f"{self.base}/{self.version}/{path}"

    def upload_url(self, path: str) -> str:
        """The URL of an upload's first request: `/upload` stands in front of the version (api/README.md 1.1)."""
        return f"{self.base}/upload/{self.version}/{path}"

    def may_upload_to(self, url: str) -> bool:
        """Whether an upload URL is one to send to: of this origin, or Google's own if this is Google's."""
        try:
            parts, ours = urlsplit(url), urlsplit(self.base)
        except ValueError:
            return False
        same = (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
        return same or (_is_googles(parts) and _is_googles(ours))

    def may_move_to(self, here: str, location: str) -> str | None:
        """Where a download at `here` is redirected to, if the key may go there: to this origin, or Google's own."""
        try:
            url = urljoin(here, location)
            parts, ours = urlsplit(url), urlsplit(self.base)
        except ValueError:
            return None
        return url if _is_googles(parts) or (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc) else None

    def file(self, uri: str) -> str | None:
        """`files/ID` if `uri` is the address of an uploaded file, at this base URL or at the API's own host.

        The id is taken exactly as it stands there: it may hold dashes (api/README.md 10.13).
        """
        for base in (self.base, Settings.base_url):
            if uri.startswith(f"{base}/") and (match := re.fullmatch(_FILE, uri[len(base) :])):
                return match[1]
        return None

    def headers(self, path: str, accept: str) -> dict[str, str]:
        """The headers of a request to `path`, without the key. Only Interactions has revisions (api/README.md 1.6)."""
        pinned = {"Api-Revision": self.revision} if self.revision and path.startswith("interactions") else {}
        return {
            "Content-Type": "application/json",
            "Accept": accept,
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            **pinned,
        }


def endpoint(settings: Settings, environ: Mapping[str, str]) -> Endpoint:
    """UsageError for a URL that is none, Rejected for one that would carry the key in clear text over a network."""
    base = (Settings.base_url if settings.offline else settings.base_url).rstrip("/")
    try:
        parts = urlsplit(base)
        if parts.username is not None or parts.query or parts.fragment:  # not repeated: they are where secrets stand
            raise UsageError("the base URL must not contain a user name, a password, a query or a fragment")
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"base URL {base!r}: {error}") from None
    if parts.scheme not in ("http", "https") or not host or _untidy(base):
        raise UsageError(f"base URL {base!r}: must be http://HOST or https://HOST, with an optional path")
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise Rejected(f"http://{host} would carry the key in cleartext; use https (http is for loopback only)")
    revision = environ.get(REVISION_VARIABLE, REVISION)
    if revision and not re.fullmatch(_TOKEN, revision):
        raise UsageError(f"{REVISION_VARIABLE}={revision!r}: not a revision")
    version = "v1beta" if settings.api_version == "beta" else settings.api_version  # as the SDK reads it
    if not re.fullmatch(_TOKEN, version):
        raise UsageError(f"--api-version {version!r}: not a version")
    return Endpoint(base, version, revision, host, loopback, parts.scheme == "https")


_FILE = r"(?:/download)?/v[0-9a-z]+/(files/[a-z0-9-]{1,40})(?::download)?(?:\?alt=media)?"
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def _is_googles(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "googleapis.com" or host.endswith(".googleapis.com"))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _untidy(url: str) -> bool:
    return any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url)
