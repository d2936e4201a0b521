"""The address of the API, and the hosts that may receive the key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from gemini_cli import __version__
from gemini_cli.config.connection_options import DEFAULT_BASE_URL, ConnectionOptions
from gemini_cli.errors import RejectedError, UsageError

REVISION = "2026-05-20"  # pins the steps schema; optional since it became the default (api/README.md 1.6)
REVISION_VARIABLE = "GEMINI_API_REVISION"  # empty: no pin

USER_AGENT = f"gemini-cli-unix/{__version__}"

_FILE = r"(?:/download)?/v[0-9a-z]+/(files/[a-z0-9-]{1,40})(?::download)?(?:\?alt=media)?"  # behind the base URL
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9._-]*"  # a version or a revision


class Endpoint(NamedTuple):
    """A checked base URL, without a trailing slash, and its parts."""

    base: str
    version: str
    revision: str
    host: str
    loopback: bool
    secure: bool

    def url(self, path: str) -> str:
        """The URL for a path without the version: `interactions`, `files/abc`."""
        return f"{self.base}/{self.version}/{path}"

    def upload_url(self, path: str) -> str:
        """The URL for the first request of an upload (api/README.md 1.1)."""
        return f"{self.base}/upload/{self.version}/{path}"

    def may_have_key(self, url: str) -> bool:
        """True if the key, or an upload, may be sent to this URL.

        It must have the origin of the endpoint, or both must be hosts of Google.
        """
        if self.is_origin_of(url):
            return True
        try:
            return _is_googles(urlsplit(url)) and _is_googles(urlsplit(self.base))
        except ValueError:
            return False

    def is_origin_of(self, url: str) -> bool:
        """True if the URL has the scheme, host and port of the base URL."""
        try:
            return "@" not in urlsplit(url).netloc and _origin(url) == _origin(self.base)
        except ValueError:
            return False

    def may_move_to(self, here: str, location: str) -> str | None:
        """The URL of a redirected download from `here`; None if it may not get the key."""
        try:
            url = urljoin(here, location)
        except ValueError:
            return None
        return url if self.may_have_key(url) else None

    def file_name_in(self, uri: str) -> str | None:
        """`files/ID` if `uri` is the address of a file at this endpoint or at the API.

        The id may contain dashes (api/README.md 10.13).
        """
        for base in (self.base, DEFAULT_BASE_URL):
            if uri.startswith(f"{base}/") and (match := re.fullmatch(_FILE, uri[len(base) :])):
                return match[1]
        return None

    def headers(self, path: str, accept: str) -> dict[str, str]:
        """The headers of a request, without the key.

        Only Interactions has revisions (api/README.md 1.6).
        """
        pinned = {"Api-Revision": self.revision} if self.revision and path.startswith("interactions") else {}
        return {
            "Content-Type": "application/json",
            "Accept": accept,
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            **pinned,
        }


def resolve_endpoint(
    options: ConnectionOptions, environ: Mapping[str, str], *, version_given: bool = False
) -> Endpoint:
    """Check the base URL and the versions.

    UsageError if they are malformed, RejectedError if the key would be sent over a network without TLS. A last segment
    such as `v1beta` is the version; `version_given` says that the options have one, which then must be the same.
    """
    base = (DEFAULT_BASE_URL if options.offline else options.base_url).rstrip("/")
    version = "v1beta" if options.api_version == "beta" else options.api_version  # as the SDK reads it
    if not re.fullmatch(_TOKEN, version):
        raise UsageError(f"--api-version {version!r}: not a version")
    if match := re.fullmatch(r"(https?://[^/]+(?:/.*)?)/(v1(?:alpha|beta)?)", base):
        base, in_url = match.groups()
        if version_given and in_url != version:
            raise UsageError(f"the base URL ends in {in_url}, and --api-version is {version}")
        version = in_url
    shown = base.rpartition("@")[2]  # without a password
    try:
        parts = urlsplit(base)
        if parts.username is not None or parts.query or parts.fragment:  # not repeated: they may hold secrets
            raise UsageError("the base URL must not contain a user name, a password, a query or a fragment")
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"base URL {shown!r}: {error}") from None
    if parts.scheme not in ("http", "https") or not host or "\\" in base or _untidy(base):
        raise UsageError(f"base URL {shown!r}: must be http://HOST or https://HOST, with an optional path")
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise RejectedError(
            f"http://{host} would send the key in cleartext; use https:// (http:// is allowed for loopback only)"
        )
    revision = environ.get(REVISION_VARIABLE, REVISION)
    if revision and not re.fullmatch(_TOKEN, revision):
        raise UsageError(f"{REVISION_VARIABLE}={revision!r}: not a revision")
    return Endpoint(base, version, revision, host, loopback, parts.scheme == "https")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port (RFC 6454, 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


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
